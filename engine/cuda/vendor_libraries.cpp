// Which library serves a provider.
#include "engine/base/check.h"
#include "engine/cuda/cublas.h"
#include "engine/cuda/cudnn.h"

namespace giemsa::cuda {

std::shared_ptr<Vendor> open_vendor(Provider provider) {
  if (provider == Provider::own) return nullptr;
  const std::string file = provider == Provider::cudnn ? cudnn_file() : cublas_file();
  check(!file.empty(), ErrorKind::device, "provider ", name_of(provider),
        ": this build of giemsa cannot use it, for lack of its headers");
  return provider == Provider::cudnn ? open_cudnn(file) : open_cublas(file);
}

}  // namespace giemsa::cuda
