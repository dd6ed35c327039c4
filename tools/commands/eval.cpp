// giemsa eval: how good the networks are, on labelled images.
#include <chrono>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <system_error>

#include "engine/device.h"
#include "nets/box_classifier.h"
#include "nets/smear.h"
#include "nets/laboratory_profile.h"
#include "tools/cli/arguments.h"
#include "tools/cli/finding_options.h"
#include "tools/cli/messages.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/cli/progress.h"
#include "tools/eval/crop_classifier.h"
#include "tools/eval/dataset.h"
#include "tools/eval/differential_comparison.h"
#include "tools/eval/eval_folder.h"
#include "tools/eval/report.h"
#include "tools/run/pipeline.h"

namespace giemsa {
namespace {

using namespace eval;
using Clock = std::chrono::steady_clock;

struct EvalArguments {
  std::string dataset, differential;
  std::string segmenter, classifier, profile;
  DeviceOptions compute;
  std::string cells;
  SmearOptions options;
  std::vector<int> folds;
  std::size_t limit = 0;
  BootstrapOptions bootstrap;
  std::string out;
  bool json = false, quiet = false;
};

/// The part of the data set that is asked for, and its name.
Dataset select(const EvalArguments& arguments, std::string& selection) {
  Dataset dataset = open_dataset(arguments.dataset);
  if (!arguments.folds.empty()) {
    keep_folds(dataset, arguments.folds);
    for (const int fold : arguments.folds) selection += cat(selection.empty() ? "fold " : ", ", fold);
  }
  if (arguments.limit > 0 && arguments.limit < dataset.samples.size()) {
    keep_some(dataset, arguments.limit);
    selection += cat(selection.empty() ? "" : ", ", arguments.limit, " evenly spread");
  }
  return dataset;
}

Task task_of(const EvalArguments& arguments, const Dataset& dataset) {
  if (arguments.cells.empty()) return dataset.task;
  check(dataset.task != Task::fields, ErrorKind::usage, "--cells: ", dataset.folder,
        " holds fields, not images of one cell");
  return arguments.cells == "found" ? Task::found_cells : Task::whole_crops;
}

/// An evaluation under way: collects what becomes of each image.
class Evaluator {
 public:
  Evaluator(const EvalArguments& arguments, const Dataset& dataset, Evaluation& evaluation)
      : arguments_(arguments),
        dataset_(dataset),
        evaluation_(evaluation),
        progress_(dataset.samples.size(), Progress::style_of(arguments.quiet)) {}

  /// Says what runs, once that is known.
  void begin(std::string device, std::string precision, std::vector<std::string> known_classes) {
    RunInfo& info = evaluation_.info;
    info.device = std::move(device);
    info.precision = std::move(precision);
    info.classes = std::move(known_classes);
    evaluation_.classes = all_classes(dataset_, info.classes);
    if (!arguments_.quiet) print_note(cat("using ", info.device, ", ", info.precision));
  }

  /// Adds the record that `compare` returns; what is wrong with this image alone becomes its error.
  template <class Compare>
  void add(const Sample& sample, Compare compare) {
    try {
      add(compare());
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::memory)
        add_failed(sample, cat(sample.image.path.string(), ": ", error.what()));
      else if (error.kind() == ErrorKind::image)
        add_failed(sample, error.what());
      else
        throw;
    } catch (const std::bad_alloc&) {
      add_failed(sample, cat(sample.image.path.string(), ": out of memory"));
    }
  }

  void add_failed(const Sample& sample, const std::string& error) {
    ImageRecord record;
    record.file = sample.image.path.string();
    record.name = sample.image.name;
    record.fold = sample.fold;
    record.error = error;
    progress_.error(error);
    add(std::move(record));
  }

 private:
  void add(ImageRecord record) {
    progress_.tick(record.ok());
    evaluation_.images.push_back(std::move(record));
  }

  const EvalArguments& arguments_;
  const Dataset& dataset_;
  Evaluation& evaluation_;
  Progress progress_;
};

/// What was found in an image, compared with its truth; mistakes are offered to the worst cases.
ImageRecord compare_smear(Evaluation& evaluation, const Sample& sample, const Identified& item) {
  const Size2 size{item.frame.height, item.frame.width};
  const std::vector<Cell>& cells = item.result.cells;
  if (evaluation.task == Task::found_cells) {
    ImageRecord record = compare_crop(sample, size, middle_cell(cells, size), evaluation.classes);
    show_worst(evaluation, record, item.frame);
    return record;
  }
  const Truth truth = sample.labels.empty() ? read_truth(sample.mask, size) : read_true_labels(sample.labels, size);
  ImageRecord record = compare_field(sample, truth, item.labels, cells, evaluation.classes);
  show_worst(evaluation, record, item.frame, item.labels, truth);
  return record;
}

/// What a profile changes: names cells as the classifier does without it, and counts. Without a profile it does nothing.
class ProfileEffect {
 public:
  ProfileEffect(const EvalArguments& arguments, const std::filesystem::path& classifier,
                const std::shared_ptr<Backend>& backend, Evaluation& evaluation)
      : evaluation_(evaluation) {
    if (!arguments.profile.empty()) without_.emplace(open_model(classifier), arguments.options.crop, 1, backend);
  }

  void count(const Frame& frame, const ImageRecord& record) {
    if (!without_) return;
    AdaptationEffect& effect = evaluation_.adaptation.value();
    std::vector<float> probabilities(without_->model().classes.size());
    for (const CellRecord& record_of_cell : record.cells) {
      if (!record_of_cell.truth_class) continue;
      const Cell& cell = record_of_cell.cell;
      const PixelBox box{cell.x, cell.y, cell.w, cell.h};
      without_->classify(frame.rgb.data(), {frame.height, frame.width}, {&box, 1}, probabilities);
      const auto named = std::ranges::max_element(probabilities) - probabilities.begin();
      ++effect.cells;
      effect.right_without += *record_of_cell.truth_class == static_cast<std::size_t>(named);
      effect.right_with += !record_of_cell.misnamed();
    }
  }

 private:
  Evaluation& evaluation_;
  std::optional<BoxClassifier> without_;
};

/// Takes out of `dataset` the images that the profile was made from, and says in `evaluation` that there is one.
void leave_out_seen(const EvalArguments& arguments, Dataset& dataset, Evaluation& evaluation) {
  if (arguments.profile.empty()) return;
  evaluation.info.profile = arguments.profile;
  evaluation.info.profile_sha256 = sha256_of_file(arguments.profile).get();
  std::set<std::string> seen;
  for (const SeenImage& image : read_profile(arguments.profile).images) seen.insert(image.sha256);
  const auto was_seen = [&](const Sample& sample) {
    std::error_code unreadable;  // such an image fails later, with its reason
    return std::filesystem::file_size(sample.image.path, unreadable) > 0 && !unreadable &&
           seen.contains(sha256_of_file(sample.image.path).get());
  };
  evaluation.adaptation.emplace().images_left_out = std::erase_if(dataset.samples, was_seen);
  check(!dataset.samples.empty(), ErrorKind::usage, dataset.folder, ": ", arguments.profile,
        " was made from all of its images");
}

/// Both networks, and their provenance in `info`.
Smear open_smear(const EvalArguments& arguments, const std::shared_ptr<Backend>& backend, RunInfo& info) {
  const auto segmenter_file = find_model(arguments.segmenter, shipped_segmenter);
  const auto classifier_file = find_model(arguments.classifier, shipped_classifier);
  auto segmenter_sha256 = sha256_of_file(segmenter_file), classifier_sha256 = sha256_of_file(classifier_file);
  Model segmenter = open_model(segmenter_file), classifier = open_classifier(classifier_file, arguments.profile);
  info.segmenter = describe(segmenter);
  info.classifier = describe(classifier);
  Smear smear(std::move(segmenter), std::move(classifier), arguments.options, backend);
  info.options = {arguments.options};
  if (!info.options.segment_size) info.options.segment_size = smear.segmenter().input;
  info.segmenter.sha256 = segmenter_sha256.get();
  info.classifier.sha256 = classifier_sha256.get();
  return smear;
}

/// Fields, and the cells that are found in images of one. Masks go to `folder` unless it is null.
void evaluate_smears(const EvalArguments& arguments, const Dataset& dataset, const EvalFolder* folder,
                     Evaluation& evaluation) {
  const auto backend = open_device(arguments.compute);
  Smear smear = open_smear(arguments, backend, evaluation.info);
  ProfileEffect effect(arguments, evaluation.info.classifier.file, backend, evaluation);
  Evaluator evaluator(arguments, dataset, evaluation);
  evaluator.begin(smear.device_name(), smear.precision_name(), smear.classifier().classes);

  std::vector<ImageFile> inputs;
  for (const Sample& sample : dataset.samples) inputs.push_back(sample.image);
  const auto deliver = [&](Identified& item) {
    const Sample& sample = dataset.samples[static_cast<std::size_t>(item.input - inputs.data())];
    if (!item.result.ok()) return evaluator.add_failed(sample, item.result.error);
    evaluator.add(sample, [&] {
      ImageRecord record = compare_smear(evaluation, sample, item);
      effect.count(item.frame, record);
      if (folder && evaluation.task == Task::fields) folder->add_found(record.name, item.labels);
      return record;
    });
  };
  const auto none_known = [](const ImageFile&) { return std::nullopt; };
  const std::atomic<bool> never = false;
  identify_images(inputs, {}, std::span(&smear, 1), none_known, deliver, never);
}

/// Images of one cell, seen whole.
void evaluate_crops(const EvalArguments& arguments, const Dataset& dataset, Evaluation& evaluation) {
  const auto file = find_model(arguments.classifier, shipped_classifier);
  auto sha256 = sha256_of_file(file);
  const auto backend = open_device(arguments.compute);
  CropClassifier classifier(open_classifier(file, arguments.profile), backend);
  ProfileEffect effect(arguments, file, backend, evaluation);
  evaluation.info.classifier = {file.string(), sha256.get(), classifier.model().arch, classifier.model().preset};
  Evaluator evaluator(arguments, dataset, evaluation);
  evaluator.begin(backend->device_name(), std::string(name_of(backend->precision())), classifier.model().classes);

  for (const Sample& sample : dataset.samples) {
    evaluator.add(sample, [&] {
      const Frame frame = decode_image(sample.image.path);
      const Cell cell = classifier.classify(frame);
      ImageRecord record = compare_crop(sample, {frame.height, frame.width}, &cell, evaluation.classes);
      effect.count(frame, record);
      show_worst(evaluation, record, frame);
      return record;
    });
  }
}

Exit evaluate(const EvalArguments& arguments) {
  Evaluation evaluation;
  Dataset dataset = select(arguments, evaluation.selection);
  leave_out_seen(arguments, dataset, evaluation);
  evaluation.task = task_of(arguments, dataset);
  std::optional<EvalFolder> folder;
  if (!arguments.out.empty()) folder.emplace(arguments.out);  // before any work, in case it cannot be written
  if (dataset.unlisted > 0 && !arguments.quiet)
    print_note(cat("images that labels.csv does not name, left out: ", dataset.unlisted));

  evaluation.dataset = dataset.folder;
  evaluation.bootstrap = arguments.bootstrap;
  evaluation.info.compute = arguments.compute;
  const auto start = Clock::now();
  if (evaluation.task == Task::whole_crops)
    evaluate_crops(arguments, dataset, evaluation);
  else
    evaluate_smears(arguments, dataset, folder ? &*folder : nullptr, evaluation);
  compute_figures(evaluation);
  evaluation.seconds = std::chrono::duration<double>(Clock::now() - start).count();

  if (folder) folder->finish(evaluation);
  if (arguments.json)
    std::cout << to_text(evaluation_json(evaluation), 2) << '\n';
  else if (!(arguments.quiet && folder))
    print_figures(std::cout, evaluation);
  return failed_images(evaluation) == 0 ? Exit::ok : Exit::images_failed;
}

Exit compare_with_reference(const EvalArguments& arguments) {
  check(arguments.out.empty(), ErrorKind::usage, "--differential prints only: it does not go with --out");
  const DifferentialComparison comparison = compare_differentials(arguments.dataset, arguments.differential);
  if (arguments.json)
    std::cout << to_text(comparison_json(comparison), 2) << '\n';
  else
    print_comparison(std::cout, comparison);
  return Exit::ok;
}

constexpr const char* eval_footer = R"(Examples:
  giemsa eval fields/ --out evaluation/          figures, and a page that shows the worst cases
  giemsa eval fields/ --fold 0 --json | jq .segmentation.mean_iou
  giemsa eval crops/                             a folder of single-cell images for each class
  giemsa eval results/ --differential counted.csv     what a run counted beside what people counted, by patient

DATASET is either a folder of fields: images/, masks/ of the same names (a cell is where a mask is not 0) and labels.csv
with the columns image, classes (one per cell, separated by ';') and fold; in place of masks/, or beside them, labels/ may
hold PNGs whose values number the cells, as `giemsa run` writes them, so that cells which touch are known apart; or one whose folders are named after classes
and hold images of one cell each: the classifier sees them whole, or with --cells found the box of the cell that is
found nearest the middle, which is what it is made for where images show more than that box.
--out DIR receives eval.json, images.csv, cells.csv, masks/NAME.png and labels/NAME.png (what was found) and eval.html, which also says how
each figure is defined.
With --differential no image is looked at: DATASET is the folder that `giemsa run --out` wrote, or its patients.csv, and
FILE a table with a column patient and one for each class, of numbers of cells or percentages. For each class: the
difference with its limits of agreement (Bland and Altman), and Passing and Bablok's regression.)";

}  // namespace

void add_eval(CommandLine& line) {
  auto arguments = std::make_shared<EvalArguments>();
  EvalArguments& a = *arguments;
  Subcommand command(line, "eval", "measure how good the networks are, on a labelled folder", eval_footer);

  command.heading("Arguments");
  command.option("DATASET", &a.dataset, " ", "a folder of labelled fields or of labelled cells, see below").required();

  command.heading("Networks");
  add_model_options(command, a.segmenter, a.classifier);
  add_profile_option(command, a.profile);
  add_compute_options(command, a.compute);

  command.heading("Finding cells");
  add_finding_options(command, a.options);

  command.heading("Images");
  command.option("--fold,--folds", &a.folds, "N,...", "only these folds, by the column fold of labels.csv")
      .delimiter(',');
  command
      .option("--cells", &a.cells, "WHAT",
              "of images of one cell the classifier sees: whole, or the found one in the middle (default: whole)")
      .check(one_of({"whole", "found"}));
  command.option("--limit", &a.limit, "N", "no more than N images, spread evenly over the data set")
      .check(number_in(1, 1e9));

  command.heading("Differential count");
  command.option("--differential", &a.differential, "FILE",
                 "compare the differential counts of a run with a table of a reference method; see below");

  command.heading("Results");
  command.option("--out", &a.out, "DIR", "write figures, predictions and a page to this folder");
  command
      .option("--replicates", &a.bootstrap.replicates, "N",
              "of the bootstrap behind the intervals (default: 2000; 0: none)")
      .check(number_in(0, 1e6));
  command.option("--seed", &a.bootstrap.seed, "N", "of the bootstrap (default: 1)");
  command.flag("--json", a.json, "eval.json on stdout instead of a table");
  command.flag("--quiet", a.quiet, "no progress; with --out no table either");

  command.runs([arguments] {
    return arguments->differential.empty() ? evaluate(*arguments) : compare_with_reference(*arguments);
  });
}

}  // namespace giemsa
