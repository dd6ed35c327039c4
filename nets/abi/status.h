// How the C functions answer: exceptions become a giemsa_status and the calling thread's message.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/environment.h"
#include "engine/device.h"
#include "engine/giemsa.h"

namespace giemsa::abi {

/// Keeps `message` for giemsa_last_message() and returns `status`.
giemsa_status failed(giemsa_status status, std::string_view message) noexcept;

giemsa_status status_for(ErrorKind kind) noexcept;

giemsa_precision precision_of(DType type);

/// What `body` returns, or the status of what it throws. The calling thread's current GPU stays.
template <class Body>
giemsa_status guarded(bool reads_environment, Body&& body) noexcept {
  try {
    const KeptGpu gpu;
    std::optional<IgnoredEnvironment> ignored;
    if (!reads_environment) ignored.emplace();
    return body();
  } catch (const Error& error) {
    return failed(status_for(error.kind()), error.what());
  } catch (const std::bad_alloc&) {
    return failed(GIEMSA_E_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return failed(GIEMSA_E_INTERNAL, error.what());
  } catch (...) {
    return failed(GIEMSA_E_INTERNAL, "unknown exception");
  }
}

/// A member of an enumeration's type as it lies in memory, which need be none of the enumeration's values.
template <class Enum>
std::int32_t raw(const Enum& member) noexcept {
  static_assert(sizeof(Enum) == sizeof(std::int32_t));
  std::int32_t value;
  std::memcpy(&value, &member, sizeof value);
  return value;
}

/// The caller's struct as this version of the library knows it. Throws Error(usage) where it is null, where its size
/// was not set, and where it has members that this version does not know.
template <class Struct>
Struct read_struct(const Struct* given, const char* name) {
  check(given != nullptr, ErrorKind::usage, name, " is NULL");
  constexpr std::uint32_t least = 2 * sizeof(std::uint32_t), sane = 1 << 16;
  const std::uint32_t size = given->struct_size;
  check(size >= least && size <= sane, ErrorKind::usage, name, ".struct_size is ", size, "; set it by GIEMSA_INIT");
  Struct known{};
  std::memcpy(&known, given, std::min<std::size_t>(size, sizeof known));
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof known; i < size; ++i)
    check(bytes[i] == 0, ErrorKind::usage, name, " has a member at byte ", i, " that this version, ", GIEMSA_VERSION,
          ", does not know");
  return known;
}

/// What read_struct() is for structs that the library fills: what lies in the members does not count.
template <class Struct>
void check_fillable(const Struct* given, const char* name) {
  check(given != nullptr, ErrorKind::usage, name, " is NULL");
  constexpr std::uint32_t least = 2 * sizeof(std::uint32_t), sane = 1 << 16;
  check(given->struct_size >= least && given->struct_size <= sane, ErrorKind::usage, name, ".struct_size is ",
        given->struct_size, "; set it by GIEMSA_INIT");
}

/// Gives the caller, whose struct passed check_fillable(), the members that it knows.
template <class Struct>
void write_struct(Struct* to, Struct known) noexcept {
  known.struct_size = to->struct_size;
  std::memcpy(to, &known, std::min<std::size_t>(to->struct_size, sizeof known));
}

}  // namespace giemsa::abi
