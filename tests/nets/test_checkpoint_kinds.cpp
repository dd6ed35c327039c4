// Checkpoints as people have them: what stands around the weights, which of several are taken, what is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <tuple>

#include "nets/convert/convert.h"
#include "nets/convert/keys.h"
#include "nets/model.h"
#include "tests/engine/error_text.h"
#include "tests/nets/logits.h"
#include "tests/temporary_folder.h"
#include "weights/convert/checkpoint.h"
#include "weights/safetensors.h"

namespace giemsa {

using test::contains;
using test::error_of;
using test::logits;
using test::TemporaryFolder;
using Names = std::vector<std::string>;
using Texts = std::map<std::string, std::string>;

namespace {

TensorMap golden_tensors(const std::string& name) {
  const std::filesystem::path folder = GIEMSA_SOURCE_DIR "/tests/golden";
  return read_checkpoint(folder / name / "checkpoint.pt").tensors;
}

/// A checkpoint, in a folder of its own, and what it is converted as.
struct Trial {
  explicit Trial(TensorMap content, std::string arch_name = "deeplabv3plus", std::string preset_name = "smp")
      : tensors(std::move(content)), arch(std::move(arch_name)), preset(std::move(preset_name)) {}

  ConvertReport convert() {
    write_safetensors(folder / "model.safetensors", tensors, {});
    return giemsa::convert({.source = folder / "model.safetensors",
                            .target = target(),
                            .arch = arch,
                            .preset = preset,
                            .overrides = overrides,
                            .strip = strip});
  }
  std::string refusal(ErrorKind kind) {
    return error_of(kind, [&] { convert(); });
  }
  std::filesystem::path target() const { return folder / "out.safetensors"; }
  Model model() {
    convert();
    return load_model(target());
  }

  TemporaryFolder folder;
  TensorMap tensors;
  std::string arch, preset, strip;
  Texts overrides;
};

Tensor some_tensor() {
  return Tensor::from(Shape{2}, {1, 2});
}

Tensor gradient(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.volume()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 97) / 48 - 1;
  return Tensor::from(shape, std::move(values));
}

/// Puts the ASPP on fewer channels: its convolutions lose those that the weight `last` gives more than `kept`.
void cut_features(TensorMap& tensors, const std::string& last, const std::string& kept) {
  const std::int64_t features = tensors[last].shape()[0], channels = tensors[kept].shape()[0];
  for (auto& [key, tensor] : tensors) {
    const Shape shape = tensor.shape();
    if (!key.starts_with("decoder.aspp.0.convs.") || shape.rank() != 4) continue;
    if (shape[0] != features && shape[1] != features) continue;
    const Shape cut = shape[1] == features ? Shape{shape[0], channels, shape[2], shape[3]}
                                           : Shape{channels, shape[1], shape[2], shape[3]};
    tensor = Tensor::from(cut, std::vector<float>(static_cast<std::size_t>(cut.volume()), 0.01f));
  }
}

TensorMap prefixed(const TensorMap& tensors, const std::string& prefix) {
  TensorMap result;
  for (const auto& [key, tensor] : tensors) result.emplace(prefix + key, tensor);
  return result;
}

}  // namespace

TEST_CASE("what most keys share is taken off, and what lacks it is left out and named") {
  Trial trial(prefixed(golden_tensors("smp"), "net.seg_model."));
  trial.tensors["net.std"] = trial.tensors["mean"] = some_tensor();
  const ConvertReport report = trial.convert();
  CHECK(report.stripped == "net.seg_model.");
  CHECK(std::ranges::count(report.skipped, "mean") == 1);
  CHECK(std::ranges::count(report.skipped, "net.std") == 1);
  CHECK(contains(to_text(report), "'net.seg_model.'"));
}

TEST_CASE("a given prefix is taken off, or refused where no key has it") {
  Trial trial(prefixed(golden_tensors("smp"), "teacher."));
  for (const auto& [key, tensor] : golden_tensors("smp")) trial.tensors["student." + key] = tensor;
  trial.strip = "student.";
  CHECK(trial.convert().stripped == "student.");
  trial.strip = "pupil.";
  CHECK(contains(trial.refusal(ErrorKind::usage), "no key starts with 'pupil.'"));
}

TEST_CASE("counters, losses, metrics and auxiliary heads are left out") {
  Trial trial(golden_tensors("smp"));
  for (const char* key : {"encoder.conv1.total_ops", "total_params", "n_averaged", "criterion.weight",
                          "classification_head.3.weight", "encoder.fc.weight"})
    trial.tensors[key] = some_tensor();
  const ConvertReport report = trial.convert();
  CHECK(std::ranges::count(report.skipped, "n_averaged") == 1);
  CHECK(std::ranges::count(report.skipped, "classification_head.3.weight") == 1);
}

TEST_CASE("variances that cannot be are refused by name") {
  Trial trial(golden_tensors("smp"));
  const std::string key = "decoder.block1.1.running_var";
  std::vector<float> values(static_cast<std::size_t>(trial.tensors[key].size()), 1.f);
  values[1] = -1;
  trial.tensors[key] = Tensor::from(trial.tensors[key].shape(), values);
  CHECK(contains(trial.refusal(ErrorKind::model), key, "-1", "NaN"));
}

TEST_CASE("cells are the classes named, or all but the background, and the report says so") {
  Trial trial(golden_tensors("smp"));
  trial.overrides = {{"classes", "cell,background"}};
  CHECK(cells_of(trial.model().info) == Names{"cell"});
  CHECK(contains(to_text(trial.convert()), "pixels of cell count as cells, those of background do not"));
  trial.overrides = {{"classes", "rest,thing"}, {"background", "thing"}};
  CHECK(cells_of(trial.model().info) == Names{"rest"});
  trial.overrides["background"] = "things";
  CHECK(contains(trial.refusal(ErrorKind::usage), "background", "'things'", "rest, thing"));

  Trial three(golden_tensors("smp_v3_resnet18"), "deeplabv3");
  three.overrides = {{"classes", "a,b,c"}, {"cells", "b"}};
  CHECK(cells_of(three.model().info) == Names{"b"});
  three.overrides["background"] = "b";
  CHECK(contains(three.refusal(ErrorKind::usage), "'b'", "among the cells"));
  Trial classifier(golden_tensors("resnet18"), "resnet", "torchvision");
  classifier.overrides = {{"cells", "class_1"}};
  CHECK(contains(classifier.refusal(ErrorKind::usage), "cells", "classifier"));
}

TEST_CASE("one logit is that of the cell, whose name alone will do") {
  Trial trial(golden_tensors("smp"));
  Tensor& weight = trial.tensors["segmentation_head.0.weight"];
  const Tensor wide = to_f32(weight);
  const auto one = static_cast<std::ptrdiff_t>(wide.size() / 2);
  weight = Tensor::from(Shape{1, wide.shape()[1], 1, 1},
                        std::vector<float>(wide.as<float>().begin(), wide.as<float>().begin() + one));
  trial.tensors["segmentation_head.0.bias"] = Tensor::from(Shape{1}, {0.5f});
  trial.overrides = {{"classes", "nucleus"}};
  CHECK(trial.convert().info.classes == Names{"background", "nucleus"});
  trial.overrides = {{"classes", "nucleus,background"}};
  CHECK(contains(trial.refusal(ErrorKind::model), "one logit", "name the background first"));
}

TEST_CASE("a classifier of one output has two classes, by its sigmoid") {
  TensorMap tensors = golden_tensors("resnet18");
  const Tensor image = gradient({1, 3, 64, 80});
  Trial five(tensors, "resnet", "torchvision");
  five.overrides = {{"input_size", "80x64"}};
  const std::vector<float> all = logits(five.model(), image);

  const Tensor weight = to_f32(tensors["fc.weight"]);
  const auto columns = static_cast<std::ptrdiff_t>(weight.shape()[1]);
  tensors["fc.weight"] =
      Tensor::from(Shape{1, weight.shape()[1]},
                   std::vector<float>(weight.as<float>().begin(), weight.as<float>().begin() + columns));
  tensors["fc.bias"] = Tensor::from(Shape{1}, {to_f32(tensors["fc.bias"]).as<float>()[0]});
  Trial one(tensors, "resnet", "torchvision");
  one.overrides = {{"input_size", "80x64"}, {"classes", "other,blast"}};
  CHECK(logits(one.model(), image) == std::vector<float>{0, all[0]});
  CHECK(contains(to_text(one.convert()), "one output"));
}

TEST_CASE("a network of grey images sees the grey of colours") {
  TensorMap tensors = golden_tensors("resnet18");
  const Tensor weight = to_f32(tensors["conv1.weight"]);
  const Shape shape = weight.shape();
  const auto plane = static_cast<std::size_t>(shape[2] * shape[3]);
  std::vector<float> grey;  // of the first channel alone
  for (std::size_t k = 0; k < static_cast<std::size_t>(shape[0]); ++k)
    for (std::size_t i = 0; i < plane; ++i) grey.push_back(weight.as<float>()[3 * k * plane + i]);
  std::vector<float> only_green(3 * grey.size(), 0.f);
  for (std::size_t k = 0; k < static_cast<std::size_t>(shape[0]); ++k)
    std::copy_n(grey.begin() + static_cast<std::ptrdiff_t>(k * plane), plane,
                only_green.begin() + static_cast<std::ptrdiff_t>((3 * k + 1) * plane));

  tensors["conv1.weight"] = Tensor::from(Shape{shape[0], 1, shape[2], shape[3]}, grey);
  Trial grey_trial(tensors, "resnet", "torchvision");
  grey_trial.overrides = {{"input_size", "80x64"}};
  const Model model = grey_trial.model();
  CHECK(model.info.mean[0] == model.info.mean[2]);
  CHECK(contains(to_text(grey_trial.convert()), "grey"));
  tensors["conv1.weight"] = Tensor::from(shape, only_green);
  Trial green_trial(tensors, "resnet", "torchvision");
  green_trial.overrides = {{"input_size", "80x64"}};

  const Tensor image = gradient({1, 3, 64, 80});
  const auto colours = image.as<float>();
  const std::size_t pixels = colours.size() / 3;
  std::vector<float> in_green(colours.size(), 0.f);
  for (std::size_t i = 0; i < pixels; ++i)
    in_green[pixels + i] = 0.299f * colours[i] + 0.587f * colours[pixels + i] + 0.114f * colours[2 * pixels + i];
  const std::vector<float> actual = logits(model, image),
                           expected = logits(green_trial.model(), Tensor::from(image.shape(), in_green));
  const float largest = std::abs(*std::ranges::max_element(expected, {}, [](float x) { return std::abs(x); }));
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK_UNARY(std::abs(actual[i] - expected[i]) <= 1e-5f * largest);

  grey_trial.overrides["mean"] = "0.1,0.2,0.3";
  CHECK(contains(grey_trial.refusal(ErrorKind::usage), "mean", "one for all channels"));
}

TEST_CASE("a config.json beside model.safetensors supplies what keys do not show") {
  Trial trial(golden_tensors("smp"));
  const auto configure = [&](const std::string& text) { std::ofstream(trial.folder / "config.json") << text; };
  configure(R"({"_model_class": "DeepLabV3Plus", "encoder_output_stride": 8, "decoder_atrous_rates": [6, 12, 18],
                "encoder_depth": 5, "in_channels": 3})");
  const ConvertReport report = trial.convert();
  for (const auto& [name, value] : Texts{{"output_stride", "8"}, {"aspp_rates", "6,12,18"}}) {
    const auto found = std::ranges::find(report.assumptions, name, &Assumption::name);
    REQUIRE(found != report.assumptions.end());
    CHECK(found->value == value);
    CHECK(found->origin == "config.json");
  }
  trial.overrides = {{"output_stride", "16"}};
  CHECK(to_text(trial.convert().info.options).at("output_stride") == "16");
  configure(R"({"_model_class": "DeepLabV3Plus", "upsampling": 8})");
  CHECK(contains(trial.refusal(ErrorKind::model), "config.json", "upsampling", "8"));
  configure("{");
  CHECK(contains(trial.refusal(ErrorKind::model), "config.json", "JSON"));
}

TEST_CASE("a checkpoint of no family is described by its keys") {
  Trial unknown({{"features.0.0.weight", some_tensor()}, {"features.1.conv.0.0.weight", some_tensor()}});
  CHECK(contains(unknown.refusal(ErrorKind::model), "is not deeplabv3plus of preset smp", "'features.0.0.weight'",
                 "MobileNetV2"));
  Trial classifier(golden_tensors("resnet18"), "alexnet", "torchvision");
  CHECK(contains(classifier.refusal(ErrorKind::model), "resnet of preset torchvision"));
}

TEST_CASE("the body is read off the keys, at every depth") {
  const Texts bodies{{"resnet18", "resnet18"},
                     {"resnet50_two_layers", "resnet50"},
                     {"resnet152", "resnet152"},
                     {"resnext50", "resnext50_32x4d"},
                     {"wide_resnet50", "wide_resnet50_2"}};
  for (const auto& [golden, body] : bodies) {
    Trial trial(golden_tensors(golden), "resnet", "torchvision");
    CHECK(to_text(trial.convert().info.options).at("body") == body);
  }
  CHECK(to_text(Trial(golden_tensors("jfzhang95_resnet101"), "deeplabv3plus", "jfzhang95").convert().info.options)
            .at("backbone") == "resnet101");
}

TEST_CASE("MobileNetV2 is read off the keys, and what is there twice is left out once") {
  for (const auto& [golden, arch, preset] : {std::tuple{"smp_mobilenet_v2", "deeplabv3plus", "smp"},
                                             {"vainf_mobilenet", "deeplabv3plus", "vainf"},
                                             {"jfzhang95_mobilenet", "deeplabv3plus", "jfzhang95"},
                                             {"smp_v3_mobilenet_v2", "deeplabv3", "smp"}}) {
    CAPTURE(golden);
    CHECK(to_text(Trial(golden_tensors(golden), arch, preset).convert().info.options).at("backbone") == "mobilenet_v2");
  }
  const std::string twice = "backbone.features.9.conv.3.weight", once = "backbone.high_level_features.9.conv.3.weight";
  Trial trial(golden_tensors("jfzhang95_mobilenet"), "deeplabv3plus", "jfzhang95");
  REQUIRE(trial.tensors.contains(twice));
  const ConvertReport report = trial.convert();
  CHECK(std::ranges::count(report.skipped, twice) == 1);
  CHECK(std::ranges::count(report.skipped, once) == 0);
  // A feature that is there once is not skipped in silence.
  trial.tensors.erase(once);
  CHECK(contains(trial.refusal(ErrorKind::model), once));
  Trial resnet(golden_tensors("mobilenet_v2"), "resnet", "torchvision");
  CHECK(contains(resnet.refusal(ErrorKind::model), "mobilenet_v2 of preset torchvision"));
}

TEST_CASE("an encoder that ends early is used as far as it goes") {
  TensorMap tensors = golden_tensors("smp_resnet34");
  cut_features(tensors, "encoder.layer4.0.conv1.weight", "encoder.layer3.0.conv1.weight");
  Trial trial(tensors);
  const ConvertReport report = trial.convert();
  CHECK(to_text(report.info.options).at("stages") == "3");
  CHECK(std::ranges::count(report.skipped, "encoder.layer4.0.conv1.weight") == 1);
  CHECK(logits(load_model(trial.target()), gradient({1, 3, 32, 48})).size() == 2 * 32 * 48);
}

TEST_CASE("a MobileNetV2 encoder that ends at its 96 channels does without the rest") {
  TensorMap tensors = golden_tensors("smp_mobilenet_v2");
  cut_features(tensors, "encoder.features.18.0.weight", "encoder.features.13.conv.2.weight");
  Trial trial(tensors);
  const ConvertReport report = trial.convert();
  CHECK(to_text(report.info.options).at("stages") == "3");
  for (const char* key : {"encoder.features.14.conv.0.0.weight", "encoder.features.17.conv.3.running_mean",
                          "encoder.features.18.0.weight", "encoder.features.18.1.bias"})
    CHECK(std::ranges::count(report.skipped, key) == 1);
  CHECK(std::ranges::count(report.skipped, "encoder.features.13.conv.2.weight") == 0);
  CHECK(logits(load_model(trial.target()), gradient({1, 3, 32, 48})).size() == 2 * 32 * 48);
}

}  // namespace giemsa
