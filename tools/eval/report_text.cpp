#include <algorithm>
#include <cmath>

#include "tools/eval/report.h"
#include "tools/text/text.h"

namespace giemsa::eval {
namespace {

constexpr std::size_t name_width = 28;

std::string four_decimals(double value) {
  return std::isnan(value) ? "     -" : format("%6.4f", value);
}

std::string spaced(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

/// Single figures of one section, a line each, with their intervals.
void print_section(std::ostream& out, const Evaluation& evaluation, std::string_view section) {
  out << '\n' << padded(std::string(section), name_width) << " value   95 % interval\n";
  for (const Figure& figure : evaluation.figures) {
    const bool average = figure.group == "macro" || figure.group == "micro";
    if (figure.section != section || average) continue;
    const std::string name = (figure.group.empty() ? "" : spaced(figure.group) + ' ') + spaced(figure.name);
    out << "  " << padded(name, name_width - 2) << ' ' << four_decimals(figure.value) << "  "
        << four_decimals(figure.interval.low) << ' ' << four_decimals(figure.interval.high) << '\n';
  }
}

/// A line a class, then one an average.
void print_classes(std::ostream& out, const Evaluation& evaluation) {
  out << '\n' << padded("class", name_width) << " cells  precision  recall      f1  specificity\n";
  const auto line = [&](const char* section, const std::string& group, const std::string& cells) {
    const auto value = [&](const char* name) {
      return four_decimals(find(evaluation.figures, section, group, name).value);
    };
    out << "  " << padded(printable(group), name_width - 2) << ' ' << format("%5s", cells.c_str()) << "     "
        << value("precision") << "  " << value("recall") << "  " << value("f1") << "       " << value("specificity")
        << '\n';
  };
  for (std::size_t k = 0; k < evaluation.classes.size(); ++k)
    line("classes", evaluation.classes[k], std::to_string(evaluation.scores.cells.truths(k)));
  for (const char* average : {"macro", "micro"}) line("classification", average, "");
}

void print_confusion(std::ostream& out, const Evaluation& evaluation) {
  const ConfusionMatrix& cells = evaluation.scores.cells;
  out << '\n' << padded("truth \\ called", name_width);
  for (const std::string& name : evaluation.classes) out << format(" %10.10s", printable(name).c_str());
  out << '\n';
  for (std::size_t truth = 0; truth < cells.classes(); ++truth) {
    out << "  " << padded(printable(evaluation.classes[truth]), name_width - 2);
    for (std::size_t predicted = 0; predicted < cells.classes(); ++predicted)
      out << format(" %10lld", static_cast<long long>(cells.at(truth, predicted)));
    out << '\n';
  }
}

}  // namespace

void print_figures(std::ostream& out, const Evaluation& evaluation) {
  const Scores& scores = evaluation.scores;
  out << printable(evaluation.dataset) << ": " << evaluation.images.size() << " images";
  if (!evaluation.selection.empty()) out << " (" << evaluation.selection << ')';
  if (const std::size_t failed = failed_images(evaluation)) out << ", " << failed << " failed";
  out << ", " << scores.truth_cells << " cells, " << scores.labelled_cells << " of known class\n";

  if (evaluation.task == Task::fields) {
    print_section(out, evaluation, "segmentation");
    print_section(out, evaluation, "detection");
    print_section(out, evaluation, "instances");
  }
  print_section(out, evaluation, "classification");
  print_classes(out, evaluation);
  print_confusion(out, evaluation);
  if (const auto& effect = evaluation.adaptation)
    out << "\nof " << counted(effect->cells, "cell") << " that " << evaluation.info.profile << " has not seen, named rightly "
        << effect->right_without << " without it, " << effect->right_with << " with it ("
        << counted(effect->images_left_out, "image") << " that it was made from left out)\n";
  if (evaluation.task == Task::whole_crops)
    out << "\nthe classifier saw each image whole; --cells found shows it the cell in the middle\n";
  out << format("\ngiemsa %s on %s, %s: %.1f s\n", GIEMSA_VERSION, evaluation.info.device.c_str(),
                evaluation.info.precision.c_str(), evaluation.seconds)
      << research_use_only << std::endl;
}

}  // namespace giemsa::eval
