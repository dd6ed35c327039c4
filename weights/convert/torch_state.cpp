#include "weights/convert/torch_state.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace giemsa {

namespace {

using Id = Pickle::Id;

constexpr std::pair<std::string_view, DType> storage_types[] = {
    {"DoubleStorage", DType::f64},    {"FloatStorage", DType::f32}, {"HalfStorage", DType::f16},
    {"BFloat16Storage", DType::bf16}, {"LongStorage", DType::i64},  {"IntStorage", DType::i32},
    {"ShortStorage", DType::i16},     {"CharStorage", DType::i8},   {"ByteStorage", DType::u8},
    {"BoolStorage", DType::boolean}};

/// The node as a T; throws, naming `role`, where it is something else.
template <class T>
T expect(const Pickle& pickle, Id id, std::string_view role) {
  const T* value = pickle.get_if<T>(id);
  check(value != nullptr, ErrorKind::model, role, " is ", pickle.describe(id));
  return *value;
}

std::span<const Id> expect_tuple(const Pickle& pickle, Id id, std::size_t least, std::string_view role) {
  check(pickle.is(id, Pickle::Container::tuple), ErrorKind::model, role, " is ", pickle.describe(id),
        ", expected a tuple");
  const std::span<const Id> items = pickle.items(id);
  check(items.size() >= least, ErrorKind::model, role, " has ", items.size(), " items, expected at least ", least);
  return items;
}

std::vector<std::int64_t> expect_integers(const Pickle& pickle, Id id, std::string_view role) {
  std::vector<std::int64_t> values;
  for (Id item : expect_tuple(pickle, id, 0, role)) {
    check(values.size() < Shape::max_rank, ErrorKind::model, role, " has more than ", Shape::max_rank, " dimensions");
    values.push_back(expect<std::int64_t>(pickle, item, role));
  }
  return values;
}

/// A tensor's place in its storage, in elements.
struct Layout {
  std::int64_t offset;
  Shape shape;
  std::vector<std::int64_t> strides;

  bool contiguous() const {
    if (shape.volume() == 0) return true;
    std::int64_t expected = 1;
    for (int i = shape.rank() - 1; i >= 0; --i) {
      if (shape[i] != 1 && strides[i] != expected) return false;
      expected *= shape[i];
    }
    return true;
  }
};

/// Fails unless every element of the layout lies in a storage of `size` elements, and the layout has no more elements
/// than that or, where a stride of 0 repeats some, than `most`: it could ask for any amount of memory.
void check_layout(const Layout& layout, std::int64_t size, std::int64_t most) {
  check(static_cast<int>(layout.strides.size()) == layout.shape.rank(), ErrorKind::model, "has ", layout.strides.size(),
        " strides for shape ", layout.shape);
  check(layout.offset >= 0 && layout.offset <= size, ErrorKind::model, "starts at element ", layout.offset,
        " of a storage of ", size);
  const std::int64_t volume = layout.shape.volume();
  const bool repeats = std::ranges::count(layout.strides, 0) > 0;
  check(volume <= (repeats ? std::max(size, most) : size), ErrorKind::model, "has shape ", layout.shape,
        " over a storage of ", size, " elements");
  if (volume == 0) return;
  std::int64_t last = layout.offset;
  for (int i = 0; i < layout.shape.rank(); ++i) {
    const std::int64_t stride = layout.strides[i];
    check(stride >= 0, ErrorKind::model, "has the negative stride ", stride);
    const std::int64_t steps = layout.shape[i] - 1;
    check(steps == 0 || stride <= (size - 1 - last) / steps, ErrorKind::model, "of shape ", layout.shape,
          " reaches past the end of a storage of ", size, " elements");
    last += steps * stride;
  }
  check(last < size, ErrorKind::model, "starts at the end of a storage of ", size, " elements");
}

/// The elements of a strided layout in row-major order.
std::shared_ptr<const std::byte> gathered(const std::byte* storage, const Layout& layout, std::size_t element_size) {
  const auto volume = static_cast<std::size_t>(layout.shape.volume());
  std::shared_ptr<std::byte[]> copy(new std::byte[volume * element_size]);
  std::array<std::int64_t, Shape::max_rank> index{};
  std::int64_t from = layout.offset;
  for (std::size_t to = 0; to < volume; ++to) {
    std::memcpy(&copy[to * element_size], storage + static_cast<std::size_t>(from) * element_size, element_size);
    for (int i = layout.shape.rank() - 1; i >= 0; --i) {  // to the next index, as an odometer turns
      if (layout.shape[i] == 1) continue;                 // its stride says nothing and may be anything
      from += layout.strides[i];
      if (++index[i] < layout.shape[i]) break;
      from -= layout.strides[i] * layout.shape[i];
      index[i] = 0;
    }
  }
  return {copy, copy.get()};
}

class StateDictReader {
 public:
  StateDictReader(const Pickle& pickle, const FileBytes& file, const TorchStorageBytes& bytes_of)
      : pickle_(pickle), file_(file), bytes_of_(bytes_of) {}

  TorchState read(const std::string& wanted) {
    for (const auto& [key, value] : find_state_dict(wanted)) {
      if (!is_tensor(value)) continue;
      const std::string name(key);
      naming("tensor " + in_quotes(name), [&, id = value] {
        check(state_.tensors.try_emplace(name, tensor(id)).second, ErrorKind::model, "is there twice");
      });
    }
    return std::move(state_);
  }

 private:
  using Entry = std::pair<std::string_view, Id>;
  using Entries = std::vector<Entry>;

  // ---- finding the state_dict ----

  bool is_dict(Id id) const {
    const auto* call = pickle_.get_if<Pickle::Call>(id);
    return pickle_.is(id, Pickle::Container::dict) ||
           (call && pickle_.is_global(call->callable, "collections", "OrderedDict"));
  }

  /// What a container holds. A hostile file may refer to a huge one very often.
  std::span<const Id> visited(std::span<const Id> items) const {
    constexpr std::size_t most_visited = 20 * Pickle::most_opcodes;
    visited_ += items.size();
    check(visited_ <= most_visited, ErrorKind::model, "refers to its dicts of many entries too often");
    return items;
  }

  /// A dict's entries with text for a key.
  Entries entries(Id dict) const {
    Entries result;
    const std::span<const Id> items = visited(pickle_.items(dict));
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (const auto* key = pickle_.get_if<std::string_view>(items[i])) result.emplace_back(*key, items[i + 1]);
    }
    return result;
  }

  // ---- whole modules ----

  /// The attributes of an object, if it has any by name.
  Entries attributes(Id object) const {
    const std::optional<Id> state = pickle_.get_if<Pickle::Call>(object) ? pickle_.state(object) : std::nullopt;
    return state && is_dict(*state) ? entries(*state) : Entries{};
  }

  /// What lies under `key`, if it is a dict.
  Entries dict_in(const Entries& attributes, std::string_view key) const {
    for (const auto& [name, value] : attributes)
      if (name == key && is_dict(value)) return entries(value);
    return {};
  }

  /// Whether the object is what torch.save makes of an nn.Module: its class is of no concern.
  bool is_module(Id id) const {
    return std::ranges::any_of(attributes(id),
                               [&](const Entry& entry) { return entry.first == "_modules" && is_dict(entry.second); });
  }

  /// What is in a set: one of a pickle, or a call of `set` with a list, as pickles of protocol 2 have it.
  std::span<const Id> members(Id set) const {
    const auto* call = pickle_.get_if<Pickle::Call>(set);
    const bool is_set = call && (pickle_.is_global(call->callable, "__builtin__", "set") ||
                                 pickle_.is_global(call->callable, "builtins", "set"));
    if (!is_set) return pickle_.items(set);
    const std::span<const Id> arguments = pickle_.items(call->arguments);
    return arguments.empty() ? arguments : pickle_.items(arguments[0]);
  }

  Entries module_entries(Id module) {
    Entries found;
    collect(module, "", 0, found);
    return found;
  }

  /// Appends the entries that the module's state_dict would have.
  void collect(Id module, const std::string& prefix, std::size_t depth, Entries& found) {
    constexpr std::size_t most_modules = 100'000;  // a hostile file may refer to one module very often
    check(depth <= Pickle::deepest_nesting && ++modules_ <= most_modules, ErrorKind::model,
          "holds a module of more than ", most_modules, " modules, or deeper than ", Pickle::deepest_nesting);
    const Entries all = attributes(module);
    std::set<std::string_view> passing;  // buffers that no state_dict has
    for (const auto& [key, value] : all)
      if (key == "_non_persistent_buffers_set")
        for (Id name : visited(members(value)))
          if (const auto* text = pickle_.get_if<std::string_view>(name)) passing.insert(*text);
    for (const auto& [key, value] : dict_in(all, "_parameters"))
      if (is_tensor(value)) found.emplace_back(name_below(prefix, key), value);
    for (const auto& [key, value] : dict_in(all, "_buffers"))
      if (is_tensor(value) && !passing.contains(key)) found.emplace_back(name_below(prefix, key), value);
    for (const auto& [key, value] : dict_in(all, "_modules"))
      if (is_module(value)) collect(value, cat(name_below(prefix, key), '.'), depth + 1, found);
  }

  /// Modules that a hostile file refers to very often could make any number of long names.
  std::string_view name_below(const std::string& prefix, std::string_view key) {
    named_ += prefix.size() + key.size();
    check(named_ <= Pickle::most_bytes, ErrorKind::model, "holds modules whose names take more than ",
          Pickle::most_bytes, " bytes");
    return names_.emplace_back(cat(prefix, key));
  }

  bool holds_tensors(const Entries& dict) const {
    return std::ranges::any_of(dict, [&](const auto& entry) { return is_tensor(entry.second); });
  }

  Entries find_state_dict(const std::string& wanted) {
    constexpr int most_wrappers = 4;
    Id dict = pickle_.root();
    for (int depth = 0; depth < most_wrappers; ++depth) {
      if (is_module(dict)) return module_entries(dict);
      check_dict(dict);
      Entries found = entries(dict);
      if (depth == 0 && !wanted.empty()) {
        dict = take(found, find_wanted(found, wanted));
      } else if (const Entry* inner = find_wrapped(found)) {
        dict = take(found, *inner);
      } else if (holds_tensors(found)) {
        return found;
      } else {
        dict = only_dict_of_tensors(found);
      }
    }
    fail(ErrorKind::model, "wraps its state_dict more than ", most_wrappers, " times");
  }

  void check_dict(Id id) const {
    check(is_dict(id), ErrorKind::model, "holds ", pickle_.describe(id),
          ", expected a state_dict: save model.state_dict(), not the model itself");
  }

  /// What lies under `entry`; notes which other entries of `dict` hold weights too.
  Id take(const Entries& dict, const Entry& entry) {
    const std::size_t enough = tensor_count(entry.second);
    if (state_.taken.empty()) state_.taken = entry.first;
    for (const auto& [key, value] : dict)
      if (value != entry.second && enough > 0 && 2 * tensor_count(value) >= enough) state_.others.emplace_back(key);
    return entry.second;
  }

  /// Tensors of a module, or directly in a dict; 0: it is neither.
  std::size_t tensor_count(Id id) {
    if (is_module(id)) return module_entries(id).size();
    if (!is_dict(id)) return 0;
    return static_cast<std::size_t>(
        std::ranges::count_if(entries(id), [&](const Entry& entry) { return is_tensor(entry.second); }));
  }

  const Entry& find_wanted(const Entries& dict, const std::string& wanted) {
    std::string keys;
    for (const Entry& entry : dict) {
      if (entry.first == wanted) return wanted_ = entry;
      if (keys.size() < 200) keys += (keys.empty() ? "" : ", ") + in_quotes(entry.first);
    }
    fail(ErrorKind::model, "has no key ", in_quotes(wanted), "; its keys: ", keys.empty() ? "none" : keys);
  }

  /// Whether it is a module, a dict of tensors, or a dict that holds one of these.
  bool holds_weights(Id id) const {
    const auto directly = [&](Id inner) {
      return is_module(inner) || (is_dict(inner) && holds_tensors(entries(inner)));
    };
    return directly(id) || (is_dict(id) && std::ranges::any_of(entries(id), [&](const Entry& entry) {
                              return directly(entry.second);
                            }));
  }

  /// What lies under the first wrapper key that holds weights, or else under the first that holds a dict or an object.
  const Entry* find_wrapped(const Entries& dict) const {
    const Entry* result = nullptr;
    for (std::string_view wrapper : {"model_ema", "state_dict_ema", "ema_state_dict", "ema_model", "ema", "model_state",
                                     "state_dict", "model_state_dict", "model", "net"}) {
      for (const Entry& entry : dict) {
        const auto& [key, value] = entry;
        if (key != wrapper || is_tensor(value)) continue;
        if (holds_weights(value)) return &entry;
        if (!result && (is_dict(value) || pickle_.get_if<Pickle::Call>(value))) result = &entry;
      }
    }
    return result;
  }

  Id only_dict_of_tensors(const Entries& dict) const {
    std::set<Id> seen;  // a hostile file may refer to one huge dict very often
    std::vector<Id> candidates;
    std::string keys;
    for (const auto& [key, value] : dict) {
      if (is_dict(value) && seen.insert(value).second && holds_tensors(entries(value))) candidates.push_back(value);
      if (keys.size() < 200) keys += (keys.empty() ? "" : ", ") + in_quotes(key);
    }
    check(candidates.size() == 1, ErrorKind::model, "holds ", candidates.size(),
          " dicts of tensors, expected one; its keys: ", keys.empty() ? "none" : keys);
    return candidates[0];
  }

  // ---- rebuilding tensors ----

  /// Whether the value is what torch rebuilds a tensor by; tensor() may yet find that it cannot.
  bool is_tensor(Id id) const {
    const auto* call = pickle_.get_if<Pickle::Call>(id);
    const auto* global = call ? pickle_.get_if<Pickle::Global>(call->callable) : nullptr;
    return global && pickle_.get_if<std::string_view>(global->module)->starts_with("torch.") &&
           pickle_.get_if<std::string_view>(global->name)->starts_with("_rebuild_");
  }

  Tensor tensor(Id id) {
    const auto call = expect<Pickle::Call>(pickle_, id, "its data");
    return rebuild(call.callable, call.arguments);
  }

  Tensor rebuild(Id callable, Id arguments) {
    const auto is = [&](std::string_view name) { return pickle_.is_global(callable, "torch._utils", name); };
    if (is("_rebuild_parameter") || is("_rebuild_parameter_with_state")) {  // (data, requires_grad, ...)
      return tensor(expect_tuple(pickle_, arguments, 1, "its parameter")[0]);
    }
    if (pickle_.is_global(callable, "torch._tensor", "_rebuild_from_type_v2")) {  // (function, type, arguments, state)
      const auto parts = expect_tuple(pickle_, arguments, 3, "its type");
      return rebuild(parts[0], parts[2]);
    }
    check(is("_rebuild_tensor_v2") || is("_rebuild_tensor"), ErrorKind::model, "is rebuilt by ",
          pickle_.describe(callable), ", which is not supported");
    const auto parts = expect_tuple(pickle_, arguments, 4, "its description");  // (storage, offset, size, stride, ...)
    return view(torch_storage(pickle_, parts[0]), {expect<std::int64_t>(pickle_, parts[1], "its offset"),
                                                   Shape(expect_integers(pickle_, parts[2], "its size")),
                                                   expect_integers(pickle_, parts[3], "its stride")});
  }

  Tensor view(const TorchStorage& storage, const Layout& layout) {
    const std::size_t element_size = size_of(storage.dtype);
    check_layout(layout, storage.size, static_cast<std::int64_t>(file_.bytes.size() / element_size));
    const std::shared_ptr<const std::byte>& data = load(storage);
    if (layout.contiguous()) {
      return Tensor(
          storage.dtype, layout.shape,
          std::shared_ptr<const std::byte>(data, data.get() + static_cast<std::size_t>(layout.offset) * element_size));
    }
    // Many strided views of one storage could ask for any amount of memory.
    copied_ += static_cast<std::size_t>(layout.shape.volume()) * element_size;
    check(copied_ <= file_.bytes.size(), ErrorKind::model, "and those before it unpack to more than the whole file's ",
          file_.bytes.size(), " bytes");
    return Tensor(storage.dtype, layout.shape, gathered(data.get(), layout, element_size));
  }

  const std::shared_ptr<const std::byte>& load(const TorchStorage& storage) {
    const auto [found, added] = loaded_.try_emplace(storage.key, storage, nullptr);
    auto& [first_seen, data] = found->second;
    check(first_seen == storage, ErrorKind::model, "sees storage ", in_quotes(storage.key), " as ", storage.size, " x ",
          storage.dtype, ", another tensor as ", first_seen.size, " x ", first_seen.dtype);
    if (added) data = view_or_copy(file_, bytes_of_(storage), size_of(storage.dtype));
    return data;
  }

  const Pickle& pickle_;
  const FileBytes& file_;
  const TorchStorageBytes& bytes_of_;
  std::map<std::string_view, std::pair<TorchStorage, std::shared_ptr<const std::byte>>> loaded_;
  std::size_t copied_ = 0;
  TorchState state_;
  Entry wanted_;
  std::deque<std::string> names_;  // of a module's tensors
  std::size_t modules_ = 0, named_ = 0;
  mutable std::size_t visited_ = 0;
};

}  // namespace

TorchStorageId torch_storage_id(const Pickle& pickle, Pickle::Id persistent) {
  const auto reference = expect<Pickle::Persistent>(pickle, persistent, "a tensor's storage");
  const auto parts = expect_tuple(pickle, reference.id, 5, "a storage's id");
  check(expect<std::string_view>(pickle, parts[0], "a storage's id") == "storage", ErrorKind::model,
        "a storage's id starts with ", pickle.describe(parts[0]), ", expected 'storage'");
  const auto key = expect<std::string_view>(pickle, parts[2], "a storage's key");
  const auto size = expect<std::int64_t>(pickle, parts[4], "a storage's size");
  check(size >= 0 && size <= (std::int64_t{1} << 59), ErrorKind::model, "storage ", in_quotes(key), " claims ", size,
        " elements");
  return {key, size, parts[1]};
}

std::optional<std::size_t> torch_element_size(const Pickle& pickle, Pickle::Id type) {
  constexpr std::pair<std::string_view, std::size_t> others[] = {
      {"ComplexHalfStorage", 4}, {"ComplexFloatStorage", 8}, {"ComplexDoubleStorage", 16}, {"QInt8Storage", 1},
      {"QUInt8Storage", 1},      {"QInt32Storage", 4},       {"UntypedStorage", 1},
  };
  for (const auto& [name, dtype] : storage_types)
    if (pickle.is_global(type, "torch", name)) return size_of(dtype);
  for (const auto& [name, size] : others)
    if (pickle.is_global(type, "torch", name)) return size;
  return {};
}

TorchStorage torch_storage(const Pickle& pickle, Pickle::Id persistent) {
  const TorchStorageId id = torch_storage_id(pickle, persistent);
  for (const auto& [name, dtype] : storage_types) {
    if (pickle.is_global(id.type, "torch", name)) return {id.key, dtype, id.size};
  }
  fail(ErrorKind::model, "storage ", in_quotes(id.key), " has the unsupported type ", pickle.describe(id.type));
}

TorchState torch_state_dict(const Pickle& pickle, const FileBytes& file, const TorchStorageBytes& bytes_of,
                            const std::string& key) {
  return StateDictReader(pickle, file, bytes_of).read(key);
}

}  // namespace giemsa
