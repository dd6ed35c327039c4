#include "engine/device.h"

#include "engine/cpu/backend.h"

namespace giemsa {

std::shared_ptr<Backend> open_device(const DeviceOptions& options) {
  const std::string& device = options.device;
  check(device != "cuda" && !device.starts_with("cuda:"), ErrorKind::device, "--device ", device,
        ": this build of giemsa has no CUDA support");
  check(device == "auto" || device == "cpu", ErrorKind::usage, "device must be auto, cpu or cuda[:N], is '", device,
        "'");
  const bool bf16 = options.precision == "bf16";
  check(bf16 || options.precision == "fp32" || options.precision == "auto", ErrorKind::usage,
        "the CPU computes in fp32 or bf16, not in '", options.precision, "'");
  return make_cpu_backend({options.threads, bf16 ? DType::bf16 : DType::f32});
}

}  // namespace giemsa
