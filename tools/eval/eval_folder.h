// The folder that `giemsa eval --out` fills.
#pragma once

#include <filesystem>
#include <string>

#include "engine/base/frame.h"
#include "tools/eval/evaluation.h"

namespace giemsa::eval {

/// Each file is written atomically and eval.json comes last: where it is, the evaluation is complete. Every call throws
/// Error(output) where something cannot be written.
class EvalFolder {
 public:
  /// Makes the folder, makes sure that it can be written to, and removes the tables of an earlier evaluation.
  explicit EvalFolder(std::filesystem::path folder);

  /// Writes masks/`name`.png, 255 where a cell was found, 0 elsewhere, and labels/`name`.png, the cells' numbers.
  void add_found(const std::string& name, const Labels& labels) const;

  /// Writes images.csv, cells.csv, eval.html and eval.json.
  void finish(const Evaluation& evaluation) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace giemsa::eval
