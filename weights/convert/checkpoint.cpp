#include "weights/convert/checkpoint.h"

#include <algorithm>

#include "weights/convert/torch_legacy.h"
#include "weights/convert/torch_zip.h"

namespace giemsa {

namespace {

bool starts_with(const FileBytes& file, std::string_view magic, std::size_t at = 0) {
  return at <= file.bytes.size() && text_of(file.bytes.subspan(at)).starts_with(magic);
}

/// A header length that the format allows, then the header's brace. The length's upper half is then zero, which sets
/// safetensors apart from zip and pickle whatever its lower bytes spell.
bool looks_like_safetensors(const FileBytes& file) {
  constexpr std::string_view upper_half_and_brace("\0\0\0\0{", 5);
  return starts_with(file, upper_half_and_brace, 4);
}

[[noreturn]] void refuse(const FileBytes& file) {
  struct Kind {
    std::size_t at;
    std::string_view magic, what;
  };
  constexpr Kind kinds[] = {
      {257, "ustar", "a tar archive: PyTorch's format before 0.1.10, or a packed folder"},
      {0, "version https://git-lfs", "a Git LFS pointer, not the weights themselves: run `git lfs pull`"},
      {0, "<", "an HTML or XML page, probably a failed download"},
      {0, "\x1f\x8b", "compressed with gzip: unpack it first"},
      {0, "\x89HDF", "an HDF5 file (Keras, MATLAB)"},
      {0, "MATLAB 5.0", "a MATLAB file"},
  };
  for (const Kind& kind : kinds) {
    check(!starts_with(file, kind.magic, kind.at), ErrorKind::model, file.name, ": is ", kind.what,
          "; expected a PyTorch checkpoint or safetensors");
  }
  fail(ErrorKind::model, file.name, ": starts with ", in_quotes(text_of(file.bytes).substr(0, 8)),
       ", expected a PyTorch checkpoint (zip or pickle) or safetensors");
}

Checkpoint read_by_content(const FileBytes& file, const std::string& key) {
  if (looks_like_safetensors(file)) {
    TensorFile read = read_safetensors(file);
    check(key.empty(), ErrorKind::model, file.name, ": safetensors has no keys above its tensors, so none is called ",
          in_quotes(key));
    return {std::move(read.tensors), std::move(read.metadata), "safetensors", {}, {}};
  }
  if (starts_with(file, "PK")) return read_torch_zip(file, key);
  if (starts_with(file, "\x80")) return read_torch_legacy(file, key);
  refuse(file);
}

bool all_start_with(const TensorMap& tensors, std::string_view prefix) {
  return std::ranges::all_of(tensors, [&](const auto& entry) {
    return entry.first.size() > prefix.size() && entry.first.starts_with(prefix);
  });
}

/// Wrappers nest (`model.module.`), but not deeply: a hostile key could repeat a prefix a hundred thousand times.
void strip_prefixes(TensorMap& tensors) {
  constexpr int deepest = 4;
  constexpr std::string_view prefixes[] = {"module.", "model.", "net.", "_orig_mod."};
  for (int depth = 0; depth < deepest; ++depth) {
    const auto* prefix =
        std::ranges::find_if(prefixes, [&](std::string_view each) { return all_start_with(tensors, each); });
    if (prefix == std::end(prefixes)) return;
    TensorMap stripped;
    for (auto& [key, tensor] : tensors) stripped.emplace(key.substr(prefix->size()), std::move(tensor));
    tensors = std::move(stripped);
  }
}

}  // namespace

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  std::error_code ignored;  // map_file gives the error
  if (!std::filesystem::is_directory(path, ignored)) return read_checkpoint(map_file(path));
  return read_checkpoint(map_file(path / "model.safetensors"));
}

Checkpoint read_checkpoint(const FileBytes& file, const std::string& key) {
  Checkpoint checkpoint = read_by_content(file, key);
  check(!checkpoint.tensors.empty(), ErrorKind::model, file.name, ": holds no tensors");
  strip_prefixes(checkpoint.tensors);
  return checkpoint;
}

}  // namespace giemsa
