// How large a pixel is in the specimen, where a file tells.
#pragma once

#include <optional>
#include <string_view>

namespace giemsa {

/// Micrometres from a pixel to its neighbour on either axis.
struct PixelSize {
  double x = 0, y = 0;
};

/// Nothing where no microscope gives such pixels (0.01 to 10 micrometres): the resolution that most files carry, 72 dots an
/// inch or 300, is one for printing and screens.
std::optional<PixelSize> plausible_pixel_size(double x, double y);

/// Micrometres in a unit as OME-XML and ImageJ write it ("nm", "um", "micron", "mm", ...); 0 where it is no length.
double micrometres_in(std::string_view unit);

/// The factor of an ImageJ description's line "unit=...", 0 where it is not ImageJ's or names no length: resolutions are then
/// in pixels for each such unit.
double imagej_unit(std::string_view description);

}  // namespace giemsa
