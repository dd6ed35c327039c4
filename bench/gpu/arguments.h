// What the programs here are told on the command line: --name value, in any order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "nets/model.h"

namespace giemsa::bench {

class Arguments {
 public:
  /// Takes the named options, all of which have a default. Throws Error(usage) on others.
  Arguments(int argc, char** argv, std::map<std::string, std::string> defaults) : values_(std::move(defaults)) {
    for (int i = 1; i < argc; i += 2) {
      const std::string name = argv[i];
      check(values_.contains(name) && i + 1 < argc, ErrorKind::usage, "options, each with a value, are: ", names());
      values_[name] = argv[i + 1];
    }
  }

  const std::string& operator[](const std::string& name) const { return values_.at(name); }
  int number(const std::string& name) const { return std::stoi(values_.at(name)); }

  /// "a,b" as {a, b}.
  std::vector<std::string> list(const std::string& name) const {
    std::vector<std::string> parts{""};
    for (char c : values_.at(name)) {
      if (c == ',')
        parts.emplace_back();
      else
        parts.back() += c;
    }
    return parts;
  }

  /// fp16 or fp32, the precisions that kernels compute in.
  DType precision(const std::string& name) const { return precision_named(values_.at(name)); }
  static DType precision_named(const std::string& text) {
    check(text == "fp16" || text == "fp32", ErrorKind::usage, "precision must be fp16 or fp32, is '", text, "'");
    return text == "fp16" ? DType::f16 : DType::f32;
  }

  /// "720x576", width first.
  static Size2 size(const std::string& text) { return InputSize::parse(text).fixed; }

  /// The model in the file that the option names; or, where it names none, `arch` with random weights.
  Model model(const std::string& name, const std::string& arch, const std::string& preset) const {
    const std::string& file = values_.at(name);
    return file.empty() ? random_model(arch, preset, 1) : load_model(std::filesystem::path(file));
  }

 private:
  std::string names() const {
    std::string text;
    for (const auto& [name, value] : values_) text += cat(text.empty() ? "" : ", ", name, " (", value, ")");
    return text;
  }

  std::map<std::string, std::string> values_;
};

}  // namespace giemsa::bench
