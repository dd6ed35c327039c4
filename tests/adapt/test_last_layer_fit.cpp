#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tools/adapt/last_layer_fit.h"

using namespace giemsa;
using namespace giemsa::adapt;

namespace {

constexpr std::size_t features = 7;
constexpr std::size_t classes = 3;

LastLayer layer(std::vector<float> weight, std::vector<float> bias) {
  const auto rows = static_cast<std::int64_t>(bias.size());
  const auto columns = static_cast<std::int64_t>(weight.size()) / rows;
  return {Tensor::from({rows, columns}, std::move(weight)), Tensor::from({rows}, std::move(bias))};
}

/// Draws from one seeded generator.
struct Draw {
  std::mt19937 generator{7};
  float operator()() { return std::normal_distribution<float>(0, 1)(generator); }
};

LastLayer random_layer(Draw& draw) {
  std::vector<float> weight(classes * features), bias(classes);
  std::ranges::generate(weight, std::ref(draw));
  std::ranges::generate(bias, std::ref(draw));
  return layer(std::move(weight), std::move(bias));
}

/// Cells in clouds, one around a centre per class.
std::vector<LabelledCell> clouds(Draw& draw, std::size_t count, float spread) {
  std::vector<std::vector<float>> centres(classes, std::vector<float>(features));
  for (auto& centre : centres) std::ranges::generate(centre, std::ref(draw));
  std::vector<LabelledCell> cells;
  for (std::size_t i = 0; i < count; ++i) {
    LabelledCell cell{centres[i % classes], static_cast<int>(i % classes), i};
    for (float& value : cell.features) value = 3 * value + spread * draw();
    cells.push_back(std::move(cell));
  }
  return cells;
}

std::vector<double> probabilities(const LastLayer& layer, const LabelledCell& cell) {
  std::vector<double> values;
  double sum = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    double logit = static_cast<double>(layer.bias.as<float>()[c]);
    for (std::size_t k = 0; k < features; ++k)
      logit += static_cast<double>(layer.weight.as<float>()[c * features + k]) * static_cast<double>(cell.features[k]);
    values.push_back(std::exp(logit));
    sum += values.back();
  }
  for (double& value : values) value /= sum;
  return values;
}

std::size_t named_right(const LastLayer& layer, std::span<const LabelledCell> cells) {
  return static_cast<std::size_t>(std::ranges::count_if(cells, [&](const LabelledCell& cell) {
    const std::vector<double> p = probabilities(layer, cell);
    return std::ranges::max_element(p) - p.begin() == cell.truth;
  }));
}

}  // namespace

TEST_CASE("the fitted layer is where the objective is flat: penalty x change = sum of (truth - probability) x features") {
  Draw draw;
  const LastLayer shipped = random_layer(draw);
  const std::vector<LabelledCell> cells = clouds(draw, 60, 1.5f);
  const LastLayerFit fit = fit_last_layer(shipped, cells);
  REQUIRE(fit.penalty);
  double mean_square = 0;
  for (const LabelledCell& cell : cells)
    for (const float value : cell.features) mean_square += static_cast<double>(value) * static_cast<double>(value) / 60;
  constexpr double ends_at = 1e-7;  // the largest element of the gradient, one of each cell and class
  constexpr double half_unit = 0x1p-24;  // to which a weight is rounded
  for (std::size_t c = 0; c < classes; ++c) {
    std::vector<double> pull(features + 1), tolerance(features + 1);
    for (const LabelledCell& cell : cells) {
      // Rounded weights move each logit, and a probability by no more than twice the largest move.
      double moved = 0;
      for (std::size_t other = 0; other < classes; ++other) {
        double size = std::abs(static_cast<double>(fit.layer.bias.as<float>()[other]));
        for (std::size_t k = 0; k < features; ++k)
          size += std::abs(static_cast<double>(fit.layer.weight.as<float>()[other * features + k]) *
                           static_cast<double>(cell.features[k]));
        moved = std::max(moved, half_unit * size);
      }
      for (std::size_t k = 0; k < features; ++k)
        tolerance[k] += (ends_at + 2 * moved) * std::abs(static_cast<double>(cell.features[k]));
      tolerance[features] += ends_at + 2 * moved;
      const double missing = (cell.truth == static_cast<int>(c)) - probabilities(fit.layer, cell)[c];
      for (std::size_t k = 0; k < features; ++k) pull[k] += missing * static_cast<double>(cell.features[k]);
      pull[features] += missing;
    }
    for (std::size_t k = 0; k < features; ++k) {
      const std::size_t at = c * features + k;
      const double change = static_cast<double>(fit.layer.weight.as<float>()[at]) - static_cast<double>(shipped.weight.as<float>()[at]);
      const double rounded = half_unit * std::abs(static_cast<double>(fit.layer.weight.as<float>()[at]));
      CHECK(std::abs(*fit.penalty * mean_square * change - pull[k]) <=
            tolerance[k] + *fit.penalty * mean_square * rounded);
    }
    const double change = static_cast<double>(fit.layer.bias.as<float>()[c]) - static_cast<double>(shipped.bias.as<float>()[c]);
    const double rounded = half_unit * std::abs(static_cast<double>(fit.layer.bias.as<float>()[c]));
    CHECK(std::abs(*fit.penalty * change - pull[features]) <= tolerance[features] + *fit.penalty * rounded);
  }
}

TEST_CASE("cells that a random layer names badly are named well once it is fitted") {
  Draw draw;
  const LastLayer shipped = random_layer(draw);
  const std::vector<LabelledCell> cells = clouds(draw, 60, 0.5f);
  const LastLayerFit fit = fit_last_layer(shipped, cells);
  CHECK(fit.before.right == named_right(shipped, cells));
  CHECK(fit.before.right < 50);
  CHECK(fit.after.right > 57);
  CHECK(fit.after.loss < fit.before.loss);
  CHECK(named_right(fit.layer, cells) > 57);
  const LastLayerFit again = fit_last_layer(shipped, cells);
  CHECK(std::ranges::equal(fit.layer.weight.as<float>(), again.layer.weight.as<float>()));
}

TEST_CASE("cells of one image do not vouch for each other") {
  Draw draw;
  constexpr std::size_t many = 80;  // features, so that a layer can learn every cell by heart
  std::vector<LabelledCell> cells;
  for (std::size_t group = 0; group < 40; ++group) {
    LabelledCell cell{std::vector<float>(many), static_cast<int>(draw.generator() % classes), group};
    std::ranges::generate(cell.features, std::ref(draw));
    cells.insert(cells.end(), 3, cell);  // three times the same cell, whose class is pure chance
  }
  const LastLayer shipped = layer(std::vector<float>(classes * many), std::vector<float>(classes));
  CHECK(fit_last_layer(shipped, cells).after.right < cells.size() * 6 / 10);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i].group = i;
  CHECK(fit_last_layer(shipped, cells).after.right > cells.size() * 6 / 10);  // so the check above can fail
}

TEST_CASE("a layer that names everything rightly stays as it is") {
  std::vector<float> weight(classes * features);
  std::vector<LabelledCell> cells;
  for (std::size_t c = 0; c < classes; ++c) weight[c * features + c] = 50;
  for (std::size_t i = 0; i < 30; ++i) {
    LabelledCell cell{std::vector<float>(features), static_cast<int>(i % classes), i};
    cell.features[i % classes] = 1;
    cells.push_back(std::move(cell));
  }
  const LastLayer shipped = layer(weight, std::vector<float>(classes));
  const LastLayerFit fit = fit_last_layer(shipped, cells);
  CHECK_FALSE(fit.penalty);
  CHECK(fit.before.right == 30);
  CHECK(std::ranges::equal(fit.layer.weight.as<float>(), weight));
}

TEST_CASE("the least that can be fitted: two cells of two images, of one class, without any feature") {
  const LastLayer shipped = layer(std::vector<float>(classes * features), std::vector<float>(classes));
  const std::vector<LabelledCell> cells{{std::vector<float>(features), 1, 4}, {std::vector<float>(features), 1, 9}};
  const LastLayerFit fit = fit_last_layer(shipped, cells);
  REQUIRE(fit.penalty);
  CHECK(fit.after.right == 2);
  CHECK(fit.layer.bias.as<float>()[1] > fit.layer.bias.as<float>()[0]);
}
