#include <algorithm>

#include "nets/architecture.h"
#include "nets/deeplab/deeplab.h"

namespace giemsa {

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> rows{
      deeplabv3plus_architecture(), deeplabv3_architecture(),    alexnet_architecture(),
      resnet_architecture(),        mobilenet_v2_architecture(),
  };
  return rows;
}

namespace {

/// The entry of `entries` called `name`, or null; `names` receives all names.
template <class Entry>
const Entry* find(const std::vector<Entry>& entries, std::string_view name, std::vector<std::string>& names) {
  for (const Entry& entry : entries) {
    if (entry.name == name) return &entry;
    names.emplace_back(entry.name);
  }
  return nullptr;
}

}  // namespace

std::string architecture_names() {
  std::vector<std::string> names;
  find(architectures(), {}, names);
  return join(names, ", ");
}

const Architecture& architecture(std::string_view name, ErrorKind kind) {
  std::vector<std::string> known;
  const Architecture* found = find(architectures(), name, known);
  check(found, kind, "architecture ", in_quotes(name), " is none of ", join(known, ", "));
  return *found;
}

const Preset& preset_of(const Architecture& architecture, std::string_view name, ErrorKind kind) {
  std::vector<std::string> known;
  const Preset* found = find(architecture.presets, name, known);
  check(found, kind, "preset ", in_quotes(name), " of ", architecture.name, " is none of ", join(known, ", "));
  return *found;
}

const Architecture& architecture_of(const ModelInfo& info) {
  return architecture(info.arch, ErrorKind::internal);
}

ModelInfo preset_info(const std::string& arch, const std::string& preset_name, const OptionTexts& given,
                      const TensorMap& tensors) {
  const Architecture& row = architecture(arch, ErrorKind::usage);
  const Preset& preset = preset_of(row, preset_name, ErrorKind::usage);
  OptionTexts options = to_text(preset.options(given, tensors));
  for (const auto& [name, value] : given) {
    check(options.contains(name), ErrorKind::usage, arch, " has no option ", in_quotes(name));
    options[name] = value;
  }
  ModelInfo info;
  info.arch = arch;
  info.preset = preset_name;
  info.input = preset.image.input;
  info.filter = preset.image.filter;
  info.mean = preset.image.mean;
  info.std = preset.image.std;
  info.options = row.parse(options, ErrorKind::usage);
  return info;
}

}  // namespace giemsa
