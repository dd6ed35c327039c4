#include "engine/cuda/vendor.h"

#include <algorithm>

#include "engine/base/check.h"

namespace giemsa::cuda {

namespace {

struct ProviderName {
  Provider provider;
  std::string_view name;
};
constexpr std::array<ProviderName, 3> names{
    {{Provider::own, "own"}, {Provider::cudnn, "cudnn"}, {Provider::cublas, "cublas"}}};

}  // namespace

std::string_view name_of(Provider provider) {
  return std::ranges::find(names, provider, &ProviderName::provider)->name;
}

Provider provider_named(std::string_view name) {
  const auto* named = std::ranges::find(names, name, &ProviderName::name);
  check(named != names.end(), ErrorKind::usage, "provider must be own, cudnn or cublas, is '", name, "'");
  return named->provider;
}

}  // namespace giemsa::cuda
