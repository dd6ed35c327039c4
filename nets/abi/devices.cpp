// What devices this machine has.
#include <algorithm>
#include <string_view>

#include "nets/abi/status.h"

using namespace giemsa;

namespace {

/// Cuts what does not fit, as every `to` is sized for what can be in it.
template <std::size_t size>
void put(char (&to)[size], std::string_view text) {
  to[text.copy(to, size - 1)] = '\0';
}

std::uint32_t bits_of(const std::vector<DType>& precisions) {
  std::uint32_t bits = 0;
  for (const DType precision : precisions) bits |= static_cast<std::uint32_t>(abi::precision_of(precision));
  return bits;
}

}  // namespace

extern "C" {

uint32_t giemsa_device_count(void) {
  std::uint32_t count = 0;
  abi::guarded(false, [&] {
    count = static_cast<std::uint32_t>(describe_devices().size());
    return GIEMSA_OK;
  });
  return count;
}

giemsa_status giemsa_device_describe(uint32_t i, giemsa_device_info* info) {
  return abi::guarded(false, [&] {
    abi::check_fillable(info, "info");
    const std::vector<DeviceDescription> devices = describe_devices();
    check(i < devices.size(), ErrorKind::usage, "there is no device ", i, ", their number is ", devices.size());
    const DeviceDescription& device = devices[i];
    giemsa_device_info known{};
    known.kind = device.kind == DeviceKind::cpu ? GIEMSA_CPU : GIEMSA_CUDA;
    known.precisions = bits_of(device.precisions);
    known.memory_bytes = device.memory_bytes;
    put(known.selector, device.selector);
    put(known.name, device.name);
    put(known.unusable, device.unusable);
    abi::write_struct(info, known);
    return GIEMSA_OK;
  });
}

}  // extern "C"
