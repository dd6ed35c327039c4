// `giemsa eval RESULTS --differential REFERENCE`: the differential counts of a run beside those of a reference method, patient
// by patient.
#pragma once

#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tools/eval/method_comparison.h"
#include "tools/run/json.h"

namespace giemsa::eval {

/// Numbers of cells, or percentages, by patient and class.
using DifferentialTable = std::map<std::string, std::map<std::string, double>>;

/// Parses a table with a column `patient` and one for each class, such as a run's patients.csv; columns that hold no numbers
/// are left out. Throws Error(usage), naming the line, for a table without patients, and where one occurs twice.
DifferentialTable parse_differentials(std::string_view text);

struct ClassAgreement {
  std::string name;
  double reference_mean = 0, mean = 0;  ///< percent, over the patients
  PassingBablok regression;             ///< of percentages
  BlandAltman differences;              ///< ours less the reference's, in percentage points
};

struct DifferentialComparison {
  std::vector<std::string> patients;   ///< that both tables have, with cells in both
  std::vector<std::string> left_out;   ///< those of one table only, or without cells
  std::vector<ClassAgreement> classes;  ///< that both tables have
};

/// What is compared are shares among the classes that both tables have: so it does not matter whether a table holds
/// numbers or percentages. Throws Error(usage) where no class or no patient is common.
DifferentialComparison compare_differentials(const DifferentialTable& results, const DifferentialTable& reference);

/// The same from a folder of results, or its patients.csv, and a file. Errors name the file.
DifferentialComparison compare_differentials(const std::filesystem::path& results,
                                             const std::filesystem::path& reference);

void print_comparison(std::ostream& out, const DifferentialComparison& comparison);
Json comparison_json(const DifferentialComparison& comparison);

}  // namespace giemsa::eval
