// The differential count: what share of the white cells each class has, and how far chance alone may have moved it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/run/results.h"

namespace giemsa {

/// One class's cells. `share` and its limits are of 1; `share` is 0 where there is no cell at all.
struct ClassShare {
  std::int64_t cells = 0;
  double share = 0, low = 0, high = 1;
};

/// The 95 % interval of a share, by Wilson's score (Wilson 1927): good for few cells and for shares near 0 and 1.
ClassShare share_of(std::int64_t cells, std::int64_t all);

/// Of the cells that have a name, in the order of the classifier's classes. Cells that are unsure, and what is no white
/// cell, are counted apart: the share of `other_class` is 0. The intervals are those of counting: that a cell may be
/// named wrong or missed is not in them.
std::vector<ClassShare> shares_of(const CellCounts& counts, std::span<const std::string> classes);

struct Differential {
  CellCounts counts;
  std::vector<ClassShare> shares;
};

/// Of all images that did not fail.
Differential differential_count(std::span<const ImageResult> images, std::span<const std::string> classes);

/// Whose image this is: a folder of images is a patient, so it is the folder that the image's name begins with, with those
/// below it ("ward 3/Smith" of "ward 3/Smith/field 7"); "." of an image that is in none.
std::string patient_of(std::string_view image_name);

/// A laboratory's differential is of so many cells or more.
inline constexpr std::int64_t customary_cells = 100;

struct PatientCount {
  std::string patient;
  std::int64_t images = 0;  ///< that did not fail
  CellCounts counts;
};

/// Counts by patient as images come.
class PatientCounts {
 public:
  explicit PatientCounts(std::size_t class_count) : class_count_(class_count) {}
  void add(const ImageResult& image);

  /// In the order in which they came first; those too of whom every image failed.
  std::span<const PatientCount> patients() const { return patients_; }

 private:
  std::size_t class_count_;
  std::vector<PatientCount> patients_;
  std::map<std::string, std::size_t> place_;
};

PatientCounts count_by_patient(std::span<const ImageResult> images, std::size_t class_count);

}  // namespace giemsa
