// giemsa adapt: a laboratory's profile, from cells that it corrected.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <memory>
#include <vector>

#include "engine/base/atomic_file.h"
#include "engine/device.h"
#include "tools/adapt/cell_features.h"
#include "nets/laboratory_profile.h"
#include "tools/cli/arguments.h"
#include "tools/cli/finding_options.h"
#include "tools/cli/messages.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/cli/progress.h"
#include "tools/image_io/decode.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

using namespace adapt;

struct AdaptArguments {
  std::vector<std::string> inputs;
  std::string labels, out, segmenter, classifier;
  SmearOptions options;
  int threads = 0;
  bool quiet = false;
};

/// What was collected from all images.
struct Collected {
  std::vector<LabelledCell> cells;
  std::vector<SeenImage> images;
  std::size_t missing = 0;  ///< cells that were not found
};

Collected collect(const AdaptArguments& arguments, const Model& classifier) {
  const std::vector<ImageFile> images = find_all_images(arguments.inputs);
  std::size_t elsewhere = 0;
  const auto corrections = by_image(read_corrections(arguments.labels), images, elsewhere);
  if (elsewhere > 0 && !arguments.quiet)
    print_note(cat(counted(elsewhere, "row"), " of ", arguments.labels, " name images that are not given"));

  const Model segmenter = open_model(find_model(arguments.segmenter, shipped_segmenter));
  const auto backend = open_device({.device = "cpu", .precision = "fp32", .threads = arguments.threads});
  CellFeatures features(segmenter, classifier, arguments.options, backend);
  Progress progress(images.size(), Progress::style_of(arguments.quiet));
  Collected all;
  for (std::size_t i = 0; i < images.size(); ++i) {
    progress.tick(true);
    if (corrections[i].empty()) continue;
    const Frame frame = decode_image(images[i].path, {}, nullptr, images[i].number);
    std::vector<LabelledCell> cells = features.collect(frame, corrections[i], i, all.missing);
    if (cells.empty()) continue;
    std::ranges::move(cells, std::back_inserter(all.cells));
    all.images.push_back({images[i].name, sha256_of_file(images[i].path).get()});
  }
  progress.finish();
  return all;
}

std::string shares(const Naming& naming, std::size_t cells) {
  return format("%zu of %zu (%.3f)", naming.right, cells, static_cast<double>(naming.right) / static_cast<double>(cells));
}

Exit adapt_to_laboratory(const AdaptArguments& arguments) {
  const Model classifier = open_model(find_model(arguments.classifier, shipped_classifier));
  const LastLayer shipped = last_layer_of(classifier);
  Collected all = collect(arguments, classifier);
  check(all.images.size() >= 2, ErrorKind::usage, arguments.labels, ": labelled cells in ",
        counted(all.images.size(), "image"), ", at least two are needed",
        all.missing > 0 ? cat("; the segmenter did not find ", all.missing) : "");

  const LastLayerFit fit = fit_last_layer(shipped, all.cells);
  const std::vector<std::string>& classes = classifier.info.classes;
  std::vector<std::size_t> counts(classes.size());
  for (const LabelledCell& cell : all.cells) ++counts[static_cast<std::size_t>(cell.truth)];
  const std::string note = cat(counted(all.cells.size(), "cell"), " in ", counted(all.images.size(), "image"));
  write_file_atomically(arguments.out, profile_text({last_layer_mark(classifier), classes, fit.layer, note,
                                                     std::move(all.images)}));
  if (arguments.quiet) return Exit::ok;
  std::cout << arguments.out << ": " << note << " (";
  for (std::size_t i = 0; i < classes.size(); ++i) std::cout << (i ? ", " : "") << classes[i] << ' ' << counts[i];
  std::cout << ")\nnamed rightly by the classifier as it was: " << shares(fit.before, all.cells.size())
            << "\nnamed rightly once adapted to the other cells: " << shares(fit.after, all.cells.size()) << '\n';
  if (all.missing > 0) std::cout << counted(all.missing, "labelled cell") << " left out: the segmenter did not find them\n";
  if (!fit.penalty) std::cout << "the classifier as it was names these cells best: the profile changes nothing\n";
  return Exit::ok;
}

constexpr const char* adapt_footer = R"(Examples:
  giemsa run fields/ --out results/              then correct the column `class` of results/cells.csv
  giemsa adapt fields/ --labels results/cells.csv -o laboratory.json
  giemsa run fields/ --profile laboratory.json --out results/
  giemsa eval labelled/ --profile laboratory.json     before and after, on images that the profile has not seen

FILE is a table with a column file, image or name, a column class or corrected, and where the cell is: x, y, w and h, or
cell, its number in the label image; without them it is the cell nearest the image's middle. Or GeoJSON, as
giemsa run --geojson writes it and QuPath gives it back: a file, or a folder of them, named after the images.
Some hundred cells, a few of each class, are enough: only the classifier's last layer is fitted to them, and held to what
it was by a penalty that cross validation chooses. What the profile gains is measured on cells that the fit did not see
and printed. The models stay as they are; results say which profile they were made with. Takes as long as to run
the images, and some seconds.)";

}  // namespace

void add_adapt(CommandLine& line) {
  auto arguments = std::make_shared<AdaptArguments>();
  AdaptArguments& a = *arguments;
  Subcommand command(line, "adapt", "fit the classifier to a laboratory's corrected cells", adapt_footer);
  command.option("INPUT", &a.inputs, "...", "images, and folders of images").required();
  command.option("--labels", &a.labels, "FILE", "what the cells are: a table or GeoJSON, see below").required();
  command.option("-o,--output", &a.out, "OUT.json", "profile to write").required();
  add_model_options(command, a.segmenter, a.classifier);
  add_finding_options(command, a.options);
  command.option("--threads", &a.threads, "N", "threads (default: one per core)").check(number_in(1, 1024));
  command.flag("--quiet", a.quiet, "print nothing");
  command.runs([arguments] { return adapt_to_laboratory(*arguments); });
}

}  // namespace giemsa
