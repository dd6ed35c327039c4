// giemsa selftest: whether this machine computes what it has to.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "nets/selftest/selftest.h"
#include "tools/cli/arguments.h"
#include "tools/cli/messages.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/run/json.h"
#include "weights/sha256.h"

namespace giemsa {
namespace {

struct SelftestArguments {
  std::string segmenter, classifier, digest;
  DeviceOptions compute;
  bool json = false;
};

/// A model whose bytes stay as they were read.
struct OpenedModel {
  explicit OpenedModel(const std::filesystem::path& path)
      : model(open_model(path)), file(map_file(path)), stored{file.name, file.bytes, sha256(file.bytes)} {}

  Model model;
  FileBytes file;
  selftest::StoredModel stored;
};

Json json_of(const selftest::Report& report, const Backend& backend, const OpenedModel& segmenter,
             const OpenedModel& classifier) {
  Json checks = Json::array();
  for (const selftest::Outcome& outcome : report.outcomes)
    checks.push_back({{"name", name_of(outcome.check)},
                      {"ok", outcome.failure.empty()},
                      {"error", outcome.failure},
                      {"ms", rounded(outcome.ms, 1)}});
  const auto model = [](const OpenedModel& opened) {
    return Json{{"file", opened.stored.name}, {"sha256", opened.stored.sha256}};
  };
  return {{"schema", 1},
          {"giemsa", GIEMSA_VERSION},
          {"device", backend.device_name()},
          {"precision", name_of(backend.precision())},
          {"models", {{"segmenter", model(segmenter)}, {"classifier", model(classifier)}}},
          {"ok", report.failed() == nullptr},
          {"checks", std::move(checks)},
          {"deviation", report.deviation},
          {"allowed_deviation", report.allowed_deviation},
          {"digest", report.digest}};
}

void print(const selftest::Report& report, const Backend& backend) {
  std::cout << "device           " << backend.device_name() << ", " << name_of(backend.precision()) << '\n';
  for (const selftest::Outcome& outcome : report.outcomes) {
    std::string name(name_of(outcome.check));
    name.resize(17, ' ');
    std::cout << name << (outcome.failure.empty() ? "ok" : "FAILED") << "  " << rounded(outcome.ms, 1) << " ms\n";
  }
  std::cout << "deviation        " << report.deviation << " of a probability, " << report.allowed_deviation
            << " allowed\n"
            << "digest           " << report.digest << '\n';
}

Exit run_selftest(const SelftestArguments& arguments) {
  const OpenedModel segmenter(find_model(arguments.segmenter, shipped_segmenter));
  const OpenedModel classifier(find_model(arguments.classifier, shipped_classifier));
  selftest::Subject subject{
      {segmenter.stored, classifier.stored}, segmenter.model, classifier.model, open_device(arguments.compute),
      open_device(arguments.compute),        nullptr,         arguments.digest};
  if (subject.backend->precision() == DType::i8)
    subject.fp32 = open_device({.device = "cpu", .precision = "fp32", .threads = arguments.compute.threads});
  const selftest::Report report = selftest::run(subject);
  if (arguments.json)
    std::cout << to_text(json_of(report, *subject.backend, segmenter, classifier), 2) << '\n';
  else
    print(report, *subject.backend);
  const selftest::Outcome* failed = report.failed();
  if (!failed) return Exit::ok;
  print_error(cat("self-test: ", name_of(failed->check), ": ", failed->failure));
  return failed->check == selftest::Check::models ? Exit::model : Exit::device;
}

/// What Report::digest looks like.
std::string check_digest(const std::string& value) {
  const bool hexadecimal =
      std::ranges::all_of(value, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return value.size() == 64 && hexadecimal ? "" : cat("'", value, "' is no digest: 64 digits 0-9 and a-f");
}

constexpr const char* selftest_footer = R"text(Examples:
  giemsa selftest
  giemsa selftest --json | jq -r .digest > digest        when the instrument is validated
  giemsa selftest --expect "$(cat digest)"               whenever it is switched on

Small networks within giemsa have to find known cells in a picture within giemsa, on the device and in the precision that
are asked for; then the models themselves have to give numbers that make sense for that picture, and the same bits twice.
The digest is a hash of these bits. It depends on the models, the device, the precision and the version of giemsa, and on
nothing else.

Exit code 3: a model file is damaged; 4: the device computes wrong results, or other bits than --expect says.)text";

}  // namespace

void add_selftest(CommandLine& line) {
  auto arguments = std::make_shared<SelftestArguments>();
  SelftestArguments& a = *arguments;
  Subcommand command(line, "selftest", "check that this machine computes what it has to", selftest_footer);
  command.heading("Networks");
  add_model_options(command, a.segmenter, a.classifier);
  add_compute_options(command, a.compute);
  command.heading("Results");
  command.option("--expect", &a.digest, "DIGEST", "fail where the models' answer has another digest")
      .check(check_digest);
  command.flag("--json", a.json, "machine-readable");
  command.runs([arguments] { return run_selftest(*arguments); });
}

}  // namespace giemsa
