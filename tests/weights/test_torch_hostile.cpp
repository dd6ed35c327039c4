// PyTorch files that PyTorch would not write: what they ask for must be refused before it costs anything.
#include "tests/weights/bytes.h"
#include "weights/convert/checkpoint.h"
#include "weights/convert/torch_legacy.h"
#include "weights/convert/torch_zip.h"

namespace giemsa {
namespace {

using namespace testing;
using namespace testing::pickled;

constexpr std::size_t storage_size = 24;
const std::string six = storage("0", 6);

/// A checkpoint with one storage "0" of 24 bytes.
std::string archive_of(const std::string& object, std::vector<ZipEntry> more = {}) {
  std::vector<ZipEntry> entries = {{"m/data.pkl", whole(object)}, {"m/data/0", std::string(storage_size, 's')}};
  entries.insert(entries.end(), more.begin(), more.end());
  return zipped(entries);
}

Checkpoint read(const std::string& content) {
  return read_checkpoint(in_memory(content, "m.pt"));
}
std::string checkpoint_refusal(const std::string& content) {
  return error_of([&] { read(content); });
}

/// The error for a state_dict whose one entry is that tensor.
std::string tensor_refusal(const std::string& value) {
  return checkpoint_refusal(archive_of(dict({text("t"), value})));
}

TEST_CASE("a tensor is what its storage, offset, size and stride say") {
  const std::string object =
      dict({text("t"), tensor(six, 1, {2, 2}, {2, 1}), text("note"), text("x"), integer(7), none()});
  CHECK(read(archive_of(object)).tensors.at("t").shape() == Shape{2, 2});
  CHECK(tensor_refusal(tensor(six, 6, {0}, {1})) == "");
  CHECK(tensor_refusal(tensor(six, 0, {1, 6}, {std::int64_t{1} << 62, 1})) == "");  // one step is never taken
  CHECK(tensor_refusal(tensor(six, 0, {2, 1, 2}, {1, (std::int64_t{1} << 62) + ((std::int64_t{1} << 62) - 1), 2})) ==
        "");
  const std::int64_t huge = std::int64_t{1} << 62;
  CHECK(tensor_refusal(tensor(six, 0, {0, huge, huge}, {huge, huge, huge})) == "");
}

TEST_CASE("tensors that leave their storage are refused, by file and key") {
  const std::int64_t huge = std::int64_t{1} << 62;
  CHECK(contains(tensor_refusal(tensor(six, 0, {7}, {1})),
                 "m.pt: tensor 't': has shape {7} over a storage of 6 elements"));
  CHECK(contains(tensor_refusal(tensor(six, 1, {6}, {1})), "of shape {6} reaches past the end of a storage of 6"));
  CHECK(contains(tensor_refusal(tensor(six, 6, {1}, {1})), "starts at the end"));
  CHECK(contains(tensor_refusal(tensor(six, 7, {0}, {1})), "starts at element 7"));
  CHECK(contains(tensor_refusal(tensor(six, -1, {1}, {1})), "starts at element -1"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {2}, {6})), "reaches past"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {2}, {huge})), "reaches past"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {2, 2}, {5, 1})), "reaches past"));
  CHECK(contains(tensor_refusal(tensor(six, 5, {2}, {-1})), "negative stride -1"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {-1}, {1})), "negative extent -1"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {2}, {1, 1})), "has 2 strides for shape {2}"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {huge, huge}, {0, 0})), "overflows"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {1 << 30}, {0})), "over a storage of 6"));
  CHECK(contains(tensor_refusal(tensor(six, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1})),
                 "more than 8 dimensions"));
}

TEST_CASE("an expanded tensor repeats its elements, up to the size of the file") {
  const Checkpoint checkpoint = read(archive_of(dict({text("t"), tensor(six, 2, {3, 2}, {0, 1})})));
  const Tensor& expanded = checkpoint.tensors.at("t");
  CHECK(expanded.shape() == Shape{3, 2});
  CHECK(std::ranges::equal(expanded.bytes().first(8), expanded.bytes().last(8)));
  CHECK(tensor_refusal(tensor(six, 0, {20}, {0})) == "");
  CHECK(contains(tensor_refusal(tensor(six, 0, {1 << 20}, {0})), "over a storage of 6"));
}

TEST_CASE("strided tensors may not unpack to more than the file") {
  std::vector<std::string> items;
  for (int i = 0; i < 200; ++i) {
    items.push_back(text(cat("t", i)));
    items.push_back(i == 0 ? cat(tensor(six, 0, {2, 3}, {1, 2}), "q\1") : "h\1");
  }
  CHECK(contains(checkpoint_refusal(archive_of(dict(items))), "unpack to more than the whole file"));
}

namespace {

/// What torch.save makes of a module, from its three dicts.
std::string module_of(const std::string& parameters, const std::string& modules) {
  const std::string state =
      dict({text("_parameters"), parameters, text("_buffers"), dict({}), text("_modules"), modules});
  return cat(call(global("torch.nn", "Module"), {}), state, "b");
}

std::string remembered(const std::string& value, char slot) {
  return cat(value, 'q', slot);
}
std::string again(char slot) {
  return cat('h', slot);
}

}  // namespace

TEST_CASE("modules within modules are read, but not without end") {
  const std::string parameter = remembered(tensor(six, 0, {2, 3}, {3, 1}), '\1');
  const std::string inner = module_of(dict({text("weight"), parameter}), dict({}));
  const std::string outer = module_of(dict({text("bias"), again('\1')}), dict({text("first"), again('\2')}));
  const Checkpoint checkpoint =
      read(archive_of(module_of(dict({}), dict({text("a"), remembered(inner, '\2'), text("b"), outer}))));
  CHECK(checkpoint.tensors.size() == 3);
  CHECK(checkpoint.tensors.at("b.first.weight").shape() == Shape{2, 3});

  // Each module holds the one before it twice.
  std::string doubled = remembered(inner, '\2');
  for (char slot = 3; slot < 22; ++slot)
    doubled = remembered(module_of(dict({}), dict({text("a"), doubled, text("b"), again(static_cast<char>(slot - 1))})),
                         slot);
  CHECK(contains(checkpoint_refusal(archive_of(doubled)), "more than 100000 modules"));
  // Each module holds the one before it under a long name, and parameters of such names.
  const std::string name = text(std::string(200'000, 'n'));
  std::string nested = module_of(dict({name, parameter}), dict({}));
  for (int depth = 0; depth < 20; ++depth)
    nested = module_of(dict({}), dict({remembered(name, '\3'), nested, text("more"), module_of(dict({}), dict({}))}));
  CHECK(contains(checkpoint_refusal(archive_of(nested)), "names take more than"));
}

TEST_CASE("a huge dict that many entries refer to is not looked at for each") {
  std::vector<std::string> numbers, entries{text("huge")};
  for (int i = 0; i < 20'000; ++i) numbers.insert(numbers.end(), {text(cat(i)), none()});
  entries.push_back(remembered(dict(numbers), '\1'));
  for (int i = 0; i < 20'000; ++i) entries.insert(entries.end(), {text("model"), again('\1')});
  CHECK(contains(checkpoint_refusal(archive_of(dict(entries))), "too often"));
}

TEST_CASE("storages must be what their tensors say") {
  CHECK(contains(tensor_refusal(tensor(storage("1", 6), 0, {6}, {1})), "no entry 'm/data/1'"));
  CHECK(contains(tensor_refusal(tensor(storage("0", 7), 0, {6}, {1})),
                 "storage '0' has 24 bytes, expected 28 for 7 x fp32"));
  CHECK(contains(tensor_refusal(tensor(storage("0", 6, "HalfStorage"), 0, {6}, {1})), "has 24 bytes, expected 12"));
  CHECK(contains(tensor_refusal(tensor(storage("0", -1), 0, {0}, {1})), "claims -1 elements"));
  CHECK(contains(tensor_refusal(tensor(storage("0", std::int64_t{1} << 62), 0, {1}, {1})),
                 "claims 4611686018427387904 elements"));
  CHECK(contains(tensor_refusal(tensor(storage("0", 3, "ComplexFloatStorage"), 0, {3}, {1})),
                 "unsupported type the name 'torch.ComplexFloatStorage'"));
  CHECK(contains(tensor_refusal(tensor(text("0"), 0, {6}, {1})), "storage is the text '0'"));
  CHECK(contains(tensor_refusal(tensor(persistent(text("0")), 0, {6}, {1})), "id is the text '0', expected a tuple"));
  CHECK(contains(tensor_refusal(tensor(persistent(tuple({text("module")})), 0, {6}, {1})),
                 "has 1 items, expected at least 5"));
  const std::string two_types =
      dict({text("a"), tensor(six, 0, {6}, {1}), text("b"), tensor(storage("0", 12, "HalfStorage"), 0, {12}, {1})});
  CHECK(contains(checkpoint_refusal(archive_of(two_types)),
                 "tensor 'b': sees storage '0' as 12 x fp16, another tensor as 6 x fp32"));
}

TEST_CASE("opaque objects are harmless until a tensor needs one") {
  const std::string opaque = call(global("os", "system"), {text("exit 1")});
  const std::string good = tensor(six, 0, {6}, {1});
  CHECK(read(archive_of(dict({text("o"), opaque, text("t"), good}))).tensors.size() == 1);
  CHECK(contains(tensor_refusal(tensor(opaque, 0, {6}, {1})), "storage is an object made by 'os.system'"));
  const auto v2 = [&](const std::string& offset, const std::string& size) {
    return call(global("torch._utils", "_rebuild_tensor_v2"), {six, offset, size, integers({1}), "\x89", dict({})});
  };
  CHECK(contains(tensor_refusal(v2(opaque, integers({6}))), "its offset is an object made by 'os.system'"));
  CHECK(contains(tensor_refusal(v2(integer(0), opaque)), "its size is an object made by 'os.system'"));
  CHECK(contains(tensor_refusal(v2(integer(0), tuple({opaque}))), "its size is an object made by 'os.system'"));
  CHECK(contains(tensor_refusal(call(global("torch._utils", "_rebuild_tensor_v2"), {six})),
                 "has 1 items, expected at least 4"));
  CHECK(contains(tensor_refusal(call(global("torch._utils", "_rebuild_parameter"), {opaque})),
                 "rebuilt by the name 'os.system'"));
  CHECK(contains(tensor_refusal(call(global("torch._utils", "_rebuild_parameter"), {none()})), "its data is None"));
  CHECK(contains(tensor_refusal(call(global("torch._utils", "_rebuild_qtensor"), {none()})),
                 "_rebuild_qtensor', which is not supported"));
}

TEST_CASE("a state_dict is found under the usual wrappers") {
  const std::string good = dict({text("conv.weight"), tensor(six, 0, {6}, {1})});
  const std::string module_keys = dict({text("module.conv.weight"), tensor(six, 0, {6}, {1})});
  const std::string optimizer =
      dict({text("state"), dict({integer(0), dict({text("exp_avg"), tensor(six, 0, {6}, {1})})})});
  const auto found = [&](const std::string& object) {
    return read(archive_of(object)).tensors.contains("conv.weight");
  };
  for (const char* wrapper : {"model_state", "state_dict", "model_state_dict", "model", "net", "some_other_name"}) {
    CAPTURE(wrapper);
    CHECK(found(dict({text("optimizer"), optimizer, text(wrapper), good, text("epoch"), integer(3)})));
    CHECK(found(dict({text(wrapper), module_keys})));
  }
  CHECK(found(dict({text("model"), dict({text("state_dict"), good})})));
  CHECK(
      found(dict({text("meta"), dict({}), text("state_dict"), good, text("class_weights"), tensor(six, 0, {6}, {1})})));
  const std::string ordered = global("collections", "OrderedDict");
  CHECK(found(call(ordered, {}) + "(" + text("conv.weight") + tensor(six, 0, {6}, {1}) + "u" +
              dict({text("_metadata"), dict({})}) + "b"));

  // Averaged weights come first, if there are any; the others are named, and taken by their key.
  const std::string averaged =
      dict({text("n_averaged"), tensor(six, 0, {1}, {1}), text("module.ema.weight"), tensor(six, 0, {6}, {1})});
  const FileBytes both = in_memory(archive_of(dict({text("model"), good, text("model_ema"), averaged})));
  const Checkpoint taken = read_checkpoint(both);
  CHECK(taken.tensors.contains("module.ema.weight"));
  CHECK(taken.taken == "model_ema");
  CHECK(taken.others == std::vector<std::string>{"model"});
  CHECK(read_checkpoint(both, "model").tensors.contains("conv.weight"));
  CHECK(contains(error_of([&] { read_checkpoint(both, "modell"); }),
                 "has no key 'modell'; its keys: 'model', 'model_ema'"));
  CHECK(found(dict({text("model_ema"), dict({}), text("model"), good})));

  CHECK(contains(checkpoint_refusal(archive_of(dict({text("a"), good, text("b"), good}))),
                 "holds 2 dicts of tensors, expected one; its keys: 'a', 'b'"));
  CHECK(contains(checkpoint_refusal(archive_of(dict({text("epoch"), integer(3)}))),
                 "holds 0 dicts of tensors, expected one; its keys: 'epoch'"));
  CHECK(contains(checkpoint_refusal(archive_of(dict({}))), "its keys: none"));
  CHECK(contains(checkpoint_refusal(archive_of(list({}))), "holds a list, expected a state_dict"));
  CHECK(contains(checkpoint_refusal(archive_of(tensor(six, 0, {6}, {1}))), "expected a state_dict"));
  CHECK(contains(checkpoint_refusal(archive_of(dict({text("model"), call(global("my", "Net"), {})}))),
                 "holds an object made by 'my.Net', expected a state_dict"));
  CHECK(contains(
      checkpoint_refusal(archive_of(dict({text("t"), tensor(six, 0, {1}, {1}), text("t"), tensor(six, 0, {1}, {1})}))),
      "tensor 't': is there twice"));
  std::string deep = good;
  for (int i = 0; i < 5; ++i) deep = dict({text("model"), deep});
  CHECK(contains(checkpoint_refusal(archive_of(deep)), "wraps its state_dict more than 4 times"));
  CHECK(contains(checkpoint_refusal(archive_of(cat(dict({}), "q\1", text("model"), "h\1s"))),
                 "wraps its state_dict"));  // itself
}

TEST_CASE("a zip file must be PyTorch's, little-endian, and no program") {
  const std::string good = dict({text("t"), tensor(six, 0, {6}, {1})});
  CHECK(checkpoint_refusal(archive_of(good, {{"m/byteorder", "little"}})) == "");
  CHECK(contains(checkpoint_refusal(archive_of(good, {{"m/byteorder", "big"}})),
                 "has byte order 'big', expected 'little'"));
  CHECK(contains(checkpoint_refusal(archive_of(good, {{"m/constants.pkl", ""}})), "TorchScript"));
  CHECK(contains(checkpoint_refusal(archive_of(good, {{"m/code/__torch__.py", ""}})), "TorchScript"));
  CHECK(contains(checkpoint_refusal(zipped({{"word/document.xml", "x"}})), "m.pt: is a zip archive without data.pkl"));
  CHECK(contains(checkpoint_refusal(zipped({})), "without data.pkl"));
  CHECK(contains(checkpoint_refusal(zipped({{"m/models/model.json", "{}"}, {"m/data/weights/weight_0", "x"}})),
                 "torch.export"));
  CHECK(contains(checkpoint_refusal(zipped({{"serialized_exported_program.json", "{}"}})), "torch.export"));
  CHECK(read(zipped({{"data.pkl", whole(good)}, {"data/0", std::string(storage_size, 's')}})).tensors.size() == 1);
  CHECK(read(zipped({{"a/b/data.pkl", whole(good)}, {"a/b/data/0", std::string(storage_size, 's')}})).tensors.size() ==
        1);
}

// ---- the legacy stream ----

const std::string magic = whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"), version = whole(integer(1001)),
                  system_info = whole(dict({text("little_endian"), "\x88"}));

std::string legacy(const std::string& object, const std::string& keys, const std::string& storages) {
  return magic + version + system_info + whole(object) + whole(keys) + storages;
}

TEST_CASE("a legacy stream may hold storages of types that no tensor of a network has") {
  const std::string object = dict({text("t"), tensor(six, 0, {6}, {1}), text("other"),
                                   list({tensor(storage("1", 2, "ComplexFloatStorage"), 0, {2}, {1})})});
  const std::string keys = list({text("1"), text("0")});
  const std::string data = le<std::int64_t>(2) + std::string(16, 'c') + le<std::int64_t>(6) + std::string(24, 's');
  CHECK(read(legacy(object, keys, data)).tensors.at("t").size() == 6);
}

TEST_CASE("a legacy stream must hold what it announces") {
  const std::string object = dict({text("t"), tensor(six, 0, {6}, {1})}), keys = list({text("0")});
  const std::string data = le<std::int64_t>(6) + std::string(storage_size, 's');
  REQUIRE(checkpoint_refusal(legacy(object, keys, data)) == "");
  CHECK(contains(checkpoint_refusal(whole(integer(5))),
                 "m.pt: is a pickle that torch.save did not write: it starts with the integer 5"));
  CHECK(contains(checkpoint_refusal(magic + whole(integer(1000))),
                 "protocol version is the integer 1000, expected 1001"));
  CHECK(contains(checkpoint_refusal(magic + version + whole(dict({text("little_endian"), "\x89"}))), "big-endian"));
  CHECK(contains(checkpoint_refusal(legacy(object, text("0"), data)), "the list of storages is the text '0'"));
  CHECK(contains(checkpoint_refusal(legacy(object, list({text("1")}), data)),
                 "names the text '1', which no tensor uses"));
  CHECK(contains(checkpoint_refusal(legacy(object, list({text("0"), text("0")}), data + data)),
                 "storage '0' is there twice"));
  CHECK(contains(checkpoint_refusal(legacy(object, list({}), "")), "storage '0' is not in the file"));
  CHECK(checkpoint_refusal(legacy(object, keys, data + "x")) == "");  // appended to
  CHECK(contains(checkpoint_refusal(legacy(object, keys, le<std::int64_t>(7) + data)),
                 "storage '0' has 7 elements, expected 6"));
  CHECK(contains(checkpoint_refusal(legacy(object, keys, data.substr(0, data.size() - 1))),
                 "storage '0' takes 24 bytes"));
  const std::int64_t huge = std::int64_t{1} << 59;
  CHECK(contains(
      checkpoint_refusal(legacy(dict({text("t"), tensor(storage("0", huge), 0, {6}, {1})}), keys, le(huge) + data)),
      "storage '0' takes"));
  const std::string part = persistent(tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"),
                                             integer(6), tuple({text("1"), integer(0), integer(6)})}));
  CHECK(contains(checkpoint_refusal(legacy(dict({text("t"), tensor(part, 0, {6}, {1})}), keys, data)),
                 "is a view of another"));
}

}  // namespace
}  // namespace giemsa
