// In place of cuDNN and cuBLAS: carries out what they are asked for, naively, from the very layouts that they are
// given, and is as particular as they are.
#include "tests/simt/vendor.h"

#include <algorithm>

#include "engine/base/check.h"
#include "tests/simt/runtime.h"

namespace giemsa::cuda {

namespace {

constexpr std::size_t workspace = 300;  // of every plan, so that each gets one

void demand(bool holds, const char* what) {
  check(holds, ErrorKind::internal, "a vendor's library was misused: ", what);
}

double read(const void* from, std::int64_t index, DType type) {
  return type == DType::f16 ? f16_to_f32(static_cast<const std::uint16_t*>(from)[index])
                            : static_cast<const float*>(from)[index];
}

void write(void* to, std::int64_t index, DType type, double value) {
  if (type == DType::f16)
    static_cast<std::uint16_t*>(to)[index] = f32_to_f16(static_cast<float>(value));
  else
    static_cast<float*>(to)[index] = static_cast<float>(value);
}

double rectified(double value, bool relu) {
  return relu && !(value > 0) ? 0 : value;  // NaN as well
}

void check_operands(const VendorOperands& operands, bool residual) {
  const auto aligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % vendor_alignment == 0; };
  demand(operands.x && operands.w && operands.bias && operands.y && operands.workspace, "an operand is missing");
  demand((operands.residual != nullptr) == residual, "a residual there and none described, or the other way round");
  const void* const given[]{operands.x, operands.w, operands.bias, operands.residual, operands.y, operands.workspace};
  for (const void* p : given) demand(aligned(p), "an address is not aligned");
  demand(reinterpret_cast<std::uintptr_t>(operands.workspace) % workspace_alignment == 0,
         "the workspace is not aligned");
  std::fill_n(static_cast<unsigned char*>(operands.workspace), workspace, 0xff);
}

class FakePlan : public VendorPlan {
 public:
  std::size_t workspace_bytes() const override { return workspace; }
  void enqueue(const VendorOperands& operands, Stream) const final {
    simt::may_fail("starting a vendor's kernel");
    ++simt::vendor_calls;
    compute(operands);
  }

 protected:
  virtual void compute(const VendorOperands& operands) const = 0;
};

class FakeConvolution final : public FakePlan {
 public:
  explicit FakeConvolution(const ConvolutionDescriptor& order) : order_(order) {
    const auto [n, channels, h, w] = order_.x.extents;
    const auto [outputs, depth, kernel_h, kernel_w] = order_.w.extents;
    const auto extent = [](std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                           std::int64_t dilation) {
      return (in + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    };
    demand(order_.y.extents == std::array{n, outputs,
                                          extent(h, kernel_h, order_.stride.h, order_.padding.h, order_.dilation.h),
                                          extent(w, kernel_w, order_.stride.w, order_.padding.w, order_.dilation.w)},
           "y does not have the extents of the result");
    demand(channels % depth == 0 && outputs % (channels / depth) == 0, "channels do not divide into groups");
    demand(order_.bias.extents == std::array<std::int64_t, 4>{1, outputs, 1, 1}, "a bias of another extent");
    demand(order_.bias.type == order_.y.type, "a bias of another type");
    demand(order_.w.strides[0] == depth * kernel_h * kernel_w, "gaps in the filter");
    demand(!order_.residual || order_.residual->extents == order_.y.extents, "a residual of another extent");
  }
  std::string description() const override { return "fake cuDNN"; }

 private:
  void compute(const VendorOperands& operands) const override {
    check_operands(operands, order_.residual.has_value());
    const auto [images, outputs, out_h, out_w] = order_.y.extents;
    const auto at = [](const TensorLayout& layout, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) {
      return n * layout.strides[0] + c * layout.strides[1] + y * layout.strides[2] + x * layout.strides[3];
    };
    for (std::int64_t n = 0; n < images; ++n)
      for (std::int64_t y = 0; y < out_h; ++y)
        for (std::int64_t x = 0; x < out_w; ++x)
          for (std::int64_t o = 0; o < outputs; ++o) {
            double sum = window_sum(operands, n, o, y, x);
            if (order_.residual)
              sum += read(operands.residual, at(*order_.residual, n, o, y, x), order_.residual->type);
            sum += read(operands.bias, o * order_.bias.strides[1], order_.bias.type);
            write(operands.y, at(order_.y, n, o, y, x), order_.y.type, rectified(sum, order_.relu));
          }
  }

  double window_sum(const VendorOperands& operands, std::int64_t n, std::int64_t o, std::int64_t y,
                    std::int64_t x) const {
    const auto &in = order_.x, &filter = order_.w;
    const auto [outputs, depth, kernel_h, kernel_w] = filter.extents;
    const std::int64_t first = o / (outputs / (in.extents[1] / depth)) * depth;
    double sum = 0;
    for (std::int64_t ky = 0; ky < kernel_h; ++ky)
      for (std::int64_t kx = 0; kx < kernel_w; ++kx) {
        const std::int64_t at_y = y * order_.stride.h - order_.padding.h + ky * order_.dilation.h;
        const std::int64_t at_x = x * order_.stride.w - order_.padding.w + kx * order_.dilation.w;
        if (at_y < 0 || at_y >= in.extents[2] || at_x < 0 || at_x >= in.extents[3]) continue;
        const std::int64_t pixel = n * in.strides[0] + at_y * in.strides[2] + at_x * in.strides[3];
        const std::int64_t tap = o * filter.strides[0] + ky * filter.strides[2] + kx * filter.strides[3];
        for (std::int64_t c = 0; c < depth; ++c)
          sum += read(operands.x, pixel + (first + c) * in.strides[1], in.type) *
                 read(operands.w, tap + c * filter.strides[1], filter.type);
      }
    return sum;
  }

  ConvolutionDescriptor order_;
};

class FakeProduct final : public FakePlan {
 public:
  explicit FakeProduct(const MatmulDescriptor& order) : order_(order) {
    const auto &a = order_.a, &b = order_.b, &d = order_.d;
    demand(a.rows == b.rows && a.columns == d.rows && b.columns == d.columns, "factors do not fit the product");
    demand(a.type == b.type, "factors of different types");
    for (const MatrixLayout& matrix : {a, b, d}) demand(matrix.leading >= matrix.rows, "columns overlap");
    demand(order_.beta == 0 || order_.beta == 1, "a beta that nobody needs");
  }
  std::string description() const override { return "fake cuBLAS"; }

 private:
  void compute(const VendorOperands& operands) const override {
    check_operands(operands, order_.beta != 0);
    demand(operands.bias == order_.bias, "another bias than announced");
    const auto &a = order_.a, &b = order_.b, &d = order_.d;
    for (std::int64_t column = 0; column < d.columns; ++column)
      for (std::int64_t row = 0; row < d.rows; ++row) {
        double sum = 0;
        for (std::int64_t k = 0; k < a.rows; ++k)
          sum += read(operands.w, row * a.leading + k, a.type) * read(operands.x, column * b.leading + k, b.type);
        const std::int64_t at = column * d.leading + row;
        if (order_.beta != 0) sum += static_cast<double>(order_.beta) * read(operands.residual, at, d.type);
        sum += read(operands.bias, row, d.type);
        write(operands.y, at, d.type, rectified(sum, order_.relu));
      }
  }

  MatmulDescriptor order_;
};

class FakeVendor final : public Vendor {
 public:
  explicit FakeVendor(Provider provider) : provider_(provider) {}

  std::unique_ptr<VendorPlan> plan(const ConvolutionDescriptor& order, int) override {
    const bool one_type = order.x.type == order.y.type && order.w.type == order.y.type;
    if (provider_ != Provider::cudnn || !one_type) return nullptr;
    simt::convolutions_ordered.push_back(order);
    if (simt::vendor_refuses) return nullptr;
    return std::make_unique<FakeConvolution>(order);
  }
  std::unique_ptr<VendorPlan> plan(const MatmulDescriptor& order, int) override {
    if (provider_ != Provider::cublas || simt::vendor_refuses) return nullptr;
    return std::make_unique<FakeProduct>(order);
  }
  bool multiplies() const override { return provider_ == Provider::cublas; }
  std::string version() const override { return cat("fake ", name_of(provider_)); }

 private:
  Provider provider_;
};

}  // namespace

std::shared_ptr<Vendor> open_vendor(Provider provider) {
  simt::may_fail("opening a vendor's library");
  return provider == Provider::own ? nullptr : std::make_shared<FakeVendor>(provider);
}

}  // namespace giemsa::cuda
