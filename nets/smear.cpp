#include "nets/smear.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <list>

#include "engine/session.h"

namespace giemsa {

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Shape frame_shape(Size2 frame) {
  return {1, frame.h, frame.w, 3};
}

constexpr std::string_view mask_value = "mask";  // the node that ends segmentation and begins post-processing

/// Batches in which crops are classified, largest first: any number of cells is a sum of these, and all are compiled
/// with the first image of a size. At batch 1 the fully connected weights cost as much as the convolutions; 16 crops
/// share one pass over them.
constexpr std::array<std::int64_t, 3> batch_sizes{16, 4, 1};

/// Frame sizes whose graphs are kept; beyond, the one unused for longest goes.
constexpr std::size_t kept_sizes = 8;

/// Everything compiled for frames of one size.
struct Compiled {
  Size2 frame;
  std::unique_ptr<Session> segment;
  std::array<std::unique_ptr<Session>, batch_sizes.size()> classify;
  std::vector<Region> regions;      // of the last image, with room for as many as there can be
  std::vector<std::int32_t> boxes;  // of one batch
};

Cell cell_of(const Region& region, int id) {
  Cell cell;
  cell.id = id;
  cell.x = region.x;
  cell.y = region.y;
  cell.w = region.w;
  cell.h = region.h;
  cell.area = region.area;
  cell.centroid_x = region.centroid_x();
  cell.centroid_y = region.centroid_y();
  return cell;
}

/// The nearest sample of `from` pixels for each of `to`.
std::vector<std::int64_t> nearest(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) index[static_cast<std::size_t>(i)] = (2 * i + 1) * from / (2 * to);
  return index;
}

/// Labels at the mask's size -> labels at the frame's.
void write_labels(std::span<const std::int32_t> labels, Size2 mask, Labels& out) {
  if (mask == Size2{out.height, out.width}) {
    std::ranges::transform(labels, out.pixels.begin(),
                           [](std::int32_t label) { return static_cast<std::uint16_t>(label); });
    return;
  }
  const std::vector<std::int64_t> rows = nearest(mask.h, out.height), columns = nearest(mask.w, out.width);
  for (int y = 0; y < out.height; ++y) {
    const std::int32_t* row = labels.data() + rows[static_cast<std::size_t>(y)] * mask.w;
    for (int x = 0; x < out.width; ++x)
      out.at(x, y) = static_cast<std::uint16_t>(row[columns[static_cast<std::size_t>(x)]]);
  }
}

/// Measures the components of a label image again, after it changed size. One that lost all its pixels has area 0.
void measure(const Labels& labels, std::span<Region> regions) {
  for (Region& region : regions)
    region = {std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::max(), 0, 0, 0, 0, 0, 0};
  for (int y = 0; y < labels.height; ++y) {
    for (int x = 0; x < labels.width; ++x) {
      const std::uint16_t label = labels.at(x, y);
      if (label == 0) continue;
      Region& region = regions[label - 1u];
      const std::int32_t right = std::max(region.x + region.w, x + 1), bottom = std::max(region.y + region.h, y + 1);
      const bool first = region.area == 0;
      region.x = std::min(region.x, x);
      region.y = std::min(region.y, y);
      region.w = (first ? x + 1 : right) - region.x;
      region.h = (first ? y + 1 : bottom) - region.y;
      ++region.area;
      region.sum_x += x;
      region.sum_y += y;
    }
  }
}

}  // namespace

Graph segment_graph(const Model& segmenter, Size2 frame, const SmearOptions& options) {
  const ModelInfo& info = segmenter.info;
  const Size2 input = options.segment_size.value_or(info.input).resolve(frame, size_multiple(info));
  Graph graph;
  const NodeId pixels = graph.input("frame", {DType::u8, frame_shape(frame)});
  const NodeId normalised = graph.add("preprocess", Preprocess{input, info.filter, info.mean, info.std}, {pixels});
  NodeId logits = build_network(graph, normalised, segmenter);
  const Size2 size = options.mask_at_frame_resolution ? frame : input;
  if (size != input) logits = graph.add("frame_logits", Upsample{size, false, EdgeMode::clamp}, {logits});
  const NodeId mask = graph.add(std::string(mask_value), Threshold{options.threshold}, {logits});
  const NodeId filled = graph.add("fill_holes", FillHoles{}, {mask});
  const NodeId opened = graph.add("area_open", AreaOpen{options.min_area}, {filled});
  const NodeId labels = graph.add("labels", Components{}, {opened});
  const NodeId regions = graph.add("regions", Regions{max_regions(size.h, size.w, options.min_area)}, {labels});
  graph.mark_output(labels);
  graph.mark_output(regions);
  return graph;
}

Graph classify_graph(const Model& classifier, Size2 frame, std::int64_t batch, CropMode crop) {
  const ModelInfo& info = classifier.info;
  check(info.input.long_side == 0, ErrorKind::model, classifier.file, ": a classifier needs a fixed input size, has ",
        info.input.to_string());
  Graph graph;
  const NodeId pixels = graph.input("frame", {DType::u8, frame_shape(frame)});
  const NodeId boxes = graph.input("boxes", {DType::i32, {batch, 4}});
  const NodeId crops =
      graph.add("crops", CropResize{info.input.fixed, crop, info.filter, info.mean, info.std}, {pixels, boxes});
  graph.mark_output(graph.add("probabilities", Softmax{}, {build_network(graph, crops, classifier)}));
  return graph;
}

struct Smear::State {
  State(Model segmenter_model, Model classifier_model, SmearOptions smear_options)
      : segmenter(std::move(segmenter_model)),
        classifier(std::move(classifier_model)),
        options(std::move(smear_options)),
        backend(open_device(options.compute)) {
    check(segmenter.info.is_segmenter(), ErrorKind::model, segmenter.file,
          ": expected a segmenter, its architecture is ", segmenter.info.arch);
    check(!classifier.info.is_segmenter(), ErrorKind::model, classifier.file,
          ": expected a classifier, its architecture is ", classifier.info.arch);
  }

  Compiled& compiled_for(Size2 frame) {
    const auto found = std::ranges::find(sizes, frame, &Compiled::frame);
    if (found != sizes.end()) {
      sizes.splice(sizes.begin(), sizes, found);  // most recently used first
      return sizes.front();
    }
    Compiled fresh;
    fresh.frame = frame;
    fresh.segment = backend->compile(segment_graph(segmenter, frame, options));
    fresh.segment->time_layers(true);
    for (std::size_t i = 0; i < batch_sizes.size(); ++i)
      fresh.classify[i] = backend->compile(classify_graph(classifier, frame, batch_sizes[i], options.crop));
    const Graph& graph = fresh.segment->graph();
    fresh.regions.reserve(static_cast<std::size_t>(graph[graph.outputs()[1]].output.shape[0]));
    fresh.boxes.reserve(static_cast<std::size_t>(4 * batch_sizes.front()));
    if (sizes.size() == kept_sizes) sizes.pop_back();
    sizes.push_front(std::move(fresh));
    return sizes.front();
  }

  /// Segments and cleans up: fills `result.labels` and `compiled.regions`.
  void segment(Compiled& compiled, const Frame& frame, SmearResult& result) {
    Session& session = *compiled.segment;
    const void* inputs[] = {frame.rgb.data()};
    session.run(inputs);
    bool after_mask = false;
    for (std::size_t i = 0; i < session.graph().nodes().size(); ++i) {
      (after_mask ? result.ms.postprocess : result.ms.segment) += session.layer_ms()[i];
      after_mask = after_mask || session.graph().nodes()[i].name == mask_value;
    }

    const auto start = Clock::now();
    const auto table = session.output<std::int32_t>(1);
    const std::int32_t count = table[0];
    check(count <= std::numeric_limits<std::uint16_t>::max(), ErrorKind::image, count,
          " components do not fit a 16-bit label image; raise the minimum area");
    const auto* records = reinterpret_cast<const Region*>(table.data()) + 1;
    compiled.regions.assign(records, records + count);
    if (result.labels.width != frame.width || result.labels.height != frame.height)
      result.labels = Labels(frame.width, frame.height);
    const Graph& graph = session.graph();
    const Shape& mask = graph[graph.outputs()[0]].output.shape;
    write_labels(session.output<std::int32_t>(0), {mask[2], mask[3]}, result.labels);
    if (mask[2] != frame.height || mask[3] != frame.width) measure(result.labels, compiled.regions);
    result.ms.postprocess += ms_since(start);
  }

  /// Names the cells of `compiled.regions`.
  void classify(Compiled& compiled, const Frame& frame, SmearResult& result) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < compiled.regions.size(); ++i)
      if (compiled.regions[i].area > 0) result.cells.push_back(cell_of(compiled.regions[i], static_cast<int>(i) + 1));
    for (std::size_t first = 0, b = 0; first < result.cells.size();) {
      const auto batch = static_cast<std::size_t>(batch_sizes[b]);
      if (batch > result.cells.size() - first) {
        ++b;
        continue;
      }
      classify_batch(*compiled.classify[b], compiled.boxes, frame, std::span(result.cells).subspan(first, batch));
      first += batch;
    }
    result.ms.classify = ms_since(start);
  }

  static void classify_batch(Session& session, std::vector<std::int32_t>& boxes, const Frame& frame,
                             std::span<Cell> cells) {
    boxes.clear();
    for (const Cell& cell : cells) boxes.insert(boxes.end(), {cell.x, cell.y, cell.w, cell.h});
    const void* inputs[] = {frame.rgb.data(), boxes.data()};
    session.run(inputs);
    const auto probabilities = session.output<float>();
    const std::size_t classes = probabilities.size() / cells.size();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto row = probabilities.subspan(i * classes, classes);
      cells[i].probabilities.assign(row.begin(), row.end());
      cells[i].class_index = static_cast<int>(std::ranges::max_element(row) - row.begin());
    }
  }

  Model segmenter, classifier;
  SmearOptions options;
  std::shared_ptr<Backend> backend;
  std::list<Compiled> sizes;
};

Smear::Smear(Model segmenter, Model classifier, SmearOptions options)
    : state_(std::make_unique<State>(std::move(segmenter), std::move(classifier), std::move(options))) {}
Smear::~Smear() = default;
Smear::Smear(Smear&&) noexcept = default;

void Smear::identify(const Frame& frame, SmearResult& result) {
  check(frame.width > 0 && frame.height > 0, ErrorKind::image, "an image of ", frame.width, "x", frame.height,
        " pixels has no cells");
  const auto start = Clock::now();
  result.cells.clear();
  result.ms = {};
  Compiled& compiled = state_->compiled_for({frame.height, frame.width});
  state_->segment(compiled, frame, result);
  state_->classify(compiled, frame, result);
  result.ms.total = ms_since(start);
}

const ModelInfo& Smear::segmenter() const {
  return state_->segmenter.info;
}
const ModelInfo& Smear::classifier() const {
  return state_->classifier.info;
}
const SmearOptions& Smear::options() const {
  return state_->options;
}
std::string Smear::device_name() const {
  return state_->backend->device_name();
}
std::string Smear::precision_name() const {
  return std::string(name_of(state_->backend->precision()));
}

}  // namespace giemsa
