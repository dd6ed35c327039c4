// Checkpoints that real PyTorch wrote (tools/torch_fixtures.py), whole and damaged.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "tests/weights/bytes.h"
#include "weights/convert/checkpoint.h"

namespace giemsa {
namespace {

using namespace testing;

std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures())) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  REQUIRE(names.size() >= 9);
  return names;
}

std::string hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (std::byte byte : bytes) {
    result += digits[static_cast<std::size_t>(byte) >> 4];
    result += digits[static_cast<std::size_t>(byte) & 15];
  }
  return result;
}

TEST_CASE("PyTorch's checkpoints come out bit for bit, by plain keys") {
  for (const std::string& name : fixture_names()) {
    CAPTURE(name);
    const auto expected = nlohmann::json::parse(content_of(fixtures() / (name + ".json"))).at("tensors");
    const Checkpoint checkpoint = read_checkpoint(fixtures() / (name + ".pt"));
    CHECK(checkpoint.format ==
          (contains(name, "legacy") || contains(name, "lightning") ? "torch legacy" : "torch zip"));
    CHECK(checkpoint.tensors.size() == expected.size());
    for (const auto& [key, tensor] : expected.items()) {
      CAPTURE(key);
      REQUIRE(checkpoint.tensors.contains(key));
      const Tensor& found = checkpoint.tensors.at(key);
      const auto extents = tensor.at("shape").get<std::vector<std::int64_t>>();
      CHECK(name_of(found.dtype()) == tensor.at("dtype").get<std::string>());
      CHECK(found.shape() == Shape(extents));
      CHECK(hex(found.bytes()) == tensor.at("bytes").get<std::string>());
      CHECK(reinterpret_cast<std::uintptr_t>(found.bytes().data()) % size_of(found.dtype()) == 0);
    }
  }
}

TEST_CASE("bytes behind the end of a file are left alone") {
  for (const char* name : {"torch1_zip.pt", "torch1_legacy.pt"}) {
    CAPTURE(name);
    const std::string content = content_of(fixtures() / name);
    const std::size_t count = read_checkpoint(in_memory(content)).tensors.size();
    CHECK(read_checkpoint(in_memory(content + std::string(100, '\0'))).tensors.size() == count);
    CHECK(read_checkpoint(in_memory(content + "appended")).tensors.size() == count);
  }
}

TEST_CASE("contiguous tensors of a zip file are views of it, tied ones of the same bytes") {
  const FileBytes file = in_memory(content_of(fixtures() / "torch1_zip.pt"));
  const Checkpoint checkpoint = read_checkpoint(file);
  const auto data = [&](const char* key) { return checkpoint.tensors.at(key).bytes().data(); };
  const auto in_file = [&](const char* key) {
    return data(key) >= file.bytes.data() && data(key) < file.bytes.data() + file.bytes.size();
  };
  CHECK(in_file("matrix.weight"));
  CHECK(in_file("matrix.part"));
  CHECK(data("matrix.weight") == data("matrix.tied"));
  CHECK(data("matrix.part") == data("matrix.weight") + 5 * sizeof(float));
  CHECK(!in_file("matrix.transposed"));
}

TEST_CASE("what holds no state_dict is refused with advice") {
  const auto refusal = [](const char* name) { return error_of([&] { read_checkpoint(fixtures() / name); }); };
  CHECK(contains(refusal("refused_torchscript.pt"), "refused_torchscript.pt: is a TorchScript program"));
  CHECK(contains(refusal("refused_sparse.pt"),
                 "tensor 'sparse.weight': is rebuilt by the name 'torch._utils._rebuild_sparse_tensor'"));
}

/// Reads damaged bytes: an error must be one line that starts with the name, and anything else a checkpoint with
/// tensors.
void read_damaged(std::string_view content) {
  const std::string message = error_of([&] {
    const Checkpoint checkpoint = read_checkpoint(in_memory(content, "damaged"));
    std::size_t sum = 0;  // touches every byte, so that a sanitizer sees a view that is none
    for (const auto& [key, tensor] : checkpoint.tensors) {
      for (std::byte byte : tensor.bytes()) sum += static_cast<std::size_t>(byte);
    }
    CHECK(sum < std::size_t{1} << 40);
  });
  if (!message.empty()) CHECK(message.starts_with("damaged: "));
}

TEST_CASE("every cut of every fixture is refused") {
  for (const auto& entry : std::filesystem::directory_iterator(fixtures())) {
    if (entry.path().extension() != ".pt") continue;
    const std::string whole = content_of(entry.path());
    CAPTURE(entry.path());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      CHECK(error_of([&] { read_checkpoint(in_memory(std::string_view(whole).substr(0, size))); }) != "");
    }
  }
}

// A sanitizer makes each reading ten times as long, so each byte is damaged in one of the ways there, in all elsewhere.
TEST_CASE("every flipped byte of every fixture gives one clear error or a checkpoint") {
#ifdef __SANITIZE_ADDRESS__
  constexpr bool every_way = false;
#else
  constexpr bool every_way = true;
#endif
  constexpr std::array flips{'\x01', '\x80', '\xff'};
  for (const auto& entry : std::filesystem::directory_iterator(fixtures())) {
    if (entry.path().extension() != ".pt") continue;
    const std::string whole = content_of(entry.path());
    CAPTURE(entry.path());
    for (std::size_t at = 0; at < whole.size(); ++at) {
      CAPTURE(at);
      for (std::size_t way = 0; way < flips.size(); ++way) {
        if (!every_way && at % flips.size() != way) continue;
        std::string damaged = whole;
        damaged[at] ^= flips[way];
        read_damaged(damaged);
      }
    }
  }
}

TEST_CASE("every flipped byte of the pickle or of a storage in a zip file with CRCs is noticed") {
  const std::string whole = content_of(fixtures() / "torch1_zip.pt");
  const std::size_t directory = whole.find("PK\1\2"), first = whole.find("FB");
  const std::size_t pickle = whole.find("\x80\x02", first);
  const std::size_t pickle_end = whole.find("PK\7\x08", pickle);
  REQUIRE(pickle_end < directory);
  for (std::size_t at = pickle; at < pickle_end; ++at) {
    std::string damaged = whole;
    damaged[at] ^= 1;
    CAPTURE(at);
    CHECK(contains(error_of([&] { read_checkpoint(in_memory(damaged)); }), "is damaged: its CRC-32"));
  }
}

}  // namespace
}  // namespace giemsa
