// Looking at errors in tests.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "engine/base/check.h"

namespace giemsa::test {

/// The message of the Error of `kind` that `action` throws. Fails the test where it throws another kind or nothing.
template <class Action>
std::string error_of(ErrorKind kind, Action action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  FAIL_CHECK("nothing was thrown");
  return {};
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
