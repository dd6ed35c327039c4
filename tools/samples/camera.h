// From the light on the slide to the picture: lamp, lens and sensor.
#pragma once

#include "tools/samples/canvas.h"
#include "tools/samples/random.h"

namespace giemsa::samples {

/// Takes the picture: slight defocus, uneven illumination in the `background`'s colour, sensor noise. Uses up
/// canvas.light.
Frame photograph(Canvas& canvas, Colour background, Random& random);

}  // namespace giemsa::samples
