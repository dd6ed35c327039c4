// libFuzzer over every model parser. It needs Clang, so no CMake target builds it:
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_checkpoint.cpp
//     engine/base/{atomic_file,tensor}.cpp weights/{crc32,mapped_file,safetensors}.cpp weights/convert/*.cpp -lz
//     -o fuzz_checkpoint
//   ./fuzz_checkpoint -max_len=16384 corpus tests/weights/fixtures
#include <cstdlib>

#include "weights/convert/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto checkpoint = giemsa::read_checkpoint({"fuzz", std::as_bytes(std::span(data, size)), nullptr});
    for (const auto& [key, tensor] : checkpoint.tensors) giemsa::to_f32(tensor);
  } catch (const giemsa::Error& error) {
    if (error.kind() != giemsa::ErrorKind::model) std::abort();
  }
  return 0;
}
