#include "engine/cuda/tuning.h"

#include <array>
#include <fstream>
#include <sstream>

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

/// What decides how fast a plan is; the strides of slices do not.
std::string describe(const Conv2dParams& p) {
  return cat("conv2d ", p.images, 'x', p.in_h, 'x', p.in_w, 'x', p.in_channels, ' ', p.kernel.h, 'x', p.kernel.w, '/',
             p.stride.h, 'x', p.stride.w, " p", p.padding.h, 'x', p.padding.w, " d", p.dilation.h, 'x', p.dilation.w,
             " g", p.groups, " -> ", p.out_channels);
}

}  // namespace

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

std::string Tuning::text(const std::string& gpu) const {
  std::string result = cat(signature, "\ngpu ", gpu, '\n');
  for (const auto& [description, plan] : plans_)
    for (const auto& [tile, name] : tile_names)
      if (tile == plan.tile) result += cat(description, "  ", name, ' ', plan.splits, '\n');
  return result;
}

Tuning Tuning::read(const std::string& file, const std::string& gpu) {
  std::ifstream in(file);
  check(static_cast<bool>(in), ErrorKind::usage, file, ": cannot be read");
  std::string line;
  std::getline(in, line);
  check(line == signature, ErrorKind::usage, file, ": not a tuning file: its first line is not '", signature, "'");
  std::getline(in, line);
  check(line == "gpu " + gpu, ErrorKind::usage, file, ": made on '", line.substr(line.find(' ') + 1), "', this is '",
        gpu, "'");

  Tuning tuning;
  for (int number = 3; std::getline(in, line); ++number) {
    const std::size_t gap = line.rfind("  ");
    std::istringstream plan_text(gap == std::string::npos ? "" : line.substr(gap + 2));
    std::string tile, rest;
    Conv2dPlan plan;
    plan_text >> tile >> plan.splits;
    bool known = false;
    for (const TileName& candidate : tile_names) {
      if (tile != candidate.name) continue;
      plan.tile = candidate.tile;
      known = true;
    }
    check(known && plan_text && !(plan_text >> rest) && plan.splits >= 1 && plan.splits <= Conv2dPlan::max_splits,
          ErrorKind::usage, file, ':', number, ": expected 'CONVOLUTION  TILE SPLITS', found '", line, "'");
    tuning.plans_[line.substr(0, gap)] = plan;
  }
  return tuning;
}

}  // namespace giemsa::cuda
