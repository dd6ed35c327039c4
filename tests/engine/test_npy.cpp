// .npy files: written, read back, and refused.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "engine/base/npy.h"
#include "tests/engine/error_text.h"

namespace giemsa {

namespace {

namespace fs = std::filesystem;

/// A file of its own for one test, gone afterwards.
struct ScratchFile {
  fs::path path = fs::temp_directory_path() / cat("giemsa_test_npy_", getpid(), ".npy");
  ~ScratchFile() { fs::remove(path); }

  std::string content() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
};

void check_round_trip(const Tensor& tensor) {
  const ScratchFile file;
  write_npy(file.path, tensor);
  const Tensor back = read_npy(file.path);
  CHECK(back.dtype() == tensor.dtype());
  CHECK(back.shape() == tensor.shape());
  CHECK(std::ranges::equal(back.bytes(), tensor.bytes()));
}

/// A version 1.0 file with this header and these values.
std::string npy(const std::string& header, const std::string& values) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + values;
}

}  // namespace

TEST_CASE("npy round trips") {
  check_round_trip(Tensor::from({1, 2, 1, 3}, {1, -2, 3, 0.5f, 1e-30f, 1e30f}));
  check_round_trip(Tensor::from({}, {42}));
  check_round_trip(Tensor::from<std::uint8_t>(DType::u8, {3}, {0, 7, 255}));
  check_round_trip(Tensor::from<std::int32_t>(DType::i32, {2, 2}, {-1, 0, 1, 1 << 30}));
  check_round_trip(Tensor::from(Shape{1000}, std::vector<float>(1000, 0.25f)));
}

TEST_CASE("npy files are NumPy's, byte for byte where NumPy looks") {
  const ScratchFile file;
  write_npy(file.path, Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6}));
  const std::string bytes = file.content();
  const std::size_t header = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  CHECK((10 + header) % 64 == 0);
  CHECK(bytes[9 + header] == '\n');
  CHECK(bytes.substr(10, 61) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2,3,), }  ");
  CHECK(bytes.size() == 10 + header + 24);
}

TEST_CASE("npy as NumPy spells it") {
  const ScratchFile file;
  file.write(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", "abcdef"));
  const Tensor tensor = read_npy(file.path);
  CHECK(tensor.shape() == Shape{2, 3});
  CHECK(tensor.as<std::uint8_t>()[5] == 'f');
}

TEST_CASE("npy files that are refused, by name") {
  const ScratchFile file;
  const auto error = [&](const std::string& bytes) {
    file.write(bytes);
    return test::error_of(ErrorKind::model, [&] { (void)read_npy(file.path); });
  };
  const std::string good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
  CHECK(test::contains(error(""), file.path.string(), "not an .npy file"));
  CHECK(test::contains(error("PK\x03\x04 and more bytes"), "not an .npy file"));
  CHECK(test::contains(error(npy(good, "ab").substr(0, 30)), "truncated"));
  CHECK(test::contains(error(npy(good, "a")), "expected 2 bytes", "has 1"));
  CHECK(test::contains(error(npy(good, "abc")), "expected 2 bytes", "has 3"));
  CHECK(test::contains(error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), }\n", "")), "'<f8'"));
  CHECK(test::contains(error(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2,), }\n", "ab")), "C order"));
  CHECK(test::contains(error(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (x,), }\n", "ab")), "bad shape"));
  CHECK(test::contains(error(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,), }\n", "ab")), "negative"));
  CHECK(test::contains(
      error(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296,4294967296,), }\n", "ab")), "overflow"));
  CHECK(test::contains(test::error_of(ErrorKind::model, [] { (void)read_npy("/nowhere/x.npy"); }), "/nowhere/x.npy"));
  CHECK(test::contains(test::error_of(ErrorKind::output, [] { write_npy("/nowhere/x.npy", Tensor::from({1}, {1})); }),
                       "/nowhere/x.npy"));
}

}  // namespace giemsa
