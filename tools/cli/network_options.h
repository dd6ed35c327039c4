// The options of commands that run networks: which ones, and on what.
#pragma once

#include <string>

#include "engine/device.h"
#include "tools/cli/command.h"

namespace giemsa {

/// --segmenter and --classifier; empty where the shipped one is meant. `group` is their heading in --help;
/// null: that of all options without one.
void add_model_options(CLI::App& command, std::string& segmenter, std::string& classifier, const char* group = nullptr);

/// --device, --precision, --threads, --tuning and --provider, whose defaults are what `compute` holds.
void add_compute_options(CLI::App& command, DeviceOptions& compute, const char* group = nullptr);

}  // namespace giemsa
