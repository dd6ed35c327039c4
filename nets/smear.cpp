#include "nets/smear.h"

#include <algorithm>
#include <chrono>
#include <list>

#include "nets/cell_classes.h"

namespace giemsa {

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Shape frame_shape(Size2 frame) {
  return {1, frame.h, frame.w, 3};
}

/// What is compiled for frames of one size.
struct Compiled {
  Size2 frame;
  std::unique_ptr<Cascade> cascade;
};

/// What names regions: the classes, and from which probability on.
struct Naming {
  int other = -1;  // index of other_class, if there is one
  float min_probability = 0;

  Finding operator()(int class_index, std::span<const float> probabilities) const {
    if (class_index < 0) return Finding::named;
    if (class_index == other) return Finding::other;
    return probabilities[static_cast<std::size_t>(class_index)] < min_probability ? Finding::unsure : Finding::named;
  }
};

Naming naming_by(const std::optional<Model>& classifier, float min_probability) {
  if (!classifier) return {};
  const std::vector<std::string>& classes = classifier->info.classes;
  const auto other = std::ranges::find(classes, other_class);
  return {other == classes.end() ? -1 : static_cast<int>(other - classes.begin()), min_probability};
}

Cell cell_of(const Region& region, int id, Size2 frame, std::span<const float> probabilities, const Naming& naming) {
  Cell cell;
  cell.id = id;
  cell.x = region.x;
  cell.y = region.y;
  cell.w = region.w;
  cell.h = region.h;
  cell.area = region.area;
  cell.centroid_x = region.centroid_x();
  cell.centroid_y = region.centroid_y();
  cell.class_index =
      probabilities.empty() ? -1 : static_cast<int>(std::ranges::max_element(probabilities) - probabilities.begin());
  cell.probabilities.assign(probabilities.begin(), probabilities.end());
  cell.finding = naming(cell.class_index, probabilities);
  cell.at_edge = cell.x == 0 || cell.y == 0 || cell.x + cell.w == frame.w || cell.y + cell.h == frame.h;
  return cell;
}

}  // namespace

std::string_view name_of(const Cell& cell, std::span<const std::string> classes) {
  return cell.finding == Finding::unsure ? unsure_name : classes[static_cast<std::size_t>(cell.class_index)];
}

double probability_of(const Cell& cell) {
  return cell.probabilities.at(static_cast<std::size_t>(cell.class_index));
}

namespace {

/// Of a centre head's heatmap, which is 1 on a centre as it was trained. Between what networks give on true centres, 0.34
/// and more, and elsewhere in a cell, mostly nothing and up to 0.17, as far as it was looked at.
constexpr float least_peak = 0.25f;

/// Labels of the cells that each component of `labels` consists of, and their regions. `centres` is the centre head's
/// result, where the split is by centres.
std::vector<ValueId> add_split(Graph& graph, ValueId labels, std::optional<ValueId> centres, Size2 size,
                               const SmearOptions& options) {
  const std::int64_t capacity = max_regions(size.h, size.w, options.min_area);
  const ValueId components = graph.add("component_regions", Regions{capacity}, {labels});
  MergeBasins merge{.min_area = options.min_area, .capacity = capacity};
  ValueId heights, basins;
  if (options.split == Split::centre) {
    heights = graph.add("centre_peaks", CentrePeaks{.least = least_peak}, {labels, centres.value()});
    basins = graph.add("assign_centres", AssignCentres{.capacity = capacity},
                       {labels, components, heights, centres.value()});
    merge.depth = merge.least_peak = 0;
  } else {
    heights = graph.add("distances", DistanceTransform{}, {labels});
    basins = graph.add("basins", Basins{}, {labels, heights});
  }
  const NodeId split = graph.add(Node{.name = "split", .op = merge, .inputs = {labels, components, heights, basins}},
                                 {"cells", "regions"});
  return graph[split].outputs;
}

}  // namespace

Graph segment_graph(const Model& segmenter, Size2 frame, const SmearOptions& options) {
  check_split(segmenter, options.split);
  const ModelInfo& info = segmenter.info;
  const Size2 input = options.segment_size.value_or(info.input).resolve(frame, size_multiple(info));
  Graph graph;
  const ValueId pixels = graph.input("frame", {DType::u8, frame_shape(frame)});
  const ValueId normalised =
      graph.add("preprocess", Preprocess{input, info.filter, info.mean, info.std, info.channels}, {pixels});
  ValueId logits = build_network(graph, normalised, segmenter);
  const std::optional<ValueId> centres = centre_offsets(graph, segmenter);
  const Size2 size = options.mask_at_frame_resolution ? frame : input;
  if (size != input) logits = graph.add("frame_logits", Upsample{size, false, EdgeMode::clamp}, {logits});
  const ValueId mask =
      graph.add("mask", Threshold{options.threshold, class_set(info.classes, cells_of(info))}, {logits});
  graph.begin_stage();  // post-processing
  const ValueId filled = graph.add("fill_holes", FillHoles{}, {mask});
  const ValueId opened = graph.add("area_open", AreaOpen{options.min_area}, {filled});
  ValueId labels = graph.add("labels", Components{}, {opened});
  std::optional<ValueId> regions;
  if (options.split != Split::none) {
    const std::vector<ValueId> cells = add_split(graph, labels, centres, size, options);
    labels = cells[0];
    regions = cells[1];
  }
  if (size != frame) {
    labels = graph.add("frame_labels", ResizeLabels{frame}, {labels});
    regions.reset();
  }
  if (!regions)
    regions = graph.add(options.split == Split::none ? "regions" : "frame_regions",
                        Regions{max_regions(size.h, size.w, options.min_area)}, {labels});
  graph.mark_output(labels);
  graph.mark_output(*regions);
  return graph;
}

Graph classify_graph(const Model& classifier, Size2 frame, std::int64_t batch, CropMode crop) {
  const ModelInfo& info = classifier.info;
  check(info.input.long_side == 0, ErrorKind::model, classifier.file, ": a classifier needs a fixed input size, has ",
        info.input.to_string());
  Graph graph;
  const ValueId pixels = graph.input("frame", {DType::u8, frame_shape(frame)});
  const ValueId boxes = graph.input("boxes", {DType::i32, {batch, 4}});
  const ValueId crops = graph.add(
      "crops", CropResize{info.input.fixed, crop, info.filter, info.mean, info.std, info.channels}, {pixels, boxes});
  graph.mark_output(graph.add("probabilities", Softmax{}, {build_network(graph, crops, classifier)}));
  return graph;
}

void check_segmenter(const Model& model, DType precision) {
  check(model.info.is_segmenter(), ErrorKind::model, model.file, ": expected a segmenter, its architecture is ",
        model.info.arch);
  check_scales(model, precision);
}

void check_split(const Model& segmenter, Split split) {
  check(split != Split::centre || has_centre_head(segmenter.info), ErrorKind::model, segmenter.file,
        ": has no centre head, which split centre needs: take a model that was trained with one, or split distance");
}

void check_classifier(const Model& model, DType precision) {
  check(!model.info.is_segmenter(), ErrorKind::model, model.file, ": expected a classifier, its architecture is ",
        model.info.arch);
  check_scales(model, precision);
}

struct Smear::State {
  State(Model segmenter_model, std::optional<Model> classifier_model, SmearOptions smear_options,
        std::shared_ptr<Backend> where)
      : segmenter(std::move(segmenter_model)),
        classifier(std::move(classifier_model)),
        options(std::move(smear_options)),
        backend(std::move(where)) {
    check_segmenter(segmenter, backend->precision());
    check_split(segmenter, options.split);
    if (classifier) check_classifier(*classifier, backend->precision());
    naming = naming_by(classifier, options.min_probability);
  }

  Cascade& cascade_for(Size2 frame) {
    const auto found = std::ranges::find(sizes, frame, &Compiled::frame);
    if (found != sizes.end()) {
      sizes.splice(sizes.begin(), sizes, found);  // most recently used first
      return *sizes.front().cascade;
    }
    CascadeGraphs graphs{segment_graph(segmenter, frame, options), {}};
    for (std::size_t i = 0; classifier && i < graphs.each.size(); ++i)
      graphs.each[i] = classify_graph(*classifier, frame, CascadeGraphs::batch_sizes[i], options.crop);
    Compiled fresh{frame, backend->compile(graphs)};
    fresh.cascade->stop_when(stop);
    while (sizes.size() >= std::max<std::size_t>(options.kept_sizes, 1)) sizes.pop_back();
    sizes.push_front(std::move(fresh));
    return *sizes.front().cascade;
  }

  Model segmenter;
  std::optional<Model> classifier;
  SmearOptions options;
  Naming naming;
  std::shared_ptr<Backend> backend;
  std::list<Compiled> sizes;
  const std::atomic<bool>* stop = nullptr;
};

Smear::Smear(Model segmenter, std::optional<Model> classifier, SmearOptions options, std::shared_ptr<Backend> backend)
    : state_(std::make_unique<State>(std::move(segmenter), std::move(classifier), std::move(options),
                                     std::move(backend))) {}
Smear::~Smear() = default;
Smear::Smear(Smear&&) noexcept = default;

void Smear::prepare(Size2 frame) {
  state_->cascade_for(frame).warm_up();
}

void Smear::stop_when(const std::atomic<bool>* flag) {
  state_->stop = flag;
  for (Compiled& size : state_->sizes) size.cascade->stop_when(flag);
}

void Smear::identify(const FramePixels& rgb, Size2 size, SmearResult& result) {
  check(size.w > 0 && size.h > 0, ErrorKind::image, "an image of ", size.w, "x", size.h, " pixels has no cells");
  const auto start = Clock::now();
  result.cells.clear();
  result.ms = {};
  Cascade& cascade = state_->cascade_for(size);
  cascade.run(rgb);

  const std::span<const Region> regions = cascade.regions();
  const std::span<const float> values = cascade.values();
  const std::size_t classes = regions.empty() ? 0 : values.size() / regions.size();
  for (std::size_t i = 0; i < regions.size(); ++i)
    if (regions[i].area > 0)
      result.cells.push_back(
          cell_of(regions[i], static_cast<int>(i) + 1, size, values.subspan(i * classes, classes), state_->naming));
  if (result.labels.width != size.w || result.labels.height != size.h)
    result.labels = Labels(static_cast<int>(size.w), static_cast<int>(size.h));
  cascade.copy_labels(result.labels.pixels);
  const CascadeTimes& times = cascade.times();
  result.ms = {times.segment, times.postprocess, times.classify, ms_since(start)};
}

MemoryUse Smear::memory() const {
  MemoryUse use;
  for (const Compiled& size : state_->sizes) use += size.cascade->memory();
  return use;
}
std::size_t Smear::compiled_sizes() const {
  return state_->sizes.size();
}
const ModelInfo& Smear::segmenter() const {
  return state_->segmenter.info;
}
const ModelInfo& Smear::classifier() const {
  return state_->classifier.value().info;
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
