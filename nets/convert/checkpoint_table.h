// What the converter reads, as a table.
#pragma once

#include <string>

namespace giemsa {

/// A row for every preset of every architecture, in columns, with what the words in them mean below; for the help and
/// the README.
std::string checkpoint_table();

}  // namespace giemsa
