// Text in pictures, without a font library: letters from a 5 x 9 grid whose dots are joined by round strokes, so that
// they stay smooth at any size.
#pragma once

#include <string_view>

#include "engine/base/frame.h"
#include "tools/pictures/palette.h"

namespace giemsa {

/// Mixes `color` into a pixel; coverage 0 leaves it, 1 replaces it.
void blend(std::uint8_t* pixel, const Color& color, float coverage);

/// Width and height in pixels of a line of text whose grid step is `unit` pixels (capitals are 6 steps high).
int text_width(std::string_view text, float unit);
int text_height(float unit);

/// Draws a line of text, ASCII or else '?', with its top left corner at (x, y); what falls outside the frame is
/// clipped.
void draw_text(Frame& frame, int x, int y, float unit, std::string_view text, const Color& color);

}  // namespace giemsa
