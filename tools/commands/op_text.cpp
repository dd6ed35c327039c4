#include "tools/commands/op_text.h"

#include "engine/check.h"

namespace giemsa {
namespace {

std::string size_text(Size2 size) {
  return cat(size.h, 'x', size.w);
}

/// "3x3/2 p1"
std::string window_text(Size2 kernel, Size2 stride, Size2 padding) {
  std::string text = size_text(kernel);
  if (stride != Size2{1, 1}) text += '/' + (stride.h == stride.w ? std::to_string(stride.h) : size_text(stride));
  if (padding != Size2{0, 0}) text += " p" + (padding.h == padding.w ? std::to_string(padding.h) : size_text(padding));
  return text;
}

std::string activation_text(Activation activation) {
  return activation == Activation::relu ? " relu" : "";
}

struct Parameters {
  std::string operator()(const Conv2d& op) const {
    std::string text = ' ' + window_text(op.kernel, op.stride, op.padding);
    if (op.dilation != Size2{1, 1}) text += cat(" d", op.dilation.h);
    if (op.groups != 1) text += cat(" g", op.groups);
    return text + (op.residual ? " +residual" : "") + activation_text(op.activation);
  }
  std::string operator()(const Add& op) const { return activation_text(op.activation); }
  std::string operator()(const Linear& op) const { return activation_text(op.activation); }
  std::string operator()(const MaxPool& op) const { return ' ' + window_text(op.kernel, op.stride, op.padding); }
  std::string operator()(const AdaptiveAvgPool& op) const { return ' ' + size_text(op.output); }
  std::string operator()(const Lrn& op) const { return cat(' ', op.size); }
  std::string operator()(const Upsample& op) const { return op.align_corners ? " align_corners" : ""; }
  std::string operator()(const UpsampleThreshold& op) const { return op.align_corners ? " align_corners" : ""; }
  template <class Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

}  // namespace

std::string describe(const Op& op) {
  return std::string(name_of(op)) + std::visit(Parameters{}, op);
}

}  // namespace giemsa
