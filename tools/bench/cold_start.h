// How long a process takes from its start to its first result.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace giemsa::bench {

/// Starts this executable with `arguments` and `input` on its standard input, waits for its first byte of output, and
/// returns the milliseconds from exec to that byte. Throws Error(internal) where the process ends without one or not
/// with 0; what it has to say about that goes to our stderr.
double cold_start_ms(const std::vector<std::string>& arguments, std::span<const std::uint8_t> input);

/// All of standard input: the other end.
std::vector<std::uint8_t> read_standard_input();

}  // namespace giemsa::bench
