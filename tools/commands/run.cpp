// giemsa run: images in, identified cells out.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "engine/cpu/backend.h"
#include "tools/cli/arguments.h"
#include "tools/cli/finding_options.h"
#include "tools/cli/messages.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/cli/progress.h"
#include "tools/image_io/folder_watch.h"
#include "tools/run/json.h"
#include "tools/run/ledger.h"
#include "tools/run/pipeline.h"
#include "tools/run/result_folder.h"
#include "tools/run/text_table.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct RunArguments {
  std::vector<std::string> inputs;
  std::string segmenter, classifier, profile;
  RunOptions options;
  DeviceOptions compute;
  int jobs = 1;  ///< 0: as many as serve
  std::string out;
  bool watch = false, resume = false, json = false, quiet = false;
};

/// The images to work on, and what is left out. Throws Error(usage), naming each INPUT, where none can be used.
std::vector<ImageFile> inputs_of(const RunArguments& arguments, LeftOut& left_out) {
  const std::vector<fs::path> paths(arguments.inputs.begin(), arguments.inputs.end());
  std::vector<ImageFile> images = find_images(paths, Ledger::read, &left_out);
  std::string unusable;
  for (const ImageFile& image : images) {
    if (image.error.empty()) return images;
    unusable += cat(unusable.empty() ? "" : "; ", image.path.string(), ": ", image.error);
  }
  const std::string passed_over = left_out.to_string();
  fail(ErrorKind::usage, unusable, passed_over.empty() ? "" : cat(" (", passed_over, ")"));
}

std::size_t longest_name(const std::vector<ImageFile>& images) {
  std::size_t longest = 0;
  for (const ImageFile& image : images) longest = std::max(longest, image.path.native().size());
  return longest;
}

/// With the rows of the table on the same terminal a bar would only get in the way.
Progress::Style progress_style(const RunArguments& arguments) {
  if (arguments.quiet || arguments.watch) return Progress::Style::none;
  if (!isatty(STDERR_FILENO)) return Progress::Style::lines;
  return isatty(STDOUT_FILENO) && !arguments.json ? Progress::Style::none : Progress::Style::bar;
}

/// The device, and how many images are in work on it at a time. Several on a CPU share its threads: none of them then
/// waits in a layer that has too little work for all. A GPU is busy with one.
struct Workplace {
  std::shared_ptr<Backend> backend;
  int jobs = 1;
};

Workplace open_workplace(const RunArguments& arguments, std::size_t images) {
  DeviceOptions compute = arguments.compute;
  std::shared_ptr<Backend> backend = open_device(compute);
  const bool cpu = backend->kind() == DeviceKind::cpu;
  const int threads = compute.threads > 0 ? compute.threads : cpu_facts().cores;
  const int wanted = arguments.jobs > 0 ? arguments.jobs : cpu ? threads : 1;
  const int jobs = static_cast<int>(std::clamp<std::size_t>(images, 1, static_cast<std::size_t>(wanted)));
  if (cpu && jobs > 1) {
    compute.threads = std::max(threads / jobs, 1);
    backend = open_device(compute);
  }
  return {std::move(backend), jobs};
}

/// The networks, once for each image in work, and the provenance of what they will find.
struct Networks {
  std::vector<Smear> smears;
  RunInfo info;
  std::future<std::string> segmenter_sha256, classifier_sha256;  // on their way, so that no image waits for them

  void complete_info() {
    info.segmenter.sha256 = segmenter_sha256.get();
    info.classifier.sha256 = classifier_sha256.get();
  }
};

Networks open_networks(const RunArguments& arguments, std::size_t images) {
  const fs::path segmenter_file = find_model(arguments.segmenter, shipped_segmenter);
  const fs::path classifier_file = find_model(arguments.classifier, shipped_classifier);
  auto segmenter_sha256 = sha256_of_file(segmenter_file), classifier_sha256 = sha256_of_file(classifier_file);

  auto opening =
      std::async(std::launch::async, [&] { return open_classifier(classifier_file, arguments.profile); });  // each is read to its end
  Model segmenter = open_model(segmenter_file), classifier = opening.get();
  RunInfo info;
  info.segmenter = describe(segmenter);
  info.classifier = describe(classifier);
  info.compute = arguments.compute;
  const Workplace workplace = open_workplace(arguments, images);
  std::vector<Smear> smears;
  for (int job = 0; job < workplace.jobs; ++job)
    smears.emplace_back(segmenter, classifier, arguments.options, workplace.backend);
  const Smear& smear = smears.front();
  info.jobs = workplace.jobs;
  info.device = smear.device_name();
  info.device_kind = workplace.backend->kind();
  info.precision = smear.precision_name();
  info.classes = smear.classifier().classes;
  info.options = arguments.options;
  if (!info.options.segment_size) info.options.segment_size = smear.segmenter().input;
  info.profile = arguments.profile;
  if (!arguments.profile.empty()) info.profile_sha256 = sha256_of_file(arguments.profile).get();
  if (!arguments.compute.tuning.empty()) info.tuning_sha256 = sha256_of_file(arguments.compute.tuning).get();
  return {std::move(smears), std::move(info), std::move(segmenter_sha256), std::move(classifier_sha256)};
}

/// "; no GPU: ..." where the person left the choice to us and got the CPU.
std::string why_not_the_gpu(const RunArguments& arguments, const RunInfo& info) {
  if (arguments.compute.device != "auto" || info.device_kind != DeviceKind::cpu) return "";
  const std::string reason = why_no_cuda();
  return reason.empty() ? "" : cat("; no GPU: ", reason);
}

std::atomic<bool> stop_asked = false;

/// Ctrl-C and a request to terminate end the run after the image in work, with tables of what is done; the second one
/// ends it at once.
void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_asked = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

/// A run under way: networks, the folder of results, and what there is so far.
class Run {
 public:
  /// `images` of them are known to come; `file_width`: columns of the longest name.
  Run(const RunArguments& arguments, std::size_t images, std::size_t file_width, const LeftOut& left_out)
      : arguments_(arguments), progress_(images, progress_style(arguments)) {
    if (!arguments.out.empty())  // before any work, in case it cannot be written
      folder_.emplace(arguments.out, ResultFolder::Kinds{arguments.options.crops, arguments.options.geojson});
    networks_ = open_networks(arguments, arguments.watch ? std::numeric_limits<std::size_t>::max() : images);
    stop_on_signals();
    RunInfo& info = networks_.info;
    info.left_out = left_out;
    if (const std::string text = left_out.to_string(); !arguments.quiet && !text.empty()) print_note(text);
    if (!arguments.quiet)
      print_note(cat("using ", info.device, ", ", info.precision, why_not_the_gpu(arguments, info)));
    if (folder_) {
      networks_.complete_info();
      folder_->begin(info, arguments.resume);
    }
    if (!arguments.json && !(arguments.quiet && folder_)) table_.emplace(std::cout, info.classes, file_width);
  }

  /// Returns when all are done, or once `stop_asked`. An image that was there before takes its place.
  void identify(std::span<const ImageFile> inputs) {
    const auto known = [&](const ImageFile& input) {
      return folder_ && arguments_.resume ? folder_->finished(networks_.info, input) : std::nullopt;
    };
    const auto deliver = [&](Identified& item) { take(item); };
    identify_images(inputs, {arguments_.options.max_pixels}, networks_.smears, known, deliver, stop_asked);
  }

  std::size_t images_done() const { return results_.size(); }

  /// Writes the tables of what there is. `complete`: more is not to come.
  void write_tables(bool complete) {
    networks_.info.interrupted = !complete;
    if (folder_) folder_->finish(networks_.info, results_);
  }

  /// What is printed in the end. write_tables() went before.
  void print_end() {
    progress_.finish();
    if (!folder_) networks_.complete_info();
    if (table_) table_->finish(networks_.info);
    if (table_ && folder_)
      std::cout << "\nreport: " << (fs::path(arguments_.out) / "report.html").string() << '\n';
    if (arguments_.json) std::cout << to_text(document_json(networks_.info, results_), 2) << '\n';
  }

  Exit status() const { return std::ranges::all_of(results_, &ImageResult::ok) ? Exit::ok : Exit::images_failed; }

 private:
  void take(Identified& item) {
    ImageResult& result = item.result;
    if (!result.ok()) progress_.error(result.error);
    if (!result.warning.empty()) progress_.note(cat("warning: ", result.warning));
    if (folder_ && item.was_known)
      folder_->keep(networks_.info, *item.input, result);
    else if (folder_ && result.ok())
      folder_->add(networks_.info, *item.input, result, item.frame, item.labels);
    if (table_) table_->add(result);
    progress_.tick(result.ok());
    const auto [place, is_new] = place_.try_emplace(result.name, results_.size());
    if (is_new)
      results_.push_back(std::move(result));
    else
      results_[place->second] = std::move(result);
  }

  const RunArguments& arguments_;
  std::optional<ResultFolder> folder_;
  Networks networks_;
  std::optional<TextTable> table_;
  Progress progress_;
  std::vector<ImageResult> results_;
  std::map<std::string, std::size_t> place_;  ///< of each name in results_
};

Exit run(const RunArguments& arguments) {
  LeftOut left_out;
  const std::vector<ImageFile> inputs = inputs_of(arguments, left_out);
  Run job(arguments, inputs.size(), longest_name(inputs), left_out);
  job.identify(inputs);
  const bool complete = job.images_done() == inputs.size();
  if (!complete)
    print_note(cat("stopped after ", job.images_done(), " of ", counted(inputs.size(), "image"),
                   arguments.out.empty() ? "" : "; --resume goes on"));
  job.write_tables(complete);
  job.print_end();
  return complete ? job.status() : Exit::interrupted;
}

/// Until a signal ends it, which is how it is meant to end.
Exit watch(const RunArguments& arguments) {
  using Clock = std::chrono::steady_clock;
  FolderWatch folders({arguments.inputs.begin(), arguments.inputs.end()}, Ledger::read);
  constexpr std::size_t file_width = 40;
  Run job(arguments, 0, file_width, {});
  if (!arguments.quiet) print_note("watching; Ctrl-C ends");
  while (!stop_asked) {
    const auto start = Clock::now();
    const std::vector<ImageFile> come = folders.look();
    // Looking takes a tenth of the time at most, however many files there are.
    const auto next = Clock::now() + std::max<Clock::duration>(500ms, 9 * (Clock::now() - start));
    if (!come.empty()) {
      job.identify(come);
      job.write_tables(false);
    }
    while (!stop_asked && Clock::now() < next) std::this_thread::sleep_for(50ms);
  }
  job.write_tables(true);
  job.print_end();
  return job.status();
}

constexpr const char* run_footer = R"(Examples:
  giemsa run smear.png
  giemsa run images/ --out results/ --crops --geojson
  giemsa run images/ --out results/ --resume          go on after an interruption
  giemsa run smear.png --json | jq '.images[0].cells'
  giemsa run camera/ --watch --out results/           images that an instrument drops there, as they come

--out DIR receives report.html, results.json, cells.csv, images.csv, patients.csv, labels/NAME.png (16 bit: 0
background, 1..N the cells) and overlays/NAME.png, each written whole or not at all. A folder of images is a patient:
each has a differential count of its own. What an earlier run wrote there is replaced; files of yours under these names
are not: then choose another folder. Ctrl-C leaves tables of what is done. An image that cannot be used costs one line
and exit code 1, the others are done; where no INPUT can be used the exit code is 2.)";

}  // namespace

void add_run(CommandLine& line) {
  auto arguments = std::make_shared<RunArguments>();
  RunArguments& a = *arguments;
  Subcommand command(line, "run", "identify the cells in images and folders", run_footer);

  command.heading("Arguments");
  command
      .option("INPUT", &a.inputs, "...",
              "images (PNG, JPEG, BMP, TIFF), folders, which are searched recursively, and - for standard input")
      .required();

  command.heading("Networks");
  add_model_options(command, a.segmenter, a.classifier);
  add_profile_option(command, a.profile);
  add_compute_options(command, a.compute);
  command
      .option(
          "--jobs", [&a](const std::string& text) { a.jobs = text == "auto" ? 0 : std::stoi(text); }, "N|auto",
          "images in work at a time: more of them a second, each takes longer; auto: one per thread (default: 1)")
      .check(number_or_auto(1, 1024));

  command.heading("Finding cells");
  add_finding_options(command, a.options);
  command
      .option("--min-probability", &a.options.min_probability, "P",
              "a cell whose class is less probable is called unsure, and not counted (default: 0)")
      .check(between_0_and_1());
  command.option("--max-pixels", &a.options.max_pixels, "N", "larger images are refused (default: 100000000)")
      .check(number_in(1, 1e12));

  command.heading("Images");
  command.flag("--watch", a.watch, "take each image that comes into the folders, until Ctrl-C; tables after each");

  command.heading("Results");
  Option out = command.option("--out", &a.out, "DIR", "write tables and pictures to this folder");
  command.flag("--resume", a.resume, "keep what an interrupted run has finished in DIR").needs(out);
  command.flag("--crops", a.options.crops, "also write crops/CLASS/NAME_ID.png").needs(out);
  command.flag("--geojson", a.options.geojson, "also write geojson/NAME.geojson, for QuPath").needs(out);
  command.flag("--json", a.json, "results.json on stdout instead of a table");
  command.flag("--quiet", a.quiet, "no progress; with --out no table either");

  command.runs([arguments] { return arguments->watch ? watch(*arguments) : run(*arguments); });
}

}  // namespace giemsa
