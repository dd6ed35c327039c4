#include "tools/run/geojson.h"

#include "nets/contour.h"
#include "tools/pictures/palette.h"

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

Json feature(const Cell& cell, const std::vector<std::string>& classes, const Labels& labels) {
  const auto color = class_color(cell.class_index);
  Json measurements = {{"Area px", cell.area}};
  for (std::size_t i = 0; i < classes.size(); ++i)
    measurements["Probability: " + classes[i]] = rounded(cell.probabilities.at(i), 6);
  return {
      {"type", "Feature"},
      {"geometry", geometry(labels, cell)},
      {"properties",
       {{"objectType", "detection"},
        {"name", std::to_string(cell.id)},
        {"classification",
         {{"name", classes.at(static_cast<std::size_t>(cell.class_index))}, {"color", {color[0], color[1], color[2]}}}},
        {"measurements", std::move(measurements)}}}};
}

}  // namespace

Json geojson(const RunInfo& info, const ImageResult& image, const Labels& labels) {
  Json features = Json::array();
  for (const Cell& cell : image.cells) features.push_back(feature(cell, info.classes, labels));
  return {{"type", "FeatureCollection"}, {"giemsa", provenance_json(info)}, {"features", std::move(features)}};
}

}  // namespace giemsa
