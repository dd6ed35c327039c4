#include "nets/alexnet.h"

#include <algorithm>
#include <array>

#include "nets/architecture.h"
#include "nets/classifier_head.h"
#include "nets/numbered_layers.h"

namespace giemsa {

namespace {

constexpr std::array<std::string_view, 2> norm_words{"none", "lrn"};

}  // namespace

template <MaybeConst<AlexNetOptions> Options, class Visitor>
static void visit_options(Options& options, Visitor&& visit) {
  visit("layers", options.layers);
  visit("norm", options.norm, norm_words);
  visit("groups", options.groups);
  visit("conv1_padding", options.conv1_padding);
  visit("pool_ceil_mode", options.pool_ceil_mode);
  visit("adaptive_pool", options.adaptive_pool);
  visit("pool_size", options.pool_size);
}

constexpr std::size_t convolutions = 5;

static std::vector<std::string> linear_layers(const AlexNetOptions& options) {
  return {options.layers.begin() + convolutions, options.layers.end()};
}

OptionTexts to_text(const AlexNetOptions& options) {
  return write_options(options);
}

namespace {

NetworkOptions parse_alexnet(const OptionTexts& texts, ErrorKind kind) {
  auto options = read_options<AlexNetOptions>(texts, kind);

  check(options.layers.size() > convolutions, kind, "layers: ", options.layers.size(),
        " named, AlexNet has 8: five convolutions, then three linear layers or a head of one or more");
  const std::vector<std::string> head = linear_layers(options);
  const bool named_head = std::ranges::any_of(head, [](const std::string& name) { return !is_numbered(name, {"fc"}); });
  for (const std::string& name : options.layers) {
    const bool is_convolution = &name < &options.layers[convolutions];
    check(is_numbered(name, {"features.", "classifier.", "conv", "fc"}) || (!is_convolution && named_head), kind,
          "layers: ", in_quotes(name), " is not the name of one layer: features.N, classifier.N, convN or fcN");
    check(std::ranges::count(options.layers, name) == 1, kind, "layers: ", in_quotes(name), " is named twice");
  }
  if (named_head) check_head(head, "classifier", "layers", kind);
  check(options.pool_size >= 1 && options.pool_size <= 64, kind, "pool_size: ", options.pool_size,
        " is not between 1 and 64");
  check(options.groups == 1 || options.groups == 2, kind, "groups: ", options.groups, " is neither 1 nor 2");
  check(options.conv1_padding >= 0 && options.conv1_padding <= 5, kind, "conv1_padding: ", options.conv1_padding,
        " is not between 0 and 5");
  return options;
}

/// `image` {N,3,H,W} -> logits {N,classes}. The number of classes is the full-width network's; the last layer's tensor
/// decides.
ValueId build_alexnet(Layers& layers, ValueId image, const ModelInfo& info) {
  const auto& options = std::get<AlexNetOptions>(info.options);
  const auto classes = static_cast<std::int64_t>(info.classes.size());
  const std::vector<std::string>& names = options.layers;
  const bool two_towers = options.groups == 2;
  const std::array<std::int64_t, 5> channels = two_towers ? std::array<std::int64_t, 5>{96, 256, 384, 384, 256}
                                                          : std::array<std::int64_t, 5>{64, 192, 384, 256, 256};

  const auto conv_relu = [&](std::size_t i, ValueId x, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                             std::int64_t groups) {
    x = layers.conv2d(names[i], x,
                      {.out_channels = channels[i],
                       .kernel = {kernel, kernel},
                       .stride = {stride, stride},
                       .padding = {padding, padding},
                       .groups = groups},
                      true);
    return layers.add(names[i] + ".relu", Relu{}, {x});
  };
  const auto norm = [&](std::size_t i, ValueId x) {
    return options.norm == AlexNetNorm::lrn ? layers.add(names[i] + ".norm", Lrn{}, {x}) : x;
  };
  const auto pool = [&](std::size_t i, ValueId x) {
    return layers.add(names[i] + ".pool",
                      MaxPool{.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = options.pool_ceil_mode}, {x});
  };

  // Shapes of torchvision's at 224; those of two towers at 227 differ in channels (96, 256, 384, 384, 256) only.
  ValueId x = conv_relu(0, image, 11, 4, options.conv1_padding, 1);  // {N,3,224,224}  -> {N,64,55,55}
  x = pool(0, norm(0, x));                                           // {N,64,55,55}   -> {N,64,27,27}
  x = conv_relu(1, x, 5, 1, 2, options.groups);                      // {N,64,27,27}   -> {N,192,27,27}
  x = pool(1, norm(1, x));                                           // {N,192,27,27}  -> {N,192,13,13}
  x = conv_relu(2, x, 3, 1, 1, 1);                                   // {N,192,13,13}  -> {N,384,13,13}
  x = conv_relu(3, x, 3, 1, 1, options.groups);                      // {N,384,13,13}  -> {N,256,13,13}
  x = conv_relu(4, x, 3, 1, 1, options.groups);                      // {N,256,13,13}  -> {N,256,13,13}
  x = pool(4, x);                                                    // {N,256,13,13}  -> {N,256,6,6}
  if (options.adaptive_pool) x = layers.add("avgpool", AdaptiveAvgPool{{options.pool_size, options.pool_size}}, {x});
  x = layers.add("flatten", Flatten{}, {x});                          // {N,256,6,6}    -> {N,9216}
  return add_head(layers, x, linear_layers(options), 4096, classes);  // {N,9216} -> {N,4096} -> {N,4096} -> {N,classes}
}

// Checkpoints as torchvision has them (models/alexnet.py, Krizhevsky's "one weird trick" variant: no LRN, no groups).

//
// People replace the last layer, or all of `classifier`, by layers of their own (nets/classifier_head.h).

std::vector<std::string> torchvision_layers(const TensorMap& tensors) {
  std::vector<std::string> layers{"features.0",  "features.3",   "features.6",   "features.8",
                                  "features.10", "classifier.1", "classifier.4", "classifier.6"};
  const std::vector<std::string> head = head_layers(tensors, "classifier");
  if (head.empty()) return layers;
  layers.resize(convolutions);
  layers.insert(layers.end(), head.begin(), head.end());
  return layers;
}

/// The side of what a head of `features` inputs is given from `channels` channels; 6 where that is no square.
std::int64_t side_of(std::int64_t features, std::int64_t channels) {
  for (std::int64_t side = 1; channels > 0 && side * side * channels <= features; ++side)
    if (side * side * channels == features) return side;
  return 6;
}

std::int64_t pool_size_of(const TensorMap& tensors, const std::vector<std::string>& layers) {
  const auto last = tensors.find(layers[convolutions - 1] + ".weight"),
             first = tensors.find(layers[convolutions] + ".weight");
  if (last == tensors.end() || first == tensors.end() || last->second.shape().rank() != 4 ||
      first->second.shape().rank() != 2)
    return 6;
  return side_of(first->second.shape()[1], last->second.shape()[0]);
}

// Checkpoints as Caffe (bvlc_alexnet) and MATLAB (alexnet) have them, exported to a state_dict: 227 x 227 input, no
// padding in front, groups of 2 in conv2, conv4 and conv5, LRN behind the first two ReLUs.
//
// Layers are `conv1` ... `conv5`, `fc6` ... `fc8`; where there is no `conv1`, the numbered `features.*` and
// `classifier.*` with weights are taken in order. fc6 must read its input in C, H, W order, as PyTorch's flatten gives
// it. Images are RGB with the ImageNet mean taken off in 0-255 units and not scaled; a network trained on BGR (Caffe's
// own) must have the input channels of conv1 reversed before it is converted. Caffe rounds pooled sizes up (ceil_mode);
// at 227 up and down are the same: 55, 27, 13, 6.

std::vector<std::string> caffe_layers(const TensorMap& tensors) {
  std::vector<std::string> convolutions = numbered_layers(tensors, "features.", 4);
  const std::vector<std::string> linears = numbered_layers(tensors, "classifier.", 2);
  if (tensors.contains("conv1.weight") || convolutions.size() != 5 || linears.size() != 3)
    return {"conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"};
  convolutions.insert(convolutions.end(), linears.begin(), linears.end());
  return convolutions;
}

const AlexNetOptions two_towers{.layers = {},
                                .norm = AlexNetNorm::lrn,
                                .groups = 2,
                                .conv1_padding = 0,
                                .pool_ceil_mode = true,
                                .adaptive_pool = false};
const ImageDefaults caffe_images{.input = {{227, 227}, 0}, .std = {1 / 255.f, 1 / 255.f, 1 / 255.f}};

using LayersOf = std::vector<std::string> (*)(const TensorMap&);

/// Whether the first and the last of `layers` are there, and the second in so many groups: groups divide the second
/// convolution's input, so the shapes tell the one tower from the two.
bool fits(const TensorMap& tensors, const std::vector<std::string>& layers, std::int64_t groups) {
  const auto weight_of = [&](const std::string& layer) {
    const auto it = tensors.find(layer + ".weight");
    return it == tensors.end() ? Shape{} : it->second.shape();
  };
  const Shape first = weight_of(layers.front()), second = weight_of(layers[1]);
  return tensors.contains(layers.back() + ".weight") && first.rank() == 4 && second.rank() == 4 &&
         first[0] == second[1] * groups;
}

Preset preset(std::string_view name, const ImageDefaults& image, const AlexNetOptions& defaults, LayersOf layers_of) {
  return {.name = name,
          .bodies = "alexnet",
          .image = image,
          .options =
              [=](const OptionTexts&, const TensorMap& tensors) {
                AlexNetOptions options = defaults;
                options.layers = layers_of(tensors);
                if (options.adaptive_pool) options.pool_size = pool_size_of(tensors, options.layers);
                return options;
              },
          .fits = [=](const TensorMap& tensors) { return fits(tensors, layers_of(tensors), defaults.groups); }};
}

}  // namespace

Architecture alexnet_architecture() {
  ImageDefaults matlab_images = caffe_images;
  matlab_images.filter = ResizeFilter::bicubic;  // imresize's default
  return {.name = "alexnet",
          .role = Role::classifier,
          .has_linear_layers = true,
          .presets = {preset("torchvision", {}, {}, torchvision_layers),
                      preset("caffe", caffe_images, two_towers, caffe_layers),
                      preset("matlab", matlab_images, two_towers, caffe_layers)},
          .implied = {{"pool_size", "6"}},
          .parse = parse_alexnet,
          .check = check_fixed_input,
          .size_multiple = [](const NetworkOptions&) -> std::int64_t { return 1; },
          .logits_layer = [](const ModelInfo& info) { return std::get<AlexNetOptions>(info.options).layers.back(); },
          .build = build_alexnet};
}

}  // namespace giemsa
