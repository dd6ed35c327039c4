#include "tools/run/differential.h"

#include <algorithm>
#include <cmath>

namespace giemsa {

ClassShare share_of(std::int64_t cells, std::int64_t all) {
  if (all == 0) return {};
  constexpr double z = 1.959963984540054;  // of the normal distribution, 2.5 % beyond it on either side
  const auto n = static_cast<double>(all);
  const double share = static_cast<double>(cells) / n, spread = 1 + z * z / n;
  const double middle = (share + z * z / (2 * n)) / spread;
  const double half = z / spread * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  // At 0 and at 1 the limit is the share itself, which rounding may miss.
  return {cells, share, cells == 0 ? 0 : std::max(0.0, middle - half), cells == all ? 1 : std::min(1.0, middle + half)};
}

std::vector<ClassShare> shares_of(const CellCounts& counts, std::span<const std::string> classes) {
  std::vector<ClassShare> shares;
  for (std::size_t i = 0; i < classes.size(); ++i)
    shares.push_back(classes[i] == other_class ? ClassShare{} : share_of(counts.classes[i], counts.named));
  return shares;
}

Differential differential_count(std::span<const ImageResult> images, std::span<const std::string> classes) {
  CellCounts counts(classes.size());
  for (const ImageResult& image : images) counts.add(image.cells);
  return {counts, shares_of(counts, classes)};
}

std::string patient_of(std::string_view image_name) {
  const std::size_t slash = image_name.rfind('/');
  return slash == image_name.npos ? "." : std::string(image_name.substr(0, slash));
}

void PatientCounts::add(const ImageResult& image) {
  const auto [entry, is_new] = place_.try_emplace(patient_of(image.name), patients_.size());
  if (is_new) patients_.push_back({entry->first, 0, CellCounts(class_count_)});
  PatientCount& patient = patients_[entry->second];
  patient.images += image.ok();
  patient.counts.add(image.cells);
}

PatientCounts count_by_patient(std::span<const ImageResult> images, std::size_t class_count) {
  PatientCounts counts(class_count);
  for (const ImageResult& image : images) counts.add(image);
  return counts;
}

}  // namespace giemsa
