// What the kernels of max pooling with indices ask of their arguments; tests/contract holds their results to
// references.
#include "kernels/max_unpool.h"

#include <doctest/doctest.h>

#include "tests/kernels/nhwc.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::MaxUnpoolParams;

namespace {

const MaxUnpoolParams good{
    .channels = 5, .full = {4, 6}, .pooled = {2, 3}, .input_pixel_stride = 8, .output_pixel_stride = 8};

void refuses(const MaxUnpoolParams& p, bool pools = true, std::ptrdiff_t offset = 0) {
  DeviceBuffer<Half> large(4 * 6 * 8 + 8), small(2 * 3 * 8 + 8);
  DeviceBuffer<std::uint8_t> taps(2 * 3 * 5);
  if (pools)
    CHECK_THROWS_AS(kernels::max_pool_indices(small.data() + offset, taps.data(), large.data(), p, nullptr),
                    std::invalid_argument);
  CHECK_THROWS_AS(kernels::max_unpool(large.data() + offset, small.data(), taps.data(), p, nullptr),
                  std::invalid_argument);
}

}  // namespace

TEST_CASE("max_pool_indices and max_unpool refuse what they cannot do") {
  refuses(good, true, 1);
  MaxUnpoolParams p = good;
  p.output_pixel_stride = 4;  // below the channels
  refuses(p);
  p = good;
  p.pooled.w = 4;  // the last window would reach beyond the map
  refuses(p);
  p = good;
  p.kernel = {17, 16};
  refuses(p);
  p = good;
  p.stride = {1, 2};  // windows overlap, which only unpooling minds
  refuses(p, false);
}

TEST_CASE("max_pool_indices and max_unpool: cost") {
  const kernels::Cost cost = kernels::cost(good, 2);
  CHECK_EQ(cost.bytes, ((24 + 6) * 2 + 6) * 5.0);
  CHECK_EQ(cost.flops, 6 * 4 * 5.0);
}
