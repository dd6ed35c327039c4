#include "tools/eval/image_record.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include "kernels/cpu/imaging/components.h"
#include "tools/eval/boundary_score.h"
#include "tools/image_io/decode.h"
#include "tools/run/results.h"

namespace giemsa::eval {
namespace {

/// Whether a file is a PNG of 16 bits a sample: byte 24 is the depth.
bool is_deep_png(const std::filesystem::path& file) {
  std::array<char, 25> head{};
  std::ifstream(file, std::ios::binary).read(head.data(), head.size());
  return std::string_view(head.data(), 4) == "\x89PNG" && head[24] == 16;
}

ImageRecord record_of(const Sample& sample, std::size_t classes) {
  ImageRecord record;
  record.file = sample.image.path.string();
  record.name = sample.image.name;
  record.fold = sample.fold;
  record.tally.classes = ConfusionMatrix(classes);
  return record;
}

std::size_t index_of(std::span<const std::string> classes, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(classes, name) - classes.begin());
}

void count_class(ImageRecord& record, CellRecord& cell, std::size_t truth_class) {
  cell.truth_class = truth_class;
  record.tally.classes.add(truth_class, static_cast<std::size_t>(cell.cell.class_index));
}

/// The labels of regions that are reported as white cells.
Labels white_cells(const Labels& labels, std::span<const Cell> cells) {
  std::vector<bool> other(std::numeric_limits<std::uint16_t>::max() + std::size_t{1});
  for (const Cell& cell : cells) other[static_cast<std::size_t>(cell.id)] = cell.finding == Finding::other;
  Labels white = labels;
  for (std::uint16_t& label : white.pixels)
    if (other[label]) label = 0;
  return white;
}

}  // namespace

Truth truth_of(Mask mask) {
  const kernels::cpu::Extent size{mask.height, mask.width};
  std::vector<std::byte> scratch(kernels::cpu::components_scratch_bytes(size));
  std::vector<std::int32_t> labels(mask.pixels.size());
  const std::int32_t count = kernels::cpu::label_components(mask.pixels.data(), size, labels.data(), scratch);
  std::vector<kernels::cpu::ComponentRecord> table(static_cast<std::size_t>(count) + 1);
  kernels::cpu::region_table(labels.data(), size, count, reinterpret_cast<kernels::cpu::ComponentCount*>(table.data()));
  constexpr int most = std::numeric_limits<std::uint16_t>::max();
  check(count <= most, ErrorKind::image, "its mask has ", count, " components, at most ", most, " can be numbered");
  Truth truth{std::move(mask), {}, Labels(static_cast<int>(size.w), static_cast<int>(size.h))};
  for (const kernels::cpu::ComponentRecord& region : std::span(table).subspan(1))
    truth.cells.push_back({region.x, region.y, region.w, region.h});
  std::ranges::transform(labels, truth.labels.pixels.begin(),
                         [](std::int32_t label) { return static_cast<std::uint16_t>(label); });
  return truth;
}

Truth truth_of(Labels labels) {
  Truth truth{Mask(labels.width, labels.height), {}, {}};
  std::map<std::uint16_t, std::array<int, 4>> boxes;  // left, top, right, bottom
  for (int y = 0; y < labels.height; ++y)
    for (int x = 0; x < labels.width; ++x) {
      const std::uint16_t label = labels.at(x, y);
      if (label == 0) continue;
      truth.mask.at(x, y) = 1;
      auto& [left, top, right, bottom] = boxes.try_emplace(label, std::array{x, y, x, y}).first->second;
      left = std::min(left, x);
      right = std::max(right, x);
      bottom = y;
    }
  for (const auto& [label, box] : boxes)
    truth.cells.push_back({box[0], box[1], box[2] - box[0] + 1, box[3] - box[1] + 1});
  truth.labels = std::move(labels);
  return truth;
}

Truth read_true_labels(const std::filesystem::path& file, Size2 size) {
  const Labels labels = read_png_labels(file);
  check(labels.width == size.w && labels.height == size.h, ErrorKind::image, file.string(), ": is ", labels.width, "x",
        labels.height, ", its image ", size.w, "x", size.h);
  return truth_of(labels);
}

Truth read_truth(const std::filesystem::path& file, Size2 size) {
  check(!is_deep_png(file), ErrorKind::image, file.string(), ": has 16 bits a sample, expected a mask of 8");
  const Frame picture = decode_image(file);
  check(picture.width == size.w && picture.height == size.h, ErrorKind::image, file.string(), ": is ", picture.width,
        "x", picture.height, ", its image ", size.w, "x", size.h);
  Mask mask(picture.width, picture.height);
  for (std::size_t i = 0; i < mask.pixels.size(); ++i)
    mask.pixels[i] = (picture.rgb[3 * i] | picture.rgb[3 * i + 1] | picture.rgb[3 * i + 2]) != 0;
  return truth_of(std::move(mask));
}

std::optional<std::string> class_of_cells(std::span<const std::string> listed, std::size_t cells) {
  if (listed.empty() || cells > listed.size()) return {};
  if (std::ranges::any_of(listed, [&](const std::string& name) { return name != listed.front(); })) return {};
  return listed.front();
}

ImageRecord compare_field(const Sample& sample, const Truth& truth, const Labels& labels, std::span<const Cell> cells,
                          std::span<const std::string> classes) {
  ImageRecord record = record_of(sample, classes.size());
  ImageTally& tally = record.tally;
  record.width = labels.width;
  record.height = labels.height;
  Mask predicted(labels.width, labels.height);
  std::ranges::transform(labels.pixels, predicted.pixels.begin(), [](std::uint16_t label) { return label != 0; });
  tally.pixels = count_pixels(truth.mask, predicted);
  tally.boundary_f1 = mean_boundary_f1(truth.mask, predicted);
  tally.instances = count_instances(truth.labels, white_cells(labels, cells));

  std::vector<ScoredBox> boxes, white;  // of all regions; of those that are reported as white cells
  for (const Cell& cell : cells) {
    boxes.push_back({{cell.x, cell.y, cell.w, cell.h}, probability_of(cell)});
    if (cell.finding != Finding::other) white.push_back(boxes.back());
    record.cells.push_back({.cell = cell, .truth = {}, .truth_class = {}});
  }
  tally.truth_cells = static_cast<std::int64_t>(truth.cells.size());
  for (std::size_t i = 0; i < detection_ious.size(); ++i) {
    const auto matches = match_boxes(truth.cells, white, detection_ious[i]);
    for (std::size_t b = 0; b < white.size(); ++b)
      tally.detections[i].push_back({white[b].score, matches[b].has_value()});
  }

  // A true cell that was found, but taken for something else, is a name that is wrong.
  const auto known_class = class_of_cells(sample.classes, truth.cells.size());
  tally.labelled_cells = known_class ? tally.truth_cells : 0;
  const auto matches = match_boxes(truth.cells, boxes, detection_ious.front());
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    if (!matches[b]) continue;
    CellRecord& cell = record.cells[b];
    cell.truth = matches[b];
    cell.iou = box_iou(truth.cells[*matches[b]], boxes[b].box);
    if (known_class) count_class(record, cell, index_of(classes, *known_class));
  }
  return record;
}

ImageRecord compare_crop(const Sample& sample, Size2 size, const Cell* cell, std::span<const std::string> classes) {
  ImageRecord record = record_of(sample, classes.size());
  record.width = static_cast<int>(size.w);
  record.height = static_cast<int>(size.h);
  record.tally.truth_cells = record.tally.labelled_cells = 1;
  if (cell) {
    record.cells.push_back({.cell = *cell, .truth = {}, .truth_class = {}});
    count_class(record, record.cells.front(), index_of(classes, sample.classes.front()));
  }
  return record;
}

const Cell* middle_cell(std::span<const Cell> cells, Size2 size) {
  const double x = static_cast<double>(size.w - 1) / 2, y = static_cast<double>(size.h - 1) / 2;
  const auto distance = [&](const Cell& cell) { return std::hypot(cell.centroid_x - x, cell.centroid_y - y); };
  const auto nearest = std::ranges::min_element(cells, {}, distance);
  return nearest == cells.end() ? nullptr : &*nearest;
}

}  // namespace giemsa::eval
