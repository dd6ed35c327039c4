// Options of networks as text, as `__metadata__` and people hold them: one visitor each way, so that an option is named
// once. A struct of options brings a function
//
//   template <MaybeConst<MyOptions> Options, class Visitor>
//   void visit_options(Options& options, Visitor&& visit) {
//     visit("groups", options.groups);              // std::int64_t, float, bool, a list of numbers or names
//     visit("norm", options.norm, norm_words);      // an enumeration, and the words for its values in their order
//   }
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/base/check.h"
#include "weights/byte_view.h"
#include "weights/text.h"

namespace giemsa {

/// `T` or `const T`: a visitor reads options or writes them.
template <class Candidate, class T>
concept MaybeConst = std::same_as<std::remove_const_t<Candidate>, T>;

using OptionTexts = std::map<std::string, std::string>;  ///< by name

class OptionWriter {
 public:
  void operator()(const char* name, std::int64_t value) { texts[name] = std::to_string(value); }
  void operator()(const char* name, float value) { texts[name] = format_float(value); }
  void operator()(const char* name, bool value) { texts[name] = value ? "true" : "false"; }
  void operator()(const char* name, const std::vector<std::string>& values) { texts[name] = join(values); }
  void operator()(const char* name, const std::vector<std::int64_t>& values) {
    std::vector<std::string> parts;
    for (std::int64_t value : values) parts.push_back(std::to_string(value));
    texts[name] = join(parts);
  }
  template <class Enum>
  void operator()(const char* name, Enum value, std::span<const std::string_view> words) {
    texts[name] = words[static_cast<std::size_t>(value)];
  }

  OptionTexts texts;
};

/// Throws Error(kind), naming the option, where one is missing, unreadable or left over.
class OptionReader {
 public:
  OptionReader(OptionTexts texts, ErrorKind kind) : texts_(std::move(texts)), kind_(kind) {}

  void operator()(const char* name, std::int64_t& value) { value = parse_int(take(name), kind_, name); }
  void operator()(const char* name, float& value) { value = parse_float(take(name), kind_, name); }
  void operator()(const char* name, bool& value) { value = parse_bool(take(name), kind_, name); }
  void operator()(const char* name, std::vector<std::string>& values) { values = split(take(name)); }
  void operator()(const char* name, std::vector<std::int64_t>& values) {
    values.clear();
    for (const std::string& part : split(take(name))) values.push_back(parse_int(part, kind_, name));
  }
  template <class Enum>
  void operator()(const char* name, Enum& value, std::span<const std::string_view> words) {
    const std::string text = take(name);
    const auto word = std::ranges::find(words, text);
    check(word != words.end(), kind_, name, ": ", in_quotes(text), " is none of ",
          join(std::vector<std::string>(words.begin(), words.end()), ", "));
    value = static_cast<Enum>(word - words.begin());
  }

  void finish() const {
    check(texts_.empty(), kind_, "this network has no option ", texts_.empty() ? "" : in_quotes(texts_.begin()->first));
  }

 private:
  std::string take(const char* name) {
    const auto entry = texts_.extract(name);
    check(!entry.empty(), kind_, "option '", name, "' is missing");
    return entry.mapped();
  }

  OptionTexts texts_;
  ErrorKind kind_;
};

template <class Options>
OptionTexts write_options(const Options& options) {
  OptionWriter writer;
  visit_options(options, writer);
  return std::move(writer.texts);
}

template <class Options>
Options read_options(const OptionTexts& texts, ErrorKind kind) {
  Options options;
  OptionReader reader(texts, kind);
  visit_options(options, reader);
  reader.finish();
  return options;
}

}  // namespace giemsa
