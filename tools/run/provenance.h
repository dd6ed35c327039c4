// What was run, as rows of a page's table.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/run/results.h"

namespace giemsa {

/// Name and value of each fact; nothing of the segmenter and what follows it where only the classifier took part.
std::vector<std::pair<const char*, std::string>> provenance(const RunInfo& info, bool segmented);

}  // namespace giemsa
