#include "tools/python/binding/columns.h"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "tools/python/binding/status.h"

namespace nb = nanobind;

namespace giemsa::python {
namespace {

/// A numpy array that owns `values`.
template <class Exposed, class T>
nb::object array(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto* kept = new std::vector<T>(std::move(values));
  const nb::capsule owner(kept, [](void* data) noexcept { delete static_cast<std::vector<T>*>(data); });
  return nb::ndarray<nb::numpy, Exposed>(kept->data(), shape, owner).cast();
}

template <class T>
nb::object array(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  return array<T, T>(std::move(values), shape);
}

std::vector<std::int32_t> outline_of(const giemsa_session* session, std::size_t cell, std::vector<std::int32_t>& room) {
  const auto copy = [&](std::size_t& corners) {
    return giemsa_session_copy_outline(session, cell, reinterpret_cast<std::int32_t(*)[2]>(room.data()),
                                       room.size() / 2, &corners);
  };
  std::size_t corners = 0;
  giemsa_status status = copy(corners);
  if (status == GIEMSA_MORE_CELLS) {
    room.resize(2 * corners);
    status = copy(corners);
  }
  check(status);
  return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(2 * corners)};
}

}  // namespace

Columns columns_of(const giemsa_session* session, const giemsa_image& image, std::size_t classes) {
  Columns columns;
  columns.labels.resize(std::size_t{image.width} * image.height);
  check(giemsa_session_copy_labels(session, columns.labels.data(), 0));
  GIEMSA_INIT(columns.times);
  check(giemsa_session_times(session, &columns.times));

  std::size_t count = 0;
  const giemsa_cell* cells = giemsa_session_cells(session, &count);
  std::vector<std::int32_t> room(8192);  // corners of most outlines
  for (std::size_t i = 0; i < count; ++i) {
    const giemsa_cell& cell = cells[i];
    columns.ids.push_back(static_cast<std::uint16_t>(cell.id));
    columns.boxes.insert(columns.boxes.end(), {cell.x, cell.y, cell.width, cell.height});
    columns.areas.push_back(cell.area);
    columns.centroids.insert(columns.centroids.end(), {cell.centroid_x, cell.centroid_y});
    columns.class_indices.push_back(cell.class_index);
    if (const float* values = giemsa_session_probabilities(session, i))
      columns.probabilities.insert(columns.probabilities.end(), values, values + classes);
    columns.at_edge.push_back((cell.flags & GIEMSA_CELL_AT_EDGE) != 0);
    columns.unsure.push_back((cell.flags & GIEMSA_CELL_UNSURE) != 0);
    columns.outlines.push_back(outline_of(session, i, room));
  }
  return columns;
}

nb::dict to_numpy(Columns columns, const giemsa_image& image, std::size_t classes) {
  const std::size_t count = columns.ids.size();
  nb::list outlines;
  for (std::vector<std::int32_t>& outline : columns.outlines) {
    const std::size_t corners = outline.size() / 2;
    outlines.append(array(std::move(outline), {corners, 2}));
  }
  nb::dict times;
  times["convert"] = columns.times.convert;
  times["segment"] = columns.times.segment;
  times["postprocess"] = columns.times.postprocess;
  times["classify"] = columns.times.classify;
  times["total"] = columns.times.total;

  nb::dict found;
  found["labels"] = array(std::move(columns.labels), {image.height, image.width});
  found["ids"] = array(std::move(columns.ids), {count});
  found["boxes"] = array(std::move(columns.boxes), {count, 4});
  found["areas"] = array(std::move(columns.areas), {count});
  found["centroids"] = array(std::move(columns.centroids), {count, 2});
  found["class_indices"] = array(std::move(columns.class_indices), {count});
  found["probabilities"] = probabilities_array(std::move(columns.probabilities), count, classes);
  found["at_edge"] = array<bool>(std::move(columns.at_edge), {count});
  found["unsure"] = array<bool>(std::move(columns.unsure), {count});
  found["outlines"] = outlines;
  found["ms"] = times;
  return found;
}

nb::object probabilities_array(std::vector<float> values, std::size_t count, std::size_t classes) {
  return array(std::move(values), {count, classes});
}

}  // namespace giemsa::python
