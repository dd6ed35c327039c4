#include "tools/eval/dataset.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include "engine/base/check.h"
#include "tools/eval/labels_csv.h"

namespace giemsa::eval {
namespace {

namespace fs = std::filesystem;

/// The images of a folder by name, each with and without its extension.
std::map<std::string, fs::path> images_by_name(const fs::path& folder) {
  std::map<std::string, fs::path> found;
  for (const ImageFile& file : find_images(std::span(&folder, 1))) {
    check(file.error.empty(), ErrorKind::usage, file.path.string(), ": ", file.error);
    found[file.name] = file.path;
    found[file.path.lexically_relative(folder).generic_string()] = file.path;
  }
  return found;
}

/// The name of an image without the extension that labels.csv may give it.
std::string without_extension(const std::string& image, const fs::path& file) {
  const std::string extension = file.extension().string();
  return image.ends_with(extension) ? image.substr(0, image.size() - extension.size()) : image;
}

Dataset open_fields(const fs::path& folder) {
  Dataset dataset{Task::fields, folder.string(), {}, 0};
  std::error_code error;
  const auto by_name = [&](const char* part) {
    return fs::exists(folder / part, error) ? images_by_name(folder / part) : std::map<std::string, fs::path>();
  };
  const auto images = by_name("images"), masks = by_name("masks"), labels = by_name("labels");
  std::set<fs::path> listed, present;
  for (const auto& [name, file] : images) present.insert(file);
  for (LabelRow& row : read_labels(folder / "labels.csv")) {
    Sample& sample = dataset.samples.emplace_back();
    const auto image = images.find(row.image);
    sample.image.path = image != images.end() ? image->second : folder / "images" / row.image;
    sample.image.name = without_extension(row.image, sample.image.path);
    if (image == images.end()) sample.image.error = "labels.csv names it, but it is not there";
    check(listed.insert(sample.image.path).second, ErrorKind::usage, (folder / "labels.csv").string(), ": '", row.image,
          "' is an image that another line names");
    const auto mask = masks.find(sample.image.name), numbered = labels.find(sample.image.name);
    if (mask != masks.end()) sample.mask = mask->second;
    if (numbered != labels.end()) sample.labels = numbered->second;
    if (sample.mask.empty() && sample.labels.empty() && sample.image.error.empty())
      sample.image.error = "has no mask in " + (folder / "masks").string();
    sample.classes = std::move(row.classes);
    sample.fold = row.fold;
  }
  std::erase_if(present, [&](const fs::path& file) { return listed.contains(file); });
  dataset.unlisted = present.size();
  check(!dataset.samples.empty(), ErrorKind::usage, (folder / "labels.csv").string(), ": names no image");
  return dataset;
}

Dataset open_class_folders(const fs::path& folder) {
  Dataset dataset{Task::whole_crops, folder.string(), {}, 0};
  for (ImageFile& image : find_images(std::span(&folder, 1))) {
    const fs::path relative = image.path.lexically_relative(folder);
    check(image.error.empty() || relative == ".", ErrorKind::usage, image.path.string(), ": ", image.error);
    if (std::distance(relative.begin(), relative.end()) < 2) continue;  // in no class's folder
    Sample& sample = dataset.samples.emplace_back();
    sample.image = std::move(image);
    sample.classes = {relative.begin()->string()};
  }
  check(!dataset.samples.empty(), ErrorKind::usage, folder.string(),
        ": no data set: neither images/, masks/ and labels.csv nor a folder of images for each class");
  return dataset;
}

}  // namespace

Dataset open_dataset(const fs::path& folder) {
  std::error_code error;
  check(fs::is_directory(folder, error), ErrorKind::usage, folder.string(), ": no such folder");
  const auto has = [&](const char* part) { return fs::exists(folder / part, error); };
  const bool fields = has("images") && (has("masks") || has("labels"));
  check(!fields || has("labels.csv"), ErrorKind::usage, folder.string(), ": has images/ and ",
        has("masks") ? "masks/" : "labels/", ", but no labels.csv");
  return fields ? open_fields(folder) : open_class_folders(folder);
}

void keep_folds(Dataset& dataset, std::span<const int> folds) {
  std::erase_if(dataset.samples, [&](const Sample& sample) {
    return !sample.fold || std::ranges::find(folds, *sample.fold) == folds.end();
  });
  std::string names;
  for (const int fold : folds) names += cat(names.empty() ? "" : ", ", fold);
  check(!dataset.samples.empty(), ErrorKind::usage, dataset.folder, ": no image is of fold ", names);
}

void keep_some(Dataset& dataset, std::size_t count) {
  const std::size_t all = dataset.samples.size();
  if (count >= all) return;
  std::vector<Sample> kept;
  for (std::size_t i = 0; i < count; ++i) kept.push_back(std::move(dataset.samples[i * all / count]));
  dataset.samples = std::move(kept);
}

std::vector<std::string> all_classes(const Dataset& dataset, std::span<const std::string> known) {
  std::vector<std::string> classes(known.begin(), known.end());
  std::set<std::string> others;
  for (const Sample& sample : dataset.samples) others.insert(sample.classes.begin(), sample.classes.end());
  for (const std::string& name : known) others.erase(name);
  classes.insert(classes.end(), others.begin(), others.end());
  return classes;
}

}  // namespace giemsa::eval
