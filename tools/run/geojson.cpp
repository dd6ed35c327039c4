#include "tools/run/geojson.h"

#include "nets/contour.h"
#include "tools/pictures/overlay.h"

namespace giemsa {
namespace {

Json geometry(const Labels& labels, const Cell& cell) {
  Json polygons = Json::array();
  for (const Ring& ring : trace_contours(labels, cell.id, {cell.x, cell.y, cell.w, cell.h})) {
    Json corners = Json::array();
    for (Corner corner : ring) corners.push_back(Json::array({corner.x, corner.y}));
    polygons.push_back(Json::array({std::move(corners)}));
  }
  if (polygons.size() == 1) return {{"type", "Polygon"}, {"coordinates", polygons.front()}};
  return {{"type", "MultiPolygon"}, {"coordinates", std::move(polygons)}};
}

Json feature(const ImageResult& image, const Cell& cell, const std::vector<std::string>& classes,
             const Labels& labels) {
  const Color color = color_of(cell);
  Json measurements = {{"Area px", cell.area}};
  if (const std::optional<double> area = area_um2(image, cell)) measurements["Area \u00b5m^2"] = rounded(*area, 3);
  for (std::size_t i = 0; i < classes.size(); ++i)
    measurements["Probability: " + classes[i]] = rounded(cell.probabilities.at(i), 6);
  return {{"type", "Feature"},
          {"geometry", geometry(labels, cell)},
          {"properties",
           {{"objectType", "detection"},
            {"name", std::to_string(cell.id)},
            {"classification", {{"name", name_of(cell, classes)}, {"color", {color[0], color[1], color[2]}}}},
            {"measurements", std::move(measurements)}}}};
}

}  // namespace

Json geojson(const RunInfo& info, const ImageResult& image, const Labels& labels) {
  Json features = Json::array();
  for (const Cell& cell : image.cells) features.push_back(feature(image, cell, info.classes, labels));
  return {{"type", "FeatureCollection"}, {"giemsa", provenance_json(info)}, {"features", std::move(features)}};
}

}  // namespace giemsa
