// The README's table of what the converter reads is the one that the code makes.
#include "nets/convert/checkpoint_table.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "engine/base/check.h"

namespace giemsa {

TEST_CASE("nets/README.md has the table of what the converter reads") {
  std::ifstream file(GIEMSA_SOURCE_DIR "/nets/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  const std::string table = cat("```\n", checkpoint_table(), "```\n");
  CHECK_MESSAGE(readme.find(table) != std::string::npos, "expected this in nets/README.md:\n", table);
}

}  // namespace giemsa
