#include "nets/convert/checkpoint_table.h"

#include <iomanip>
#include <sstream>

#include "nets/architecture.h"
#include "nets/resnet.h"

namespace giemsa {

namespace {

void write_row(std::ostream& out, std::string_view arch, std::string_view preset, std::string_view body,
               std::string_view strides, std::string_view image) {
  out << std::left << std::setw(15) << arch << std::setw(13) << preset << std::setw(27) << body << std::setw(15)
      << strides << image << '\n';
}

std::string words(bool with_basic_blocks) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < resnet_bodies; ++i)
    if (with_basic_blocks || shape_of(static_cast<Body>(i)).bottleneck) names.emplace_back(body_words[i]);
  return join(names, ", ");
}

}  // namespace

std::string checkpoint_table() {
  std::ostringstream out;
  write_row(out, "arch", "preset", "body", "output stride", "image");
  for (const Architecture& row : architectures())
    for (const Preset& preset : row.presets) {
      std::vector<std::string> strides;
      for (const std::int64_t stride : preset.output_strides) strides.push_back(std::to_string(stride));
      write_row(out, row.name, preset.name, preset.bodies, strides.empty() ? "-" : join(strides, ", "),
                preset.image.input.to_string());
    }
  out << "\nResnets: " << words(true) << ".\nBottlenecks: " << words(false)
      << ".\nThe body is read off the keys; the first output stride is the default, as the image's size is.\n";
  return std::move(out).str();
}

}  // namespace giemsa
