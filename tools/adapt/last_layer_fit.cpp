#include "tools/adapt/last_layer_fit.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace giemsa::adapt {

namespace {

constexpr std::size_t folds = 5;
// Logarithmic: under the first hardly any cell changes the layer, under the last every cell is learnt by heart. The weaker
// the penalty, the longer the fit takes, so that the search ends once two in turn were worse than the best.
constexpr double penalties[] = {30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01};
constexpr int patience = 2;
// Largest element of the gradient at which a fit ends, in units of probability.
constexpr double coarse = 1e-4, fine = 1e-7;

using Indices = std::vector<std::size_t>;

/// Row-major.
struct Matrix {
  Matrix(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}
  std::span<double> operator[](std::size_t row) { return {values.data() + row * columns, columns}; }
  std::span<const double> operator[](std::size_t row) const { return {values.data() + row * columns, columns}; }

  std::size_t rows, columns;
  std::vector<double> values;
};

/// The Cholesky factor L of a symmetric positive definite matrix, M = L L'.
class Cholesky {
 public:
  explicit Cholesky(Matrix matrix) : factor_(std::move(matrix)) {
    for (std::size_t i = 0; i < factor_.rows; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = factor_[i][j];
        for (std::size_t k = 0; k < j; ++k) sum -= factor_[i][k] * factor_[j][k];
        factor_[i][j] = i == j ? std::sqrt(sum) : sum / factor_[j][j];
      }
  }

  /// M^-1 right, in place.
  void solve(Matrix& right) const {
    const std::size_t n = factor_.rows;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < i; ++k) subtract(right[i], factor_[i][k], right[k]);
      for (double& value : right[i]) value /= factor_[i][i];
    }
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t k = i + 1; k < n; ++k) subtract(right[i], factor_[k][i], right[k]);
      for (double& value : right[i]) value /= factor_[i][i];
    }
  }

 private:
  static void subtract(std::span<double> from, double factor, std::span<const double> row) {
    for (std::size_t c = 0; c < from.size(); ++c) from[c] -= factor * row[c];
  }

  Matrix factor_;
};

/// The cells as the fit sees them.
class Problem {
 public:
  Problem(const LastLayer& shipped, std::span<const LabelledCell> cells)
      : classes_(static_cast<std::size_t>(shipped.weight.shape()[0])),
        cells_(cells),
        gram_(cells.size(), cells.size()),
        logits_(cells.size(), classes_) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) gram_[i][j] = gram_[j][i] = dot(cells[i].features, cells[j].features);
      for (std::size_t c = 0; c < classes_; ++c)
        logits_[i][c] = dot(shipped.weight.as<float>().subspan(c * cells[i].features.size(), cells[i].features.size()),
                            cells[i].features) +
                        static_cast<double>(shipped.bias.as<float>()[c]);
    }
    for (std::size_t i = 0; i < cells.size(); ++i) mean_square_ += gram_[i][i] / static_cast<double>(cells.size());
    if (mean_square_ <= 0) mean_square_ = 1;
    for (double& value : gram_.values) value = value / mean_square_ + 1;
  }

  std::size_t classes() const { return classes_; }
  double mean_square() const { return mean_square_; }

  /// A, fitted to the cells `seen`: a row for each of them.
  Matrix fit(const Indices& seen, double penalty, double tolerance) const {
    const std::size_t n = seen.size();
    Matrix metric(n, n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) metric[i][j] = gram_[seen[i]][seen[j]] / 2;
      metric[i][i] += penalty;
    }
    const Cholesky inverse(std::move(metric));
    Matrix now(n, classes_), ahead = now, before = now;
    double momentum = 1;
    constexpr int most_steps = 2000;
    for (int step = 0; step < most_steps; ++step) {
      Matrix move = gradient(seen, ahead, penalty);
      double steepest = 0;
      for (const double value : move.values) steepest = std::max(steepest, std::abs(value));
      if (steepest < tolerance) return ahead;
      inverse.solve(move);
      before = now;
      double turned = 0;  // where the momentum points uphill it is dropped (O'Donoghue & Candes 2015)
      for (std::size_t i = 0; i < now.values.size(); ++i) {
        now.values[i] = ahead.values[i] - move.values[i];
        turned += move.values[i] * (now.values[i] - before.values[i]);
      }
      const double next = turned > 0 ? 1 : (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
      const double part = turned > 0 ? 0 : (momentum - 1) / next;
      for (std::size_t i = 0; i < now.values.size(); ++i)
        ahead.values[i] = now.values[i] + part * (now.values[i] - before.values[i]);
      momentum = next;
    }
    return now;
  }

  /// How the layer of `fitted` (of `seen`) names the cells `asked`.
  Naming name(const Indices& asked, const Indices& seen, const Matrix& fitted) const {
    Naming naming;
    for (const std::size_t i : asked) {
      const std::vector<double> log_probability = log_softmax(logits(i, seen, fitted));
      const auto truth = static_cast<std::size_t>(cells_[i].truth);
      for (std::size_t c = 0; c < classes_; ++c) {
        const double off = std::exp(log_probability[c]) - (c == truth);
        naming.loss += off * off;
      }
      naming.right += std::ranges::max_element(log_probability) == log_probability.begin() + cells_[i].truth;
    }
    return naming;
  }

 private:
  static double dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += static_cast<double>(a[k]) * static_cast<double>(b[k]);
    return sum;
  }

  static std::vector<double> log_softmax(std::vector<double> logits) {
    const double most = *std::ranges::max_element(logits);
    double sum = 0;
    for (const double value : logits) sum += std::exp(value - most);
    for (double& value : logits) value -= most + std::log(sum);
    return logits;
  }

  std::vector<double> logits(std::size_t cell, const Indices& seen, const Matrix& fitted) const {
    std::vector<double> sums(logits_[cell].begin(), logits_[cell].end());
    for (std::size_t j = 0; j < seen.size(); ++j)
      for (std::size_t c = 0; c < classes_; ++c) sums[c] += gram_[cell][seen[j]] * fitted[j][c];
    return sums;
  }

  /// Of the objective, in the metric of K: softmax - truth + penalty A.
  Matrix gradient(const Indices& seen, const Matrix& fitted, double penalty) const {
    Matrix result(seen.size(), classes_);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const std::vector<double> log_probability = log_softmax(logits(seen[i], seen, fitted));
      for (std::size_t c = 0; c < classes_; ++c)
        result[i][c] = std::exp(log_probability[c]) + penalty * fitted[i][c];
      result[i][static_cast<std::size_t>(cells_[seen[i]].truth)] -= 1;
    }
    return result;
  }

  std::size_t classes_;
  std::span<const LabelledCell> cells_;
  Matrix gram_;    // of the scaled features with their 1 for the bias
  Matrix logits_;  // by the layer that was shipped
  double mean_square_ = 0;
};

/// Which fold each cell is in: the groups of each class are dealt out in turn.
std::vector<std::size_t> deal(std::span<const LabelledCell> cells) {
  std::map<std::size_t, std::size_t> fold_of_group;
  std::map<int, std::size_t> next;
  std::size_t first = 0;
  std::vector<std::size_t> result;
  for (const LabelledCell& cell : cells) {
    const auto [place, is_new] = fold_of_group.try_emplace(cell.group, 0);
    if (is_new) {
      const auto [turn, is_first] = next.try_emplace(cell.truth, first);
      if (is_first) ++first;  // so that rare classes do not all begin with the same fold
      place->second = turn->second++ % folds;
    }
    result.push_back(place->second);
  }
  return result;
}

Naming validate(const Problem& problem, const std::vector<std::size_t>& fold_of, double penalty) {
  Naming naming;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    Indices seen, asked;
    for (std::size_t i = 0; i < fold_of.size(); ++i) (fold_of[i] == fold ? asked : seen).push_back(i);
    if (asked.empty()) continue;
    const Naming part = problem.name(asked, seen, problem.fit(seen, penalty, coarse));
    naming.right += part.right;
    naming.loss += part.loss;
  }
  return naming;
}

LastLayer changed(const LastLayer& shipped, std::span<const LabelledCell> cells, const Matrix& fitted,
                  double mean_square) {
  const auto weight = shipped.weight.as<float>(), bias = shipped.bias.as<float>();
  const std::size_t features = cells[0].features.size();
  std::vector<double> new_weight(weight.begin(), weight.end()), new_bias(bias.begin(), bias.end());
  for (std::size_t i = 0; i < cells.size(); ++i)
    for (std::size_t c = 0; c < bias.size(); ++c) {
      new_bias[c] += fitted[i][c];
      for (std::size_t k = 0; k < features; ++k)
        new_weight[c * features + k] += fitted[i][c] * static_cast<double>(cells[i].features[k]) / mean_square;
    }
  const auto rounded = [](const std::vector<double>& values) { return std::vector<float>(values.begin(), values.end()); };
  return {Tensor::from(shipped.weight.shape(), rounded(new_weight)),
          Tensor::from(shipped.bias.shape(), rounded(new_bias))};
}

}  // namespace

LastLayerFit fit_last_layer(const LastLayer& shipped, std::span<const LabelledCell> cells) {
  const Problem problem(shipped, cells);
  const std::vector<std::size_t> fold_of = deal(cells);
  Indices all(cells.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;

  LastLayerFit fit;
  fit.before = fit.after = problem.name(all, {}, Matrix(0, problem.classes()));
  for (int worse = 0; const double penalty : penalties) {
    const Naming naming = validate(problem, fold_of, penalty);
    if (naming.loss < fit.after.loss) {
      fit.after = naming;
      fit.penalty = penalty;
      worse = 0;
    } else if (fit.penalty && ++worse == patience) {
      break;
    }
  }
  fit.layer = fit.penalty ? changed(shipped, cells, problem.fit(all, *fit.penalty, fine), problem.mean_square()) : shipped;
  for (Naming* naming : {&fit.before, &fit.after}) naming->loss /= static_cast<double>(cells.size());
  return fit;
}

}  // namespace giemsa::adapt
