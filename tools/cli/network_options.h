// The options of commands that run networks: which ones, and on what.
#pragma once

#include <string>

#include "engine/device.h"
#include "tools/cli/arguments.h"

namespace giemsa {

/// --segmenter and --classifier; empty where the shipped one is meant.
void add_model_options(Subcommand& command, std::string& segmenter, std::string& classifier);

/// --profile, the laboratory's; empty where there is none.
void add_profile_option(Subcommand& command, std::string& profile);

/// --device, --precision, --threads, --tuning and --provider, whose defaults are what `compute` holds.
void add_compute_options(Subcommand& command, DeviceOptions& compute);

}  // namespace giemsa
