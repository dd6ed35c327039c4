// What the references in this folder share. A reference is the naive, obviously right version of an op over dense
// row-major NCHW, summed in fp64. It also says how far a correct fp32 or bf16 implementation may be from it.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/base/tensor.h"

namespace giemsa::ref {

/// The result of an op: value[i], and magnitude[i], the sum of the absolute values of the terms that made it. An
/// implementation that rounds every term at most `roundings` times on its way into the sum, in whatever order it sums,
/// errs by at most gamma_n * magnitude (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1).
struct Reference {
  Shape shape;
  std::vector<double> value, magnitude;
  double roundings = 0;  ///< 0: the op only moves or selects values and is exact
  double freedom = 0;    ///< beside roundings: by how much the definition lets every value differ

  Reference(Shape shape_, double roundings_)
      : shape(shape_),
        value(static_cast<std::size_t>(shape.volume())),
        magnitude(value.size()),
        roundings(roundings_) {}

  void add_term(std::size_t i, double term) {
    value[i] += term;
    magnitude[i] += std::abs(term);
  }
};

/// Half the distance between neighbours of 1: the largest relative error of one rounding.
constexpr double unit_roundoff(DType dtype) {
  return dtype == DType::bf16 ? 0x1p-8 : dtype == DType::f16 ? 0x1p-11 : 0x1p-24;
}

/// Largest error that element i may have where sums are kept in fp32 and the result is stored as `storage`. Rests on
/// inputs and weights that are exact in both precisions (see random.h).
inline double tolerance(const Reference& reference, std::size_t i, DType storage) {
  const double nu = reference.roundings * unit_roundoff(DType::f32);
  const double computed = nu / (1 - nu) * reference.magnitude[i] + reference.freedom;
  if (storage == DType::f32) return computed;
  return computed + unit_roundoff(storage) * (std::abs(reference.value[i]) + computed);
}

/// Row-major index into {N,C,H,W}.
inline std::size_t at(const Shape& shape, std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) {
  return static_cast<std::size_t>(((n * shape[1] + c) * shape[2] + y) * shape[3] + x);
}

/// Calls body(n, c, y, x, index) for every element of {N,C,H,W}.
template <class Body>
void for_each_element(const Shape& shape, Body body) {
  std::size_t index = 0;
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (std::int64_t y = 0; y < shape[2]; ++y)
        for (std::int64_t x = 0; x < shape[3]; ++x) body(n, c, y, x, index++);
}

}  // namespace giemsa::ref
