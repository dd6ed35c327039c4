#include "tools/bench/smear_bench.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "tools/image_io/decode.h"
#include "tools/pictures/png_writer.h"
#include "tools/samples/smear_generator.h"

namespace giemsa::bench {
namespace {

bool same(const Cell& a, const Cell& b) {
  return a.id == b.id && a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h && a.area == b.area &&
         a.class_index == b.class_index && a.probabilities == b.probabilities;
}

bool finite(const Cell& cell) {
  return std::ranges::all_of(cell.probabilities, [](float p) { return std::isfinite(p); });
}

/// Returns how many cells there are.
std::size_t verify(Smear& smear, const EncodedImage& image) {
  const Frame frame = decode_image(image.bytes);
  SmearResult first, second;
  smear.identify(frame, first);
  smear.identify(frame, second);
  check(std::ranges::all_of(first.cells, finite), ErrorKind::internal, image.name, ": a probability is not finite");
  check(first.labels.pixels == second.labels.pixels && std::ranges::equal(first.cells, second.cells, same),
        ErrorKind::internal, image.name, ": two runs give different cells");
  return first.cells.size();
}

/// The latencies of calls, stage by stage.
struct Stages {
  Series decode{"decode", {}}, segment{"segment", {}}, postprocess{"postprocess", {}}, classify{"classify", {}},
      identify{"identify", {}}, total{"total", {}};

  void add(double decode_ms, const StageTimes& ms, double total_ms) {
    decode.ms.push_back(decode_ms);
    segment.ms.push_back(ms.segment);
    postprocess.ms.push_back(ms.postprocess);
    classify.ms.push_back(ms.classify);
    identify.ms.push_back(ms.total);
    total.ms.push_back(total_ms);
  }

  void move_to(std::vector<Series>& all) {
    for (Series* series : {&decode, &segment, &postprocess, &classify, &identify, &total})
      all.push_back(std::move(*series));
  }
};

}  // namespace

std::vector<EncodedImage> read_images(const std::vector<ImageFile>& files) {
  std::vector<EncodedImage> images;
  for (const ImageFile& file : files) {
    check(file.error.empty(), ErrorKind::image, file.path.string(), ": ", file.error);
    decode_image(file.path);  // now, while the error can name the file
    std::ifstream in(file.path, std::ios::binary);
    images.push_back({file.path.string(), {std::istreambuf_iterator<char>(in), {}}});
    check(!in.bad(), ErrorKind::image, file.path.string(), ": cannot be read");
  }
  return images;
}

std::vector<EncodedImage> generate_images(int count, int width, int height) {
  std::vector<EncodedImage> images;
  for (int i = 1; i <= count; ++i) {
    SampleOptions options;
    options.width = width;
    options.height = height;
    options.seed = static_cast<std::uint64_t>(i);
    images.push_back({cat("smear of seed ", i), encode_png(generate_smear(options).frame)});
  }
  return images;
}

void bench_smear(Smear& smear, const std::vector<EncodedImage>& images, const Schedule& schedule, Report& report) {
  SmearResult result;
  const auto call = [&](std::size_t i) {
    const Frame frame = decode_image(images[i % images.size()].bytes);
    const auto decoded = Clock::now();
    smear.identify(frame, result);
    return decoded;
  };

  auto start = Clock::now();
  call(0);
  const double first_ms = ms_since(start);
  std::size_t cells = 0;
  for (const EncodedImage& image : images) cells += verify(smear, image);
  report.verified = cat("the ", cells, " cells of ", images.size(),
                        " images are the same to the bit in two runs, their probabilities finite");
  warm_up(schedule, call);

  Stages stages;
  report.before = observe_machine(report.on_gpu);
  repeat(schedule.timed, [&](std::size_t i) {
    start = Clock::now();
    const auto decoded = call(i);
    const double total_ms = ms_since(start);
    stages.add(std::chrono::duration<double, std::milli>(decoded - start).count(), result.ms, total_ms);
  });
  report.after = observe_machine(report.on_gpu);
  stages.move_to(report.series);
  report.series.push_back({"first_call", {first_ms}});
  if (schedule.idle_seconds > 0)
    report.series.push_back({"after_idle", {first_after_idle(schedule, [&] { call(0); })}});
  report.memory.peak_resident_bytes = peak_resident_bytes();
}

}  // namespace giemsa::bench
