#include "tools/cli/progress.h"

#include <unistd.h>

#include <cmath>
#include <iostream>
#include <string>

#include "engine/base/check.h"
#include "tools/cli/messages.h"

namespace giemsa {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t bar_width = 30;

}  // namespace

Progress::Style Progress::style_of(bool quiet) {
  if (quiet) return Style::none;
  return isatty(STDERR_FILENO) ? Style::bar : Style::lines;
}

Progress::Progress(std::size_t total, Style style)
    : total_(total), style_(style), start_(Clock::now()), last_drawn_(start_) {}

void Progress::tick(bool ok) {
  ++done_;
  if (!ok) ++failed_;
  if (style_ == Style::none) return;
  const auto now = Clock::now();
  if (now - last_drawn_ < (style_ == Style::bar ? 100ms : 10s)) return;
  last_drawn_ = now;
  draw();
}

void Progress::error(std::string_view message) {
  erase();
  print_error(message);
}

void Progress::note(std::string_view message) {
  erase();
  print_note(message);
}

void Progress::finish() {
  erase();
}

void Progress::draw() {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double left = seconds / static_cast<double>(done_) * static_cast<double>(total_ - done_);
  std::string line = cat(done_, '/', total_, " images, ", failed_, " failed, ", std::ceil(left), " s left");
  if (style_ == Style::lines) return print_note(line);
  const std::size_t filled = total_ ? bar_width * done_ / total_ : bar_width;
  std::cerr << "\r[" << std::string(filled, '=') << std::string(bar_width - filled, ' ') << "] " << line << "\x1b[K"
            << std::flush;
}

void Progress::erase() const {
  if (style_ == Style::bar) std::cerr << "\r\x1b[K" << std::flush;
}

}  // namespace giemsa
