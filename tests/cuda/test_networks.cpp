// Whole networks on the CUDA backend, from checkpoint to logits, against PyTorch's activations.
#include <doctest/doctest.h>

#include "engine/cuda/backend.h"
#include "tests/nets/golden.h"

namespace giemsa {

namespace {

void compare_all(DType precision) {
  const auto backend = make_cuda_backend({.precision = precision});
  const auto folders = test::golden_folders();
#ifdef GIEMSA_SIMT
  REQUIRE(folders.size() == 29);
#else
  REQUIRE(folders.size() >= 13);  // tools/gpu_check pack leaves those behind whose kinds of layers others have
#endif
  for (const auto& folder : folders) {
    CAPTURE(folder.filename().string());
    const test::Golden golden = test::read_golden(folder);
    const Model model = test::golden_model(golden, folder);
    const std::set<std::string> compared = compare_with_golden(golden, model, *backend, true);
    CHECK(compared.contains(golden.metadata.at("logits")));
    CHECK(compared.size() > 3);
  }
}

}  // namespace

TEST_CASE("every golden network in fp32") {
  compare_all(DType::f32);
}

TEST_CASE("every golden network in fp16") {
  compare_all(DType::f16);
}

TEST_CASE("a golden network without fusing passes") {
  const std::filesystem::path folder = GIEMSA_SOURCE_DIR "/tests/golden/smp";
  const test::Golden golden = test::read_golden(folder);
  const auto backend = make_cuda_backend({.precision = DType::f32});
  const std::set<std::string> compared =
      compare_with_golden(golden, test::golden_model(golden, folder), *backend, false);
  CHECK(compared.size() == golden.activations.size());
}

}  // namespace giemsa
