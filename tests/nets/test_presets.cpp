// What each preset stands for: strides, dilations, rates, order, edges, as numbers from the families' own sources.
#include <doctest/doctest.h>

#include "tests/engine/error_text.h"
#include "tests/nets/blank_model.h"

namespace giemsa {

using test::blank_model;
using test::build;
using test::contains;
using test::error_of;

namespace {

const Node& layer(const Graph& graph, std::string_view name) {
  const auto id = graph.find(name);
  REQUIRE_MESSAGE(id.has_value(), "no layer is called ", name);
  return graph.producer_of(*id);
}

const Shape& output_of(const Graph& graph, std::string_view name) {
  return graph[layer(graph, name).output()].type.shape;
}

const Conv2d& conv(const Graph& graph, std::string_view name) {
  return std::get<Conv2d>(layer(graph, name).op);
}

using Dilations = std::vector<std::int64_t>;

Dilations dilations(const Graph& graph, const std::vector<std::string>& names) {
  Dilations result;
  for (const std::string& name : names) {
    const Conv2d& op = conv(graph, name);
    CHECK(op.padding == op.dilation);  // 3x3: keeps the size
    result.push_back(op.dilation.h);
  }
  return result;
}

std::vector<std::string> numbered(const std::string& prefix, int count, const std::string& suffix) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(cat(prefix, i, suffix));
  return names;
}

struct Expected {
  std::string arch, preset, output_stride, backbone;
  Dilations layer3, layer4;
  std::vector<std::string> rate_layers;
  Dilations rates;
};

}  // namespace

TEST_CASE("dilations and rates of every preset at every output stride") {
  const std::vector<std::string> smp{"decoder.aspp.0.convs.1.0", "decoder.aspp.0.convs.2.0",
                                     "decoder.aspp.0.convs.3.0"};
  const std::vector<std::string> vainf{"classifier.aspp.convs.1.0", "classifier.aspp.convs.2.0",
                                       "classifier.aspp.convs.3.0"};
  const std::vector<std::string> jfzhang95{"aspp.aspp2.atrous_conv", "aspp.aspp3.atrous_conv",
                                           "aspp.aspp4.atrous_conv"};
  const std::vector<std::string> mmseg{"decode_head.aspp_modules.1.depthwise_conv.conv",
                                       "decode_head.aspp_modules.2.depthwise_conv.conv",
                                       "decode_head.aspp_modules.3.depthwise_conv.conv"};
  const std::vector<std::string> torchvision{"classifier.0.convs.1.0", "classifier.0.convs.2.0",
                                             "classifier.0.convs.3.0"};
  const Dilations ones{1, 1, 1, 1, 1, 1}, twos{2, 2, 2, 2, 2, 2}, one_twos{1, 2, 2, 2, 2, 2};
  const std::vector<Expected> table{
      {"deeplabv3plus", "smp", "16", "encoder.", ones, {2, 2, 2}, smp, {12, 24, 36}},
      {"deeplabv3plus", "smp", "8", "encoder.", twos, {4, 4, 4}, smp, {12, 24, 36}},
      {"deeplabv3plus", "vainf", "16", "backbone.", ones, {1, 2, 2}, vainf, {6, 12, 18}},
      {"deeplabv3plus", "vainf", "8", "backbone.", one_twos, {2, 4, 4}, vainf, {12, 24, 36}},
      {"deeplabv3plus", "jfzhang95", "16", "backbone.", ones, {2, 4, 8}, jfzhang95, {6, 12, 18}},
      {"deeplabv3plus", "jfzhang95", "8", "backbone.", twos, {4, 8, 16}, jfzhang95, {12, 24, 36}},
      {"deeplabv3plus", "mmseg", "8", "backbone.", one_twos, {2, 4, 4}, mmseg, {12, 24, 36}},
      {"deeplabv3plus", "mmseg", "16", "backbone.", ones, {1, 2, 2}, mmseg, {12, 24, 36}},
      {"deeplabv3plus", "mmseg", "32", "backbone.", ones, {1, 1, 1}, mmseg, {12, 24, 36}},
      {"deeplabv3", "torchvision", "8", "backbone.", one_twos, {2, 4, 4}, torchvision, {12, 24, 36}},
      {"deeplabv3", "torchvision", "16", "backbone.", ones, {1, 2, 2}, torchvision, {12, 24, 36}},
  };
  for (const Expected& row : table) {
    CAPTURE(row.preset);
    CAPTURE(row.output_stride);
    const Graph graph = build(blank_model(row.arch, row.preset, {{"output_stride", row.output_stride}}), {224, 288});
    CHECK(dilations(graph, numbered(row.backbone + "layer1.", 3, ".conv2")) == Dilations{1, 1, 1});
    CHECK(dilations(graph, numbered(row.backbone + "layer2.", 4, ".conv2")) == Dilations{1, 1, 1, 1});
    CHECK(dilations(graph, numbered(row.backbone + "layer3.", 6, ".conv2")) == row.layer3);
    CHECK(dilations(graph, numbered(row.backbone + "layer4.", 3, ".conv2")) == row.layer4);
    CHECK(dilations(graph, row.rate_layers) == row.rates);
    const std::int64_t stride = parse_int(row.output_stride, ErrorKind::internal, "");
    CHECK(output_of(graph, row.backbone + "layer1.2.relu") == Shape{1, 256, 56, 72});
    CHECK(output_of(graph, row.backbone + "layer4.2.relu") == Shape{1, 2048, 224 / stride, 288 / stride});
    CHECK(graph[graph.outputs()[0]].type.shape == Shape{1, 2, 224, 288});
    CHECK(conv(graph, row.backbone + "layer2.0.conv1").stride == Size2{1, 1});
    CHECK(conv(graph, row.backbone + "layer2.0.conv2").stride == Size2{2, 2});
    CHECK(size_multiple(blank_model(row.arch, row.preset, {{"output_stride", row.output_stride}}).info) == stride);
  }
}

namespace {

/// Stride and dilation of the depthwise convolution of each of MobileNetV2's blocks; `padded` in front of the block.
void check_blocks(const Graph& graph, const std::vector<std::string>& blocks, const Dilations& expected, bool padded) {
  REQUIRE(blocks.size() == 17);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    CAPTURE(blocks[i]);
    const bool first = i == 0;
    const Conv2d& depthwise = conv(graph, blocks[i] + (first ? ".conv.0.0" : ".conv.1.0"));
    const Size2 margin{expected[i], expected[i]}, none{0, 0};
    CHECK(depthwise.dilation == margin);
    CHECK(depthwise.padding == (padded && !first ? none : margin));
    CHECK(depthwise.groups == depthwise.out_channels);
    if (!first) CHECK(conv(graph, blocks[i] + ".conv.0.0").padding == (padded ? margin : none));
  }
}

}  // namespace

TEST_CASE("MobileNetV2: dilations, where blocks pad, and what the head reads") {
  const auto blocks = [](const std::string& low, const std::string& high) {
    std::vector<std::string> names;
    for (int i = 1; i <= 17; ++i) names.push_back(cat(i < 4 ? low : high, i));
    return names;
  };
  const std::vector<std::string> smp = blocks("encoder.features.", "encoder.features."),
                                 vainf = blocks("backbone.low_level_features.", "backbone.high_level_features.");
  const auto network = [](const char* preset, const char* stride, Size2 size) {
    return build(blank_model("deeplabv3plus", preset, {{"backbone", "mobilenet_v2"}, {"output_stride", stride}}), size);
  };
  const Graph smp_16 = network("smp", "16", {224, 288}), smp_8 = network("smp", "8", {224, 288});
  check_blocks(smp_16, smp, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2}, false);
  check_blocks(smp_8, smp, {1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4}, false);
  CHECK(output_of(smp_16, "encoder.features.18.0") == Shape{1, 1280, 14, 18});
  CHECK(output_of(smp_8, "encoder.features.18.0") == Shape{1, 1280, 28, 36});
  CHECK(output_of(smp_16, "encoder.features.3.add") == Shape{1, 24, 56, 72});
  CHECK(output_of(smp_16, "encoder.features.0.0") == Shape{1, 32, 112, 144});
  CHECK(conv(smp_16, "encoder.features.2.conv.1.0").groups == 96);

  const Graph vainf_16 = network("vainf", "16", {224, 288}), vainf_8 = network("vainf", "8", {224, 288});
  check_blocks(vainf_16, vainf, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2}, true);
  check_blocks(vainf_8, vainf, {1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 4, 4, 4}, true);
  CHECK(output_of(vainf_16, "backbone.low_level_features.0.0") == Shape{1, 32, 111, 143});
  CHECK(output_of(vainf_16, "backbone.high_level_features.17.conv.2") == Shape{1, 320, 14, 18});
  CHECK(std::get<Relu>(layer(vainf_16, "backbone.high_level_features.9.conv.1.1.relu").op).ceiling == 6);
  CHECK(std::get<Relu>(layer(vainf_16, "classifier.project.1.relu").op).ceiling == Relu{}.ceiling);

  const Graph jfzhang95 = network("jfzhang95", "8", {224, 288});
  const std::map<std::string, std::int64_t> lagging{
      {"7.conv.3", 1}, {"11.conv.3", 2}, {"16.conv.3", 2}, {"17.conv.3", 4}};
  for (const auto& [name, dilation] : lagging)
    CHECK(conv(jfzhang95, "backbone.high_level_features." + name).dilation == Size2{dilation, dilation});
  CHECK(output_of(jfzhang95, "backbone.low_level_features.0.0") == Shape{1, 32, 112, 144});
}

TEST_CASE(
    "MATLAB: stride on the first 1x1, eps 1e-3 in the backbone, 'same' pooling, zero edges, low-level features first") {
  const Graph graph = build(blank_model("deeplabv3plus", "matlab"), {224, 288});
  CHECK(conv(graph, "res3a_branch2a").stride == Size2{2, 2});
  CHECK(conv(graph, "res3a_branch2b").stride == Size2{1, 1});
  CHECK(conv(graph, "res3a_branch1").stride == Size2{2, 2});
  CHECK(dilations(graph, {"res5a_branch2b", "res5b_branch2b", "res5c_branch2b"}) == Dilations{2, 2, 2});
  CHECK(dilations(graph, {"aspp_Conv_2", "aspp_Conv_3", "aspp_Conv_4"}) == Dilations{6, 12, 18});
  CHECK(static_cast<bool>(layer(graph, "res4f_branch2b").weights[0].bias));
  CHECK(std::get<BatchNorm>(layer(graph, "bn4f_branch2b").op).eps == 1e-3f);
  CHECK(std::get<BatchNorm>(layer(graph, "dec_bn1").op).eps == 1e-5f);
  const auto& pool = std::get<MaxPool>(layer(graph, "max_pooling2d_1").op);
  CHECK(pool.padding == Size2{0, 0});
  CHECK(pool.ceil_mode);
  CHECK(layer(graph, "catAspp").inputs.size() == 4);
  const auto& up = std::get<Upsample>(layer(graph, "dec_upsample1").op);
  CHECK(up.edge == EdgeMode::zero);
  CHECK(!up.align_corners);
  const Node& concat = layer(graph, "dec_cat1");
  CHECK(graph[concat.inputs[0]].name == "dec_bn2.relu");
  CHECK(graph[concat.inputs[1]].name == "dec_upsample1");
  CHECK(contains(error_of(ErrorKind::usage,
                          [] {
                            preset_info("deeplabv3plus", "matlab", {{"align_corners", "true"}}, {});
                          }),
                 "align_corners"));
}

TEST_CASE("order of concatenation, alignment and the pooled branch") {
  const Graph smp = build(blank_model("deeplabv3plus", "smp"), {64, 96});
  CHECK(smp[layer(smp, "decoder.concat").inputs[0]].name == "decoder.up");
  CHECK(std::get<Upsample>(layer(smp, "decoder.up").op).align_corners);
  CHECK(std::get<Upsample>(layer(smp, "segmentation_head.1").op).align_corners);
  CHECK(!std::get<Upsample>(layer(smp, "decoder.aspp.0.convs.4.upsample").op).align_corners);
  CHECK(smp[layer(smp, "decoder.aspp.0.concat").inputs[4]].name == "decoder.aspp.0.convs.4.upsample");
  CHECK(conv(smp, "decoder.aspp.1.0").groups == 256);

  const Graph vainf = build(blank_model("deeplabv3plus", "vainf"), {65, 97});
  CHECK(vainf[layer(vainf, "classifier.concat").inputs[0]].name == "classifier.project.1.relu");
  CHECK(!std::get<Upsample>(layer(vainf, "upsample").op).align_corners);

  const Graph mmseg = build(blank_model("deeplabv3plus", "mmseg"), {65, 97});
  CHECK(mmseg[layer(mmseg, "decode_head.aspp_modules.concat").inputs[0]].name == "decode_head.image_pool.upsample");
  CHECK(mmseg.find("decode_head.aspp_modules.1.depthwise_conv.bn.relu").has_value());
  CHECK(output_of(mmseg, "backbone.stem.7.relu") == Shape{1, 64, 33, 49});
  CHECK(layer(mmseg, "decode_head.bottleneck.conv").weights[0].weight.shape() == Shape{512, 2560, 3, 3});

  const Graph jfzhang95 = build(blank_model("deeplabv3plus", "jfzhang95"), {65, 97});
  CHECK(std::get<Upsample>(layer(jfzhang95, "upsample").op).align_corners);
}

TEST_CASE("separable variants are told by their keys") {
  const Graph dense = build(blank_model("deeplabv3plus", "vainf"), {64, 64});
  CHECK(conv(dense, "classifier.aspp.convs.1.0").groups == 1);
  const Model model = blank_model("deeplabv3plus", "vainf", {}, "classifier.aspp.convs.1.0.body.0.weight");
  CHECK(to_text(model.info.options).at("separable") == "plain");
  const Graph separable = build(model, {64, 64});
  CHECK(conv(separable, "classifier.aspp.convs.3.0.body.0").groups == 2048);
  CHECK(conv(separable, "classifier.aspp.convs.3.0.body.0").dilation == Size2{18, 18});
  CHECK(conv(separable, "classifier.aspp.convs.3.0.body.1").groups == 1);
  CHECK(conv(separable, "classifier.classifier.0.body.0").groups == 304);
}

TEST_CASE("a centre head stands beside the classifier, on what the decoder gives, in every family") {
  for (const Preset& preset : architecture("deeplabv3plus", ErrorKind::internal).presets) {
    CAPTURE(preset.name);
    const Model with = blank_model("deeplabv3plus", std::string(preset.name), {{"centre_offset", "true"}});
    const Graph graph = build(with, {64, 96});
    const auto centres = centre_offsets(graph, with);
    REQUIRE(centres.has_value());
    CHECK(graph[*centres].type.shape == Shape{1, 3, 16, 24});
    const std::string logits = architecture_of(with.info).logits_layer(with.info);
    const std::int64_t channels = graph[layer(graph, logits).inputs[0]].type.shape[1];
    CHECK(channels == (preset.name == "mmseg" ? 512 : 256));
    CHECK(conv(graph, "centre_head.0.0.0").groups == channels);
    CHECK(output_of(graph, "centre_head.0.0.1") == Shape{1, 64, 16, 24});
    CHECK(layer(graph, "centre_head.0.0.0").inputs == layer(graph, logits).inputs);

    const Model without = blank_model("deeplabv3plus", std::string(preset.name));
    CHECK(to_text(without.info.options).at("centre_offset") == "false");
    const Graph plain = build(without, {64, 96});
    CHECK(!centre_offsets(plain, without).has_value());
    CHECK(!plain.find("centre_head.1").has_value());
  }
  const auto nothing = std::make_shared<const std::byte>();
  const TensorMap key{{"centre_head.1.weight", Tensor(DType::f32, {3, 64, 1, 1}, nothing)}};
  CHECK(to_text(preset_info("deeplabv3plus", "smp", {}, key).options).at("centre_offset") == "true");
}

TEST_CASE("AlexNet in one tower and in two") {
  const Graph torchvision = build(blank_model("alexnet", "torchvision"), {224, 224});
  CHECK(output_of(torchvision, "features.10.pool") == Shape{1, 256, 6, 6});
  CHECK(conv(torchvision, "features.3").groups == 1);
  CHECK(torchvision.find("avgpool").has_value());

  for (const std::string preset : {"caffe", "matlab"}) {
    const Model model = blank_model("alexnet", preset);
    CHECK(model.info.input == InputSize{{227, 227}, 0});
    CHECK((model.info.filter == ResizeFilter::bicubic) == (preset == "matlab"));
    const Graph graph = build(model, {227, 227});
    CHECK(output_of(graph, "conv1") == Shape{1, 96, 55, 55});
    CHECK(graph[layer(graph, "conv1.norm").inputs[0]].name == "conv1.relu");
    CHECK(graph[layer(graph, "conv1.pool").inputs[0]].name == "conv1.norm");
    for (const char* name : {"conv2", "conv4", "conv5"}) CHECK(conv(graph, name).groups == 2);
    CHECK(conv(graph, "conv3").groups == 1);
    CHECK(output_of(graph, "flatten") == Shape{1, 9216});
  }
}

TEST_CASE("numbered layers of two towers are taken in order") {
  const auto nothing = std::make_shared<const std::byte>();
  TensorMap tensors;
  for (const char* key : {"features.0", "features.4", "features.8", "features.10", "features.12"})
    tensors[cat(key, ".weight")] = Tensor(DType::f32, {8, 8, 3, 3}, nothing);
  for (const char* key : {"classifier.1", "classifier.4", "classifier.6"})
    tensors[cat(key, ".weight")] = Tensor(DType::f32, {8, 8}, nothing);
  tensors["features.1.weight"] = Tensor(DType::f32, {8}, nothing);  // not a convolution's
  CHECK(to_text(preset_info("alexnet", "caffe", {}, tensors).options).at("layers") ==
        "features.0,features.4,features.8,features.10,features.12,classifier.1,classifier.4,classifier.6");
}

TEST_CASE("unknown and impossible options are refused by name") {
  const auto refusal = [](const std::string& arch, const std::string& preset, const OptionTexts& overrides) {
    return error_of(ErrorKind::usage, [&] {
      const ModelInfo info = preset_info(arch, preset, overrides, {});
      architecture_of(info).check(info, ErrorKind::usage);
    });
  };
  CHECK(contains(refusal("unet", "smp", {}), "'unet'", "deeplabv3plus"));
  CHECK(contains(refusal("deeplabv3plus", "torchvision", {}), "'torchvision'", "smp, vainf, jfzhang95, mmseg, matlab"));
  CHECK(contains(refusal("deeplabv3", "mmseg", {}), "'mmseg'", "torchvision, smp, vainf"));
  CHECK(contains(refusal("alexnet", "smp", {}), "torchvision, caffe, matlab"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"output_strides", "8"}}), "no option 'output_strides'"));
  CHECK(contains(refusal("alexnet", "torchvision", {{"output_stride", "8"}}), "alexnet has no option 'output_stride'"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"output_stride", "32"}}), "smp", "32"));
  CHECK(contains(refusal("deeplabv3plus", "mmseg", {{"output_stride", "4"}}), "output_stride", "8, 16, 32"));
  CHECK(contains(refusal("deeplabv3plus", "mmseg", {{"output_stride", "eight"}}), "output_stride", "'eight'"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"aspp_rates", "6,12"}}), "aspp_rates", "2 rates"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"aspp_rates", "0,12,18"}}), "aspp_rates", "0"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"align_corners", "maybe"}}), "align_corners", "'maybe'"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"dilation", "double"}}), "dilation",
                 "contracted, uniform, multi_grid"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"separable", "normalized"}}), "separable", "normalized"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"stem", "3x3,3x3,3x3"}}), "stem", "'7x7'"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"decoder", "3,3"}}), "decoder", "'3'"));
  CHECK(contains(refusal("deeplabv3plus", "smp", {{"decoder_concat", "none"}}), "decoder_concat"));
  CHECK(contains(refusal("deeplabv3plus", "vainf", {{"head_bn_eps", "0"}}), "eps"));
  CHECK(contains(refusal("deeplabv3plus", "mmseg", {{"backbone", "mobilenet_v2"}}), "backbone", "mobilenet_v2"));
  CHECK(contains(refusal("deeplabv3plus", "vainf", {{"backbone", "resnet18"}}), "backbone", "resnet18"));
  CHECK(contains(refusal("deeplabv3plus", "vainf", {{"block_padding", "ahead"}}), "block_padding", "ResNet"));
  CHECK(contains(refusal("deeplabv3plus", "vainf", {{"backbone", "mobilenet_v2"}, {"dilation", "multi_grid"}}),
                 "dilation", "multi_grid"));
  CHECK(contains(refusal("deeplabv3", "smp", {{"centre_offset", "true"}}), "centre_offset", "deeplabv3", "decoder"));
  CHECK(contains(refusal("resnet", "torchvision", {{"body", "mobilenet_v2"}}), "body", "'mobilenet_v2'"));
  CHECK(contains(refusal("mobilenet_v2", "torchvision", {{"head", "features"}}), "head", "classifier"));
  CHECK(contains(refusal("alexnet", "caffe", {{"groups", "3"}}), "groups", "3"));
  CHECK(contains(refusal("alexnet", "caffe", {{"layers", "conv1,conv2"}}), "layers", "8"));
  for (const std::string name : {"flatten", "conv2", "conv1.relu", "features.", ""})
    CHECK(contains(refusal("alexnet", "caffe", {{"layers", name + ",conv2,conv3,conv4,conv5,fc6,fc7,fc8"}}), "layers",
                   "'" + name + "'"));
}

TEST_CASE("an input that fixed upsampling cannot restore is refused") {
  const Model smp = blank_model("deeplabv3plus", "smp");
  CHECK(contains(error_of(ErrorKind::usage, [&] { build(smp, {64, 65}); }), "65x64", "16", "smp"));
  CHECK_NOTHROW(build(blank_model("deeplabv3plus", "vainf"), {63, 65}));
}

}  // namespace giemsa
