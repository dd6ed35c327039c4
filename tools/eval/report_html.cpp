#include <algorithm>
#include <cmath>
#include <sstream>

#include "tools/eval/report.h"
#include "tools/run/provenance.h"
#include "tools/text/html.h"
#include "tools/text/text.h"

namespace giemsa::eval {
namespace {

/// What the figures mean; the same words hold for the tables and the files beside the page.
constexpr const char* definitions_of_fields = R"(<dt>Segmentation</dt>
<dd>Two classes, background and cell; a pixel is a cell's where the mask is not 0, predicted where the label image is
not 0 (after filling holes and dropping small components). Global, mean and weighted figures come from the pixels of
all images together.</dd>
<dt>Mean BF score</dt>
<dd>Boundary F1: the harmonic mean of the share of the predicted boundary that lies less than 0.75 % of the image's
diagonal from the true one, and of the reverse. A boundary is a mask minus its erosion by a plus; the image's edge is
none. Mean over images of the mean over background and cell; what has a boundary on one side only scores 0, on neither
side is left out.</dd>
<dt>Detection</dt>
<dd>True boxes are those of the masks' 8-connected components: cells whose masks touch count as one. Greedy one-to-one
matching within an image: the cell of the highest score takes the free true box of the highest IoU, if that is at
least the limit. The score is the probability of the cell's class, the only confidence that the engine gives a cell.
Average precision is the area under precision over recall, not interpolated. Precision, recall and F1 take all cells
that were found, whatever their score. A cell at an image's edge that the masks leave out counts as a false
positive.</dd>
<dt>Cells one by one</dt>
<dd>Found cells and true ones matched by their pixels, one to one. AP at an IoU of t is TP / (TP + FP + FN), as Cellpose and
StarDist report it. Panoptic quality is the sum of IoU over matches of more than 0.5 by TP + FP / 2 + FN / 2, the product
of segmentation quality (mean IoU of matches) and recognition quality (their F1). AJI+ is the intersections of paired cells
by their unions and the areas of all others. A true cell that touches no other is falsely split where more than half of
each of two found cells lies in it; two true cells that touch are a missed split where one found cell covers more than half
of each. Count error is the difference between cells found and cells there, by image, by all true cells. Where a data set
has masks and no labels/, its components are its cells.</dd>
<dt>Cells of known class</dt>
<dd>labels.csv lists the classes of a field without their places. They are known where it lists one class alone, at
least as often as the mask has cells; all other cells count in segmentation and detection only. Classes are compared
for cells found at a box IoU of 0.5; <em>identified</em> is the share of all cells of known class that were both found
and named right.</dd>
)";

constexpr const char* definitions_of_whole_crops = R"(<dt>Cells</dt>
<dd>An image's folder is its class. The classifier sees each image whole; nothing is segmented. That is fair to a
classifier only where images show what it was trained on, such as tight boxes of cells.</dd>
)";

constexpr const char* definitions_of_found_cells = R"(<dt>Cells</dt>
<dd>An image's folder is its class. Cells are found as in a field, and the one nearest the middle is the image's; an
image in which none is found counts in <em>identified</em>, the share of all images whose cell was found and named
right, alone.</dd>
)";

constexpr const char* definitions_of_both = R"(<dt>Classification</dt>
<dd>One class against all others. Macro averages are means over the classes that occur in truth, in which the
precision of a class that is never called counts as 0; micro averages add up the counts of all classes first. A class
that the classifier does not know stays a class: its cells count as named wrong.</dd>
<dt>Intervals</dt>
<dd>95 % percentile intervals of a bootstrap that draws whole images with replacement. They say how the figures vary
with the images, not with the training. A draw without any cell of a rare class leaves that class out of its macro
averages.</dd>
)";

const char* definitions_of(Task task) {
  switch (task) {
    case Task::fields:
      return definitions_of_fields;
    case Task::whole_crops:
      return definitions_of_whole_crops;
    case Task::found_cells:
      return definitions_of_found_cells;
  }
  return "";
}

std::string percent(double value) {
  return std::isnan(value) ? "&ndash;" : format("%.2f", 100 * value);
}

std::string with_interval(const Figure& figure) {
  const double whole = figure.name.ends_with("_per_100") ? 100 : 1;
  std::string text = percent(figure.value / whole);
  if (!std::isnan(figure.interval.low))
    text +=
        " <small>" + percent(figure.interval.low / whole) + " &ndash; " + percent(figure.interval.high / whole) + "</small>";
  return text;
}

/// "mean_bf_score" -> "mean BF score"
std::string title_of(std::string name) {
  std::ranges::replace(name, '_', ' ');
  for (const auto& [word, proper] : {std::pair{"bf", "BF"}, {"iou", "IoU"}, {"f1", "F1"}, {"ap 0", "AP at IoU 0"}, {"aji plus", "AJI+"}})
    if (const auto at = name.find(word); at != std::string::npos)
      name.replace(at, std::string_view(word).size(), proper);
  return name;
}

/// Figures of one section: a row a name, a column a group.
class FigureTable {
 public:
  FigureTable(const Evaluation& evaluation, const char* section) : figures_(evaluation.figures), section_(section) {}

  void head(std::ostream& out, const char* caption, std::span<const std::string> columns) const {
    out << "<table><caption>" << caption << "</caption><thead><tr><th></th>";
    for (const std::string& column : columns) out << "<th>" << escaped(column) << "</th>";
    out << "</tr></thead><tbody>\n";
  }
  void row(std::ostream& out, const std::string& title,
           std::span<const std::pair<std::string, std::string>> cells) const {
    out << "<tr><th>" << escaped(title) << "</th>";
    for (const auto& [group, name] : cells)
      out << "<td>" << with_interval(find(figures_, section_, group, name)) << "</td>";
    out << "</tr>\n";
  }
  static void end(std::ostream& out) { out << "</tbody></table>\n"; }

 private:
  std::span<const Figure> figures_;
  const char* section_;
};

void write_finding(std::ostream& out, const Evaluation& evaluation) {
  out << "<h2>Finding cells</h2>\n";
  const FigureTable segmentation(evaluation, "segmentation");
  segmentation.head(out, "Pixels, %", std::array<std::string, 1>{"value, 95 % interval"});
  using Cells = std::vector<std::pair<std::string, std::string>>;
  for (const char* name : {"global_accuracy", "mean_accuracy", "mean_iou", "weighted_iou", "mean_bf_score"})
    segmentation.row(out, title_of(name), Cells{{"", name}});
  for (const char* name : {"background", "cell"}) segmentation.row(out, cat("IoU of ", name), Cells{{"iou", name}});
  FigureTable::end(out);

  const FigureTable detection(evaluation, "detection");
  std::vector<std::string> columns, groups;
  for (const double iou : detection_ious) {
    columns.push_back(cat("box IoU ", iou));
    groups.push_back(cat("iou_", iou));
  }
  detection.head(out, "Cells, %", columns);
  for (const char* name : {"average_precision", "precision", "recall", "f1"}) {
    Cells cells;
    for (const std::string& group : groups) cells.emplace_back(group, name);
    detection.row(out, title_of(name), cells);
  }
  out << "<tr><th>found / missed / false</th>";
  for (const DetectionScores& d : evaluation.scores.detection)
    out << "<td>" << d.true_positives << " / " << d.false_negatives << " / " << d.false_positives << "</td>";
  out << "</tr>\n";
  FigureTable::end(out);

  const FigureTable instances(evaluation, "instances");
  instances.head(out, "Cells one by one, %", std::array<std::string, 1>{"value, 95 % interval"});
  for (const Figure& figure : evaluation.figures)
    if (figure.section == "instances") instances.row(out, title_of(figure.name), Cells{{"", figure.name}});
  FigureTable::end(out);
}

void write_naming(std::ostream& out, const Evaluation& evaluation) {
  const std::array<std::string, 4> names = {"precision", "recall", "f1", "specificity"};
  const auto cells_of = [&](const std::string& group) {
    std::vector<std::pair<std::string, std::string>> cells;
    for (const std::string& name : names) cells.emplace_back(group, name);
    return cells;
  };
  out << "<h2>Naming cells</h2>\n<p>Accuracy "
      << with_interval(find(evaluation.figures, "classification", "", "accuracy")) << " %";
  if (evaluation.task != Task::whole_crops)
    out << "; identified, of " << evaluation.scores.labelled_cells << " cells of known class, "
        << with_interval(find(evaluation.figures, "classification", "", "identified")) << " %";
  out << ".</p>\n";
  if (const auto unknown = unknown_classes(evaluation); !unknown.empty()) {
    out << "<p>The classifier does not know: ";
    for (const std::string& name : unknown) out << (&name == &unknown.front() ? "" : ", ") << escaped(name);
    out << ". Cells of these classes count as named wrong.</p>\n";
  }
  const FigureTable classes(evaluation, "classes"), averages(evaluation, "classification");
  classes.head(out, "Classes, %", std::array<std::string, 4>{"precision", "recall", "F1", "specificity"});
  for (const std::string& name : evaluation.classes) classes.row(out, name, cells_of(name));
  for (const char* group : {"macro", "micro"}) averages.row(out, cat(group, " average"), cells_of(group));
  FigureTable::end(out);
}

void write_confusion(std::ostream& out, const Evaluation& evaluation) {
  const ConfusionMatrix& cells = evaluation.scores.cells;
  out << "<table class=\"confusion\"><caption>Cells: a row a class in truth, a column a class "
         "called</caption><thead><tr>"
         "<th></th>";
  for (const std::string& name : evaluation.classes) out << "<th>" << escaped(name) << "</th>";
  out << "<th>all</th></tr></thead><tbody>\n";
  for (std::size_t truth = 0; truth < cells.classes(); ++truth) {
    const auto all = static_cast<double>(cells.truths(truth));
    out << "<tr><th>" << escaped(evaluation.classes[truth]) << "</th>";
    for (std::size_t predicted = 0; predicted < cells.classes(); ++predicted) {
      const double share = all > 0 ? static_cast<double>(cells.at(truth, predicted)) / all : 0;
      const char* color = truth == predicted ? "0,158,115" : "213,94,0";
      out << format("<td style=\"background:rgba(%s,%.2f)\">%lld</td>", color, std::sqrt(share) * 0.7,
                    static_cast<long long>(cells.at(truth, predicted)));
    }
    out << "<td>" << cells.truths(truth) << "</td></tr>\n";
  }
  out << "</tbody></table>\n";
}

void write_gallery(std::ostream& out, const char* title, const char* text, const WorstCases& worst) {
  if (worst.cases().empty()) return;
  out << "<h2>" << title << "</h2>\n<p>" << text << "</p>\n<div class=\"gallery\">\n";
  for (const WorstCase& shown : worst.cases())
    out << "<figure>" << inline_png(shown.png, shown.caption) << "<figcaption>" << escaped(shown.caption)
        << "</figcaption></figure>\n";
  out << "</div>\n";
}

void write_failures(std::ostream& out, const Evaluation& evaluation) {
  if (failed_images(evaluation) == 0) return;
  out << "<h2>Images that failed</h2>\n<p>They count in no figure.</p>\n<ul>\n";
  for (const ImageRecord& image : evaluation.images)
    if (!image.ok()) out << "<li>" << escaped(image.error) << "</li>\n";
  out << "</ul>\n";
}

void write_provenance(std::ostream& out, const Evaluation& evaluation) {
  auto rows = provenance(evaluation.info, evaluation.task != Task::whole_crops);
  rows.emplace_back("bootstrap", cat(evaluation.bootstrap.replicates, " replicates, seed ", evaluation.bootstrap.seed));
  rows.emplace_back("time", format("%.1f s", evaluation.seconds));
  write_facts(out, "What was run", rows);
}

}  // namespace

std::string evaluation_html(const Evaluation& evaluation) {
  const bool fields = evaluation.task == Task::fields;
  std::ostringstream out;
  out << "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Giemsa: evaluation of "
      << escaped(evaluation.dataset) << "</title>\n"
      << page_style << "</head><body>\n<h1>Evaluation of " << escaped(evaluation.dataset) << "</h1>\n<p>"
      << evaluation.images.size() << (fields ? " fields" : " images of one cell");
  if (!evaluation.selection.empty()) out << " (" << escaped(evaluation.selection) << ")";
  out << ", " << failed_images(evaluation) << " failed; " << evaluation.scores.truth_cells << " cells, "
      << evaluation.scores.labelled_cells << " of known class. " << research_use_only << "</p>\n";
  if (fields) write_finding(out, evaluation);
  write_naming(out, evaluation);
  write_confusion(out, evaluation);
  write_gallery(out, "Fields whose masks overlap least",
                "Black: the true outline. Color: what was found, and its name.", evaluation.worst_masks);
  write_gallery(out, "Cells named wrong", "The most confident mistakes first.", evaluation.wrong_names);
  write_failures(out, evaluation);
  out << "<h2>How the figures are defined</h2>\n<dl>\n"
      << definitions_of(evaluation.task) << definitions_of_both << "</dl>\n";
  write_provenance(out, evaluation);
  out << "</body></html>\n";
  return std::move(out).str();
}

}  // namespace giemsa::eval
