// The ladder of the CPU's cleanup (bench/ladder): from flood fill to what the engine runs, on the masks of the sample
// smears. Verified first: every step gives the same labels and table. On one thread: painting labels is all that the
// engine does on more.

#include <filesystem>
#include <vector>

#include "bench/ladder/labels_ladder.h"
#include "bench/one_node.h"
#include "kernels/cpu/imaging/components.h"
#include "tools/image_io/decode.h"

namespace giemsa {
namespace {

constexpr std::int64_t min_area = 200;

struct Masks {
  Size2 size;
  std::vector<std::vector<std::uint8_t>> of;
};

/// The sample smears' masks, 640x480 each.
Masks sample_masks() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(GIEMSA_SAMPLES "/masks")) files.push_back(entry.path());
  std::ranges::sort(files);
  Masks masks;
  for (const auto& file : files) {
    const Frame frame = decode_image(file);
    masks.size = {frame.height, frame.width};
    std::vector<std::uint8_t> mask;
    for (std::size_t i = 0; i < frame.rgb.size(); i += 3) mask.push_back(frame.rgb[i]);
    masks.of.push_back(std::move(mask));
  }
  check(!masks.of.empty(), ErrorKind::usage, "no masks in " GIEMSA_SAMPLES "/masks");
  return masks;
}

/// One mask of `size`, laid with those.
Masks mosaic(const Masks& tiles, Size2 size) {
  std::vector<std::uint8_t> mask;
  mask.reserve(static_cast<std::size_t>(size.h * size.w));
  for (std::int64_t y = 0; y < size.h; ++y)
    for (std::int64_t x = 0; x < size.w; ++x) {
      const std::int64_t tile = y / tiles.size.h * 7 + x / tiles.size.w;
      const auto& of = tiles.of[static_cast<std::size_t>(tile) % tiles.of.size()];
      mask.push_back(of[static_cast<std::size_t>(y % tiles.size.h * tiles.size.w + x % tiles.size.w)]);
    }
  return {size, {std::move(mask)}};
}

std::int32_t product(const std::uint8_t* mask, Size2 size, std::int64_t smallest, std::int32_t* labels,
                     RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch) {
  return kernels::cpu::clean_and_label(mask, {size.h, size.w}, smallest, labels,
                                       reinterpret_cast<kernels::cpu::ComponentCount*>(table), capacity, scratch);
}

struct Step {
  const char *name, *change;
  ladder::LabelsRun run;
};
constexpr Step steps[] = {
    {"v1 flood", "walks every component with a stack", ladder::labels_v1_flood},
    {"v2 pixels", "union-find over pixels in raster order", ladder::labels_v2_pixels},
    {"v3 runs", "union-find over runs, an op after the other", ladder::labels_v3_runs},
    {"product", "both colours' runs once, everything on them", product},
};

/// A step's memory, and what it made.
struct Workplace {
  explicit Workplace(Size2 size)
      : labels(static_cast<std::size_t>(size.h * size.w)),
        table(static_cast<std::size_t>(1 + max_regions(size.h, size.w, min_area))),
        scratch(ladder::labels_scratch_bytes(size)) {}

  void run(const Step& step, const std::vector<std::uint8_t>& mask, Size2 size) {
    step.run(mask.data(), size, min_area, labels.data(), reinterpret_cast<RegionCount*>(table.data()),
             static_cast<std::int64_t>(table.size()) - 1, scratch);
  }

  std::vector<std::int32_t> labels;
  std::vector<Region> table;
  std::vector<std::byte> scratch;
};

void verify(const Masks& masks) {
  Workplace first(masks.size), other(masks.size);
  for (const auto& mask : masks.of) {
    first.run(steps[0], mask, masks.size);
    for (const Step& step : steps) {
      other.run(step, mask, masks.size);
      check(other.labels == first.labels && other.table == first.table, ErrorKind::internal, step.name,
            " gives another result than ", steps[0].name);
    }
  }
}

void register_steps(const Masks& masks) {
  verify(masks);
  const double pixels = static_cast<double>(masks.size.h * masks.size.w);
  for (const Step& step : steps) {
    const auto body = [&masks, &step, pixels](benchmark::State& state) {
      Workplace workplace(masks.size);
      std::size_t next = 0;
      for (auto _ : state) {
        workplace.run(step, masks.of[next], masks.size);
        next = (next + 1) % masks.of.size();
      }
      // Shown as nanoseconds: Google Benchmark prints an inverted rate of 1e-9 s as 1n.
      state.counters["s/pixel"] =
          benchmark::Counter(pixels, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
      state.SetLabel(step.change);
    };
    benchmark::RegisterBenchmark(cat("labels/", masks.size.w, 'x', masks.size.h, '/', step.name).c_str(), body)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace giemsa

int main(int argc, char** argv) {
  using namespace giemsa;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  static const Masks samples = sample_masks(), large = mosaic(samples, {4096, 4096});
  register_steps(samples);
  register_steps(large);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
