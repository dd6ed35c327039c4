// The data of a Python pickle, without Python: nothing is imported, called or built. What the pickle would have called
// stays a Call node for the reader to recognise or ignore.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "weights/byte_view.h"

namespace giemsa {

/// A parsed pickle of protocol 2 to 5: a pool of nodes that refer to each other by number, so that shared and recursive
/// structures are plain data, and destroying them is not recursive. Texts view the pickled bytes, which must outlive
/// it.
class Pickle {
 public:
  using Id = std::uint32_t;

  struct None {};
  /// Binary data, or an integer beyond 64 bits (two's complement, little-endian).
  struct Bytes {
    std::string_view raw;
  };
  enum class Container : std::uint8_t { tuple, list, dict, set };
  /// The name of a class or function.
  struct Global {
    Id module, name;
  };
  /// The result of `callable(*arguments)`, had anybody called it.
  struct Call {
    Id callable, arguments;
  };
  /// A reference to something outside the pickle: in PyTorch, a storage.
  struct Persistent {
    Id id;
  };
  using Node =
      std::variant<None, bool, std::int64_t, double, std::string_view, Bytes, Container, Global, Call, Persistent>;

  static constexpr std::size_t most_bytes = 64u << 20, most_opcodes = 1'000'000, longest_name = 1u << 20,
                               longest_integer = 16, deepest_nesting = 64;

  /// Parses the pickle at the start of `bytes`, within the limits above. Throws ErrorKind::model.
  explicit Pickle(ByteView bytes);

  Id root() const { return root_; }
  std::size_t node_count() const { return nodes_.size(); }
  /// Bytes up to and with the end of the pickle.
  std::size_t byte_count() const { return byte_count_; }

  /// The node's value if it is a T, else null.
  template <class T>
  const T* get_if(Id id) const {
    return std::get_if<T>(&nodes_[id]);
  }
  bool is(Id id, Container kind) const {
    const auto* container = get_if<Container>(id);
    return container && *container == kind;
  }
  bool is_global(Id id, std::string_view module, std::string_view name) const;
  /// What a container holds, or what was put into the result of a call; keys and values of a dict alternate.
  std::span<const Id> items(Id id) const;
  /// What the result of a call was told to take over as its state, if anything (__setstate__, or its attributes).
  std::optional<Id> state(Id id) const;
  /// A few words for an error message, like "a list" or "an object made by 'torch.nn.Linear'".
  std::string describe(Id id) const;

 private:
  class Machine;

  std::deque<Node> nodes_;
  std::unordered_map<Id, std::vector<Id>> items_;  // of the few nodes that have any
  std::unordered_map<Id, Id> states_;              // likewise
  Id root_ = 0;
  std::size_t byte_count_ = 0;
};

}  // namespace giemsa
