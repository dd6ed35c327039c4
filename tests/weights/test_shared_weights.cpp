// The two large checkpoints that this project starts from, where they are at hand.
#include <cstdlib>

#include "tests/weights/bytes.h"
#include "weights/convert/checkpoint.h"

namespace giemsa {
namespace {

using namespace testing;

void check_checkpoint(const char* name, std::size_t tensor_count, const std::string& key, const Shape& shape) {
  const char* folder = std::getenv("GIEMSA_WEIGHTS");
  const std::filesystem::path path =
      std::filesystem::path(folder ? folder : GIEMSA_SOURCE_DIR "/../shared/weights") / name;
  if (!std::filesystem::exists(path)) {
    MESSAGE("SKIPPED: no " << path << "; set GIEMSA_WEIGHTS to the folder that has it");
    return;
  }
  const Checkpoint checkpoint = read_checkpoint(path);
  CHECK(checkpoint.format == "torch zip");
  CHECK(checkpoint.tensors.size() == tensor_count);
  REQUIRE(checkpoint.tensors.contains(key));
  CHECK(checkpoint.tensors.at(key).shape() == shape);
  CHECK(checkpoint.tensors.at(key).dtype() == DType::f16);
}

TEST_CASE("the trained AlexNet is read") {
  check_checkpoint("wbc_alexnet_torchvision.pt", 16, "classifier.1.weight", {4096, 9216});
}

TEST_CASE("the trained DeepLabv3+ is read") {
  check_checkpoint("wbc_deeplabv3plus_resnet50_smp.pt", 379, "encoder.layer1.0.conv1.weight", {64, 64, 1, 1});
}

}  // namespace
}  // namespace giemsa
