// What a giemsa_session is: graphs compiled for it, and the last image's results.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>

#include "nets/abi/engine.h"
#include "nets/abi/frames.h"
#include "nets/abi/status.h"
#include "nets/box_classifier.h"
#include "nets/contour.h"
#include "nets/smear.h"

using namespace giemsa;

struct giemsa_session {
  std::shared_ptr<const abi::Engine> engine;
  std::optional<Smear> smear;          // with a segmenter
  std::optional<BoxClassifier> boxes;  // with a classifier
  std::size_t max_cells = 0;
  std::vector<std::uint8_t> converted;  // pixels as the engine takes them, where the caller's are not
  SmearResult next, last;               // of the image under way; of the last one that was done
  std::vector<giemsa_cell> cells;       // of `last`
  giemsa_times times{};
  std::atomic<bool> running = false, cancelled = false;
  bool has_result = false, lost = false;
  giemsa_memory told{};  // what its engine was last told that the session holds

  giemsa_session() = default;
  ~giemsa_session() {
    if (engine) engine->holdings.change(told, {});
  }
  giemsa_session(const giemsa_session&) = delete;
  giemsa_session& operator=(const giemsa_session&) = delete;
};

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::uint64_t bytes_of(const SmearResult& result) {
  return result.labels.pixels.capacity() * sizeof(std::uint16_t) + result.cells.capacity() * sizeof(Cell);
}

giemsa_memory memory_of(const giemsa_session& session) {
  giemsa_memory now{};
  now.sessions = 1;
  MemoryUse use;
  if (session.smear) {
    use += session.smear->memory();
    now.compiled_sizes = session.smear->compiled_sizes();
  }
  if (session.boxes) use += session.boxes->memory();
  now.host_activations = use.host;
  now.device_activations = use.device;
  now.host_results = session.converted.capacity() + bytes_of(session.next) + bytes_of(session.last) +
                     session.cells.capacity() * sizeof(giemsa_cell);
  return now;
}

void tell_engine(giemsa_session& session) {
  const giemsa_memory now = memory_of(session);
  session.engine->holdings.change(session.told, now);
  session.told = now;
}

/// Runs `body` as the one call that the session has under way.
template <class Body>
giemsa_status alone(giemsa_session* session, Body&& body) {
  if (!session) return abi::failed(GIEMSA_E_ARGUMENT, "session is NULL");
  if (session->running.exchange(true)) return abi::failed(GIEMSA_E_BUSY, "another thread is in this session");
  session->cancelled = false;
  const giemsa_status status = abi::guarded(session->engine->reads_environment, [&] {
    check(!session->lost, ErrorKind::device_lost, "the device was lost in an earlier call");
    return body();
  });
  session->lost = session->lost || status == GIEMSA_E_DEVICE_LOST;
  tell_engine(*session);
  session->running = false;
  return status;
}

SmearOptions smear_options(const giemsa_session_options& given) {
  SmearOptions options;
  check(given.segment_width >= 0 && given.segment_height >= 0 && (given.segment_width > 0 || given.segment_height == 0),
        ErrorKind::usage, "segment size ", given.segment_width, 'x', given.segment_height, " is none");
  if (given.segment_height > 0)
    options.segment_size = InputSize{{given.segment_height, given.segment_width}};
  else if (given.segment_width > 0)
    options.segment_size = InputSize{{}, given.segment_width};
  check(given.min_area >= -1, ErrorKind::usage, "min_area is ", given.min_area);
  if (given.min_area != 0) options.min_area = std::max<std::int64_t>(given.min_area, 0);
  check(given.threshold >= 0 && given.threshold < 1, ErrorKind::usage, "threshold is ", given.threshold,
        ", must lie between 0 and 1");
  if (given.threshold > 0) options.threshold = given.threshold;
  const std::int32_t crop = abi::raw(given.crop);
  check(crop == GIEMSA_CROP_TIGHT || crop == GIEMSA_CROP_MATLAB, ErrorKind::usage, "crop is ", crop,
        ", none of giemsa_crop");
  options.crop = crop == GIEMSA_CROP_MATLAB ? CropMode::matlab : CropMode::tight;
  check(given.min_probability >= 0 && given.min_probability <= 1, ErrorKind::usage, "min_probability is ",
        given.min_probability, ", must lie between 0 and 1");
  options.min_probability = given.min_probability;
  if (given.max_sizes > 0) options.kept_sizes = given.max_sizes;
  check(given.mask_at_network_resolution <= 1, ErrorKind::usage, "mask_at_network_resolution is ",
        given.mask_at_network_resolution, ", must be 0 or 1");
  const std::int32_t split = abi::raw(given.split);
  check(split >= GIEMSA_SPLIT_NONE && split <= GIEMSA_SPLIT_CENTRE, ErrorKind::usage, "split is ", split,
        ", none of giemsa_split");
  options.split = static_cast<Split>(split);
  options.mask_at_frame_resolution = given.mask_at_network_resolution == 0;
  return options;
}

giemsa_cell cell_for_caller(const Cell& cell) {
  giemsa_cell out{};
  out.id = static_cast<std::uint32_t>(cell.id);
  out.class_index = cell.class_index;
  if (cell.class_index >= 0) out.probability = cell.probabilities[static_cast<std::size_t>(cell.class_index)];
  if (cell.at_edge) out.flags |= GIEMSA_CELL_AT_EDGE;
  if (cell.finding == Finding::unsure) out.flags |= GIEMSA_CELL_UNSURE;
  if (cell.finding == Finding::other) out.flags |= GIEMSA_CELL_OTHER;
  out.x = cell.x;
  out.y = cell.y;
  out.width = cell.w;
  out.height = cell.h;
  out.area = cell.area;
  out.centroid_x = cell.centroid_x;
  out.centroid_y = cell.centroid_y;
  return out;
}

void identify(giemsa_session& session, const giemsa_image& image) {
  check(session.smear.has_value(), ErrorKind::usage, "the engine has no segmenter, which finds cells");
  const auto start = Clock::now();
  const Size2 size = abi::size_of(image);
  const FramePixels pixels = abi::frame_pixels_of(image, session.converted);
  const double convert_ms = pixels.data == image.pixels ? 0 : ms_since(start);
  session.smear->identify(pixels, size, session.next);
  const std::size_t found = session.next.cells.size();
  check(found <= session.max_cells, ErrorKind::image, found, " cells were found, the session takes at most ",
        session.max_cells);
  session.cells.reserve(found);  // from here on nothing fails
  std::swap(session.last, session.next);
  session.cells.clear();
  for (const Cell& cell : session.last.cells) session.cells.push_back(cell_for_caller(cell));
  session.has_result = true;
  const StageTimes& ms = session.last.ms;
  session.times = {sizeof(giemsa_times), 0, convert_ms, ms.segment, ms.postprocess, ms.classify, ms_since(start)};
}

/// The ring that encloses most.
const Ring& largest(const std::vector<Ring>& rings) {
  const auto twice_area = [](const Ring& ring) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i + 1 < ring.size(); ++i)
      sum += std::int64_t{ring[i].x} * ring[i + 1].y - std::int64_t{ring[i + 1].x} * ring[i].y;
    return std::abs(sum);
  };
  return *std::ranges::max_element(rings, {}, twice_area);
}

}  // namespace

extern "C" {

giemsa_status giemsa_session_open(giemsa_engine* engine, const giemsa_session_options* options,
                                  giemsa_session** session) {
  return abi::guarded(engine && engine->shared->reads_environment, [&] {
    check(engine != nullptr && session != nullptr, ErrorKind::usage, engine ? "session" : "engine", " is NULL");
    const auto given = options ? abi::read_struct(options, "options") : giemsa_session_options{};
    const SmearOptions smear = smear_options(given);
    auto fresh = std::make_unique<giemsa_session>();
    fresh->engine = engine->shared;
    fresh->max_cells = given.max_cells > 0 ? given.max_cells : std::numeric_limits<std::uint16_t>::max();
    const abi::Engine& shared = *engine->shared;
    if (shared.segmenter) {
      segment_graph(*shared.segmenter, {64, 64}, smear);  // refuses a size that the network cannot have
      fresh->smear.emplace(*shared.segmenter, shared.classifier, smear, shared.backend);
      fresh->smear->stop_when(&fresh->cancelled);
    }
    if (shared.classifier) {
      fresh->boxes.emplace(*shared.classifier, smear.crop, smear.kept_sizes, shared.backend);
      fresh->boxes->stop_when(&fresh->cancelled);
    }
    tell_engine(*fresh);
    *session = fresh.release();
    return GIEMSA_OK;
  });
}

void giemsa_session_close(giemsa_session* session) {
  delete session;
}

giemsa_status giemsa_session_prepare(giemsa_session* session, uint32_t width, uint32_t height) {
  return alone(session, [&] {
    check(session->smear.has_value(), ErrorKind::usage, "the engine has no segmenter, which finds cells");
    giemsa_image image{};
    image.format = GIEMSA_RGB8;
    image.pixels = session;  // never read: the size alone is checked
    image.width = width;
    image.height = height;
    session->smear->prepare(abi::size_of(image));
    return GIEMSA_OK;
  });
}

giemsa_status giemsa_identify(giemsa_session* session, const giemsa_image* image, giemsa_cell* cells, size_t capacity,
                              size_t* found) {
  return alone(session, [&] {
    const giemsa_image known = abi::read_struct(image, "image");
    check(found != nullptr, ErrorKind::usage, "found is NULL");
    check(cells != nullptr || capacity == 0, ErrorKind::usage, "cells is NULL, its capacity ", capacity);
    identify(*session, known);
    const std::size_t count = session->cells.size();
    std::copy_n(session->cells.begin(), std::min(count, capacity), cells);
    *found = count;
    return count > capacity ? GIEMSA_MORE_CELLS : GIEMSA_OK;
  });
}

giemsa_status giemsa_classify(giemsa_session* session, const giemsa_image* image, const int32_t (*boxes)[4],
                              size_t count, float* probabilities, size_t capacity) {
  return alone(session, [&] {
    const giemsa_image known = abi::read_struct(image, "image");
    check(session->boxes.has_value(), ErrorKind::usage, "the engine has no classifier, which names cells");
    if (count == 0) return GIEMSA_OK;
    check(boxes != nullptr && probabilities != nullptr, ErrorKind::usage, boxes ? "probabilities" : "boxes",
          " is NULL");
    const Size2 size = abi::size_of(known);
    const std::size_t classes = session->engine->classes.size();
    check(count <= capacity / classes, ErrorKind::usage, "probabilities has room for ", capacity, " values, ", count,
          " boxes have ", classes, " each");
    std::vector<PixelBox> wanted(count);
    std::memcpy(wanted.data(), boxes, count * sizeof(PixelBox));
    std::vector<float> values(count * classes);
    session->boxes->classify(abi::pixels_of(known, session->converted), size, wanted, values);
    std::ranges::copy(values, probabilities);
    return GIEMSA_OK;
  });
}

const giemsa_cell* giemsa_session_cells(const giemsa_session* session, size_t* count) {
  const bool any = session && session->has_result;
  if (count) *count = any ? session->cells.size() : 0;
  return any ? session->cells.data() : nullptr;
}

const float* giemsa_session_probabilities(const giemsa_session* session, size_t cell) {
  if (!session || !session->has_result || cell >= session->last.cells.size()) return nullptr;
  const std::vector<float>& values = session->last.cells[cell].probabilities;
  return values.empty() ? nullptr : values.data();
}

giemsa_status giemsa_session_copy_labels(const giemsa_session* session, uint16_t* labels, ptrdiff_t stride) {
  return abi::guarded(false, [&] {
    check(session != nullptr && labels != nullptr, ErrorKind::usage, session ? "labels" : "session", " is NULL");
    check(session->has_result, ErrorKind::usage, "no image was identified yet");
    const Labels& from = session->last.labels;
    const auto row = static_cast<std::ptrdiff_t>(from.width) * static_cast<std::ptrdiff_t>(sizeof *labels);
    const std::ptrdiff_t step = stride == 0 ? row : stride;
    check(step >= row || step <= -row, ErrorKind::usage, "stride is ", stride, " bytes, a row has ", row);
    auto* to = reinterpret_cast<unsigned char*>(labels);
    for (int y = 0; y < from.height; ++y) std::memcpy(to + y * step, &from.at(0, y), static_cast<std::size_t>(row));
    return GIEMSA_OK;
  });
}

giemsa_status giemsa_session_copy_outline(const giemsa_session* session, size_t cell, int32_t (*corners)[2],
                                          size_t capacity, size_t* count) {
  return abi::guarded(false, [&] {
    check(session != nullptr && count != nullptr, ErrorKind::usage, session ? "count" : "session", " is NULL");
    check(corners != nullptr || capacity == 0, ErrorKind::usage, "corners is NULL, its capacity ", capacity);
    check(session->has_result && cell < session->cells.size(), ErrorKind::usage, "there is no cell ", cell);
    const giemsa_cell& which = session->cells[cell];
    const auto rings =
        trace_contours(session->last.labels, static_cast<int>(which.id), {which.x, which.y, which.width, which.height});
    const Ring& ring = largest(rings);
    for (std::size_t i = 0; i < std::min(ring.size(), capacity); ++i) {
      corners[i][0] = ring[i].x;
      corners[i][1] = ring[i].y;
    }
    *count = ring.size();
    return ring.size() > capacity ? GIEMSA_MORE_CELLS : GIEMSA_OK;
  });
}

giemsa_status giemsa_session_times(const giemsa_session* session, giemsa_times* times) {
  return abi::guarded(false, [&] {
    check(session != nullptr, ErrorKind::usage, "session is NULL");
    abi::check_fillable(times, "times");
    check(session->has_result, ErrorKind::usage, "no image was identified yet");
    abi::write_struct(times, session->times);
    return GIEMSA_OK;
  });
}

giemsa_status giemsa_session_memory(const giemsa_session* session, giemsa_memory* memory) {
  return abi::guarded(false, [&] {
    check(session != nullptr, ErrorKind::usage, "session is NULL");
    abi::check_fillable(memory, "memory");
    abi::write_struct(memory, memory_of(*session));
    return GIEMSA_OK;
  });
}

void giemsa_session_cancel(giemsa_session* session) {
  if (session && session->running) session->cancelled = true;
}

}  // extern "C"
