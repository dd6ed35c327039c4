#include "engine/cuda/tuning.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <optional>

#include "engine/base/check.h"

namespace giemsa::cuda {

namespace {

using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Conv2dTile;

using kernels::SeparableParams;
using kernels::SeparablePlan;
using kernels::SeparableTile;

constexpr const char *signature = "giemsa-tuning 2", *older_signature = "giemsa-tuning 1";

template <class Tile>
struct TileName {
  Tile tile;
  const char* name;
};
constexpr std::array<TileName<Conv2dTile>, 3> tile_names{{{Conv2dTile::m128n64k32, "m128n64k32"},
                                                          {Conv2dTile::m64n64k32, "m64n64k32"},
                                                          {Conv2dTile::m32n64k64, "m32n64k64"}}};
constexpr std::array<TileName<SeparableTile>, 2> separable_tile_names{
    {{SeparableTile::m32n256k32, "m32n256k32"}, {SeparableTile::m32n128k64, "m32n128k64"}}};

template <class Names, class Tile>
const char* name_in(const Names& names, Tile tile) {
  const auto named = std::ranges::find(names, tile, &Names::value_type::tile);
  check(named != names.end(), ErrorKind::internal, "a tile without a name");
  return named->name;
}

/// The convolution that describe() made `text` of, as far as it tells; absent where it made no such text.
std::optional<Conv2dParams> parse_convolution(const std::string& text) {
  Conv2dParams p;
  const int found = std::sscanf(text.c_str(), "conv2d %dx%dx%dx%d %dx%d/%dx%d p%dx%d d%dx%d g%d -> %d", &p.images,
                                &p.in_h, &p.in_w, &p.in_channels, &p.kernel.h, &p.kernel.w, &p.stride.h, &p.stride.w,
                                &p.padding.h, &p.padding.w, &p.dilation.h, &p.dilation.w, &p.groups, &p.out_channels);
  const int least = std::min({p.images, p.in_h, p.in_w, p.in_channels, p.kernel.h, p.kernel.w, p.stride.h, p.stride.w,
                              p.dilation.h, p.dilation.w, p.groups, p.out_channels});
  if (found != 14 || least < 1 || describe(p) != text) return std::nullopt;
  return p;
}

/// Likewise the pair.
std::optional<Pair> parse_pair(const std::string& text) {
  Pair pair;
  SeparableParams& p = pair.params;
  kernels::SlidingWindow& w = p.window;
  const int found =
      std::sscanf(text.c_str(), "separable %dx%dx%dx%d %dx%d/%dx%d p%dx%d d%dx%d of %d -> %d", &p.images, &p.in_h,
                  &p.in_w, &p.channels, &w.kernel.h, &w.kernel.w, &w.stride.h, &w.stride.w, &w.padding.h, &w.padding.w,
                  &w.dilation.h, &w.dilation.w, &pair.branches, &p.out_channels);
  const int least = std::min({p.images, p.in_h, p.in_w, p.channels, w.kernel.h, w.kernel.w, w.stride.h, w.stride.w,
                              w.dilation.h, w.dilation.w, pair.branches, p.out_channels});
  if (found != 14 || least < 1 || describe(pair) != text) return std::nullopt;
  return pair;
}

/// "m32n256k32 4 rows" or "apart"; absent where it is neither.
std::optional<PairPlan> parse_pair_plan(const std::string& text) {
  if (text == describe(PairPlan())) return PairPlan();
  for (const auto& [tile, name] : separable_tile_names)
    for (const bool patches : {false, true})
      for (int splits = 1; splits <= SeparablePlan::max_splits; ++splits)
        if (const PairPlan plan = SeparablePlan{tile, splits, patches}; text == describe(plan)) return plan;
  return std::nullopt;
}

/// "m32n64k64 8"
std::optional<Conv2dPlan> parse_plan(const std::string& text) {
  for (const auto& [tile, name] : tile_names)
    for (int splits = 1; splits <= Conv2dPlan::max_splits; ++splits)
      if (const Conv2dPlan plan{tile, splits}; text == describe(plan)) return plan;
  return std::nullopt;
}

}  // namespace

std::string describe(const Conv2dParams& p) {
  return cat("conv2d ", p.images, 'x', p.in_h, 'x', p.in_w, 'x', p.in_channels, ' ', p.kernel.h, 'x', p.kernel.w, '/',
             p.stride.h, 'x', p.stride.w, " p", p.padding.h, 'x', p.padding.w, " d", p.dilation.h, 'x', p.dilation.w,
             " g", p.groups, " -> ", p.out_channels);
}

std::string describe(const Conv2dPlan& plan) {
  return cat(name_in(tile_names, plan.tile), ' ', plan.splits);
}

std::string describe(const Pair& pair) {
  const SeparableParams& p = pair.params;
  const kernels::SlidingWindow& w = p.window;
  return cat("separable ", p.images, 'x', p.in_h, 'x', p.in_w, 'x', p.channels, ' ', w.kernel.h, 'x', w.kernel.w, '/',
             w.stride.h, 'x', w.stride.w, " p", w.padding.h, 'x', w.padding.w, " d", w.dilation.h, 'x', w.dilation.w,
             " of ", pair.branches, " -> ", p.out_channels);
}

std::string describe(const PairPlan& plan) {
  if (!plan) return "apart";
  return cat(name_in(separable_tile_names, plan->tile), ' ', plan->splits, plan->patches ? " patches" : " rows");
}

void Tuning::set(const Conv2dParams& params, const Conv2dPlan& plan) {
  plans_[describe(params)] = plan;
}

Conv2dPlan Tuning::plan_for(const Conv2dParams& params, int sm_count) const {
  if (!plans_.empty()) {
    const auto found = plans_.find(describe(params));
    if (found != plans_.end() && kernels::fits(params, found->second)) return found->second;
  }
  return kernels::choose(params, sm_count);
}

void Tuning::set(const Pair& pair, const PairPlan& plan) {
  pairs_[describe(pair)] = plan;
}

PairPlan Tuning::plan_for(const Pair& pair, int sm_count) const {
  if (!pairs_.empty()) {
    const auto found = pairs_.find(describe(pair));
    const bool fits = found != pairs_.end() && (!found->second || kernels::fits(pair.params, *found->second));
    if (fits) return found->second;
  }
  if (!kernels::is_worth_fusing(pair.params, pair.branches, sm_count)) return std::nullopt;
  return kernels::choose(pair.params, sm_count);
}

std::string Tuning::text(const std::string& gpu) const {
  std::string result = cat(signature, "\ngpu ", gpu, '\n');
  for (const auto& [description, plan] : plans_) result += cat(description, "  ", describe(plan), '\n');
  for (const auto& [description, plan] : pairs_) result += cat(description, "  ", describe(plan), '\n');
  return result;
}

Tuning Tuning::read(const std::string& file, const std::string& gpu) {
  std::ifstream in(file);
  check(static_cast<bool>(in), ErrorKind::usage, file, ": cannot be read");
  std::string line;
  std::getline(in, line);
  if (line == older_signature)
    throw Error(ErrorKind::usage, cat(file, ":1: of an older version, which knows no separable convolutions"),
                {Hint::Kind::tune});
  check(line == signature, ErrorKind::usage, file, ":1: not a tuning file: expected '", signature, "', found '", line,
        "'");
  line.clear();
  std::getline(in, line);
  check(line == "gpu " + gpu, ErrorKind::usage, file, ":2: expected 'gpu ", gpu, "', as this one is, found '", line,
        "'");

  Tuning tuning;
  for (int number = 3; std::getline(in, line); ++number) {
    const std::size_t gap = std::min(line.rfind("  "), line.size());
    const std::string what = line.substr(0, gap), how = line.substr(std::min(gap + 2, line.size()));
    bool is_new = false, fits = false;
    if (const auto pair = parse_pair(what)) {
      const auto plan = parse_pair_plan(how);
      check(plan.has_value(), ErrorKind::usage, file, ':', number,
            ": expected 'SEPARABLE  TILE SPLITS rows|patches' or 'SEPARABLE  apart', found '", line, "'");
      fits = !*plan || kernels::fits(pair->params, **plan);
      is_new = tuning.pairs_.emplace(what, *plan).second;
    } else {
      const auto convolution = parse_convolution(what);
      const auto plan = parse_plan(how);
      check(convolution && plan, ErrorKind::usage, file, ':', number, ": expected 'CONVOLUTION  TILE SPLITS', found '",
            line, "'");
      fits = kernels::fits(*convolution, *plan);
      is_new = tuning.plans_.emplace(what, *plan).second;
    }
    check(fits, ErrorKind::usage, file, ':', number, ": no such plan for it: '", line, "'");
    check(is_new, ErrorKind::usage, file, ':', number, ": a convolution for the second time: '", line, "'");
  }
  return tuning;
}

}  // namespace giemsa::cuda
