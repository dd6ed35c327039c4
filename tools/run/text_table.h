// Results for people: a table on a terminal, one row per cell, then the differential count and where it all comes from.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tools/run/differential.h"
#include "tools/run/results.h"

namespace giemsa {

/// Prints rows as images finish; columns are sized beforehand.
class TextTable {
 public:
  /// `file_width`: columns of the longest file name.
  TextTable(std::ostream& out, std::vector<std::string> classes, std::size_t file_width);

  void add(const ImageResult& image);

  /// The differential count of everything added, and the provenance.
  void finish(const RunInfo& info);

 private:
  void write_patients() const;
  void begin_row(const ImageResult& image, const std::string& id, const std::string& what);

  std::ostream& out_;
  std::vector<std::string> classes_;
  std::size_t file_width_, class_width_;
  CellCounts counts_;
  PatientCounts patients_;
  std::vector<double> times_;
  std::size_t images_ = 0;
};

}  // namespace giemsa
