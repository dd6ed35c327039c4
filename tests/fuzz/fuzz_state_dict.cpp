// libFuzzer over what lies in a pickle: state_dicts and whole modules, without the archive around them, whose checksums
// would keep nearly every changed pickle from being read at all.
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_state_dict.cpp
//     engine/base/{atomic_file,tensor}.cpp weights/{crc32,mapped_file,safetensors}.cpp weights/convert/*.cpp -lz
//     -o fuzz_state_dict
//   mkdir pickles; for f in tests/weights/fixtures/*zip*.pt tests/weights/fixtures/*whole*.pt; do
//     unzip -p $f '*/data.pkl' > pickles/$(basename $f); done
//   ./fuzz_state_dict -max_len=8192 corpus pickles
#include <array>
#include <cstdlib>

#include "weights/convert/torch_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace giemsa;
  static const std::array<std::byte, 4096> storage{};
  const FileBytes file{"fuzz", std::as_bytes(std::span(data, size)), nullptr};
  const auto bytes_of = [&](const TorchStorage& wanted) -> ByteView {
    const auto bytes = static_cast<std::uint64_t>(wanted.size) * size_of(wanted.dtype);
    check(bytes <= storage.size(), ErrorKind::model, "storage ", wanted.key, " is not there");
    return ByteView(storage).first(bytes);
  };
  try {
    const Pickle pickle(file.bytes);
    const TorchState state = torch_state_dict(pickle, file, bytes_of, {});
    for (const auto& [key, tensor] : state.tensors) to_f32(tensor);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::model) std::abort();
  }
  return 0;
}
