#include <doctest/doctest.h>

#include "nets/cell_classes.h"
#include "nets/model_info.h"
#include "tests/engine/error_text.h"
#include "weights/quantize.h"
#include "weights/text.h"

namespace giemsa {

using test::contains;
using test::error_of;

TEST_CASE("texts split, join and read back") {
  CHECK(split("") == std::vector<std::string>{});
  CHECK(split("a") == std::vector<std::string>{"a"});
  CHECK(split("a,,b,") == std::vector<std::string>{"a", "", "b", ""});
  CHECK(join({"a", "", "b"}, ", ") == "a, , b");
  CHECK(parse_int("-12", ErrorKind::usage, "x") == -12);
  CHECK(parse_bool("true", ErrorKind::usage, "x"));
  for (const float value : {0.485f, 1e-5f, 1.f / 255, 3.4e38f})
    CHECK(parse_float(format_float(value), ErrorKind::usage, "x") == value);
  for (const char* text : {"", "1.5", "1 ", " 1", "0x1", "99999999999999999999"})
    CHECK(contains(error_of(ErrorKind::model, [&] { parse_int(text, ErrorKind::model, "rate"); }), "rate",
                   "whole number"));
  for (const char* text : {"", "nan", "inf", "1,5", "1e99"})
    CHECK(contains(error_of(ErrorKind::usage, [&] { parse_float(text, ErrorKind::usage, "eps"); }), "eps",
                   "not a number"));
  CHECK(contains(error_of(ErrorKind::usage, [] { parse_bool("yes", ErrorKind::usage, "align"); }), "align", "'yes'"));
}

TEST_CASE("an input size is WIDTHxHEIGHT or a long side") {
  CHECK(InputSize::parse("320") == InputSize{{}, 320});
  CHECK(InputSize::parse("640x480") == InputSize{{480, 640}, 0});
  CHECK(InputSize::parse("640x480").to_string() == "640x480");
  CHECK(InputSize::parse("320").to_string() == "320");
  for (const char* text : {"", "x", "320x", "x320", "1x2x3", "0", "-5", "10x0", "1e3", "99999"})
    CHECK(contains(error_of(ErrorKind::usage, [&] { InputSize::parse(text); }), "input size"));
}

TEST_CASE("a long side keeps the aspect, in multiples of the output stride") {
  const InputSize long_side{{}, 320};
  CHECK(long_side.resolve({576, 720}, 16) == Size2{256, 320});
  CHECK(long_side.resolve({720, 576}, 16) == Size2{320, 256});
  CHECK(long_side.resolve({300, 300}, 16) == Size2{320, 320});
  CHECK(long_side.resolve({10, 1000}, 16) == Size2{16, 320});   // never below one multiple
  CHECK(long_side.resolve({365, 640}, 16) == Size2{176, 320});  // 11.41 -> 11
  // Halves go to the even multiple: 10.5 -> 10, 11.5 -> 12.
  CHECK(long_side.resolve({336, 640}, 16) == Size2{160, 320});
  CHECK(long_side.resolve({368, 640}, 16) == Size2{192, 320});
  CHECK(InputSize{{227, 224}, 0}.resolve({576, 720}, 16) == Size2{227, 224});
}

namespace {

ModelInfo example() {
  ModelInfo info;
  info.arch = "deeplabv3plus";
  info.preset = "smp";
  info.classes = {"background", "white_cell"};
  info.input = {{}, 320};
  info.filter = ResizeFilter::bicubic;
  info.mean = {0.1f, 0.2f, 0.3f};
  info.std = {1 / 255.f, 0.5f, 1};
  DeepLabOptions options;
  options.aspp_rates = {12, 24, 36};
  options.after_aspp = {1, 3};
  options.align_corners = true;
  info.options = options;
  info.dtype = "fp16";
  info.source = "a.pt";
  info.source_sha256 = "00ff";
  info.converter = "giemsa 1.2.3";
  return info;
}

}  // namespace

TEST_CASE("metadata says everything and reads back") {
  const auto metadata = to_metadata(example());
  CHECK(metadata.at("option.aspp_rates") == "12,24,36");
  CHECK(metadata.at("classes") == "background,white_cell");
  CHECK(from_metadata(metadata, ErrorKind::model) == example());
}

TEST_CASE("cells and the order of colours are said where they are not the usual ones") {
  ModelInfo info = example();
  CHECK(!to_metadata(info).contains("cells"));
  CHECK(!to_metadata(info).contains("channels"));
  CHECK(cells_of(info) == std::vector<std::string>{"white_cell"});
  info.classes = {"rbc", "wbc", "background", "debris"};
  CHECK(cells_of(info) == std::vector<std::string>{"wbc", "debris"});
  info.cells = {"wbc"};
  info.channels = ChannelOrder::bgr;
  const auto metadata = to_metadata(info);
  CHECK(metadata.at("cells") == "wbc");
  CHECK(metadata.at("channels") == "bgr");
  CHECK(from_metadata(metadata, ErrorKind::model) == info);

  const auto refusal = [&](const std::string& key, const std::string& value) {
    auto changed = metadata;
    changed[key] = value;
    return error_of(ErrorKind::model, [&] { from_metadata(changed, ErrorKind::model); });
  };
  CHECK(contains(refusal("cells", "wbc,platelet"), "'platelet'", "rbc, wbc, background, debris"));
  CHECK(contains(refusal("cells", "wbc,wbc"), "twice"));
  CHECK(contains(refusal("cells", "rbc,wbc,background,debris"), "all classes"));
  CHECK(contains(refusal("channels", "gbr"), "'gbr'"));
}

TEST_CASE("the background is the class of that name wherever it stands, else the first") {
  using Names = std::vector<std::string>;
  CHECK(usual_cells({"background", "cell"}) == Names{"cell"});
  CHECK(usual_cells({"cell", "background"}) == Names{"cell"});
  CHECK(usual_cells({"cell", "__background__"}) == Names{"cell"});
  CHECK(usual_cells({"nucleus", "cytoplasm", "BG"}) == Names{"nucleus", "cytoplasm"});
  CHECK(usual_cells({"class_0", "class_1", "class_2"}) == Names{"class_1", "class_2"});
  CHECK(usual_cells({"background", "rbc", "wbc", "platelet"}) == Names{"wbc"});
  CHECK(usual_cells({"background", "Red blood cells", "WBC", "Platelets"}) == Names{"WBC"});
  CHECK(usual_cells({"background", "rbc"}) == Names{"rbc"});  // somebody looks for those
  CHECK(class_set({"a", "b", "c"}, {"c", "a"}) == 0b101);
}

TEST_CASE("metadata that lacks, misspells or garbles an entry is refused by name") {
  const auto refusal = [](auto change) {
    auto metadata = to_metadata(example());
    change(metadata);
    return error_of(ErrorKind::model, [&] { from_metadata(metadata, ErrorKind::model); });
  };
  for (const auto& [key, value] : to_metadata(example())) {
    CAPTURE(key);
    const std::string name = key.starts_with("option.") ? key.substr(std::string_view("option.").size()) : key;
    CHECK(
        contains(refusal([&](auto& metadata) { metadata.erase(key); }), name, key == "giemsa.format" ? "" : "missing"));
  }
  CHECK(contains(refusal([](auto& metadata) { metadata["clases"] = "a,b"; }), "unknown", "'clases'"));
  CHECK(contains(refusal([](auto& metadata) { metadata["giemsa.format"] = "2"; }), "'2'", "'1'"));
  CHECK(contains(refusal([](auto& metadata) { metadata["mean"] = "0.5,0.5"; }), "mean", "three"));
  CHECK(contains(refusal([](auto& metadata) { metadata["std"] = "0,1,1"; }), "std", "positive"));
  CHECK(contains(refusal([](auto& metadata) { metadata["classes"] = "a,b,a"; }), "'a'", "twice"));
  CHECK(contains(refusal([](auto& metadata) { metadata["classes"] = "a,,b"; }), "empty"));
  CHECK(contains(refusal([](auto& metadata) { metadata["classes"] = "a"; }), "fewer than two"));
  CHECK(contains(refusal([](auto& metadata) { metadata["filter"] = "lanczos"; }), "lanczos", "bilinear"));
  CHECK(contains(refusal([](auto& metadata) { metadata["dtype"] = "fp8"; }), "fp8", "fp16"));
  CHECK(contains(error_of(ErrorKind::model,
                          [] {
                            from_metadata({{"format", "pt"}}, ErrorKind::model);
                          }),
                 "not a Giemsa model"));
}

TEST_CASE("rows are quantized symmetrically, to the nearest step") {
  const Tensor matrix = Tensor::from(Shape{3, 4}, std::vector<float>{1, -0.5f, 0.25f, 0,  //
                                                                     0, 0, 0, 0,          //
                                                                     -254, 127, 1, 2.9999f});
  const QuantizedRows rows = quantize_rows(matrix);
  CHECK(rows.weight.dtype() == DType::i8);
  CHECK(rows.weight.shape() == matrix.shape());
  CHECK(rows.scale.shape() == Shape{3});
  const auto weight = rows.weight.as<std::int8_t>();
  const auto scale = rows.scale.as<float>();
  CHECK(scale[1] == 1);
  CHECK(scale[2] == 2);
  const std::vector<int> expected{127, -64, 32,   0,  0, 0,
                                  0,   0,   -127, 64, 0, 1};  // 63.5 -> 64 and 0.5 -> 0: halves to the even one
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(weight[i] == expected[i]);
    CHECK(!!(std::abs(weight[i] * scale[i / 4] - matrix.as<float>()[i]) <= scale[i / 4] / 2 * 1.0001f));
  }
}

}  // namespace giemsa
