#include "tools/python/binding/session.h"

#include <optional>
#include <utility>
#include <vector>

#include "tools/python/binding/columns.h"
#include "tools/python/binding/pixels.h"
#include "tools/python/binding/status.h"

namespace nb = nanobind;

namespace giemsa::python {
namespace {

constexpr struct {
  const char* name;
  giemsa_precision value;
} precisions[] = {{"auto", GIEMSA_PRECISION_AUTO}, {"fp32", GIEMSA_FP32}, {"fp16", GIEMSA_FP16},
                  {"bf16", GIEMSA_BF16},           {"int8", GIEMSA_INT8}};

giemsa_precision precision_of(const std::string& name) {
  for (const auto& known : precisions)
    if (name == known.name) return known.value;
  refuse("precision is '" + name + "', none of auto, fp32, fp16, bf16, int8");
}

giemsa_crop crop_of(const std::string& name) {
  if (name == "tight") return GIEMSA_CROP_TIGHT;
  if (name == "matlab") return GIEMSA_CROP_MATLAB;
  refuse("crop is '" + name + "', neither tight nor matlab");
}

giemsa_split split_of(const std::string& name) {
  if (name == "none") return GIEMSA_SPLIT_NONE;
  if (name == "distance") return GIEMSA_SPLIT_DISTANCE;
  if (name == "centre") return GIEMSA_SPLIT_CENTRE;
  refuse("split is '" + name + "', none of none, distance, centre");
}

/// A model's bytes or path, for as long as this lives.
class ModelSource {
 public:
  explicit ModelSource(nb::handle given) {
    if (given.is_none()) return;
    if (nb::isinstance<nb::str>(given)) {
      model_.path = nb::cast<const char*>(given);
    } else {
      buffer_.emplace(given);
      model_.data = buffer_->data();
      model_.size = buffer_->bytes();
    }
  }
  giemsa_model get() const { return model_; }

 private:
  giemsa_model model_{};
  std::optional<Buffer> buffer_;
};

}  // namespace

Engine::Engine(nb::handle segmenter, nb::handle classifier, const char* device, const std::string& precision,
               std::uint32_t threads, nb::handle tuning, nb::handle profile) {
  const ModelSource segmenter_source(segmenter), classifier_source(classifier);
  giemsa_engine_options options;
  GIEMSA_INIT(options);
  options.segmenter = segmenter_source.get();
  options.classifier = classifier_source.get();
  options.device = device;
  options.precision = precision_of(precision);
  options.threads = threads;
  if (!profile.is_none()) options.profile_path = nb::cast<const char*>(profile);
  if (!tuning.is_none()) options.tuning_path = nb::cast<const char*>(tuning);
  giemsa_engine* engine = nullptr;
  const nb::gil_scoped_release release;
  check(giemsa_engine_open(&options, &engine));
  engine_.reset(engine);
}

nb::tuple Engine::class_names() const {
  nb::list names;
  for (std::uint32_t i = 0; i < class_count(); ++i) names.append(nb::str(giemsa_engine_class_name(get(), i)));
  return nb::tuple(names);
}

const char* Engine::precision() const {
  for (const auto& known : precisions)
    if (giemsa_engine_precision(get()) == known.value) return known.name;
  return "";
}

nb::dict Engine::memory() const {
  giemsa_memory memory;
  GIEMSA_INIT(memory);
  check(giemsa_engine_memory(get(), &memory));
  nb::dict members;
  members["sessions"] = memory.sessions;
  members["host_models"] = memory.host_models;
  members["host_weights"] = memory.host_weights;
  members["host_activations"] = memory.host_activations;
  members["host_results"] = memory.host_results;
  members["device_weights"] = memory.device_weights;
  members["device_activations"] = memory.device_activations;
  members["compiled_sizes"] = memory.compiled_sizes;
  return members;
}

nb::dict Engine::selftest(nb::handle digest) const {
  giemsa_selftest_result result;
  GIEMSA_INIT(result);
  const char* expected = digest.is_none() ? nullptr : nb::cast<const char*>(digest);
  {
    const nb::gil_scoped_release release;
    check(giemsa_selftest(get(), expected, &result));
  }
  nb::dict members;
  members["checks"] = result.done;
  members["deviation"] = result.deviation;
  members["allowed_deviation"] = result.allowed_deviation;
  members["milliseconds"] = result.milliseconds;
  members["digest"] = nb::str(result.digest);
  return members;
}

nb::list devices() {
  nb::list all;
  const std::uint32_t count = giemsa_device_count();
  for (std::uint32_t i = 0; i < count; ++i) {
    giemsa_device_info info;
    GIEMSA_INIT(info);
    check(giemsa_device_describe(i, &info));
    nb::list names;
    for (const auto& known : precisions)
      if ((info.precisions & static_cast<std::uint32_t>(known.value)) != 0) names.append(nb::str(known.name));
    nb::dict device;
    device["device"] = nb::str(info.selector);
    device["name"] = nb::str(info.name);
    device["precisions"] = nb::tuple(names);
    device["memory_bytes"] = info.memory_bytes;
    device["unusable"] = nb::str(info.unusable);
    all.append(device);
  }
  return all;
}

Session::Session(const Engine& engine, std::int64_t min_area, float threshold, std::int32_t segment_width,
                 std::int32_t segment_height, const std::string& crop, float min_probability,
                 const std::string& split)
    : classes_(engine.class_count()) {
  giemsa_session_options options;
  GIEMSA_INIT(options);
  options.min_area = min_area;
  options.threshold = threshold;
  options.segment_width = segment_width;
  options.segment_height = segment_height;
  options.crop = crop_of(crop);
  options.min_probability = min_probability;
  options.split = split_of(split);
  giemsa_session* session = nullptr;
  const nb::gil_scoped_release release;
  check(giemsa_session_open(engine.get(), &options, &session));
  session_.reset(session);
}

void Session::prepare(std::uint32_t width, std::uint32_t height) {
  const nb::gil_scoped_release release;
  check(giemsa_session_prepare(session_.get(), width, height));
}

nb::dict Session::identify(nb::handle pixels, const std::string& format) {
  const Buffer buffer(pixels);
  const giemsa_image image = image_of(buffer, format);
  Columns columns;
  {
    const nb::gil_scoped_release release;
    std::size_t found = 0;
    check(giemsa_identify(session_.get(), &image, nullptr, 0, &found));
    columns = columns_of(session_.get(), image, classes_);
  }
  return to_numpy(std::move(columns), image, classes_);
}

nb::object Session::classify(nb::handle pixels, const std::string& format, nb::handle boxes) {
  const Buffer buffer(pixels), box_buffer(boxes);
  const giemsa_image image = image_of(buffer, format);
  const std::size_t count = box_buffer.size(0);
  std::vector<float> probabilities(count * classes_);
  {
    const nb::gil_scoped_release release;
    check(giemsa_classify(session_.get(), &image, static_cast<const std::int32_t(*)[4]>(box_buffer.data()), count,
                          probabilities.data(), probabilities.size()));
  }
  return probabilities_array(std::move(probabilities), count, classes_);
}

}  // namespace giemsa::python
