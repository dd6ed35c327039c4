#include "nets/selftest/selftest.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "nets/box_classifier.h"
#include "nets/observed_range.h"
#include "nets/selftest/built_in.h"
#include "weights/sha256.h"

namespace giemsa::selftest {

namespace {

using Clock = std::chrono::steady_clock;

/// How far an answer in `precision` may be from that in fp32. In fp32 no pixel of the built-in picture has a logit so
/// close to zero that the order of sums decides: labels, boxes and areas are the same on every CPU and GPU. With
/// oneDNN's code for SSE4.1, AVX2 and AVX-512 the label image was the same indeed, and no probability differed by more
/// than 1e-6. In fewer bits a cell's outline moves by a pixel here and there.
struct Tolerance {
  bool same_labels;
  int side;            ///< pixels by which a side of a box may be off
  double area;         ///< relative
  double probability;  ///< absolute
};

Tolerance tolerance_for(DType precision) {
  switch (precision) {
    case DType::f32:
      return {true, 0, 0, 2e-5};
    case DType::i8:
      return {false, 3, 0.15, 0.10};
    default:  // fp16 and bf16
      return {false, 2, 0.05, 0.03};
  }
}

std::string sha256_of(const Labels& labels) {
  std::vector<std::byte> bytes;
  bytes.reserve(labels.pixels.size() * 2);
  for (const std::uint16_t label : labels.pixels) {
    bytes.push_back(static_cast<std::byte>(label & 0xff));
    bytes.push_back(static_cast<std::byte>(label >> 8));
  }
  return sha256(bytes);
}

std::string describe(const KnownCell& cell) {
  return cat(cell.w, 'x', cell.h, " at ", cell.x, ',', cell.y, " of ", cell.area, " pixels, class ", cell.class_index);
}
std::string describe(const Cell& cell) {
  return cat(cell.w, 'x', cell.h, " at ", cell.x, ',', cell.y, " of ", cell.area, " pixels, class ", cell.class_index);
}

bool same_place(const Cell& cell, const KnownCell& known, const Tolerance& allowed) {
  const auto near = [&](int a, int b) { return std::abs(a - b) <= allowed.side; };
  return near(cell.x, known.x) && near(cell.y, known.y) && near(cell.x + cell.w, known.x + known.w) &&
         near(cell.y + cell.h, known.y + known.h) &&
         std::abs(static_cast<double>(cell.area - known.area)) <= allowed.area * static_cast<double>(known.area);
}

/// `model` with the scales that it has on the built-in picture. `graph` and its `inputs` run it once.
Model calibrated(Model model, const Graph& graph, const std::string& input, std::span<const void* const> inputs,
                 Backend& fp32) {
  ObservedRange range;
  const auto session = fp32.compile(graph);
  range.watch(*session, input);
  session->run(inputs);
  return with_scales(std::move(model), range.scales(), "built-in picture");
}

/// The built-in networks, as `backend` can run them.
struct Networks {
  Networks(const Frame& frame, DType precision, Backend* fp32) : segments(segmenter()), classifies(classifier()) {
    if (precision != DType::i8) return;
    check(fp32 != nullptr, ErrorKind::internal, "the self-test in int8 needs a backend in fp32");
    const Size2 size{frame.height, frame.width};
    std::vector<PixelBox> boxes;
    for (const KnownCell& cell : known_cells()) boxes.push_back({cell.x, cell.y, cell.w, cell.h});
    const auto batch = static_cast<std::int64_t>(boxes.size());
    const void* inputs[] = {frame.rgb.data(), boxes.data()};
    segments = calibrated(segments, segment_graph(segments, size, options()), "preprocess", {inputs, 1}, *fp32);
    classifies =
        calibrated(classifies, classify_graph(classifies, size, batch, options().crop), "crops", inputs, *fp32);
  }

  Model segments, classifies;
};

/// What is wrong with one answer; nothing where it is right.
std::string compare(const SmearResult& result, const Tolerance& allowed, double& deviation) {
  const std::span<const KnownCell> known = known_cells();
  if (result.cells.size() != known.size())
    return cat(result.cells.size(), " cells were found in the built-in picture, it has ", known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    const Cell& cell = result.cells[i];
    if (!same_place(cell, known[i], allowed) || (allowed.same_labels && cell.class_index != known[i].class_index))
      return cat("cell ", i + 1, " of the built-in picture is ", describe(cell), ", has to be ", describe(known[i]));
    for (std::size_t k = 0; k < known[i].probabilities.size(); ++k) {
      const double difference = std::abs(double{cell.probabilities[k]} - known[i].probabilities[k]);
      deviation = std::max(deviation, std::isnan(difference) ? 1.0 : difference);
      if (!(difference <= allowed.probability))
        return cat("cell ", i + 1, " of the built-in picture has class ", k, " with a probability of ",
                   cell.probabilities[k], ", has to be ", known[i].probabilities[k], " within ", allowed.probability);
    }
  }
  if (const std::string hash = sha256_of(result.labels); allowed.same_labels && hash != known_labels_sha256())
    return cat("the label image of the built-in picture has the SHA-256 ", hash, ", has to have ",
               known_labels_sha256());
  return "";
}

/// The bits of whatever the models give, one after the other.
class Digest {
 public:
  template <class T>
  void add(const T* values, std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const std::byte*>(values);
    bytes_.insert(bytes_.end(), bytes, bytes + count * sizeof(T));
  }
  void add(const SmearResult& result) {
    for (const Cell& cell : result.cells) {
      const std::int64_t whole[] = {cell.id, cell.x, cell.y, cell.w, cell.h, cell.area, cell.class_index};
      const double centroid[] = {cell.centroid_x, cell.centroid_y};
      add(whole, std::size(whole));
      add(centroid, std::size(centroid));
      add(cell.probabilities.data(), cell.probabilities.size());
    }
    add(result.labels.pixels.data(), result.labels.pixels.size());
  }
  std::string text() const { return sha256(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// What is wrong with rows of probabilities; nothing where each makes sense.
std::string check_rows(std::span<const float> values, std::size_t classes) {
  for (std::size_t first = 0; first < values.size(); first += classes) {
    double sum = 0;
    for (const float value : values.subspan(first, classes)) {
      if (!(value >= 0 && value <= 1)) return cat("the classifier gives a probability of ", value);
      sum += value;
    }
    if (!(std::abs(sum - 1) <= 1e-3)) return cat("the classifier's probabilities add up to ", sum);
  }
  return "";
}

/// The models' answer for the built-in picture: its digest, and in `failure` what makes no sense.
std::string answer(std::optional<Smear>& smear, std::optional<BoxClassifier>& boxes, std::string& failure) {
  const Frame frame = picture();
  Digest digest;
  if (smear) {
    SmearResult result;
    smear->identify(frame, result);
    for (const Cell& cell : result.cells)
      if (failure.empty() && !cell.probabilities.empty())
        failure = check_rows(cell.probabilities, cell.probabilities.size());
    digest.add(result);
  }
  if (boxes) {  // whatever the segmenter finds, the classifier sees something
    std::vector<PixelBox> given;
    for (const KnownCell& cell : known_cells()) given.push_back({cell.x, cell.y, cell.w, cell.h});
    const std::size_t classes = boxes->model().classes.size();
    std::vector<float> values(given.size() * classes);
    boxes->classify(frame.rgb.data(), {frame.height, frame.width}, given, values);
    if (failure.empty()) failure = check_rows(values, classes);
    digest.add(values.data(), values.size());
  }
  return digest.text();
}

std::string check_files(std::span<const StoredModel> files) {
  for (const StoredModel& file : files)
    if (const std::string now = sha256(file.bytes); now != file.sha256)
      return cat(file.name, ": its bytes have changed since it was opened: SHA-256 ", now, ", was ", file.sha256);
  return "";
}

std::string check_repeat(const Subject& subject, Report& report) {
  std::optional<Smear> smear;
  std::optional<BoxClassifier> boxes;
  if (subject.segmenter) smear.emplace(*subject.segmenter, subject.classifier, SmearOptions{}, subject.backend);
  if (subject.classifier) boxes.emplace(*subject.classifier, CropMode::tight, 1, subject.backend);
  std::string failure;
  report.digest = answer(smear, boxes, failure);
  if (!failure.empty()) return failure;
  const std::string again = answer(smear, boxes, failure);
  if (again == report.digest) return failure;
  return cat("the models give two answers for one picture: digest ", report.digest, ", then ", again);
}

}  // namespace

std::string_view name_of(Check check) {
  switch (check) {
    case Check::models:
      return "models unchanged";
    case Check::known_answer:
      return "known answer";
    case Check::repeat:
      return "same bits twice";
    case Check::digest:
      return "expected digest";
  }
  return "";
}

const Outcome* Report::failed() const {
  const auto found = std::ranges::find_if(outcomes, [](const Outcome& outcome) { return !outcome.failure.empty(); });
  return found == outcomes.end() ? nullptr : &*found;
}

std::string check_known_answer(const std::shared_ptr<Backend>& backend, const std::shared_ptr<Backend>& fp32,
                               Report& report) {
  const Frame frame = picture();
  const Networks networks(frame, backend->precision(), fp32.get());
  const Tolerance allowed = tolerance_for(backend->precision());
  report.allowed_deviation = allowed.probability;
  Smear smear(networks.segments, networks.classifies, options(), backend);
  SmearResult result;
  smear.identify(frame, result);
  return compare(result, allowed, report.deviation);
}

Report run(const Subject& subject) {
  Report report;
  const auto make = [&](Check check, auto&& body) {
    const auto start = Clock::now();
    std::string failure = body();
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    report.outcomes.push_back({check, std::move(failure), ms});
  };
  make(Check::models, [&] { return check_files(subject.files); });
  make(Check::known_answer, [&] { return check_known_answer(subject.spare, subject.fp32, report); });
  make(Check::repeat, [&] { return check_repeat(subject, report); });
  if (!subject.expected_digest.empty())
    make(Check::digest, [&] {
      if (report.digest == subject.expected_digest) return std::string();
      return cat("the models' answer has the digest ", report.digest, ", expected ", subject.expected_digest);
    });
  return report;
}

}  // namespace giemsa::selftest
