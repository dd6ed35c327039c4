#include "weights/convert/torch_legacy.h"

#include "weights/convert/pickle.h"
#include "weights/convert/torch_state.h"

namespace giemsa {

namespace {

constexpr std::int64_t protocol_version = 1001;
constexpr std::string_view magic_number = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";  // 0x1950a86a20f9469cfc6c

/// Takes one part after the other off the file.
class Stream {
 public:
  explicit Stream(ByteView rest) : rest_(rest), size_(rest.size()) {}

  Pickle pickle(const std::string& what) {
    return naming(what, [&] {
      Pickle result(rest_);
      rest_ = rest_.subspan(result.byte_count());
      return result;
    });
  }

  ByteView take(std::uint64_t size, std::string_view what) {
    check(size <= rest_.size(), ErrorKind::model, what, " takes ", size, " bytes at byte ", size_ - rest_.size(),
          ", the file has ", rest_.size(), " left");
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

 private:
  ByteView rest_;
  std::size_t size_;
};

void read_preamble(Stream& stream) {
  const Pickle magic = stream.pickle("the magic number");
  const auto* number = magic.get_if<Pickle::Bytes>(magic.root());
  check(number && number->raw == magic_number, ErrorKind::model,
        "is a pickle that torch.save did not write: it starts with ", magic.describe(magic.root()),
        ", expected PyTorch's magic number");

  const Pickle version = stream.pickle("the protocol version");
  const auto* found = version.get_if<std::int64_t>(version.root());
  check(found && *found == protocol_version, ErrorKind::model, "the protocol version is ",
        version.describe(version.root()), ", expected ", protocol_version);

  const Pickle system = stream.pickle("the system information");
  const auto items = system.items(system.root());
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const auto* key = system.get_if<std::string_view>(items[i]);
    const auto* value = system.get_if<bool>(items[i + 1]);
    check(!key || *key != "little_endian" || (value && *value), ErrorKind::model,
          "was written on a big-endian machine");
  }
}

/// A storage's extent in the file.
struct Stored {
  std::int64_t size;  ///< in elements
  std::size_t element_size;
};

/// Whether the reference is to a class, of which the pickle holds the source: ('module', class, file, source).
bool is_class(const Pickle& pickle, const Pickle::Persistent& reference) {
  const auto parts = pickle.items(reference.id);
  const auto* kind = parts.empty() ? nullptr : pickle.get_if<std::string_view>(parts[0]);
  return pickle.is(reference.id, Pickle::Container::tuple) && kind && *kind == "module";
}

/// Every storage that the pickle refers to, whether a tensor needs it or not: all of them must be stepped over.
std::map<std::string_view, Stored> find_storages(const Pickle& pickle) {
  std::map<std::string_view, Stored> storages;
  for (Pickle::Id id = 0; id < pickle.node_count(); ++id) {
    const auto* reference = pickle.get_if<Pickle::Persistent>(id);
    if (!reference || is_class(pickle, *reference)) continue;
    const TorchStorageId storage = torch_storage_id(pickle, id);
    const std::optional<std::size_t> element_size = torch_element_size(pickle, storage.type);
    check(element_size.has_value(), ErrorKind::model, "storage ", in_quotes(storage.key), " has the unsupported type ",
          pickle.describe(storage.type));
    const auto parts = pickle.items(reference->id);
    check(parts.size() < 6 || pickle.get_if<Pickle::None>(parts[5]), ErrorKind::model, "storage ",
          in_quotes(storage.key), " is a view of another (PyTorch before 0.4), which is not supported");
    storages.try_emplace(storage.key, Stored{storage.size, *element_size});
  }
  return storages;
}

}  // namespace

Checkpoint read_torch_legacy(const FileBytes& file, const std::string& key) {
  return naming(file.name, [&] {
    Stream stream(file.bytes);
    read_preamble(stream);
    const Pickle object = stream.pickle("the saved object");
    const Pickle keys = stream.pickle("the list of storages");
    check(keys.is(keys.root(), Pickle::Container::list), ErrorKind::model, "the list of storages is ",
          keys.describe(keys.root()));

    const auto storages = find_storages(object);
    std::map<std::string_view, ByteView> bytes_by_key;
    for (Pickle::Id item : keys.items(keys.root())) {
      const auto* listed = keys.get_if<std::string_view>(item);
      const auto storage = listed ? storages.find(*listed) : storages.end();
      check(storage != storages.end(), ErrorKind::model, "the list of storages names ", keys.describe(item),
            ", which no tensor uses");
      const auto& [name, expected] = *storage;
      const auto size = read_le<std::int64_t>(stream.take(sizeof(std::int64_t), "a storage's size"), 0, "");
      check(size == expected.size, ErrorKind::model, "storage ", in_quotes(name), " has ", size, " elements, expected ",
            expected.size);
      const ByteView bytes =
          stream.take(static_cast<std::uint64_t>(size) * expected.element_size, "storage " + in_quotes(name));
      check(bytes_by_key.try_emplace(name, bytes).second, ErrorKind::model, "storage ", in_quotes(name),
            " is there twice");
    }

    const auto bytes_of = [&](const TorchStorage& storage) {
      const auto found = bytes_by_key.find(storage.key);
      check(found != bytes_by_key.end(), ErrorKind::model, "storage ", in_quotes(storage.key), " is not in the file");
      return found->second;
    };
    TorchState state = torch_state_dict(object, file, bytes_of, key);
    return Checkpoint{std::move(state.tensors), {}, "torch legacy", std::move(state.taken), std::move(state.others)};
  });
}

}  // namespace giemsa
