#include "tools/cli/finding_options.h"

#include <algorithm>
#include <map>

#include "tools/run/run_options.h"
#include "weights/mapped_file.h"

namespace giemsa {

namespace {

struct FindingHelp {
  const char *value, *text;
};

const std::map<std::string, FindingHelp> helps{
    {"segment_size",
     {"WxH|LONG", "size at which the segmenter sees an image, or its long side (default: the network's own)"}},
    {"min_area", {"PIXELS", "smaller cells are dropped, in pixels of the mask (default: 200)"}},
    {"threshold", {"P", "probability above which a pixel is a cell's (default: 0.5)"}},
    {"crop", {"MODE", "what the classifier sees: the tight box, or matlab's imcrop of it (default: tight)"}},
    {"split",
     {"HOW",
      "cells that touch: none, they count as one, as in the paper; distance, they are parted along necks; centre, "
      "around the "
      "centres that a segmenter with a centre head tells (default: none)"}},
    {"mask_resolution",
     {"WHERE", "where cells are told apart: frame, the image's, or network, the segmenter's (default: frame)"}},
};

/// Adds each option that it visits, under the name that the visit gives.
class OptionAdder {
 public:
  explicit OptionAdder(Subcommand& command) : command_(command) {}

  void operator()(const char* name, std::optional<InputSize>& size) {
    add(name, [&size, flag = flag_of(name)](const std::string& text) {
      size = naming(flag, [&] { return InputSize::parse(text); });
    });
  }
  void operator()(const char* name, std::int64_t& value) { add(name, &value).check(number_in(0, 1e9)); }
  void operator()(const char* name, float& value) { add(name, &value).check(between_0_and_1()); }
  template <class Enum, class Words>
  void operator()(const char* name, Enum& value, const Words& words) {
    add(name, [&value, &words](const std::string& text) {
      value = static_cast<Enum>(std::ranges::find(words, text) - words.begin());
    }).check(one_of(std::vector<std::string>(words.begin(), words.end())));
  }

 private:
  static std::string flag_of(std::string name) {
    std::ranges::replace(name, '_', '-');
    return "--" + name;
  }

  Option add(const char* name, Target target) {
    const FindingHelp& help = helps.at(name);
    return command_.option(flag_of(name).c_str(), std::move(target), help.value, help.text);
  }

  Subcommand& command_;
};

}  // namespace

void add_segment_size_option(Subcommand& command, std::optional<InputSize>& segment_size) {
  OptionAdder{command}("segment_size", segment_size);
}

void add_finding_options(Subcommand& command, SmearOptions& options) {
  visit_finding(options, OptionAdder(command));
}

}  // namespace giemsa
