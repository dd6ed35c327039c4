#include "tools/cli/finding_options.h"

#include <algorithm>
#include <map>

#include "tools/run/run_options.h"
#include "weights/mapped_file.h"

namespace giemsa {

namespace {

struct OptionHelp {
  const char *value, *text;
};

const std::map<std::string, OptionHelp> helps{
    {"segment_size",
     {"WxH|LONG", "size at which the segmenter sees an image, or its long side (default: the network's own)"}},
    {"min_area", {"PIXELS", "smaller cells are dropped, in pixels of the mask (default: 200)"}},
    {"threshold", {"P", "probability above which a pixel is a cell's (default: 0.5)"}},
    {"crop", {"MODE", "what the classifier sees: the tight box, or matlab's imcrop of it (default: tight)"}},
    {"mask_resolution",
     {"WHERE", "where cells are told apart: frame, the image's, or network, the segmenter's (default: frame)"}},
};

/// Adds each option that it visits, under the name that the visit gives.
class OptionAdder {
 public:
  OptionAdder(CLI::App& command, const char* group) : command_(command), group_(group) {}

  void operator()(const char* name, std::optional<InputSize>& size) {
    add_text(name, [&size, flag = flag_of(name)](const std::string& text) {
      size = naming(flag, [&] { return InputSize::parse(text); });
    });
  }
  void operator()(const char* name, std::int64_t& value) {
    finish(name, command_.add_option(flag_of(name), value))->check(number_in(0, 1e9));
  }
  void operator()(const char* name, float& value) {
    finish(name, command_.add_option(flag_of(name), value))->check(between_0_and_1());
  }
  template <class Enum, class Words>
  void operator()(const char* name, Enum& value, const Words& words) {
    add_text(name, [&value, &words](const std::string& text) {
      value = static_cast<Enum>(std::ranges::find(words, text) - words.begin());
    })->check(one_of(std::vector<std::string>(words.begin(), words.end())));
  }

 private:
  static std::string flag_of(std::string name) {
    std::ranges::replace(name, '_', '-');
    return "--" + name;
  }

  CLI::Option* add_text(const char* name, const std::function<void(const std::string&)>& read) {
    return finish(name, command_.add_option_function<std::string>(flag_of(name), read));
  }

  CLI::Option* finish(const char* name, CLI::Option* option) const {
    option->description(helps.at(name).text)->type_name(helps.at(name).value);
    return group_ ? option->group(group_) : option;
  }

  CLI::App& command_;
  const char* group_;
};

}  // namespace

void add_segment_size_option(CLI::App& command, std::optional<InputSize>& segment_size, const char* group) {
  OptionAdder(command, group)("segment_size", segment_size);
}

void add_finding_options(CLI::App& command, SmearOptions& options, const char* group) {
  visit_finding(options, OptionAdder(command, group));
}

}  // namespace giemsa
