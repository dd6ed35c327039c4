#include "weights/convert/torch_zip.h"

#include "weights/convert/pickle.h"
#include "weights/convert/torch_state.h"
#include "weights/convert/zip_archive.h"

namespace giemsa {

namespace {

/// What comes before data.pkl, and so before all of PyTorch's entries.
std::string find_prefix(const ZipArchive& archive) {
  constexpr std::string_view pickle = "data.pkl";
  for (const auto& [name, entry] : archive.entries()) {
    if (name != pickle && !name.ends_with("/data.pkl")) continue;
    return std::string(name.substr(0, name.size() - pickle.size()));
  }
  for (const auto& [name, entry] : archive.entries())
    check(
        !name.ends_with("models/model.json") && name != "serialized_exported_program.json", ErrorKind::model,
        "is a program that torch.export saved (.pt2), expected a state_dict: save model.state_dict() with torch.save");
  fail(ErrorKind::model, "is a zip archive without data.pkl, not a PyTorch checkpoint");
}

void refuse_torchscript(const ZipArchive& archive, const std::string& prefix) {
  const auto code = archive.entries().lower_bound(prefix + "code/");
  const bool has_code = code != archive.entries().end() && code->first.starts_with(prefix + "code/");
  check(!has_code && !archive.entries().contains(prefix + "constants.pkl"), ErrorKind::model,
        "is a TorchScript program, expected a state_dict: save model.state_dict() with torch.save");
}

}  // namespace

Checkpoint read_torch_zip(const FileBytes& file, const std::string& key) {
  return naming(file.name, [&] {
    ZipArchive archive(file.bytes);
    const std::string prefix = find_prefix(archive);
    refuse_torchscript(archive, prefix);
    if (archive.entries().contains(prefix + "byteorder")) {
      const std::string_view order = text_of(archive.read(prefix + "byteorder"));
      check(order == "little", ErrorKind::model, "has byte order ", in_quotes(order), ", expected 'little'");
    }
    const Pickle pickle(archive.read(prefix + "data.pkl"));
    const auto bytes_of = [&](const TorchStorage& storage) {
      const ByteView bytes = archive.read(cat(prefix, "data/", storage.key));
      const auto expected = static_cast<std::uint64_t>(storage.size) * size_of(storage.dtype);
      check(bytes.size() == expected, ErrorKind::model, "storage ", in_quotes(storage.key), " has ", bytes.size(),
            " bytes, expected ", expected, " for ", storage.size, " x ", storage.dtype);
      return bytes;
    };
    TorchState state = torch_state_dict(pickle, file, bytes_of, key);
    return Checkpoint{std::move(state.tensors), {}, "torch zip", std::move(state.taken), std::move(state.others)};
  });
}

}  // namespace giemsa
