#include "engine/cuda/tuning.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <optional>

#include "engine/check.h"

namespace giemsa::cuda {

namespace {

using kernels::Conv2dParams;
using kernels::Conv2dPlan;
using kernels::Conv2dTile;

constexpr const char* signature = "giemsa-tuning 1";

struct TileName {
  Conv2dTile tile;
  const char* name;
};
constexpr std::array<TileName, 3> tile_names{{{Conv2dTile::m128n64k32, "m128n64k32"},
                                              {Conv2dTile::m64n64k32, "m64n64k32"},
                                              {Conv2dTile::m32n64k64, "m32n64k64"}}};

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
  const auto named = std::ranges::find(tile_names, plan.tile, &TileName::tile);
  check(named != tile_names.end(), ErrorKind::internal, "a tile without a name");
  return cat(named->name, ' ', plan.splits);
}

void Tuning::set(const Conv2dParams& params, const Conv2dPlan& plan) {
  plans_[describe(params)] = plan;
}

Conv2dPlan Tuning::plan_for(const Conv2dParams& params, int sm_count) const {
  if (asked_) asked_(params);
  if (!plans_.empty()) {
    const auto found = plans_.find(describe(params));
    if (found != plans_.end() && kernels::fits(params, found->second)) return found->second;
  }
  return kernels::choose(params, sm_count);
}

std::string Tuning::text(const std::string& gpu) const {
  std::string result = cat(signature, "\ngpu ", gpu, '\n');
  for (const auto& [description, plan] : plans_) result += cat(description, "  ", describe(plan), '\n');
  return result;
}

Tuning Tuning::read(const std::string& file, const std::string& gpu) {
  std::ifstream in(file);
  check(static_cast<bool>(in), ErrorKind::usage, file, ": cannot be read");
  std::string line;
  std::getline(in, line);
  check(line == signature, ErrorKind::usage, file, ":1: not a tuning file: expected '", signature, "', found '", line,
        "'");
  line.clear();
  std::getline(in, line);
  check(line == "gpu " + gpu, ErrorKind::usage, file, ":2: expected 'gpu ", gpu, "', as this one is, found '", line,
        "'");

  Tuning tuning;
  for (int number = 3; std::getline(in, line); ++number) {
    const std::size_t gap = std::min(line.rfind("  "), line.size());
    const auto convolution = parse_convolution(line.substr(0, gap));
    const auto plan = parse_plan(line.substr(std::min(gap + 2, line.size())));
    check(convolution && plan, ErrorKind::usage, file, ':', number, ": expected 'CONVOLUTION  TILE SPLITS', found '",
          line, "'");
    check(kernels::fits(*convolution, *plan), ErrorKind::usage, file, ':', number, ": no such plan for it: '", line,
          "'");
    check(tuning.plans_.emplace(describe(*convolution), *plan).second, ErrorKind::usage, file, ':', number,
          ": a convolution for the second time: '", line, "'");
  }
  return tuning;
}

}  // namespace giemsa::cuda
