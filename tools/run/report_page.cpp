#include "tools/run/report_page.h"

#include <algorithm>
#include <sstream>

#include "tools/pictures/palette.h"
#include "tools/run/differential.h"
#include "tools/run/provenance.h"
#include "tools/text/csv.h"
#include "tools/text/histogram.h"
#include "tools/text/html.h"
#include "tools/text/percentile.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

/// What this page adds to the common style.
constexpr const char* report_style = R"(<style>
.swatch { display: inline-block; width: .8em; height: .8em; margin-right: .5em; border-radius: .15em; }
.share { position: relative; width: 16rem; padding: 0; }
.share i { position: absolute; top: 25%; height: 50%; }
.share b { position: absolute; top: 45%; height: 10%; background: #222; }
.gallery { gap: .6rem; }
.gallery figure { width: 112px; }
.gallery img { width: 112px; height: 112px; object-fit: contain; background: #eee; }
.gallery a { color: inherit; text-decoration: none; }
.gallery select { width: 100%; }
.gallery select.judged { font-weight: bold; }
h3 button { margin-left: 1em; }
.gone { width: 112px; height: 112px; background: #eee; }
p small { white-space: normal; }
svg { max-width: 100%; }
@media print { select, button, .judging { display: none; } }
@media (max-width: 40rem) { .share { display: none; } }
</style>
)";

/// What a person says of cells, as the table that giemsa adapt reads.
constexpr const char* judging_script = R"(<script>
const selects = [...document.querySelectorAll(".gallery select")], save = document.getElementById("save");
let unsaved = false;
function show() {
  const judged = selects.filter(select => select.value);
  for (const select of selects) select.classList.toggle("judged", select.value !== "");
  save.disabled = judged.length === 0;
  save.textContent = `Save ${judged.length} judged cell${judged.length === 1 ? "" : "s"} as corrections.csv`;
}
for (const select of selects) select.onchange = () => { unsaved = true; show(); };
for (const button of document.querySelectorAll("button[data-class]")) button.onclick = () => {
  for (const select of button.closest("section").querySelectorAll("select")) select.value ||= button.dataset.class;
  unsaved = true;
  show();
};
save.onclick = () => {
  const rows = selects.filter(select => select.value).map(select => `${select.dataset.row},${select.value}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["file,cell,x,y,w,h,corrected\n", ...rows], {type: "text/csv"}));
  link.download = "corrections.csv";
  link.click();
  unsaved = false;
};
addEventListener("beforeunload", event => { if (unsaved) event.preventDefault(); });
show();
</script>
)";

std::string css_color(std::size_t class_index) {
  const Color color = class_color(static_cast<int>(class_index));
  return format("#%02x%02x%02x", color[0], color[1], color[2]);
}

void write_differential(std::ostream& out, const RunInfo& info, const Differential& differential) {
  out << "<h2>Differential count</h2>\n<table><thead><tr><th>class</th><th>cells</th><th>share, %</th>"
         "<th>95 % interval</th><th></th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < differential.shares.size(); ++i) {
    if (info.classes[i] == other_class) continue;
    const ClassShare& share = differential.shares[i];
    out << "<tr><th><span class=\"swatch\" style=\"background:" << css_color(i) << "\"></span>"
        << escaped(info.classes[i]) << "</th><td>" << share.cells << "</td>"
        << format("<td>%.1f</td><td>%.1f &ndash; %.1f</td>", 100 * share.share, 100 * share.low, 100 * share.high)
        << "<td class=\"share\"><i style=\"left:0;" << format("width:%.1f%%;background:", 100 * share.share)
        << css_color(i) << "\"></i>"
        << format("<b style=\"left:%.1f%%;width:%.1f%%\"></b></td></tr>\n", 100 * share.low,
                  100 * (share.high - share.low));
  }
  out << "</tbody></table>\n";
  if (const std::string uncounted = differential.counts.uncounted(); !uncounted.empty())
    out << "<p>Not counted here: " << uncounted << ".</p>\n";
  out << "<p><small>Intervals by Wilson's score: how far chance alone may move a count of this many "
         "cells. Cells that were missed, or named wrong, are not in them.</small></p>\n";
}

/// A row per patient, where there are several: every share, and its interval where the pointer rests on it.
void write_patients(std::ostream& out, const RunInfo& info, std::span<const PatientCount> patients) {
  if (patients.size() < 2) return;
  out << "<h2>By patient</h2>\n<p>A folder of images is a patient. Shares in %, of the cells that have a name; the pointer on a "
         "share shows its 95 % interval. <b>Bold</b>: fewer than "
      << customary_cells << " cells.</p>\n<table><thead><tr><th>patient</th><th>images</th><th>cells</th>";
  for (const std::string& name : info.classes)
    if (name != other_class) out << "<th>" << escaped(name) << "</th>";
  out << "<th>not counted</th></tr></thead><tbody>\n";
  for (const PatientCount& patient : patients) {
    const bool few = patient.counts.named < customary_cells;
    out << "<tr><th>" << escaped(patient.patient) << "</th><td>" << patient.images << "</td><td>" << (few ? "<b>" : "")
        << patient.counts.named << (few ? "</b>" : "") << "</td>";
    const std::vector<ClassShare> shares = shares_of(patient.counts, info.classes);
    for (std::size_t i = 0; i < info.classes.size(); ++i) {
      if (info.classes[i] == other_class) continue;
      const ClassShare& share = shares[i];
      if (patient.counts.named == 0)
        out << "<td>&ndash;</td>";
      else
        out << format("<td title=\"%.1f to %.1f\">%.1f</td>", 100 * share.low, 100 * share.high, 100 * share.share);
    }
    out << "<td>" << patient.counts.uncounted() << "</td></tr>\n";
  }
  out << "</tbody></table>\n";
}

/// The start of the cell's row in corrections.csv.
std::string correction_row(const GalleryCell& cell) {
  CsvWriter row;
  row.text(cell.file).number(cell.id).number(cell.x).number(cell.y).number(cell.w).number(cell.h);
  return row.rows();
}

void write_judgement(std::ostream& out, const RunInfo& info, const GalleryCell& cell, const std::string& caption) {
  out << "<select aria-label=\"class of " << escaped(caption) << "\" data-row=\"" << escaped(correction_row(cell))
      << "\"><option value=\"\">not judged</option>";
  for (const std::string& name : info.classes) out << "<option>" << escaped(name) << "</option>";
  out << "</select>";
}

void write_cell(std::ostream& out, const RunInfo& info, const GalleryCell& cell) {
  const std::string caption = format("%.0f %%, ", 100 * cell.probability) + cat(cell.image, " #", cell.id);
  out << "<figure><a href=\"" << link_to("overlays/" + cell.image + ".png") << "\">";
  if (cell.png.empty())
    out << "<div class=\"gone\"></div>";
  else
    out << inline_png(cell.png, caption);
  out << "<figcaption>" << escaped(caption) << "</figcaption></a>";
  write_judgement(out, info, cell, caption);
  out << "</figure>\n";
}

void write_group(std::ostream& out, const RunInfo& info, std::string_view name, std::int64_t found,
                 std::span<const GalleryCell> cells) {
  if (cells.empty()) return;
  out << "<section><h3>" << escaped(name) << " <small>";
  if (static_cast<std::int64_t>(cells.size()) < found) out << cells.size() << " of ";
  out << found << "</small>";
  if (name != unsure_name)
    out << "<button type=\"button\" data-class=\"" << escaped(name) << "\">confirm the rest as " << escaped(name)
        << "</button>";
  out << "</h3>\n<div class=\"gallery\">\n";
  for (const GalleryCell& cell : cells) write_cell(out, info, cell);
  out << "</div></section>\n";
}

void write_gallery(std::ostream& out, const RunInfo& info, const CellCounts& counts, const Gallery& gallery) {
  out << "<h2>Cells</h2>\n<p>By class, those first that the classifier was least sure of, with the probability of the "
         "class. A click opens the image with all cells outlined.</p>\n"
         "<p class=\"judging\">Say what the cells are, and save it: <code>giemsa adapt IMAGES --labels corrections.csv -o "
         "laboratory.json</code> fits the classifier to your laboratory. <button type=\"button\" id=\"save\" disabled>Save"
         "</button></p>\n";
  for (std::size_t i = 0; i < info.classes.size(); ++i)
    write_group(out, info, info.classes[i], counts.classes[i], gallery.of_class(i));
  write_group(out, info, unsure_name, counts.unsure, gallery.unsure());
  out << judging_script;
}

void write_failures(std::ostream& out, std::span<const ImageResult> images) {
  if (std::ranges::all_of(images, &ImageResult::ok)) return;
  out << "<h2>Images that failed</h2>\n<ul>\n";
  for (const ImageResult& image : images)
    if (!image.ok()) out << "<li>" << escaped(image.error) << "</li>\n";
  out << "</ul>\n";
}

/// What the results do not cover, and what was assumed.
void write_remarks(std::ostream& out, const RunInfo& info, std::span<const ImageResult> images) {
  std::vector<std::string> remarks;
  if (info.interrupted) remarks.push_back("The run was interrupted: images that it did not reach are missing here.");
  if (const std::string left_out = info.left_out.to_string(); !left_out.empty()) remarks.push_back(left_out);
  for (const ImageResult& image : images)
    if (!image.warning.empty()) remarks.push_back(image.warning);
  if (remarks.empty()) return;
  out << "<h2>To know</h2>\n<ul>\n";
  for (const std::string& remark : remarks) out << "<li>" << escaped(remark) << "</li>\n";
  out << "</ul>\n";
}

void write_latencies(std::ostream& out, std::span<const ImageResult> images) {
  std::vector<double> times;
  for (const ImageResult& image : images)
    if (image.ok()) times.push_back(image.total_ms());
  if (times.empty()) return;
  std::ranges::sort(times);
  out << "<h2>Time for an image</h2>\n<p>From file to named cells, without writing the results: "
      << format("median %.1f ms, ", percentile(times, 0.5));
  if (times.size() >= 10) out << format("90th percentile %.1f ms, ", percentile(times, 0.9));
  if (times.size() >= 100) out << format("99th %.1f ms, ", percentile(times, 0.99));
  out << format("longest %.1f ms.", times.back()) << " The first image of each size includes planning for it.</p>\n"
      << histogram_svg(histogram_of(times), "ms");
}

}  // namespace

std::string report_html(const RunInfo& info, std::span<const ImageResult> images, const Gallery& gallery) {
  const Differential differential = differential_count(images, info.classes);
  const std::int64_t cells = differential.counts.white_cells();
  const auto failed = static_cast<std::size_t>(std::ranges::count_if(images, [](auto& image) { return !image.ok(); }));

  std::ostringstream out;
  out << "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width\"><title>Giemsa: white cells in "
      << counted(images.size(), "image") << "</title>\n"
      << page_style << report_style << "</head><body>\n<h1>" << counted(static_cast<std::size_t>(cells), "white cell")
      << " in " << counted(images.size(), "image") << "</h1>\n<p>";
  if (failed > 0) out << counted(failed, "image") << " failed. ";
  out << research_use_only << " All figures are in results.json, cells.csv, images.csv and patients.csv.</p>\n";
  if (cells > 0) write_differential(out, info, differential);
  if (cells > 0) write_patients(out, info, count_by_patient(images, info.classes.size()).patients());
  if (cells > 0 || differential.counts.other > 0) write_gallery(out, info, differential.counts, gallery);
  write_failures(out, images);
  write_remarks(out, info, images);
  write_latencies(out, images);
  write_facts(out, "What was run", provenance(info, true));
  out << "</body></html>\n";
  return std::move(out).str();
}

}  // namespace giemsa
