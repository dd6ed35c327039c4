#include "weights/convert/checkpoint.h"

#include "tests/weights/bytes.h"
#include "weights/safetensors.h"

namespace giemsa {
namespace {

using namespace testing;

std::vector<std::string> keys_after_reading(const std::vector<std::string>& keys) {
  const TemporaryFolder folder;
  std::map<std::string, Tensor> tensors;
  for (const std::string& key : keys) tensors.emplace(key, Tensor::from({1}, {1}));
  write_safetensors(folder.path() / "t", tensors, {});
  std::vector<std::string> result;
  for (const auto& [key, tensor] : read_checkpoint(folder.path() / "t").tensors) result.push_back(key);
  return result;
}

TEST_CASE("prefixes come off if every key has them, however they nest") {
  using Keys = std::vector<std::string>;
  CHECK(keys_after_reading({"module.a", "module.b.c"}) == Keys{"a", "b.c"});
  CHECK(keys_after_reading({"model.module.a", "model.module.b"}) == Keys{"a", "b"});
  CHECK(keys_after_reading({"module._orig_mod.net.a"}) == Keys{"a"});
  CHECK(keys_after_reading({"net.net.net.net.net.a"}) == Keys{"net.a"});  // four are enough for any training script
  CHECK(keys_after_reading({"model.a", "loss.weight"}) == Keys{"loss.weight", "model.a"});
  CHECK(keys_after_reading({"models.a"}) == Keys{"models.a"});
  CHECK(keys_after_reading({"model.", "model.a"}) == Keys{"model.", "model.a"});
}

TEST_CASE("a folder stands for the model.safetensors in it, and metadata come along") {
  const TemporaryFolder folder;
  CHECK(contains(error_of([&] { read_checkpoint(folder.path()); }), "model.safetensors: cannot be opened"));
  write_safetensors(folder.path() / "model.safetensors", {{"a", Tensor::from({1}, {1})}}, {{"arch", "alexnet"}});
  const Checkpoint checkpoint = read_checkpoint(folder.path());
  CHECK(checkpoint.format == "safetensors");
  CHECK(checkpoint.metadata.at("arch") == "alexnet");
}

TEST_CASE("other files are refused by what they are") {
  const auto refusal = [](std::string_view content) {
    return error_of([&] { read_checkpoint(in_memory(content, "weights.pth")); });
  };
  CHECK(contains(refusal(std::string(257, 'x') + "ustar  " + std::string(300, '\0')), "weights.pth: is a tar archive"));
  CHECK(contains(refusal("version https://git-lfs.github.com/spec/v1\n"), "weights.pth: is a Git LFS pointer"));
  CHECK(contains(refusal("<!DOCTYPE html>"), "an HTML or XML page"));
  CHECK(contains(refusal("\x1f\x8b\x08 rest"), "compressed with gzip"));
  CHECK(contains(refusal("\x89HDF\r\n\x1a\n"), "an HDF5 file"));
  CHECK(contains(refusal("MATLAB 5.0 MAT-file"), "a MATLAB file"));
  CHECK(contains(refusal("anything\nelse"), "starts with 'anything', expected a PyTorch checkpoint"));
  CHECK(contains(refusal("\n"), "starts with '\\x0a', expected"));
  CHECK(contains(refusal(""), "starts with ''"));
  CHECK(contains(refusal(le<std::uint64_t>(2) + "{}"), "weights.pth: holds no tensors"));
}

}  // namespace
}  // namespace giemsa
