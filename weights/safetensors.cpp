#include "weights/safetensors.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/atomic_file.h"

namespace giemsa {

namespace {

using nlohmann::json;

constexpr std::uint64_t length_size = 8, longest_header = 100'000'000;
constexpr std::pair<std::string_view, DType> dtype_names[] = {
    {"F64", DType::f64}, {"F32", DType::f32}, {"F16", DType::f16}, {"BF16", DType::bf16}, {"I64", DType::i64},
    {"I32", DType::i32}, {"I16", DType::i16}, {"I8", DType::i8},   {"U8", DType::u8},     {"BOOL", DType::boolean}};

DType dtype_named(std::string_view name) {
  for (const auto& [known, dtype] : dtype_names) {
    if (known == name) return dtype;
  }
  fail(ErrorKind::model, "has the unsupported dtype ", in_quotes(name));
}

std::string_view name_of_dtype(DType dtype) {
  return std::ranges::find(dtype_names, dtype, &std::pair<std::string_view, DType>::second)->first;
}

/// A tensor as the header describes it.
struct Entry {
  std::string name;
  DType dtype{};
  Shape shape;
  std::uint64_t begin = 0, end = 0;  // relative to the end of the header
};

/// Reads the header as a stream of events: a JSON tree would drop duplicate keys in silence, and would let a hostile
/// header grow to many times its size.
class HeaderReader : public json::json_sax_t {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool start_object(std::size_t) override {
    if (place_ == Place::start) return go(Place::root);
    if (place_ != Place::root) unexpected("an object");
    if (key_ == "__metadata__") return go(Place::metadata);
    entries.push_back({.name = key_, .dtype = {}, .shape = {}});
    fields_.clear();
    return go(Place::entry);
  }

  bool end_object() override {
    if (place_ == Place::root) return go(Place::end);
    if (place_ == Place::entry) finish_entry();
    return go(Place::root);
  }

  bool key(std::string& name) override {
    if (place_ == Place::metadata) {
      check(metadata.try_emplace(name).second, ErrorKind::model, "metadata key ", in_quotes(name), " appears twice");
    } else {
      std::set<std::string>& seen = place_ == Place::root ? names_ : fields_;
      check(seen.insert(name).second, ErrorKind::model, where(), "key ", in_quotes(name), " appears twice");
    }
    (place_ == Place::root ? key_ : field_) = std::move(name);
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata) {
      metadata[field_] = std::move(text);
    } else if (place_ == Place::entry && field_ == "dtype") {
      entries.back().dtype = naming(where_entry(), [&] { return dtype_named(text); });
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::entry || (field_ != "shape" && field_ != "data_offsets")) unexpected("an array");
    numbers_.clear();
    return go(Place::array);
  }

  bool end_array() override {
    if (field_ == "shape") {
      entries.back().shape = naming(where_entry(), [&] { return Shape(numbers_); });
    } else {
      check(numbers_.size() == 2, ErrorKind::model, where(), "data_offsets holds ", numbers_.size(),
            " numbers, expected 2");
      entries.back().begin = static_cast<std::uint64_t>(numbers_[0]);
      entries.back().end = static_cast<std::uint64_t>(numbers_[1]);
    }
    return go(Place::entry);
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ != Place::array) unexpected("a number");
    check(value <= std::numeric_limits<std::int64_t>::max(), ErrorKind::model, where(), field_, " holds ", value,
          ", beyond any file");
    check(numbers_.size() < Shape::max_rank, ErrorKind::model, where(), field_, " holds more than ", Shape::max_rank,
          " numbers");
    numbers_.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool number_integer(std::int64_t) override { unexpected("a negative number"); }
  bool number_float(double, const std::string&) override { unexpected("a fraction"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool null() override { unexpected("null"); }
  bool binary(json::binary_t&) override { unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    fail(ErrorKind::model, "the header is not valid JSON at byte ", length_size + position);
  }

 private:
  enum class Place { start, root, metadata, entry, array, end };

  bool go(Place place) {
    place_ = place;
    return true;
  }

  std::string where_entry() const { return cat("tensor ", in_quotes(entries.back().name)); }
  std::string where() const { return place_ == Place::entry || place_ == Place::array ? where_entry() + ": " : ""; }

  [[noreturn]] void unexpected(std::string_view what) const {
    if (place_ == Place::start) fail(ErrorKind::model, "the header holds ", what, ", expected an object");
    fail(ErrorKind::model, where(), "key ", in_quotes(place_ == Place::root ? key_ : field_), " holds ", what,
         " where the format has none");
  }

  void finish_entry() {
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      check(fields_.contains(field), ErrorKind::model, where(), "has no ", field);
    }
    const Entry& entry = entries.back();
    naming(where_entry(), [&] {
      const auto expected = static_cast<std::uint64_t>(entry.shape.volume()) * size_of(entry.dtype);
      check(entry.begin <= entry.end && entry.end - entry.begin == expected, ErrorKind::model, "data_offsets ",
            entry.begin, "..", entry.end, " do not hold the ", expected, " bytes of a ", entry.dtype, " tensor ",
            entry.shape);
    });
  }

  Place place_ = Place::start;
  std::string key_, field_;  // of the root; of the entry or the metadata
  std::set<std::string> names_, fields_;
  std::vector<std::int64_t> numbers_;
};

TensorFile read_named(const FileBytes& file) {
  const auto header_size = read_le<std::uint64_t>(file.bytes, 0, "the header length");
  check(header_size <= longest_header, ErrorKind::model, "the header claims ", header_size, " bytes, the limit is ",
        longest_header);
  const ByteView header = slice(file.bytes, length_size, header_size, "the header");
  check(!header.empty() && header.front() == std::byte{'{'}, ErrorKind::model, "the header does not start with '{'");

  HeaderReader reader;
  json::sax_parse(text_of(header), &reader);

  const ByteView data = file.bytes.subspan(length_size + header_size);
  std::ranges::sort(reader.entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  std::uint64_t covered = 0;
  TensorFile result;
  for (const Entry& entry : reader.entries) {
    check(entry.begin == covered, ErrorKind::model, "tensor ", in_quotes(entry.name), " starts at data byte ",
          entry.begin, ", expected ", covered, " (no holes, no overlap)");
    check(entry.end <= data.size(), ErrorKind::model, "tensor ", in_quotes(entry.name), " ends at data byte ",
          entry.end, ", the file holds ", data.size());
    covered = entry.end;
    const ByteView bytes = data.subspan(entry.begin, entry.end - entry.begin);
    result.tensors.emplace(entry.name,
                           Tensor(entry.dtype, entry.shape, view_or_copy(file, bytes, size_of(entry.dtype))));
  }
  check(covered == data.size(), ErrorKind::model, "the tensors end at data byte ", covered, ", the file holds ",
        data.size());
  result.metadata = std::move(reader.metadata);
  return result;
}

std::string make_header(const std::vector<const std::pair<const std::string, Tensor>*>& order,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t end = 0;
  for (const auto* entry : order) {
    const auto& [name, tensor] = *entry;
    const std::uint64_t begin = end;
    end += tensor.byte_size();
    header[name] = {
        {"dtype", name_of_dtype(tensor.dtype())}, {"shape", tensor.shape().extents()}, {"data_offsets", {begin, end}}};
  }
  try {
    return header.dump();
  } catch (const json::type_error&) {
    fail(ErrorKind::output, "a tensor's name or the metadata is not valid UTF-8");
  }
}

}  // namespace

TensorFile read_safetensors(const std::filesystem::path& path) {
  return read_safetensors(map_file(path));
}

TensorFile read_safetensors(const FileBytes& file) {
  return naming(file.name, [&] { return read_named(file); });
}

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  constexpr std::size_t alignment = 64;  // a cache line, and what every vector load likes
  naming(path.string(), [&] {
    std::vector<const std::pair<const std::string, Tensor>*> order;
    for (const auto& entry : tensors) {
      check(entry.first != "__metadata__" && entry.second, ErrorKind::output, "cannot store a tensor ",
            in_quotes(entry.first));
      order.push_back(&entry);
    }
    // Those first that leave the next one aligned.
    std::ranges::stable_sort(order, std::ranges::less{}, [](auto* entry) {
      return std::pair(entry->second.byte_size() % alignment != 0, -static_cast<int>(size_of(entry->second.dtype())));
    });

    std::string header = make_header(order, metadata);
    header.append((alignment - (length_size + header.size()) % alignment) % alignment, ' ');
    const std::uint64_t header_size = header.size();
    check(header_size <= longest_header, ErrorKind::output, "the header takes ", header_size, " bytes, the limit is ",
          longest_header);

    AtomicFile file(path);
    file.write(std::as_bytes(std::span(&header_size, 1)));
    file.write(std::as_bytes(std::span(header)));
    for (const auto* entry : order) file.write(entry->second.bytes());
    file.commit();
  });
}

}  // namespace giemsa
