// What giemsa_identify found, copied from the session, as numpy arrays.
#pragma once

#include <giemsa.h>
#include <nanobind/nanobind.h>

#include <array>
#include <cstdint>
#include <vector>

namespace giemsa::python {

/// One array per property, one entry per cell.
struct Columns {
  std::vector<std::uint16_t> labels;  ///< the label image, row by row
  std::vector<std::uint16_t> ids;
  std::vector<std::int32_t> boxes;    ///< x, y, width, height of each
  std::vector<std::int64_t> areas;
  std::vector<double> centroids;      ///< x, y of each
  std::vector<std::int64_t> class_indices;
  std::vector<float> probabilities;   ///< a value for each class of each
  std::vector<std::uint8_t> at_edge, unsure;
  std::vector<std::vector<std::int32_t>> outlines;  ///< x, y of each corner
  giemsa_times times;
};

/// Reads the last result of a session. Needs no GIL. Throws Failure.
Columns columns_of(const giemsa_session* session, const giemsa_image& image, std::size_t classes);

/// The same as a dictionary of numpy arrays, which own their memory.
nanobind::dict to_numpy(Columns columns, const giemsa_image& image, std::size_t classes);

/// (count, classes)
nanobind::object probabilities_array(std::vector<float> values, std::size_t count, std::size_t classes);

}  // namespace giemsa::python
