// The converter: what it stores, what it reports, what it refuses.
#include "nets/convert/convert.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "nets/model.h"
#include "tests/engine/error_text.h"
#include "tests/nets/logits.h"
#include "tests/temporary_folder.h"
#include "weights/convert/checkpoint.h"
#include "weights/quantize.h"
#include "weights/safetensors.h"
#include "weights/seal.h"
#include "weights/sha256.h"

namespace giemsa {

using test::contains;
using test::error_of;
using test::logits;
using test::TemporaryFolder;
using Texts = std::map<std::string, std::string>;

namespace {

std::filesystem::path golden_checkpoint(const std::string& name) {
  return std::filesystem::path(GIEMSA_SOURCE_DIR "/tests/golden") / name / "checkpoint.pt";
}

ConvertReport convert_golden(const std::string& name, const std::filesystem::path& target, const std::string& arch,
                             const std::string& preset, const Texts& overrides = {}) {
  return convert({golden_checkpoint(name), target, arch, preset, overrides});
}

const Assumption& assumption(const ConvertReport& report, const std::string& name) {
  const auto it = std::ranges::find(report.assumptions, name, &Assumption::name);
  REQUIRE(it != report.assumptions.end());
  return *it;
}

/// The message with which the golden checkpoint `name`, its tensors changed, is refused.
template <class Change>
std::string refusal(ErrorKind kind, const std::string& name, const std::string& arch, const std::string& preset,
                    const Texts& overrides, Change change) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = read_checkpoint(golden_checkpoint(name));
  change(checkpoint.tensors);
  write_safetensors(folder / "changed.safetensors", checkpoint.tensors, {});
  const std::string message = error_of(kind, [&] {
    convert({folder / "changed.safetensors", folder / "out.safetensors", arch, preset, overrides});
  });
  CHECK(!std::filesystem::exists(folder / "out.safetensors"));
  return message;
}

const auto unchanged = [](TensorMap&) {};

}  // namespace

TEST_CASE("a converted file says where it comes from and what was assumed") {
  const TemporaryFolder folder;
  const ConvertReport report = convert_golden("smp", folder / "a.safetensors", "deeplabv3plus", "smp",
                                              {{"classes", "background,white_cell"},
                                               {"input_size", "320"},
                                               {"aspp_rates", "6,12,18"},
                                               {"mean", "0,0,0"},
                                               {"std", "1,1,1"}});
  const Model model = load_model(folder / "a.safetensors");
  CHECK(model.info == report.info);
  CHECK(model.info.arch == "deeplabv3plus");
  CHECK(model.info.preset == "smp");
  CHECK(model.info.classes == std::vector<std::string>{"background", "white_cell"});
  CHECK(model.info.input == InputSize{{}, 320});
  CHECK(model.info.mean == std::array<float, 3>{0, 0, 0});
  CHECK(to_text(model.info.options).at("aspp_rates") == "6,12,18");
  CHECK(to_text(model.info.options).at("align_corners") == "true");
  CHECK(model.info.source == "checkpoint.pt");
  CHECK(model.info.source_sha256 == sha256(map_file(golden_checkpoint("smp")).bytes));
  CHECK(model.info.converter == "giemsa " GIEMSA_VERSION);
  CHECK(report.bytes == std::filesystem::file_size(folder / "a.safetensors"));
  CHECK(report.tensors == model.tensors.size());

  CHECK(assumption(report, "aspp_rates").origin == "given");
  CHECK(assumption(report, "output_stride").origin == "preset");
  CHECK(assumption(report, "separable").origin == "checkpoint");
  CHECK(assumption(report, "separable").value == "plain");
  CHECK(
      std::ranges::all_of(report.skipped, [](const std::string& key) { return key.ends_with("num_batches_tracked"); }));
  CHECK(contains(to_text(report), "align_corners", "6,12,18", "(given)", "torch zip"));
}

TEST_CASE("the same checkpoint and options give the same bytes") {
  const TemporaryFolder folder;
  for (const char* name : {"a.safetensors", "b.safetensors"})
    convert_golden("vainf", folder / name, "deeplabv3plus", "vainf");
  CHECK(sha256(map_file(folder / "a.safetensors").bytes) == sha256(map_file(folder / "b.safetensors").bytes));
}

TEST_CASE("matrices are stored in the wanted precision, vectors in fp32") {
  const TemporaryFolder folder;
  const std::map<std::string, DType> wanted{{"fp32", DType::f32}, {"fp16", DType::f16}, {"bf16", DType::bf16}};
  for (const auto& [dtype, stored] : wanted) {
    CAPTURE(dtype);
    convert_golden("mmseg", folder / "a.safetensors", "deeplabv3plus", "mmseg", {{"dtype", dtype}});
    for (const auto& [key, tensor] : load_model(folder / "a.safetensors").tensors)
      CHECK(tensor.dtype() == (tensor.shape().rank() > 1 ? stored : DType::f32));
  }
}

TEST_CASE("by default weights keep the checkpoint's precision") {
  const TemporaryFolder folder;
  CHECK(convert_golden("smp", folder / "a.safetensors", "deeplabv3plus", "smp").info.dtype == "fp16");
  CHECK(convert_golden("vainf", folder / "a.safetensors", "deeplabv3plus", "vainf").info.dtype == "fp32");
}

TEST_CASE("default classes follow the number of logits") {
  const TemporaryFolder folder;
  CHECK(convert_golden("smp", folder / "a.safetensors", "deeplabv3plus", "smp").info.classes ==
        std::vector<std::string>{"background", "foreground"});
  CHECK(convert_golden("alexnet", folder / "a.safetensors", "alexnet", "torchvision").info.classes ==
        std::vector<std::string>{"class_0", "class_1", "class_2", "class_3", "class_4"});
}

TEST_CASE("int8 linear layers compute as their dequantized weights would") {
  const TemporaryFolder folder;
  convert_golden("alexnet", folder / "a.safetensors", "alexnet", "torchvision",
                 {{"dtype", "int8"}, {"input_size", "97x127"}});
  const Model model = load_model(folder / "a.safetensors");
  CHECK(model.tensors.at("features.0.weight").dtype() == DType::f16);
  CHECK(model.tensors.at("classifier.1.weight").dtype() == DType::i8);
  CHECK(model.tensors.at("classifier.1.weight_scale").dtype() == DType::f32);

  Model dequantized = model;
  for (const std::string layer : {"classifier.1", "classifier.4", "classifier.6"}) {
    const Tensor weight = model.tensors.at(layer + ".weight"), scale = model.tensors.at(layer + ".weight_scale");
    std::vector<float> values;
    for (std::int64_t i = 0; i < weight.size(); ++i)
      values.push_back(weight.as<std::int8_t>()[i] * scale.as<float>()[i / weight.shape()[1]]);
    dequantized.tensors[layer + ".weight"] = Tensor::from(weight.shape(), values);
    dequantized.tensors.erase(layer + ".weight_scale");
  }
  std::vector<float> pixels(3 * 127 * 97);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(static_cast<float>(i));
  const Tensor image = Tensor::from(Shape{1, 3, 127, 97}, pixels);
  const std::vector<float> actual = logits(model, image), expected = logits(dequantized, image);
  // Linear layers of 180, 12 and 11 inputs, each product and sum rounded, on either side.
  const float largest = std::abs(*std::ranges::max_element(expected, {}, [](float x) { return std::abs(x); }));
  const float tolerance = 0x1p-24f * 2 * (180 + 12 + 11 + 8) * largest;
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(!!(std::abs(actual[i] - expected[i]) <= tolerance));
}

TEST_CASE("tensors that are missing, unexpected or misshapen are named") {
  const std::string key = "encoder.layer2.1.bn2.running_mean";
  const auto smp = [&](auto change) { return refusal(ErrorKind::model, "smp", "deeplabv3plus", "smp", {}, change); };
  CHECK(contains(smp([&](TensorMap& tensors) { tensors.erase(key); }), "missing", key, "changed.safetensors"));
  CHECK(contains(smp([&](TensorMap& tensors) {
                   tensors.erase(key);
                   tensors.erase("encoder.layer3.1.bn2.running_mean");
                   tensors.erase("encoder.bn1.bias");
                 }),
                 "missing", "'encoder.bn1.bias' (and 2 more)"));
  CHECK(contains(smp([](TensorMap& tensors) { tensors["encoder.layer5.weight"] = tensors["encoder.bn1.bias"]; }),
                 "unexpected", "'encoder.layer5.weight'"));
  CHECK(contains(smp([&](TensorMap& tensors) {
                   tensors[key] = Tensor::from(Shape{2}, std::vector<float>{1, 2});
                 }),
                 "encoder.layer2.1.bn2", "{2}", "{3}"));
  CHECK(contains(smp([&](TensorMap& tensors) {
                   Tensor& weight = tensors["encoder.conv1.weight"];
                   weight = weight.reshaped({weight.shape()[0], 3, 49});
                 }),
                 "encoder.conv1.weight", "49", "{64,3,7,7}"));
  CHECK(contains(smp([&](TensorMap& tensors) {
                   tensors[key] = Tensor::from(DType::i64, tensors[key].shape(), std::vector<std::int64_t>{1, 2, 3});
                 }),
                 key, "int64", "floating"));
}

TEST_CASE("values that cannot be are refused") {
  const auto with_value = [](float value) {
    return [=](TensorMap& tensors) {
      Tensor& weight = tensors["features.0.weight"];
      std::vector<float> values(static_cast<std::size_t>(weight.size()), 0.5f);
      values[7] = value;
      weight = Tensor::from(weight.shape(), values);
    };
  };
  const auto alexnet = [&](float value, const std::string& dtype) {
    return refusal(ErrorKind::model, "alexnet", "alexnet", "torchvision", {{"dtype", dtype}}, with_value(value));
  };
  CHECK(contains(alexnet(std::numeric_limits<float>::quiet_NaN(), "fp32"), "features.0.weight", "not finite"));
  CHECK(contains(alexnet(std::numeric_limits<float>::infinity(), "bf16"), "features.0.weight", "not finite"));
  CHECK(contains(alexnet(70000, "fp16"), "features.0.weight", "70000", "65504"));
  CHECK(contains(alexnet(-70000, "int8"), "features.0.weight", "-70000"));
}

TEST_CASE("options that do not go together are refused") {
  const auto smp = [](const Texts& overrides) {
    return refusal(ErrorKind::usage, "smp", "deeplabv3plus", "smp", overrides, unchanged);
  };
  CHECK(contains(smp({{"dtype", "int8"}}), "int8", "alexnet"));
  CHECK(contains(smp({{"dtype", "fp64"}}), "fp64"));
  CHECK(contains(smp({{"input_size", "100x100"}}), "100x100", "16"));
  CHECK(contains(smp({{"input_sise", "320"}}), "input_sise"));
  CHECK(contains(smp({{"mean", "0,0"}}), "mean"));
  CHECK(contains(refusal(ErrorKind::usage, "alexnet", "alexnet", "torchvision", {{"input_size", "320"}}, unchanged),
                 "320", "WIDTHxHEIGHT"));
  CHECK(contains(refusal(ErrorKind::model, "smp", "deeplabv3plus", "smp", {{"classes", "a,b,c"}}, unchanged),
                 "segmentation_head.0", "2 logits", "3 classes"));
}

TEST_CASE("a checkpoint of another family is recognised") {
  CHECK(contains(refusal(ErrorKind::model, "mmseg", "deeplabv3plus", "smp", {}, unchanged),
                 "deeplabv3plus of preset mmseg"));
  CHECK(contains(refusal(ErrorKind::model, "torchvision_v3", "deeplabv3plus", "vainf", {}, unchanged),
                 "deeplabv3 of preset torchvision"));
  CHECK(contains(refusal(ErrorKind::model, "alexnet", "alexnet", "caffe", {}, unchanged),
                 "alexnet of preset torchvision"));
  CHECK(contains(refusal(ErrorKind::model, "caffe_alexnet", "alexnet", "torchvision", {}, unchanged),
                 "alexnet of preset caffe"));
}

TEST_CASE("an error says what would help") {
  const TemporaryFolder folder;
  const Hint other_preset =
      test::hint_of([&] { convert_golden("mmseg", folder / "out.safetensors", "deeplabv3plus", "smp"); });
  CHECK(other_preset.kind == Hint::Kind::preset);
  CHECK(other_preset.subjects == std::vector<std::string>{"deeplabv3plus", "mmseg"});
  write_safetensors(folder / "plain.safetensors", read_checkpoint(golden_checkpoint("vainf")).tensors, {});
  CHECK(test::hint_of([&] { load_model(folder / "plain.safetensors"); }).kind == Hint::Kind::convert);
}

TEST_CASE("a single logit stands for two classes") {
  const TemporaryFolder folder;
  Checkpoint checkpoint = read_checkpoint(golden_checkpoint("smp"));
  Tensor &weight = checkpoint.tensors["segmentation_head.0.weight"],
         &bias = checkpoint.tensors["segmentation_head.0.bias"];
  const Tensor wide = to_f32(weight);
  weight = Tensor::from(Shape{1, wide.shape()[1], 1, 1},
                        std::vector<float>(wide.as<float>().begin(), wide.as<float>().begin() + wide.shape()[1]));
  bias = Tensor::from(Shape{1}, std::vector<float>{0.5f});
  write_safetensors(folder / "one.safetensors", checkpoint.tensors, {});
  const ConvertReport report = convert(
      {folder / "one.safetensors", folder / "out.safetensors", "deeplabv3plus", "smp", {{"classes", "rest,cell"}}});
  CHECK(report.info.classes.size() == 2);
}

TEST_CASE("MATLAB's fixed upsampling is checked, then left out") {
  const TemporaryFolder folder;
  const ConvertReport report = convert_golden("matlab", folder / "a.safetensors", "deeplabv3plus", "matlab");
  CHECK(std::ranges::count(report.skipped, std::string("dec_upsample1.weight")) == 1);
  CHECK(!load_model(folder / "a.safetensors").tensors.contains("dec_upsample1.weight"));

  const auto matlab = [](auto change) {
    return refusal(ErrorKind::model, "matlab", "deeplabv3plus", "matlab", {}, change);
  };
  const auto change_one = [](const std::string& key, std::size_t index) {
    return [=](TensorMap& tensors) {
      const Tensor values = to_f32(tensors[key]);
      std::vector<float> changed(values.as<float>().begin(), values.as<float>().end());
      changed[index] += 0.01f;
      tensors[key] = Tensor::from(values.shape(), changed);
    };
  };
  CHECK(contains(matlab(change_one("dec_upsample1.weight", 27)), "dec_upsample1.weight", "bilinear"));
  CHECK(contains(matlab(change_one("dec_upsample2.weight", 64 + 27)), "dec_upsample2.weight", "expected 0"));
  CHECK(contains(matlab(change_one("dec_upsample2.bias", 1)), "dec_upsample2.bias", "not zero"));
}

TEST_CASE("what is no converted model is refused on loading, in one line") {
  const TemporaryFolder folder;
  const auto load = [&](const std::filesystem::path& file) {
    const std::string message = error_of(ErrorKind::model, [&] { load_model(file); });
    CHECK(message.find('\n') == std::string::npos);
    return message;
  };
  CHECK(contains(load(folder / "nothing.safetensors"), "nothing.safetensors"));
  const Checkpoint checkpoint = read_checkpoint(golden_checkpoint("vainf"));
  write_safetensors(folder / "plain.safetensors", checkpoint.tensors, {{"format", "pt"}});
  CHECK(contains(load(folder / "plain.safetensors"), "plain.safetensors", "not a Giemsa model"));
  CHECK(contains(load(golden_checkpoint("vainf")), "checkpoint.pt"));

  convert_golden("vainf", folder / "good.safetensors", "deeplabv3plus", "vainf");
  CHECK(contains(
      error_of(ErrorKind::model,
               [&] {
                 convert({folder / "good.safetensors", folder / "again.safetensors", "deeplabv3plus", "vainf", {}});
               }),
      "good.safetensors", "converted model already"));

  const TensorFile good = read_safetensors(folder / "good.safetensors");
  const auto edited = [&](const std::string& key, const std::string& value) {
    auto metadata = good.metadata;
    if (value.empty())
      metadata.erase(key);
    else
      metadata[key] = value;
    metadata[seal_key] = seal_of(good.tensors, metadata);
    write_safetensors(folder / "edited.safetensors", good.tensors, metadata);
    return load(folder / "edited.safetensors");
  };
  CHECK(contains(edited("option.aspp_rates", ""), "aspp_rates", "missing"));
  CHECK(contains(edited("option.colour", "red"), "no option 'colour'"));
  CHECK(contains(edited("option.output_stride", "12"), "output_stride", "12"));
  CHECK(contains(edited("arch", "unet"), "unet"));
  CHECK(contains(edited("preset", "keras"), "keras"));
  CHECK(contains(edited("option.stem", "3x3,3x3,3x3"), "stem"));
}

TEST_CASE("unknown words are refused as such, whatever the checkpoint") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& arch, const std::string& preset) {
    return error_of(ErrorKind::usage, [&] {
      convert({golden_checkpoint("alexnet"), folder / "out.safetensors", arch, preset, {}});
    });
  };
  CHECK(contains(refused("alexnet", "keras"), "keras", "torchvision"));
  CHECK(contains(refused("deeplabv3plus", "keras"), "keras", "mmseg"));
  CHECK(contains(refused("unet", "smp"), "unet", "deeplabv3plus"));
}

TEST_CASE("a changed bit anywhere in a converted model is noticed") {
  const TemporaryFolder folder;
  convert_golden("alexnet", folder / "good.safetensors", "alexnet", "torchvision");
  std::ifstream in(folder / "good.safetensors", std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  load_model(folder / "good.safetensors");
  const std::size_t step = std::max<std::size_t>(1, good.size() / 500);
  for (std::size_t at = 0; at < good.size(); at += step) {
    CAPTURE(at);
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
    std::uint64_t header = 0;
    std::memcpy(&header, good.data(), sizeof(header));
    if (at > 8 && at < 8 + header && good[at] == ' ') continue;  // padding between header and tensors means nothing
    std::ofstream(folder / "bad.safetensors", std::ios::binary) << changed;
    error_of(ErrorKind::model, [&] { load_model(folder / "bad.safetensors"); });
  }
  TensorFile unsealed = read_safetensors(folder / "good.safetensors");
  unsealed.metadata.erase(seal_key);
  write_safetensors(folder / "unsealed.safetensors", unsealed.tensors, unsealed.metadata);
  CHECK(
      contains(error_of(ErrorKind::model, [&] { load_model(folder / "unsealed.safetensors"); }), "missing", seal_key));
}

TEST_CASE("random models are whole, finite and repeatable") {
  const Model model = random_model("alexnet", "torchvision", 7);
  CHECK(model.tensors.at("classifier.1.weight").shape() == Shape{4096, 9216});
  const Model again = random_model("alexnet", "torchvision", 7), other = random_model("alexnet", "torchvision", 8);
  const auto first_values = [](const Model& each) {
    return to_f32(each.tensors.at("features.0.weight")).as<float>()[5];
  };
  CHECK(first_values(model) == first_values(again));
  CHECK(first_values(model) != first_values(other));

  std::vector<float> pixels(3 * 64 * 64);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(static_cast<float>(i));
  const Tensor image = Tensor::from(Shape{1, 3, 64, 64}, pixels);
  const std::vector<float> values = logits(random_model("deeplabv3plus", "smp", 7), image);
  CHECK(values.size() == 2 * 64 * 64);
  // Finite, of a sane size (fp16 holds up to 65504), and not all alike.
  for (float value : values) CHECK_UNARY(std::abs(value) < 1000);
  CHECK(*std::ranges::max_element(values) - *std::ranges::min_element(values) > 1e-3f);
}

}  // namespace giemsa
