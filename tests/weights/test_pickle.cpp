#include "weights/convert/pickle.h"

#include "tests/weights/bytes.h"

namespace giemsa {
namespace {

using namespace testing;
using namespace testing::pickled;

std::string pickle_refusal(const std::string& content) {
  const FileBytes file = in_memory(content);
  return error_of([&] { Pickle pickle(file.bytes); });
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += part;
  return result;
}

/// What `value`, the opcodes of one value, becomes.
template <class T>
T parsed(const std::string& value) {
  const FileBytes file = in_memory(whole(value));
  const Pickle pickle(file.bytes);
  REQUIRE(pickle.get_if<T>(pickle.root()) != nullptr);
  return *pickle.get_if<T>(pickle.root());
}

TEST_CASE("numbers come out as Python wrote them") {
  CHECK(parsed<bool>("\x88"));
  CHECK(parsed<std::int64_t>("K\xff") == 255);
  CHECK(parsed<std::int64_t>("M\xff\xff") == 65535);
  CHECK(parsed<std::int64_t>("J\xff\xff\xff\xff") == -1);
  CHECK(parsed<std::int64_t>(std::string("\x8a\0", 2)) == 0);
  CHECK(parsed<std::int64_t>("\x8a\1\x80") == -128);
  CHECK(parsed<std::int64_t>(std::string("\x8a\2\x80\0", 4)) == 128);
  CHECK(parsed<std::int64_t>(cat("\x8a\x08", le(std::int64_t{1} << 62))) == std::int64_t{1} << 62);
  CHECK(parsed<Pickle::Bytes>(cat("\x8a\x09", std::string(9, 'x'))).raw.size() == 9);
  CHECK(parsed<double>(std::string("G\x3f\xe8\0\0\0\0\0\0", 9)) == 0.75);
}

TEST_CASE("containers, memo and calls keep their structure") {
  // [{'k': (1, None)}, the same dict, f('x')], put together as the pickler does
  const std::string dict_in_memo = dict({text("k"), tuple({integer(1), none()})}) + "q\x05";
  const FileBytes file =
      in_memory(whole(list({dict_in_memo, "h\x05", call(global("m", "f"), {text("x")}) + none() + "b"})) + "rest");
  const Pickle pickle(file.bytes);
  CHECK(pickle.byte_count() == file.bytes.size() - 4);
  CHECK(pickle.is(pickle.root(), Pickle::Container::list));
  const auto items = pickle.items(pickle.root());
  REQUIRE(items.size() == 3);
  CHECK(items[0] == items[1]);
  REQUIRE(pickle.items(items[0]).size() == 2);
  CHECK(*pickle.get_if<std::string_view>(pickle.items(items[0])[0]) == "k");
  CHECK(pickle.items(pickle.items(items[0])[1]).size() == 2);
  const auto* made = pickle.get_if<Pickle::Call>(items[2]);
  REQUIRE(made);
  CHECK(pickle.is_global(made->callable, "m", "f"));
  CHECK(pickle.describe(items[2]) == "an object made by 'm.f'");
}

TEST_CASE("protocol 4 names globals by two texts, frames, and memoizes without an index") {
  const std::string body = "\x8c\1m\x94\x8c\1f\x94\x93\x94)R\x94.";
  const FileBytes file = in_memory(cat("\x80\x04\x95", le<std::uint64_t>(body.size()), body));
  const Pickle pickle(file.bytes);
  CHECK(pickle.describe(pickle.root()) == "an object made by 'm.f'");
  CHECK(contains(pickle_refusal(cat("\x80\x04\x95", le<std::uint64_t>(body.size() + 1), body)), "frame"));
  CHECK(contains(pickle_refusal(whole("K\1K\2\x93")), "names a global by the integer 1"));
}

TEST_CASE("a structure that holds itself is data like any other") {
  const FileBytes file = in_memory(whole("]q\1h\1a"));
  const Pickle pickle(file.bytes);
  REQUIRE(pickle.items(pickle.root()).size() == 1);
  CHECK(pickle.items(pickle.root())[0] == pickle.root());
}

TEST_CASE("malformed pickles are refused") {
  CHECK(contains(pickle_refusal(""), "past the end"));
  CHECK(contains(pickle_refusal("\x80\x02"), "past the end"));
  CHECK(contains(pickle_refusal("\x80\x01N."), "protocol 1"));
  CHECK(contains(pickle_refusal("\x80\x06N."), "protocol 6"));
  CHECK(contains(pickle_refusal(whole("")), "0 values on its stack"));
  CHECK(contains(pickle_refusal(whole("NN")), "2 values on its stack"));
  CHECK(contains(pickle_refusal(whole("N(")), "the pickle ends"));
  CHECK(contains(pickle_refusal(whole("a")), "takes 1 values off a stack of 0"));
  CHECK(contains(pickle_refusal(whole("](a")), "takes 1 values off a stack of 0"));  // not across the mark
  CHECK(contains(pickle_refusal(whole("Nt")), "misses a mark"));
  CHECK(contains(pickle_refusal(whole("(q\1")), "needs a value"));
  CHECK(contains(pickle_refusal(whole("h\1")), "recalls memo 1"));
  CHECK(contains(pickle_refusal(whole(cat("Nr", le<std::uint32_t>(4'000'000'000)))), "memo index 4000000000"));
  CHECK(contains(pickle_refusal(whole("NNa")), "puts items into None"));
  CHECK(contains(pickle_refusal(whole("}Na")), "puts items into a dict"));
  CHECK(contains(pickle_refusal(whole("}(Nu")), "a key without a value"));
  CHECK(contains(pickle_refusal(whole("cmodule\nname")), "unended name"));
  CHECK(contains(pickle_refusal(whole("i")), "opcode 105 at byte 2"));  // INST, which executes
}

TEST_CASE("the limits hold") {
  CHECK(pickle_refusal(whole(cat("X", le<std::uint32_t>(2u << 20), std::string(2u << 20, 'x')))) ==
        "");  // an array's bytes
  CHECK(contains(pickle_refusal(whole(cat("X", le<std::uint32_t>(~0u)))), "the limit is 67108864"));
  CHECK(contains(pickle_refusal(whole(cat("\x8a\x11", std::string(17, 'x')))), "the limit is 16"));
  CHECK(contains(pickle_refusal(whole(repeated("(", 65))), "nests deeper than 64"));
  CHECK(contains(pickle_refusal(whole(repeated("]", 66) + repeated("a", 65))), "nests deeper than 64"));
  CHECK(contains(pickle_refusal(whole(cat("N", repeated("\x85", 65)))), "nests deeper than 64"));
  CHECK(pickle_refusal(whole(cat("N", repeated("\x85", 64)))) == "");
  CHECK(contains(pickle_refusal(cat("\x80\x02](", std::string(1'000'000, 'N'), "e.")), "more than 1000000 opcodes"));
  CHECK(pickle_refusal(cat("\x80\x02](", std::string(999'995, 'N'), "e.")) == "");
  CHECK(contains(pickle_refusal(whole(repeated(cat("X", le<std::uint32_t>(1u << 20), std::string(1u << 20, 'x')), 64))),
                 "longer than the limit of 67108864"));
}

TEST_CASE("a pickle of a million containers or calls neither hangs nor overflows the stack") {
  CHECK(pickle_refusal(cat("\x80\x02](", std::string(999'995, ']'), "e.")) == "");
  CHECK(pickle_refusal(cat("\x80\x02](", repeated("]]a", 333'331), "e.")) == "");
  // The doubling of "billion laughs": 30 levels of pairs of the level below, a billion leaves if anybody unfolded them.
  std::string laughs = "N";
  for (int level = 0; level < 30; ++level) laughs += "q\1h\1\x86";
  CHECK(pickle_refusal(whole(laughs)) == "");
}

}  // namespace
}  // namespace giemsa
