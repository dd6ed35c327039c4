// The weights that ship: whole, of the networks that they claim, and as large as they may be.
#include <doctest/doctest.h>

#include <filesystem>

#include "nets/model.h"

namespace giemsa {

namespace {

const std::filesystem::path pretrained = GIEMSA_SOURCE_DIR "/weights/pretrained";

/// Shape of the logits for one image of `size`.
Shape logits_shape(const Model& model, Size2 size) {
  Graph graph;
  const ValueId input = graph.input("input", {DType::f32, {1, 3, size.h, size.w}});
  return graph[build_network(graph, input, model)].type.shape;
}

}  // namespace

TEST_CASE("the shipped segmenter") {
  const auto file = pretrained / "deeplabv3plus_resnet50_wbc.safetensors";
  const Model model = load_model(file);
  CHECK(model.info.is_segmenter());
  CHECK(model.info.classes == std::vector<std::string>{"background", "white_cell"});
  CHECK(model.info.source_sha256 == "c3c5758e2795cf77f5543c27b991e103126265655764cf6cf0d627fcf5ee575e");
  const Size2 size = model.info.input.resolve({576, 720}, size_multiple(model.info));
  CHECK(size == Size2{256, 320});
  CHECK(logits_shape(model, size) == Shape{1, 2, 256, 320});
  CHECK_NOTHROW(check_scales(model, DType::i8));
  CHECK(std::filesystem::file_size(file) < 60'000'000);
}

TEST_CASE("the shipped classifier") {
  const auto file = pretrained / "alexnet_wbc.safetensors";
  const Model model = load_model(file);
  CHECK(!model.info.is_segmenter());
  CHECK(model.info.classes ==
        std::vector<std::string>{"basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil", "other"});
  CHECK(model.info.source_sha256 == "2717c5e51cb0000cd08cda60cba8a0744a30f7e2e099f7fe46e68141dca3a332");
  CHECK(model.info.input.resolve({50, 60}, size_multiple(model.info)) == Size2{224, 224});
  CHECK(logits_shape(model, {224, 224}) == Shape{1, 6});
  CHECK_NOTHROW(check_scales(model, DType::i8));
  CHECK(model.tensors.at("classifier.1.weight").dtype() == DType::i8);
  CHECK(std::filesystem::file_size(file) < 60'000'000);
}

}  // namespace giemsa
