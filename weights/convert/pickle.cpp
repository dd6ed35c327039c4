#include "weights/convert/pickle.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace giemsa {

namespace {

// The opcodes that data needs (CPython, Lib/pickletools.py); any other is refused.
// clang-format off
enum class Opcode : std::uint8_t {
  mark = '(', stop = '.', binint = 'J', binint1 = 'K', binint2 = 'M', none = 'N', binpersid = 'Q', reduce = 'R',
  binstring = 'T', short_binstring = 'U', binunicode = 'X', append = 'a', build = 'b', global = 'c', empty_dict = '}',
  appends = 'e', binget = 'h', long_binget = 'j', empty_list = ']', binput = 'q', long_binput = 'r', setitem = 's',
  tuple = 't', empty_tuple = ')', setitems = 'u', binfloat = 'G', binbytes = 'B', short_binbytes = 'C',
  proto = 0x80, newobj = 0x81, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87, newtrue = 0x88, newfalse = 0x89,
  long1 = 0x8a, short_binunicode = 0x8c, empty_set = 0x8f, additems = 0x90, frozenset = 0x91, newobj_ex = 0x92,
  stack_global = 0x93, memoize = 0x94, frame = 0x95,
};
// clang-format on

}  // namespace

/// Runs the opcodes and fills the node pool.
class Pickle::Machine {
 public:
  Machine(Pickle& pickle, ByteView bytes) : pickle_(pickle), bytes_(bytes) {}

  void run() {
    std::size_t opcodes = 0;
    do {
      check(++opcodes <= most_opcodes, ErrorKind::model, "the pickle has more than ", most_opcodes, " opcodes");
    } while (step());
    check(stack_.size() == 1 && marks_.empty(), ErrorKind::model, "the pickle ends with ", stack_.size(),
          " values on its stack, expected 1");
    pickle_.root_ = stack_.back();
    pickle_.byte_count_ = at_;
  }

 private:
  // clang-format off
  /// One opcode; false after the last.
  bool step() {
    const std::size_t start = at_;
    switch (static_cast<Opcode>(take<std::uint8_t>())) {
      case Opcode::stop: return false;
      case Opcode::proto: check_protocol(take<std::uint8_t>()); break;
      case Opcode::frame: check_frame(take<std::uint64_t>()); break;

      case Opcode::none: push(None{}); break;
      case Opcode::newtrue: push(true); break;
      case Opcode::newfalse: push(false); break;
      case Opcode::binint: push(std::int64_t{take<std::int32_t>()}); break;
      case Opcode::binint1: push(std::int64_t{take<std::uint8_t>()}); break;
      case Opcode::binint2: push(std::int64_t{take<std::uint16_t>()}); break;
      case Opcode::long1: push_long(take_text(take<std::uint8_t>(), longest_integer)); break;
      case Opcode::binfloat: push(std::bit_cast<double>(__builtin_bswap64(take<std::uint64_t>()))); break;
      case Opcode::short_binstring: case Opcode::short_binunicode: push(take_text(take<std::uint8_t>())); break;
      case Opcode::binstring: case Opcode::binunicode: push(take_text(take<std::uint32_t>())); break;
      case Opcode::short_binbytes: push(Bytes{take_text(take<std::uint8_t>())}); break;
      case Opcode::binbytes: push(Bytes{take_text(take<std::uint32_t>())}); break;

      case Opcode::empty_tuple: push(Container::tuple); break;
      case Opcode::empty_list: push(Container::list); break;
      case Opcode::empty_dict: push(Container::dict); break;
      case Opcode::empty_set: push(Container::set); break;
      case Opcode::mark: push_mark(); break;
      case Opcode::tuple: gather(Container::tuple, pop_to_mark()); break;
      case Opcode::frozenset: gather(Container::set, pop_to_mark()); break;
      case Opcode::tuple1: gather(Container::tuple, pop(1)); break;
      case Opcode::tuple2: gather(Container::tuple, pop(2)); break;
      case Opcode::tuple3: gather(Container::tuple, pop(3)); break;
      case Opcode::append: put(Container::list, pop(1)); break;
      case Opcode::appends: put(Container::list, pop_to_mark()); break;
      case Opcode::additems: put(Container::set, pop_to_mark()); break;
      case Opcode::setitem: put(Container::dict, pop(2)); break;
      case Opcode::setitems: put(Container::dict, pop_to_mark()); break;

      case Opcode::global: push_global(); break;
      case Opcode::stack_global: name_global(pop(2)); break;
      case Opcode::reduce: case Opcode::newobj: call(pop(2)); break;
      case Opcode::newobj_ex: call(pop(3)); break;
      case Opcode::build: keep_state(pop(1)); break;
      case Opcode::binpersid: push_persistent(pop(1)); break;

      case Opcode::memoize: memo_.push_back(top()); break;
      case Opcode::binput: memoize(take<std::uint8_t>()); break;
      case Opcode::long_binput: memoize(take<std::uint32_t>()); break;
      case Opcode::binget: recall(take<std::uint8_t>()); break;
      case Opcode::long_binget: recall(take<std::uint32_t>()); break;

      default:
        fail(ErrorKind::model, "the pickle has opcode ", static_cast<int>(bytes_[start]), " at byte ", start,
             ", which no checkpoint needs");
    }
    return true;
  }
  // clang-format on

  // ---- the bytes ----

  ByteView take_bytes(std::size_t size) {
    check(size <= most_bytes - at_, ErrorKind::model, "the pickle is longer than the limit of ", most_bytes, " bytes");
    const ByteView taken = slice(bytes_, at_, size, "a pickle's opcode or operand");
    at_ += size;
    return taken;
  }

  template <std::integral T>
  T take() {
    return read_le<T>(take_bytes(sizeof(T)), 0, "an integer");
  }

  std::string_view take_text(std::size_t size, std::size_t limit = most_bytes) {
    check(size <= limit, ErrorKind::model, "the pickle has a value of ", size, " bytes at byte ", at_,
          ", the limit is ", limit);
    return text_of(take_bytes(size));
  }

  std::string_view take_line() {
    const std::string_view rest = text_of(bytes_.subspan(at_, std::min(bytes_.size() - at_, longest_name)));
    const std::size_t size = rest.find('\n');
    check(size != rest.npos, ErrorKind::model, "the pickle has an unended name at byte ", at_);
    return take_text(size + 1).substr(0, size);
  }

  void check_protocol(int version) const {
    check(version >= 2 && version <= 5, ErrorKind::model, "the pickle has protocol ", version, ", expected 2 to 5");
  }

  void check_frame(std::uint64_t size) const { slice(bytes_, at_, size, "a pickle's frame"); }

  // ---- the stack ----

  Id push(Node node) {
    pickle_.nodes_.push_back(node);
    depths_.push_back(0);
    stack_.push_back(static_cast<Id>(pickle_.nodes_.size() - 1));
    return stack_.back();
  }

  void push_mark() {
    check(marks_.size() < deepest_nesting, ErrorKind::model, "the pickle nests deeper than ", deepest_nesting);
    marks_.push_back(stack_.size());
  }

  /// The last `count` values; valid until the next push.
  std::span<const Id> pop(std::size_t count) {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    check(stack_.size() - floor >= count, ErrorKind::model, "the pickle takes ", count, " values off a stack of ",
          stack_.size() - floor, " at byte ", at_);
    popped_.assign(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return popped_;
  }

  std::span<const Id> pop_to_mark() {
    check(!marks_.empty(), ErrorKind::model, "the pickle misses a mark at byte ", at_);
    const std::span<const Id> values = pop(stack_.size() - marks_.back());
    marks_.pop_back();
    return values;
  }

  Id top() const {
    check(stack_.size() > (marks_.empty() ? 0 : marks_.back()), ErrorKind::model, "the pickle needs a value at byte ",
          at_);
    return stack_.back();
  }

  // ---- the nodes ----

  void push_long(std::string_view digits) {
    if (digits.size() > sizeof(std::int64_t)) {
      push(Bytes{digits});
      return;
    }
    const bool negative = !digits.empty() && (digits.back() & 0x80);
    std::int64_t value = negative ? -1 : 0;  // the sign fills the bytes that the pickle leaves out
    std::ranges::copy(digits, reinterpret_cast<char*>(&value));
    push(value);
  }

  void put(Container kind, std::span<const Id> values) {
    const Id target = top();
    check(pickle_.is(target, kind) || pickle_.get_if<Call>(target), ErrorKind::model, "the pickle puts items into ",
          pickle_.describe(target), " at byte ", at_);
    check(kind != Container::dict || values.size() % 2 == 0, ErrorKind::model,
          "the pickle has a key without a value at byte ", at_);
    if (values.empty()) return;
    std::vector<Id>& items = pickle_.items_[target];
    items.insert(items.end(), values.begin(), values.end());
    for (Id value : values) nest(target, value);
  }

  void keep_state(std::span<const Id> values) {
    const Id state = values[0];  // not nested in its object: nobody who only wants data looks into it
    pickle_.states_[top()] = state;
  }

  void gather(Container kind, std::span<const Id> values) {
    const Id target = push(kind);
    if (!values.empty()) pickle_.items_[target].assign(values.begin(), values.end());
    for (Id value : values) nest(target, value);
  }

  void nest(Id outer, Id inner) {
    depths_[outer] = std::max<std::uint8_t>(depths_[outer], depths_[inner] + 1);
    check(depths_[outer] <= deepest_nesting, ErrorKind::model, "the pickle nests deeper than ", deepest_nesting);
  }

  void push_global() {
    push(take_line());
    push(take_line());
    name_global(pop(2));
  }

  void name_global(std::span<const Id> names) {
    const Id module = names[0], name = names[1];
    check(pickle_.get_if<std::string_view>(module) && pickle_.get_if<std::string_view>(name), ErrorKind::model,
          "the pickle names a global by ", pickle_.describe(module), " and ", pickle_.describe(name), " at byte ", at_);
    push(Global{module, name});
  }

  void call(
      std::span<const Id> parts) {  // callable, arguments and, for newobj_ex, keyword arguments, which stay unread
    const Id callable = parts[0], arguments = parts[1];
    const Id result = push(Call{callable, arguments});
    nest(result, callable);
    nest(result, arguments);
  }

  void push_persistent(std::span<const Id> id) {
    const Id inner = id[0];
    nest(push(Persistent{inner}), inner);
  }

  // ---- the memo ----

  void memoize(std::size_t index) {
    // Python numbers its memo from 0 upwards, so an index past the opcode limit is made up, and would cost memory.
    check(index < most_opcodes, ErrorKind::model, "the pickle's memo index ", index, " exceeds the limit of ",
          most_opcodes);
    if (memo_.size() <= index) memo_.resize(index + 1, nothing);
    memo_[index] = top();
  }

  void recall(std::size_t index) {
    check(index < memo_.size() && memo_[index] != nothing, ErrorKind::model, "the pickle recalls memo ", index,
          ", which was never set, at byte ", at_);
    stack_.push_back(memo_[index]);
  }

  static constexpr Id nothing = std::numeric_limits<Id>::max();

  Pickle& pickle_;
  ByteView bytes_;
  std::size_t at_ = 0;
  std::vector<Id> stack_, popped_, memo_;
  std::vector<std::size_t> marks_;
  std::vector<std::uint8_t> depths_;  // by node: how deep what it holds is nested
};

Pickle::Pickle(ByteView bytes) {
  Machine(*this, bytes).run();
}

bool Pickle::is_global(Id id, std::string_view module, std::string_view name) const {
  const auto* global = get_if<Global>(id);
  return global && *get_if<std::string_view>(global->module) == module &&
         *get_if<std::string_view>(global->name) == name;
}

std::span<const Pickle::Id> Pickle::items(Id id) const {
  const auto found = items_.find(id);
  return found == items_.end() ? std::span<const Id>() : found->second;
}

std::optional<Pickle::Id> Pickle::state(Id id) const {
  const auto found = states_.find(id);
  return found == states_.end() ? std::nullopt : std::optional(found->second);
}

std::string Pickle::describe(Id id) const {
  struct Words {
    const Pickle& pickle;
    std::string operator()(None) const { return "None"; }
    std::string operator()(bool) const { return "a boolean"; }
    std::string operator()(std::int64_t value) const { return cat("the integer ", value); }
    std::string operator()(double) const { return "a float"; }
    std::string operator()(std::string_view text) const { return cat("the text ", in_quotes(text)); }
    std::string operator()(Bytes) const { return "binary data"; }
    std::string operator()(Container kind) const {
      constexpr const char* names[] = {"a tuple", "a list", "a dict", "a set"};
      return names[static_cast<std::size_t>(kind)];
    }
    std::string operator()(Global global) const { return "the name " + dotted(global); }
    std::string operator()(Call call) const {
      const auto* global = pickle.get_if<Global>(call.callable);
      return global ? "an object made by " + dotted(*global) : "an object";
    }
    std::string operator()(Persistent) const { return "a storage"; }

    std::string dotted(Global global) const {
      return in_quotes(
          cat(*pickle.get_if<std::string_view>(global.module), '.', *pickle.get_if<std::string_view>(global.name)));
    }
  };
  return std::visit(Words{*this}, nodes_[id]);
}

}  // namespace giemsa
