#include "tools/eval/eval_folder.h"

#include <algorithm>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "tools/eval/report.h"
#include "tools/pictures/png_writer.h"

namespace giemsa::eval {

namespace fs = std::filesystem;

EvalFolder::EvalFolder(fs::path folder) : folder_(std::move(folder)) {
  write_file_atomically(folder_ / "eval.json", std::string_view());
  for (const char* table : {"eval.json", "eval.html", "images.csv", "cells.csv"}) {
    std::error_code error;
    fs::remove(folder_ / table, error);
    check(!error, ErrorKind::output, (folder_ / table).string(), ": cannot be replaced: ", error.message());
  }
}

void EvalFolder::add_found(const std::string& name, const Labels& labels) const {
  Mask mask(labels.width, labels.height);
  std::ranges::transform(labels.pixels, mask.pixels.begin(),
                         [](std::uint16_t label) { return static_cast<std::uint8_t>(label ? 255 : 0); });
  write_png(folder_ / "masks" / (name + ".png"), mask);
  write_png(folder_ / "labels" / (name + ".png"), labels);
}

void EvalFolder::finish(const Evaluation& evaluation) const {
  write_file_atomically(folder_ / "images.csv", images_csv(evaluation));
  write_file_atomically(folder_ / "cells.csv", cells_csv(evaluation));
  write_file_atomically(folder_ / "eval.html", evaluation_html(evaluation));
  write_file_atomically(folder_ / "eval.json", to_text(evaluation_json(evaluation), 1) + '\n');
}

}  // namespace giemsa::eval
