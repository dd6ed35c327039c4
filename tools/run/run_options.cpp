#include "tools/run/run_options.h"

namespace giemsa {

namespace {

struct TextWriter {
  std::map<std::string, std::string>& texts;

  void operator()(const char* name, const std::optional<InputSize>& size) const {
    texts[name] = size.value().to_string();
  }
  template <class Number>
  void operator()(const char* name, Number value) const {
    texts[name] = cat(value);
  }
  template <class Enum, class Words>
  void operator()(const char* name, Enum value, const Words& words) const {
    texts[name] = words[static_cast<std::size_t>(value)];
  }
};

}  // namespace

std::map<std::string, std::string> finding_texts(const SmearOptions& options) {
  std::map<std::string, std::string> texts;
  visit_finding(options, TextWriter{texts});
  return texts;
}

}  // namespace giemsa
