#include "tests/nets/onnx_reader.h"

#include <doctest/doctest.h>

#include <cstring>
#include <functional>

namespace giemsa::test {

namespace {

/// One field of a message: its number, and a number or bytes.
struct Field {
  int number = 0, wire_type = 0;
  std::uint64_t value = 0;
  std::string_view bytes;

  std::string text() const { return std::string(bytes); }
};

std::uint64_t take_varint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    REQUIRE(!rest.empty());
    REQUIRE(shift < 64);
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
}

std::string_view take(std::string_view& rest, std::uint64_t size) {
  REQUIRE(size <= rest.size());
  const std::string_view part = rest.substr(0, size);
  rest.remove_prefix(size);
  return part;
}

void for_each_field(std::string_view message, const std::function<void(const Field&)>& visit) {
  while (!message.empty()) {
    const std::uint64_t tag = take_varint(message);
    Field field{static_cast<int>(tag >> 3), static_cast<int>(tag & 7), 0, {}};
    if (field.wire_type == 0)
      field.value = take_varint(message);
    else if (field.wire_type == 2)
      field.bytes = take(message, take_varint(message));
    else if (field.wire_type == 5)
      field.bytes = take(message, 4);
    else
      FAIL("wire type ", field.wire_type);
    visit(field);
  }
}

void unexpected(const char* message, const Field& field) {
  FAIL(message, " with field ", field.number);
}

void read_attribute(std::string_view message, OnnxNode& node) {
  std::string name, text;
  std::vector<std::int64_t> integers;
  float real = 0;
  std::uint64_t type = 0;
  for_each_field(message, [&](const Field& field) {
    switch (field.number) {
      case 1:
        name = field.text();
        break;
      case 2:
        std::memcpy(&real, field.bytes.data(), sizeof real);
        break;
      case 3:
      case 8:
        integers.push_back(static_cast<std::int64_t>(field.value));
        break;
      case 4:
        text = field.text();
        break;
      case 20:
        type = field.value;
        break;
      default:
        unexpected("AttributeProto", field);
    }
  });
  if (type == 1)
    node.reals[name] = real;
  else if (type == 3)
    node.texts[name] = text;
  else if (type == 2 || type == 7)
    node.integers[name] = integers;
  else
    FAIL("attribute ", name, " of type ", type);
}

OnnxNode read_node(std::string_view message) {
  OnnxNode node;
  for_each_field(message, [&](const Field& field) {
    switch (field.number) {
      case 1:
        node.inputs.push_back(field.text());
        break;
      case 2:
        node.outputs.push_back(field.text());
        break;
      case 3:
        node.name = field.text();
        break;
      case 4:
        node.type = field.text();
        break;
      case 5:
        read_attribute(field.bytes, node);
        break;
      default:
        unexpected("NodeProto", field);
    }
  });
  return node;
}

void read_constant(std::string_view message, OnnxModel& model) {
  std::vector<std::int64_t> extents;
  std::uint64_t type = 0;
  std::string name;
  std::string_view raw;
  for_each_field(message, [&](const Field& field) {
    switch (field.number) {
      case 1:
        extents.push_back(static_cast<std::int64_t>(field.value));
        break;
      case 2:
        type = field.value;
        break;
      case 8:
        name = field.text();
        break;
      case 9:
        raw = field.bytes;
        break;
      default:
        unexpected("TensorProto", field);
    }
  });
  REQUIRE((type == 1 || type == 7));
  const auto copy = [&](auto zero, DType dtype) {
    std::vector<decltype(zero)> values(raw.size() / sizeof zero);
    std::memcpy(values.data(), raw.data(), raw.size());
    return Tensor::from(dtype, Shape(extents), std::move(values));  // refuses another number of values
  };
  CHECK(model.constants.emplace(name, type == 1 ? copy(0.0f, DType::f32) : copy(std::int64_t{0}, DType::i64)).second);
}

/// Name of a ValueInfoProto; its extents go to the model.
std::string read_value_info(std::string_view message, OnnxModel& model) {
  std::string name;
  std::vector<std::string> extents;
  const auto extent = [&](const Field& part) {
    REQUIRE(part.number == 1);
    for_each_field(part.bytes, [&](const Field& field) {
      extents.push_back(field.number == 1 ? std::to_string(field.value) : field.text());
    });
  };
  const auto tensor_type = [&](const Field& part) {
    if (part.number == 1) CHECK(part.value == 1);  // fp32
    if (part.number == 2) for_each_field(part.bytes, extent);
  };
  for_each_field(message, [&](const Field& field) {
    if (field.number == 1) name = field.text();
    if (field.number == 2)
      for_each_field(field.bytes, [&](const Field& type) {
        REQUIRE(type.number == 1);
        for_each_field(type.bytes, tensor_type);
      });
  });
  CHECK(model.extents.emplace(name, extents).second);
  return name;
}

void read_graph(std::string_view message, OnnxModel& model) {
  for_each_field(message, [&](const Field& field) {
    switch (field.number) {
      case 1:
        model.nodes.push_back(read_node(field.bytes));
        break;
      case 2:
        CHECK(!field.bytes.empty());
        break;
      case 5:
        read_constant(field.bytes, model);
        break;
      case 11:
        model.inputs.push_back(read_value_info(field.bytes, model));
        break;
      case 12:
        model.outputs.push_back(read_value_info(field.bytes, model));
        break;
      case 13:
        read_value_info(field.bytes, model);
        break;
      default:
        unexpected("GraphProto", field);
    }
  });
}

/// The two texts of a StringStringEntryProto.
std::pair<std::string, std::string> read_entry(std::string_view message) {
  std::pair<std::string, std::string> entry;
  for_each_field(message, [&](const Field& field) { (field.number == 1 ? entry.first : entry.second) = field.text(); });
  return entry;
}

}  // namespace

const OnnxNode& OnnxModel::node(const std::string& name) const {
  for (const OnnxNode& candidate : nodes)
    if (candidate.name == name) return candidate;
  FAIL("no node ", name);
  return nodes.front();
}

OnnxModel read_onnx(std::string_view file) {
  OnnxModel model;
  for_each_field(file, [&](const Field& field) {
    switch (field.number) {
      case 1:
        model.ir_version = static_cast<std::int64_t>(field.value);
        break;
      case 2:
        CHECK(field.bytes == "giemsa");
        break;
      case 3:
        CHECK(field.bytes == GIEMSA_VERSION);
        break;
      case 7:
        read_graph(field.bytes, model);
        break;
      case 8:
        for_each_field(field.bytes, [&](const Field& part) {
          if (part.number == 2) model.operator_set = static_cast<std::int64_t>(part.value);
        });
        break;
      case 14:
        CHECK(model.metadata.insert(read_entry(field.bytes)).second);
        break;
      default:
        unexpected("ModelProto", field);
    }
  });
  return model;
}

}  // namespace giemsa::test
