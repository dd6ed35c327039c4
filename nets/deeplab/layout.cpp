#include "nets/deeplab/layout.h"

namespace giemsa {

void name_torchvision_aspp(DeepLabLayout& layout, const std::string& prefix, Separable separable,
                           const std::string& depthwise, const std::string& pointwise) {
  const std::string convs = prefix + "convs.";
  layout.aspp[0] = {.conv = convs + "0.0", .bn = convs + "0.1"};
  for (std::size_t i = 1; i < layout.aspp.size(); ++i) {
    const std::string branch = cat(convs, i, '.');
    layout.aspp[i] = {.conv = branch + "0", .bn = branch + "1"};
    if (separable != Separable::none) {
      layout.aspp[i].depthwise = branch + depthwise;
      layout.aspp[i].conv = branch + pointwise;
    }
  }
  layout.pool = convs + "4.0";
  layout.pool_conv = {.conv = convs + "4.1", .bn = convs + "4.2"};
  layout.pool_upsample = convs + "4.upsample";
  layout.aspp_concat = prefix + "concat";
  layout.after_aspp = {{.conv = prefix + "project.0", .bn = prefix + "project.1"}};
}

}  // namespace giemsa
