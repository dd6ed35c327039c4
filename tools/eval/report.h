// An evaluation as JSON, tables, text and a page.
#pragma once

#include <ostream>
#include <string>

#include "tools/eval/evaluation.h"
#include "tools/run/json.h"

namespace giemsa::eval {

/// eval.json: what was run on what, and every figure as {"value", "low", "high"}, null where it is undefined.
Json evaluation_json(const Evaluation& evaluation);

/// images.csv: one row per image with its own counts and figures; the fields of undefined ones are empty.
std::string images_csv(const Evaluation& evaluation);

/// cells.csv: one row per cell that was found, with probabilities to the last bit (%.9g) so that their order can be
/// recomputed, and the true cell that it was matched with, if any.
std::string cells_csv(const Evaluation& evaluation);

/// eval.html: one page that needs nothing else.
std::string evaluation_html(const Evaluation& evaluation);

/// The figures as a table for a terminal.
void print_figures(std::ostream& out, const Evaluation& evaluation);

}  // namespace giemsa::eval
