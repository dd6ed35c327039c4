// The options of commands that find cells.
#pragma once

#include <optional>

#include "nets/smear.h"
#include "tools/cli/arguments.h"

namespace giemsa {

/// --segment-size, parsed.
void add_segment_size_option(Subcommand& command, std::optional<InputSize>& segment_size);

/// --segment-size, --min-area, --threshold, --crop, --split and --mask-resolution.
void add_finding_options(Subcommand& command, SmearOptions& options);

}  // namespace giemsa
