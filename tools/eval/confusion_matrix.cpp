#include "tools/eval/confusion_matrix.h"

#include <cmath>
#include <numeric>

#include "engine/base/check.h"

namespace giemsa::eval {

double mean_of_defined(std::span<const double> values) {
  double sum = 0, count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return ratio(sum, count);
}

ConfusionMatrix& ConfusionMatrix::operator+=(const ConfusionMatrix& other) {
  check(classes_ == other.classes_, ErrorKind::internal, "a confusion of ", classes_, " classes plus one of ",
        other.classes_);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  return *this;
}

std::int64_t ConfusionMatrix::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

std::int64_t ConfusionMatrix::correct() const {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < classes_; ++k) sum += at(k, k);
  return sum;
}

std::int64_t ConfusionMatrix::truths(std::size_t of_class) const {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < classes_; ++k) sum += at(of_class, k);
  return sum;
}

std::int64_t ConfusionMatrix::predictions(std::size_t of_class) const {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < classes_; ++k) sum += at(k, of_class);
  return sum;
}

}  // namespace giemsa::eval
