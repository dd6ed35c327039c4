// The operations that a graph is made of. Each is a struct of its parameters with all that the engine has to know of
// it, in a file of its own; a new one is one line here. Tensors are logically NCHW; how a backend lays them out is its
// own affair. A frame is u8 {1,H,W,3} (RGB, interleaved), as images come.
#pragma once

#include "engine/ops/adaptive_avg_pool.h"
#include "engine/ops/add.h"
#include "engine/ops/aspp_depthwise.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/centres.h"
#include "engine/ops/clean_label_measure.h"
#include "engine/ops/clean_mask.h"
#include "engine/ops/components.h"
#include "engine/ops/concat.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/crop_resize.h"
#include "engine/ops/flatten.h"
#include "engine/ops/input.h"
#include "engine/ops/linear.h"
#include "engine/ops/lrn.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/max_unpool.h"
#include "engine/ops/preprocess.h"
#include "engine/ops/relu.h"
#include "engine/ops/separable_conv2d.h"
#include "engine/ops/softmax.h"
#include "engine/ops/split.h"
#include "engine/ops/threshold.h"
#include "engine/ops/upsample.h"

/// Every op but Input: GIEMSA_OPS(X) is X(Conv2d) X(SeparableConv2d) ...
#define GIEMSA_OPS(X)  \
  X(Conv2d)            \
  X(SeparableConv2d)   \
  X(AsppDepthwise)     \
  X(BatchNorm)         \
  X(Relu)              \
  X(Add)               \
  X(MaxPool)           \
  X(MaxPoolIndices)    \
  X(MaxUnpool)         \
  X(AdaptiveAvgPool)   \
  X(Lrn)               \
  X(Flatten)           \
  X(Linear)            \
  X(Softmax)           \
  X(Concat)            \
  X(Upsample)          \
  X(Threshold)         \
  X(UpsampleThreshold) \
  X(Preprocess)        \
  X(FillHoles)         \
  X(AreaOpen)          \
  X(Components)        \
  X(CleanLabelMeasure) \
  X(ResizeLabels)      \
  X(Regions)           \
  X(DistanceTransform) \
  X(Basins)            \
  X(MergeBasins)       \
  X(CentrePeaks)       \
  X(AssignCentres)     \
  X(CropResize)

namespace giemsa {

#define GIEMSA_COMMA_OP(Op) , Op
using Op = std::variant<Input GIEMSA_OPS(GIEMSA_COMMA_OP)>;
#undef GIEMSA_COMMA_OP

/// "conv2d", "batch_norm", ...
std::string_view name_of(const Op& op);

/// "conv2d 3x3/2 p1 relu"
std::string describe(const Op& op);

}  // namespace giemsa
