#include "nets/alexnet.h"

#include <array>

namespace giemsa {

ValueId alexnet(Layers& layers, ValueId image, const AlexNetOptions& options, std::int64_t classes) {
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
  const auto linear_relu = [&](std::size_t i, ValueId x, std::int64_t features) {
    return layers.add(names[i] + ".relu", Relu{}, {layers.linear(names[i], x, features)});
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
  if (options.adaptive_pool) x = layers.add("avgpool", AdaptiveAvgPool{{6, 6}}, {x});
  x = layers.add("flatten", Flatten{}, {x});   // {N,256,6,6}    -> {N,9216}
  x = linear_relu(5, x, 4096);                 // {N,9216}       -> {N,4096}
  x = linear_relu(6, x, 4096);                 // {N,4096}       -> {N,4096}
  return layers.linear(names[7], x, classes);  // {N,4096}       -> {N,classes}
}

}  // namespace giemsa
