// What was built, and with what.
#pragma once

namespace giemsa::bench {

/// `git describe` at build time, "-dirty" where the tree had changes; "unknown" outside a checkout.
extern const char* const commit;

/// "gcc 12.2.0"
#if defined(__clang__)
inline constexpr const char* compiler = "clang " __clang_version__;
#else
inline constexpr const char* compiler = "gcc " __VERSION__;
#endif

}  // namespace giemsa::bench
