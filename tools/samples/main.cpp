// giemsa-samples: writes synthetic smears with their truth, in the folder layout that training and `giemsa eval` read.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <regex>
#include <string>

#include "engine/base/atomic_file.h"
#include "engine/base/check.h"
#include "tools/pictures/png_writer.h"
#include "tools/samples/smear_generator.h"

namespace giemsa {
namespace {

constexpr int kFolds = 10;

struct Arguments {
  std::filesystem::path out;
  int count = 6;
  std::uint64_t seed = 1;
  std::string size = "640x480";
  int white_cells = -1;
  int group = 1;
  float overlap = 0.15f;
  float stain_variation = 1;
};

void parse_size(const std::string& size, SampleOptions& options) {
  std::smatch sides;
  check(std::regex_match(size, sides, std::regex("([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")), ErrorKind::usage,
        "--size: expected WxH, got ", size);
  options.width = std::stoi(sides[1]);
  options.height = std::stoi(sides[2]);
}

/// The seed, so that runs over different seeds can share a folder's naming.
std::string stem_of(std::uint64_t seed) {
  std::string digits = std::to_string(seed);
  digits.insert(0, digits.size() < 4 ? 4 - digits.size() : 0, '0');
  return "smear-" + digits;
}

std::string classes_of(const SyntheticSmear& smear) {
  std::string classes;
  for (const SyntheticCell& cell : smear.cells) classes += cat(classes.empty() ? "" : ";", to_string(cell.kind));
  return classes;
}

void write_samples(const Arguments& arguments) {
  SampleOptions options;
  parse_size(arguments.size, options);
  options.white_cells = arguments.white_cells;
  options.group = arguments.group;
  options.overlap = arguments.overlap;
  options.stain_variation = arguments.stain_variation;

  std::string labels = "image,classes,fold\n", boxes = "image,id,class,x,y,w,h\n";
  for (int i = 0; i < arguments.count; ++i) {
    options.seed = arguments.seed + static_cast<std::uint64_t>(i);
    const SyntheticSmear smear = generate_smear(options);
    const std::string stem = stem_of(options.seed);
    write_png(arguments.out / "images" / (stem + ".png"), smear.frame);
    write_png(arguments.out / "masks" / (stem + ".png"), smear.mask);
    if (arguments.group > 1) write_png(arguments.out / "labels" / (stem + ".png"), smear.labels);
    labels += cat(stem, ',', classes_of(smear), ',', options.seed % kFolds, '\n');
    for (std::size_t n = 0; n < smear.cells.size(); ++n) {
      const SyntheticCell& cell = smear.cells[n];
      boxes += cat(stem, ',', n + 1, ',', to_string(cell.kind), ',', cell.x, ',', cell.y, ',', cell.width, ',',
                   cell.height, '\n');
    }
  }
  write_file_atomically(arguments.out / "labels.csv", labels);
  write_file_atomically(arguments.out / "boxes.csv", boxes);
}

}  // namespace
}  // namespace giemsa

int main(int argc, char** argv) {
  using namespace giemsa;
  Arguments arguments;
  CLI::App app("Writes synthetic blood smears: images/, masks/, labels.csv and boxes.csv", "giemsa-samples");
  app.option_defaults()->always_capture_default();
  app.add_option("OUT_DIR", arguments.out, "where to write")->required();
  app.add_option("--count", arguments.count, "how many")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", arguments.seed, "of the first; the others follow");
  app.add_option("--size", arguments.size, "WxH in pixels");
  app.add_option("--white-cells", arguments.white_cells, "in each; -1: one to three");
  app.add_option("--group", arguments.group, "white cells in groups of 2 to N that touch, numbered in labels/; 1: apart")
      ->check(CLI::Range(1, 5));
  app.add_option("--overlap", arguments.overlap, "by which two that touch overlap at most, 0 to 0.5")
      ->check(CLI::Range(0.0f, 0.5f));
  app.add_option("--stain-variation", arguments.stain_variation, "0: one stain for all, 1: as between laboratories")
      ->check(CLI::Range(0.0f, 1.0f));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    write_samples(arguments);
  } catch (const Error& error) {
    std::cerr << "giemsa-samples: " << error.what() << '\n';
    return error.kind() == ErrorKind::output ? 5 : 2;
  }
}
