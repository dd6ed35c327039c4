// The options of commands that find cells.
#pragma once

#include <optional>

#include "nets/smear.h"
#include "tools/cli/command.h"

namespace giemsa {

/// --segment-size, parsed. `group` is the heading in --help; null: that of all options without one.
void add_segment_size_option(CLI::App& command, std::optional<InputSize>& segment_size, const char* group = nullptr);

/// --segment-size, --min-area, --threshold, --crop and --mask-resolution, under the heading `group`.
void add_finding_options(CLI::App& command, SmearOptions& options, const char* group);

}  // namespace giemsa
