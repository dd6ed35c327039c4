// Cells as a GeoJSON FeatureCollection that QuPath imports: one detection a cell, with its outline, class and
// measurements.
#pragma once

#include "tools/run/json.h"

namespace giemsa {

/// Coordinates are pixel corners of the original image, y downwards, as QuPath has them. A cell whose pixels hang
/// together only at corners is a MultiPolygon.
Json geojson(const RunInfo& info, const ImageResult& image, const Labels& labels);

}  // namespace giemsa
