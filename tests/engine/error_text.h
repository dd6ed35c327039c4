// Looking at errors in tests.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "engine/base/check.h"

namespace giemsa::test {

/// The message of the Error of `kind` that `action` throws, empty where it throws nothing. Fails the test where the
/// Error is of another kind or its message of several lines.
template <class Action>
std::string error_if_any(ErrorKind kind, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(error.kind() == kind);
    CHECK_MESSAGE(message.find('\n') == message.npos, message);
    return message;
  }
  return {};
}

/// The same, of an `action` that has to throw: fails the test where it does not.
template <class Action>
std::string error_of(ErrorKind kind, Action&& action) {
  const std::string message = error_if_any(kind, action);
  if (message.empty()) FAIL_CHECK("nothing was thrown");
  return message;
}

/// What the Error that `action` throws says could help.
template <class Action>
Hint hint_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.hint();
  }
  FAIL_CHECK("nothing was thrown");
  return {};
}

/// Whether every part occurs in `text`.
template <class... Parts>
bool contains(const std::string& text, const Parts&... parts) {
  const bool all = ((text.find(parts) != std::string::npos) && ...);
  if (!all) MESSAGE("the text is: ", text);
  return all;
}

}  // namespace giemsa::test
