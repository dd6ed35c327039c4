// giemsa bench: how fast, measured so that the figures can be trusted and compared.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>

#include "engine/base/atomic_file.h"
#include "engine/cpu/backend.h"
#include "engine/device.h"
#include "nets/architecture.h"
#include "tools/bench/cold_start.h"
#include "tools/bench/network_bench.h"
#include "tools/bench/smear_bench.h"
#include "tools/cli/arguments.h"
#include "tools/cli/finding_options.h"
#include "tools/cli/messages.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/image_io/decode.h"

namespace giemsa {
namespace {

using namespace bench;

struct BenchArguments {
  std::vector<std::string> inputs, compare;
  std::string size = "720x576";
  int images = 8;
  std::string net, segmenter, classifier;
  SmearOptions options;
  DeviceOptions compute;
  Schedule schedule;
  int cold_starts = 5;
  bool is_cold_start = false;
  std::string csv, markdown;
  bool json = false, quiet = false, fail_if_slower = false;
};

/// What a process of its own needs to be asked for the same.
std::vector<std::string> cold_start_arguments(const BenchArguments& a) {
  std::vector<std::string> arguments{"bench", "--cold-start", "--device", a.compute.device};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  add("--precision", a.compute.precision);
  if (a.compute.threads > 0) add("--threads", std::to_string(a.compute.threads));
  add("--tuning", a.compute.tuning);
  add("--provider", a.compute.provider);
  add("--net", a.net);
  add("--segmenter", a.segmenter);
  add("--classifier", a.classifier);
  if (a.options.segment_size) add("--segment-size", a.options.segment_size->to_string());
  return arguments;
}

void note(const BenchArguments& arguments, const std::string& text) {
  if (!arguments.quiet) print_note(text);
}

void add_cold_starts(const BenchArguments& arguments, std::span<const std::uint8_t> input, Report& report) {
  if (arguments.cold_starts == 0) return;
  note(arguments, cat("starting ", arguments.cold_starts, " processes"));
  Series series{"cold_start", {}};
  for (int i = 0; i < arguments.cold_starts; ++i)
    series.ms.push_back(cold_start_ms(cold_start_arguments(arguments), input));
  report.series.push_back(std::move(series));
}

int threads_of(const BenchArguments& arguments) {
  return arguments.compute.threads > 0 ? arguments.compute.threads : cpu_facts().cores;
}

Report begin_report(const BenchArguments& arguments, const char* subject, const Backend& backend) {
  Report report;
  report.subject = subject;
  report.device = backend.device_name();
  report.on_gpu = backend.kind() == DeviceKind::gpu;
  report.precision = name_of(backend.precision());
  report.threads = threads_of(arguments);
  report.facts = machine_facts();
  if (!arguments.compute.tuning.empty()) report.settings.emplace_back("tuning", arguments.compute.tuning);
  if (arguments.compute.provider != "own") report.settings.emplace_back("provider", arguments.compute.provider);
  note(arguments, cat("using ", report.device, ", ", report.precision));
  return report;
}

/// The file with a network's weights, as given for its role; empty: random ones.
const std::string& file_of(const BenchArguments& arguments, const NetSpec& spec) {
  const Role role = architecture(spec.arch, ErrorKind::usage).role;
  return role == Role::classifier ? arguments.classifier : arguments.segmenter;
}

Model network_of(const BenchArguments& arguments, const NetSpec& spec) {
  const std::string& file = file_of(arguments, spec);
  if (file.empty()) return random_network(spec.arch);
  Model model = open_model(file);
  check(model.info.arch == spec.arch, ErrorKind::model, file, ": expected ", spec.arch, ", is ", model.info.arch);
  return model;
}

/// A network on its device.
struct OpenNetwork {
  std::shared_ptr<Backend> backend;
  std::string file;
  bool random = false;  ///< weights
  std::unique_ptr<Session> session;
};

OpenNetwork open_network(const BenchArguments& arguments) {
  const NetSpec spec = naming("--net", [&] { return NetSpec::parse(arguments.net); });
  const Model model = network_of(arguments, spec);
  auto backend = open_device(arguments.compute);
  check_scales(model, backend->precision());
  auto session = backend->compile(network_graph(model, spec.size, spec.batch));
  return {std::move(backend), model.file, file_of(arguments, spec).empty(), std::move(session)};
}

Report bench_one_network(const BenchArguments& arguments) {
  const auto start = Clock::now();
  const OpenNetwork network = open_network(arguments);
  const double load_ms = ms_since(start);
  Report report = begin_report(arguments, "network", *network.backend);
  const Graph& graph = network.session->graph();
  report.settings.emplace_back("network", network.file);
  report.settings.emplace_back("input", cat(graph[graph.inputs()[0]].type.shape));
  bench_network(*network.session, *network.backend, arguments.schedule, report);
  report.series.push_back({"load", {load_ms}});
  // To invent weights is no part of any start.
  if (!network.random) add_cold_starts(arguments, {}, report);
  return report;
}

/// Both networks on their device, and what else is needed to ask for the memory they take.
struct OpenSmear {
  Model segmenter, classifier;
  std::shared_ptr<Backend> backend;
  Smear smear;
};

OpenSmear open_smear(const BenchArguments& arguments) {
  Model segmenter = open_model(find_model(arguments.segmenter, shipped_segmenter));
  Model classifier = open_model(find_model(arguments.classifier, shipped_classifier));
  auto backend = open_device(arguments.compute);
  Smear smear(segmenter, classifier, arguments.options, backend);
  return {std::move(segmenter), std::move(classifier), std::move(backend), std::move(smear)};
}

/// Of the sessions for frames of one size; nothing where the device runs the cascade as something else.
std::optional<double> arena_bytes(const OpenSmear& open, Size2 frame) {
  if (open.backend->kind() != DeviceKind::cpu) return {};
  const SmearOptions& options = open.smear.options();
  std::size_t bytes = open.backend->compile(segment_graph(open.segmenter, frame, options))->plan().arena_bytes;
  for (const std::int64_t batch : CascadeGraphs::batch_sizes)
    bytes += open.backend->compile(classify_graph(open.classifier, frame, batch, options.crop))->plan().arena_bytes;
  return static_cast<double>(bytes);
}

std::vector<EncodedImage> images_of(const BenchArguments& arguments) {
  if (!arguments.inputs.empty()) {
    const std::vector<std::filesystem::path> paths(arguments.inputs.begin(), arguments.inputs.end());
    return read_images(find_images(paths));
  }
  const Size2 size = naming("--size", [&] { return InputSize::parse(arguments.size); }).fixed;
  check(size.h > 0, ErrorKind::usage, "--size: expected WxH, got ", arguments.size);
  return generate_images(arguments.images, static_cast<int>(size.w), static_cast<int>(size.h));
}

Report bench_whole_way(const BenchArguments& arguments) {
  const std::vector<EncodedImage> images = images_of(arguments);
  const auto start = Clock::now();
  OpenSmear open = open_smear(arguments);
  const double load_ms = ms_since(start);
  Report report = begin_report(arguments, "smear", *open.backend);
  const auto segment_size = open.smear.options().segment_size.value_or(open.smear.segmenter().input);
  report.settings.emplace_back("segmenter", open.segmenter.file);
  report.settings.emplace_back("classifier", open.classifier.file);
  report.settings.emplace_back("segment_size", segment_size.to_string());
  if (const Split split = arguments.options.split; split != Split::none)
    report.settings.emplace_back("split", split_words[static_cast<std::size_t>(split)]);
  report.settings.emplace_back(
      "images", cat(images.size(), arguments.inputs.empty() ? " generated, " + arguments.size : " files"));
  bench_smear(open.smear, images, arguments.schedule, report);
  report.series.push_back({"load", {load_ms}});
  add_cold_starts(arguments, images.front().bytes, report);
  report.memory.packed_weight_bytes = static_cast<double>(open.backend->weight_bytes());
  const Frame frame = decode_image(images.front().bytes);
  report.memory.arena_bytes = arena_bytes(open, {frame.height, frame.width});
  return report;
}

/// What the process does whose start is timed: one result, then one byte.
Exit cold_start(const BenchArguments& arguments) {
  if (!arguments.net.empty()) {
    const OpenNetwork network = open_network(arguments);
    const auto input = network_input(network.session->graph(), 0);
    const void* values = input.data();
    network.session->run({&values, 1});
  } else {
    OpenSmear open = open_smear(arguments);
    SmearResult result;
    open.smear.identify(decode_image(read_standard_input()), result);
  }
  std::cout << '.' << std::flush;
  return Exit::ok;
}

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  check(in.good(), ErrorKind::usage, file, ": cannot be read");
  return text;
}

Exit compare_reports(const BenchArguments& arguments) {
  const StoredReport baseline = read_report(text_of(arguments.compare[0]), arguments.compare[0]);
  const StoredReport candidate = read_report(text_of(arguments.compare[1]), arguments.compare[1]);
  ComparisonOptions options;
  for (const auto& [file, report] : {std::pair(arguments.compare[0], &baseline), std::pair(arguments.compare[1], &candidate)})
    if (const std::string reason = disturbance(report->document); !reason.empty()) {
      options.disturbed = true;
      note(arguments, cat(file, ": ", reason));
    }
  const auto compared = compare_series(baseline.series, candidate.series, options);
  check(!compared.empty(), ErrorKind::usage, arguments.compare[0], " and ", arguments.compare[1],
        ": no series in common");
  for (const std::string& difference : differences(baseline.document, candidate.document))
    note(arguments, "not the same conditions: " + difference);
  if (arguments.json)
    std::cout << to_text(comparison_json(compared, options), 1) << '\n';
  else
    std::cout << comparison_table(compared, options);
  const bool slower = std::ranges::any_of(compared, [](const auto& row) { return row.ratio.verdict == Verdict::slower; });
  return arguments.fail_if_slower && slower ? Exit::images_failed : Exit::ok;
}

Exit bench_command(const BenchArguments& arguments) {
  if (arguments.is_cold_start) return cold_start(arguments);
  if (!arguments.compare.empty()) return compare_reports(arguments);
  const Report report = arguments.net.empty() ? bench_whole_way(arguments) : bench_one_network(arguments);
  if (arguments.json)
    std::cout << to_text(report_json(report), 1) << '\n';
  else
    std::cout << report_table(report);
  // Last, so that what was measured is on the terminal where a file cannot be written.
  if (!arguments.csv.empty()) write_file_atomically(arguments.csv, report_csv(report));
  if (!arguments.markdown.empty()) write_file_atomically(arguments.markdown, report_markdown(report));
  return Exit::ok;
}

constexpr const char* bench_footer = R"(Examples:
  giemsa bench                                        the whole way, on generated smears
  giemsa bench images/ --segment-size 512 --json > after.json
  giemsa bench --compare before.json after.json       faster, slower or the same, with an interval
  giemsa bench --net deeplabv3plus:512x512            one network alone, on random weights
  giemsa bench --net alexnet:16 --classifier FILE     16 crops at a time, on a file's weights

One image at a time, the next when the last is done, each the next of several distinct ones. What is computed is checked
first: finite, and twice the same. total = decode + identify; identify = segment + postprocess + classify and what lies
between. Reading from disk is not measured, but a cold start is everything from exec to the first image's cells (not
timed for random weights). first_call contains what is compiled for the image's size. Figures with too few samples are
left out.)";

}  // namespace

void add_bench(CommandLine& line) {
  auto arguments = std::make_shared<BenchArguments>();
  BenchArguments& a = *arguments;
  Subcommand command(line, "bench", "measure how fast images or networks are done", bench_footer);

  command.flag("--cold-start", a.is_cold_start).hidden();  // for processes that we start

  command.heading("Arguments");
  Option inputs = command.option("INPUT", &a.inputs, "...", "images and folders (default: generated smears)");

  command.heading("What is measured");
  command.option("--size", &a.size, "WxH", "of generated smears (default: 720x576)").excludes(inputs);
  command.option("--images", &a.images, "N", "how many distinct smears to generate (default: 8)")
      .check(number_in(1, 10000))
      .excludes(inputs);
  command.option("--net", &a.net, "NET[:WxH][:BATCH]", "one network alone: " + architecture_names()).excludes(inputs);
  Option compare =
      command.option("--compare", &a.compare, "BASELINE CANDIDATE", "compare two files that --json gave; measures nothing")
          .takes(2)
          .excludes(inputs);
  command.flag("--fail-if-slower", a.fail_if_slower, "exit code 1 where a comparison says SLOWER").needs(compare);

  command.heading("How long");
  command.option("--iterations", &a.schedule.timed.iterations, "N", "at most N timed calls (default: no limit)")
      .check(number_in(1, 1e9));
  Option seconds =
      command
          .option("--seconds", &a.schedule.timed.seconds, "S",
                  "no more calls after S seconds, but at least 10 (default: 10; with --iterations no limit)")
          .check(number_in(0, 1e6));
  command
      .option("--idle", &a.schedule.idle_seconds, "S", "time one more call after S idle seconds (default: 10; 0: none)")
      .check(number_in(0, 1e5));
  command.option("--cold-starts", &a.cold_starts, "N", "processes to start (default: 5; 0: none)")
      .check(number_in(0, 1000));

  command.heading("Networks");
  add_model_options(command, a.segmenter, a.classifier);
  add_segment_size_option(command, a.options.segment_size);
  add_compute_options(command, a.compute);

  command.heading("Results");
  command.flag("--json", a.json, "machine-readable, every sample included");
  command.option("--csv", &a.csv, "FILE", "also write the figures as CSV");
  command.option("--markdown", &a.markdown, "FILE", "also write figures and conditions as Markdown");
  command.flag("--quiet", a.quiet, "no notes on stderr");

  command.runs([arguments, seconds] {
    Duration& timed = arguments->schedule.timed;
    if (timed.iterations > 0 && !seconds.is_given()) timed.seconds = std::numeric_limits<double>::infinity();
    return bench_command(*arguments);
  });
}

}  // namespace giemsa
