#include "tools/run/json.h"

#include <algorithm>
#include <cmath>

#include "tools/run/differential.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

Json model_json(const ModelFile& model) {
  return {{"file", model.file}, {"sha256", model.sha256}, {"arch", model.arch}, {"preset", model.preset}};
}

struct JsonWriter {
  Json& json;

  void operator()(const char* name, const std::optional<InputSize>& size) const {
    json[name] = size.value().to_string();
  }
  void operator()(const char* name, std::int64_t value) const { json[name] = value; }
  void operator()(const char* name, bool value) const { json[name] = value; }
  void operator()(const char* name, float value) const { json[name] = rounded(value, 6); }
  template <class Enum, class Words>
  void operator()(const char* name, Enum value, const Words& words) const {
    json[name] = words[static_cast<std::size_t>(value)];
  }
};

Json cell_json(const Cell& cell, const std::vector<std::string>& classes) {
  Json probabilities = Json::object();
  for (std::size_t i = 0; i < classes.size(); ++i) probabilities[classes[i]] = rounded(cell.probabilities.at(i), 6);
  return {{"id", cell.id},
          {"box", {cell.x, cell.y, cell.w, cell.h}},
          {"area", cell.area},
          {"centroid", {rounded(cell.centroid_x, 3), rounded(cell.centroid_y, 3)}},
          {"class", name_of(cell, classes)},
          {"probability", rounded(probability_of(cell), 6)},
          {"probabilities", probabilities},
          {"at_edge", cell.at_edge}};
}

Cell cell_from_json(const Json& json, const std::vector<std::string>& classes) {
  Cell cell;
  cell.id = json.at("id");
  const Json& box = json.at("box");
  cell.x = box.at(0), cell.y = box.at(1), cell.w = box.at(2), cell.h = box.at(3);
  cell.area = json.at("area");
  cell.centroid_x = json.at("centroid").at(0), cell.centroid_y = json.at("centroid").at(1);
  for (const std::string& name : classes) cell.probabilities.push_back(json.at("probabilities").at(name));
  cell.at_edge = json.at("at_edge");
  const std::string name = json.at("class");
  auto chosen = std::ranges::find(classes, name);
  if (chosen != classes.end()) {
    cell.finding = name == other_class ? Finding::other : Finding::named;
  } else {
    check(name == unsure_name, ErrorKind::usage, "a cell is called ", name, ", which is none of the classes");
    cell.finding = Finding::unsure;
    chosen = classes.begin() + (std::ranges::max_element(cell.probabilities) - cell.probabilities.begin());
  }
  cell.class_index = static_cast<int>(chosen - classes.begin());
  return cell;
}

Json patient_json(const PatientCount& patient, const std::vector<std::string>& classes) {
  const std::vector<ClassShare> of_all = shares_of(patient.counts, classes);
  Json shares = Json::object();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == other_class) continue;
    const ClassShare& share = of_all[i];
    shares[classes[i]] = {{"cells", share.cells},
                          {"share", rounded(share.share, 6)},
                          {"interval", {rounded(share.low, 6), rounded(share.high, 6)}}};
  }
  return {{"patient", patient.patient},       {"images", patient.images},       {"cells", patient.counts.named},
          {"unsure", patient.counts.unsure}, {"other", patient.counts.other}, {"classes", std::move(shares)}};
}

Json left_out_json(const LeftOut& left_out) {
  Json folders = Json::array();
  for (const auto& folder : left_out.linked_folders) folders.push_back(as_utf8(folder.string()));
  return {{"types", Json(left_out.types)}, {"earlier_results", left_out.results}, {"linked_folders", folders}};
}

}  // namespace

Json finding_json(const SmearOptions& options) {
  Json json = Json::object();
  visit_finding(options, JsonWriter{json});
  return json;
}

Json options_json(const RunOptions& options) {
  Json json = finding_json(options);
  visit_run(options, JsonWriter{json});
  return json;
}

Json provenance_json(const RunInfo& info) {
  Json settings = options_json(info.options);
  settings["threads"] = info.compute.threads;
  settings["jobs"] = info.jobs;
  settings["profile"] = info.profile.empty() ? Json() : Json{{"file", info.profile}, {"sha256", info.profile_sha256}};
  return {{"schema", 1},
          {"giemsa", GIEMSA_VERSION},
          {"notice", research_use_only},
          {"device", info.device},
          {"precision", info.precision},
          {"models", {{"segmenter", model_json(info.segmenter)}, {"classifier", model_json(info.classifier)}}},
          {"settings", std::move(settings)}};
}

Json identity_json(const RunInfo& info) {
  return {{"giemsa", GIEMSA_VERSION},
          {"device", info.device.substr(0, info.device.find(' '))},
          {"precision", info.precision},
          {"provider", info.compute.provider},
          {"tuning", info.tuning_sha256},
          {"profile", info.profile_sha256},
          {"segmenter", info.segmenter.sha256},
          {"classifier", info.classifier.sha256},
          {"settings", options_json(info.options)}};  // no threads: these change the time taken only
}

Json image_json(const ImageResult& image, const std::vector<std::string>& classes) {
  Json cells = Json::array();
  for (const Cell& cell : image.cells) cells.push_back(cell_json(cell, classes));
  return {{"file", image.file},
          {"name", image.name},
          {"width", image.width},
          {"height", image.height},
          {"ok", image.ok()},
          {"error", image.ok() ? Json() : Json(image.error)},
          {"warning", image.warning.empty() ? Json() : Json(image.warning)},
          {"pixel_size_um", image.pixel_size ? Json({image.pixel_size->x, image.pixel_size->y}) : Json()},
          {"cells", std::move(cells)},
          {"ms",
           {{"decode", rounded(image.decode_ms, 3)},
            {"segment", rounded(image.ms.segment, 3)},
            {"postprocess", rounded(image.ms.postprocess, 3)},
            {"classify", rounded(image.ms.classify, 3)},
            {"total", rounded(image.total_ms(), 3)}}}};
}

ImageResult image_from_json(const Json& json, const std::vector<std::string>& classes) {
  ImageResult image;
  image.file = json.at("file");
  image.name = json.at("name");
  if (!json.at("ok")) image.error = json.at("error");
  if (!json.at("warning").is_null()) image.warning = json.at("warning");
  if (const Json& size = json.at("pixel_size_um"); !size.is_null()) image.pixel_size = {size.at(0), size.at(1)};
  image.width = json.at("width");
  image.height = json.at("height");
  for (const Json& cell : json.at("cells")) image.cells.push_back(cell_from_json(cell, classes));
  const Json& ms = json.at("ms");
  image.decode_ms = ms.at("decode");
  image.ms = {ms.at("segment"), ms.at("postprocess"), ms.at("classify"),
              ms.at("total").get<double>() - image.decode_ms};
  return image;
}

Json document_json(const RunInfo& info, std::span<const ImageResult> images) {
  Json document = provenance_json(info);
  document["complete"] = !info.interrupted;
  document["left_out"] = left_out_json(info.left_out);
  Json& patients = document["patients"] = Json::array();
  const PatientCounts counts = count_by_patient(images, info.classes.size());
  for (const PatientCount& patient : counts.patients()) patients.push_back(patient_json(patient, info.classes));
  Json& list = document["images"] = Json::array();
  for (const ImageResult& image : images) list.push_back(image_json(image, info.classes));
  return document;
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json finite_json(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

double rounded(double value, int decimals) {
  const double scale = std::pow(10.0, decimals);
  return std::round(value * scale) / scale;
}

}  // namespace giemsa
