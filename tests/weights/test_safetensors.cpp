#include "weights/safetensors.h"

#include "tests/weights/bytes.h"

namespace giemsa {
namespace {

using namespace testing;

std::string with_header(std::string_view header, std::size_t data_size) {
  return le<std::uint64_t>(header.size()) + std::string(header) + std::string(data_size, 'd');
}

std::string safetensors_refusal(std::string_view content) {
  return error_of([&] { read_safetensors(in_memory(content, "m.safetensors")); });
}

std::string safetensors_refusal(std::string_view header, std::size_t data_size) {
  return safetensors_refusal(with_header(header, data_size));
}

TEST_CASE("what is written is read back, as views, whatever the element type and shape") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "m.safetensors";
  const std::map<std::string, Tensor> tensors = {
      {"a.bytes", Tensor::from<std::uint8_t>(DType::u8, {3}, {1, 2, 3})},
      {"b.flags", Tensor::from<std::uint8_t>(DType::boolean, {1, 2}, {1, 0})},
      {"c.half", Tensor::from<std::uint16_t>(DType::f16, {1}, {0x3c00})},
      {"d.brain", Tensor::from<std::uint16_t>(DType::bf16, {1}, {0x3f80})},
      {"e.float", Tensor::from({2, 2}, {1, 2, 3, 4})},
      {"f.double", Tensor::from<double>(DType::f64, {}, {0.1})},
      {"g.long", Tensor::from<std::int64_t>(DType::i64, {1}, {-7})},
      {"h.int", Tensor::from<std::int32_t>(DType::i32, {1}, {-7})},
      {"i.short", Tensor::from<std::int16_t>(DType::i16, {1}, {-7})},
      {"j.char", Tensor::from<std::int8_t>(DType::i8, {1}, {-7})},
      {"k.empty \"\xc3\xa9\"", Tensor(DType::f32, {0, 4}, std::make_shared<std::byte>())},
  };
  const std::map<std::string, std::string> metadata = {{"arch", "alexnet"}, {"quote\n", "\"\\"}};
  write_safetensors(path, tensors, metadata);

  const TensorFile read = read_safetensors(path);
  CHECK(read.metadata == metadata);
  REQUIRE(read.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    CAPTURE(name);
    REQUIRE(read.tensors.contains(name));
    const Tensor& found = read.tensors.at(name);
    CHECK(found.dtype() == tensor.dtype());
    CHECK(found.shape() == tensor.shape());
    CHECK(std::ranges::equal(found.bytes(), tensor.bytes()));
    CHECK(reinterpret_cast<std::uintptr_t>(found.bytes().data()) % size_of(found.dtype()) == 0);
  }

  SUBCASE("the same input gives the same bytes, with the data at a multiple of 64") {
    const std::string first = content_of(path);
    std::uint64_t header = 0;
    std::memcpy(&header, first.data(), 8);
    CHECK((8 + header) % 64 == 0);
    write_safetensors(path, tensors, metadata);
    CHECK(content_of(path) == first);
  }
  SUBCASE("a file may be rewritten from its own views") {
    write_safetensors(path, read.tensors, {});
    CHECK(std::ranges::equal(read_safetensors(path).tensors.at("e.float").bytes(), tensors.at("e.float").bytes()));
    CHECK(std::ranges::equal(read.tensors.at("e.float").bytes(), tensors.at("e.float").bytes()));
  }
  SUBCASE("nothing else is left in the folder") {
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  }
  SUBCASE("every cut and every flipped bit gives an error or a whole checkpoint") {
    const std::string whole = content_of(path);
    for (std::size_t size = 0; size < whole.size(); ++size)
      CHECK(safetensors_refusal(std::string_view(whole).substr(0, size)) != "");
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (char flip : {'\x01', '\x20', '\x80'}) {
        std::string damaged = whole;
        damaged[at] ^= flip;
        safetensors_refusal(damaged);
      }
    }
  }
}

TEST_CASE("a file without tensors is a file") {
  CHECK(read_safetensors(in_memory(with_header("{}", 0))).tensors.empty());
  CHECK(read_safetensors(in_memory(with_header("{}   ", 0))).tensors.empty());
}

TEST_CASE("misaligned tensors are copied to where their type can be read") {
  const std::string header =
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  const std::string content = le<std::uint64_t>(header.size()) + header + "\x07" + le(1.5f);
  for (std::size_t shift = 0; shift < 4; ++shift) {
    const FileBytes moved = in_memory(std::string(shift, ' ') + content);
    const TensorFile read = read_safetensors(FileBytes{"moved", moved.bytes.subspan(shift), moved.owner});
    CHECK(read.tensors.at("f").as<float>()[0] == 1.5f);
    CHECK(reinterpret_cast<std::uintptr_t>(read.tensors.at("f").bytes().data()) % 4 == 0);
  }
}

TEST_CASE("tensors of whole cache lines are written to whole cache lines, whatever lies beside them") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "m.safetensors";
  const auto bytes = [](std::size_t count) {
    return Tensor::from(DType::i8, Shape{static_cast<std::int64_t>(count)}, std::vector<std::int8_t>(count));
  };
  write_safetensors(path,
                    {{"a", Tensor::from({5}, {1, 2, 3, 4, 5})},
                     {"b", bytes(128)},
                     {"c", bytes(3)},
                     {"d", Tensor::from(Shape{16}, std::vector<float>(16))},
                     {"e", bytes(64)}},
                    {});
  const TensorFile read = read_safetensors(path);
  for (const char* name : {"b", "d", "e"})
    CHECK(reinterpret_cast<std::uintptr_t>(read.tensors.at(name).bytes().data()) % 64 == 0);
}

TEST_CASE("tensors keep the bytes alive that they view") {
  Tensor kept;
  {
    const std::string header = R"({"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
    kept = read_safetensors(in_memory(with_header(header, 2))).tensors.at("t");
  }
  CHECK(kept.as<std::uint8_t>()[1] == 'd');
}

TEST_CASE("each rule of the format is enforced, with the file's name in front") {
  CHECK(contains(safetensors_refusal(""), "m.safetensors: the header length"));
  CHECK(contains(safetensors_refusal(le<std::uint64_t>(100'000'001) + "{}"),
                 "claims 100000001 bytes, the limit is 100000000"));
  CHECK(contains(safetensors_refusal(le<std::uint64_t>(~0ull) + "{}"), "the limit is 100000000"));
  CHECK(contains(safetensors_refusal(le<std::uint64_t>(3) + "{}"),
                 "the header of 3 bytes at byte 8 reaches past the end"));
  CHECK(contains(safetensors_refusal("", 0), "does not start with '{'"));
  CHECK(contains(safetensors_refusal(" {}", 0), "does not start with '{'"));
  CHECK(contains(safetensors_refusal("{", 0), "not valid JSON"));
  CHECK(contains(safetensors_refusal("{}x", 0), "not valid JSON"));
  CHECK(contains(safetensors_refusal("{\"\xff\":1}", 0), "not valid JSON"));
  CHECK(contains(safetensors_refusal("{}", 1), "the tensors end at data byte 0, the file holds 1"));

  const auto entry = [](const char* dtype, const char* shape, const char* offsets) {
    return cat(R"({"dtype":")", dtype, R"(","shape":)", shape, R"(,"data_offsets":)", offsets, "}");
  };
  const auto one = [&](const std::string& value, std::size_t data_size) {
    return safetensors_refusal(R"({"t":)" + value + "}", data_size);
  };
  CHECK(one(entry("F32", "[]", "[0,4]"), 4) == "");
  CHECK(one(entry("F32", "[2,0]", "[0,0]"), 0) == "");
  CHECK(contains(one(entry("F8_E4M3", "[]", "[0,1]"), 1), "tensor 't': has the unsupported dtype 'F8_E4M3'"));
  CHECK(contains(one(entry("F32", "[]", "[0,5]"), 5), "do not hold the 4 bytes of a fp32 tensor {}"));
  CHECK(contains(one(entry("F32", "[]", "[4,0]"), 4), "do not hold"));
  CHECK(contains(one(entry("F32", "[]", "[0,4]"), 3), "ends at data byte 4, the file holds 3"));
  CHECK(contains(one(entry("F32", "[]", "[1,5]"), 5), "starts at data byte 1, expected 0"));
  CHECK(contains(one(entry("U8", "[4611686018427387904,4]", "[0,0]"), 0), "overflows"));
  CHECK(contains(one(entry("U8", "[9223372036854775808]", "[0,0]"), 0), "beyond any file"));
  CHECK(contains(one(entry("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1), "more than 8"));
  CHECK(contains(one(entry("U8", "[-1]", "[0,1]"), 1), "a negative number"));
  CHECK(contains(one(entry("U8", "[1.0]", "[0,1]"), 1), "a fraction"));
  CHECK(contains(one(entry("U8", "[1e30]", "[0,1]"), 1), "a fraction"));
  CHECK(contains(one(entry("U8", "[[1]]", "[0,1]"), 1), "an array where"));
  CHECK(contains(one(entry("U8", "[null]", "[0,1]"), 1), "null"));
  CHECK(contains(one(entry("U8", "[true]", "[0,1]"), 1), "a boolean"));
  CHECK(contains(one(entry("U8", "[1]", "[0]"), 1), "data_offsets holds 1 numbers"));
  CHECK(contains(one(entry("U8", "[1]", "[0,1,2]"), 1), "data_offsets holds 3 numbers"));
  CHECK(contains(one(entry("U8", "7", "[0,1]"), 1), "a number"));
  CHECK(contains(one(entry("U8", "{}", "[0,1]"), 1), "an object"));
  CHECK(contains(one(R"({"dtype":"U8","shape":[1]})", 1), "has no data_offsets"));
  CHECK(contains(one(R"({"dtype":7,"shape":[1],"data_offsets":[0,1]})", 1), "a number"));
  CHECK(contains(one("7", 0), "a number"));
  CHECK(contains(one("[7]", 0), "an array"));
}

TEST_CASE("duplicates are refused at every level") {
  const std::string a = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})",
                    b = R"({"dtype":"U8","shape":[1],"data_offsets":[1,2]})";
  CHECK(contains(safetensors_refusal(R"({"t":)" + a + R"(,"t":)" + b + "}", 2), "key 't' appears twice"));
  CHECK(contains(safetensors_refusal(R"({"t":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
                 "key 'dtype' appears twice"));
  CHECK(contains(safetensors_refusal(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "metadata key 'k' appears twice"));
  CHECK(
      contains(safetensors_refusal(R"({"__metadata__":{},"__metadata__":{}})", 0), "key '__metadata__' appears twice"));
}

TEST_CASE("metadata hold texts only") {
  CHECK(read_safetensors(in_memory(with_header(R"({"__metadata__":{"k":"v"}})", 0))).metadata.at("k") == "v");
  CHECK(contains(safetensors_refusal(R"({"__metadata__":{"k":1}})", 0), "key 'k' holds a number"));
  CHECK(contains(safetensors_refusal(R"({"__metadata__":{"k":{}}})", 0), "key 'k' holds an object"));
  CHECK(contains(safetensors_refusal(R"({"__metadata__":"v"})", 0), "key '__metadata__' holds a string"));
}

TEST_CASE("overlaps and holes are refused") {
  const auto two = [&](const char* first, const char* second) {
    return safetensors_refusal(cat(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)", first,
                                   R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)", second, "}}"),
                               4);
  };
  CHECK(two("[0,2]", "[2,4]") == "");
  CHECK(two("[2,4]", "[0,2]") == "");
  CHECK(contains(two("[0,2]", "[1,3]"), "tensor 'b' starts at data byte 1, expected 2"));
  CHECK(contains(two("[0,2]", "[0,2]"), "tensor 'b' starts at data byte 0, expected 2"));
  CHECK(contains(two("[0,2]", "[3,5]"), "tensor 'b' starts at data byte 3, expected 2"));
}

TEST_CASE("names that would break the line are escaped in errors") {
  CHECK(contains(safetensors_refusal("{\"a\\nb\\u001b[31m\":7}", 0), "'a\\x0ab\\x1b[31m'"));
}

TEST_CASE("what cannot be written is an output error, and leaves what was there") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.file("m.safetensors", "old");
  const std::map<std::string, Tensor> good = {{"t", Tensor::from({1}, {1})}};
  const auto refused = [&](const std::filesystem::path& to, const std::map<std::string, Tensor>& tensors) {
    return error_of([&] { write_safetensors(to, tensors, {}); }, ErrorKind::output);
  };
  CHECK(contains(refused(path, {{"\xff", good.at("t")}}), "not valid UTF-8"));
  CHECK(contains(refused(path, {{"absent", Tensor()}}), "cannot store a tensor 'absent'"));
  CHECK(contains(refused(path, {{"__metadata__", good.at("t")}}), "cannot store"));
  CHECK(
      contains(refused(folder.path() / "missing" / "m.safetensors", good), "missing/m.safetensors: cannot be written"));
  std::filesystem::create_directory(folder.path() / "taken");
  CHECK(contains(refused(folder.path() / "taken", good), "cannot be replaced"));
  CHECK(content_of(path) == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

}  // namespace
}  // namespace giemsa
