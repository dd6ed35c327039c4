#include "tools/cli/model_files.h"

#include <cstdlib>
#include <system_error>
#include <vector>

#include "nets/laboratory_profile.h"
#include "weights/mapped_file.h"
#include "weights/sha256.h"

namespace giemsa {

namespace fs = std::filesystem;

fs::path find_model(const std::string& given, const char* shipped) {
  if (!given.empty()) return given;
  std::vector<fs::path> folders;
  if (const char* chosen = std::getenv("GIEMSA_MODELS"); chosen && *chosen) {
    folders = {chosen};
  } else {
    std::error_code ignored;  // no /proc: relative to the working folder
    const fs::path above = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
    folders = {above / "weights/pretrained", above / "share/giemsa/weights"};
  }
  std::string looked;
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    if (fs::exists(folder / shipped, ignored)) return folder / shipped;
    looked += (looked.empty() ? "" : " and ") + folder.string();
  }
  fail(ErrorKind::model, shipped, ": not found in ", looked, "; name model files or set GIEMSA_MODELS");
}

Model open_model(const fs::path& file) {
  const std::string extension = file.extension().string();
  const bool checkpoint =
      extension == ".pt" || extension == ".pth" || extension == ".tar" || extension == ".ckpt" || extension == ".bin";
  check(!checkpoint || !fs::is_regular_file(file), ErrorKind::model, file.string(),
        ": a PyTorch checkpoint? make a model of it first: giemsa convert ", file.string(), " --help");
  return load_model(file);
}

Model open_classifier(const fs::path& file, const std::string& profile) {
  Model classifier = open_model(file);
  return profile.empty() ? classifier : adapted(std::move(classifier), read_profile(profile), profile);
}

std::future<std::string> sha256_of_file(const fs::path& file) {
  return std::async(std::launch::async, [file] { return sha256(map_file(file).bytes); });
}

ModelFile describe(const Model& model) {
  return {model.file, "", model.info.arch, model.info.preset};
}

}  // namespace giemsa
