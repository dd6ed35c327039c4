// How far a run is, on stderr: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

namespace giemsa {

class Progress {
 public:
  enum class Style { none, lines, bar };

  /// Nothing where quiet is asked for, a bar where stderr is a terminal, else lines.
  static Style style_of(bool quiet);

  Progress(std::size_t total, Style style);
  ~Progress() { finish(); }

  /// One more image is done.
  void tick(bool ok);

  /// Prints a line "giemsa: error: ..." without disturbing the bar.
  void error(std::string_view message);

  /// Prints a line "giemsa: ..." likewise.
  void note(std::string_view message);

  /// Takes the bar away.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  void draw();
  void erase() const;

  const std::size_t total_;
  const Style style_;
  const Clock::time_point start_;
  Clock::time_point last_drawn_;
  std::size_t done_ = 0, failed_ = 0;
};

}  // namespace giemsa
