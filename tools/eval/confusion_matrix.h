// How often each class was taken for each: what every figure about classes, of pixels or of cells, is computed from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace giemsa::eval {

/// A figure that has no value, such as the recall of a class that no cell has.
inline constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

/// part / whole; undefined where both are 0.
inline double ratio(double part, double whole) {
  return part / whole;
}

/// The mean of the values that are defined; undefined where none is.
double mean_of_defined(std::span<const double> values);

/// Counts of pairs (class in truth, class predicted), both from 0 to classes - 1.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::size_t classes = 0) : classes_(classes), counts_(classes * classes) {}

  std::size_t classes() const { return classes_; }
  std::int64_t at(std::size_t truth, std::size_t predicted) const { return counts_[truth * classes_ + predicted]; }
  void add(std::size_t truth, std::size_t predicted, std::int64_t count = 1) {
    counts_[truth * classes_ + predicted] += count;
  }
  /// Both must have the same classes.
  ConfusionMatrix& operator+=(const ConfusionMatrix& other);

  std::int64_t total() const;
  std::int64_t correct() const;
  std::int64_t truths(std::size_t of_class) const;
  std::int64_t predictions(std::size_t of_class) const;

  friend bool operator==(const ConfusionMatrix&, const ConfusionMatrix&) = default;

 private:
  std::size_t classes_;
  std::vector<std::int64_t> counts_;  // row by row, a row a class in truth
};

}  // namespace giemsa::eval
