#include "tests/simt/counters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "engine/base/check.h"
#include "tests/simt/block.h"
#include "tests/simt/fiber.h"

namespace giemsa::simt {

namespace {

using Address = std::uintptr_t;
using Key = std::uint64_t;

constexpr Address sector_bytes = 32, bank_bytes = 4, banks = 32;
constexpr std::size_t widest = 16;  // bytes that one instruction moves for a lane

/// Of a warp: what its lanes did at one place, once.
struct Instruction {
  Space space = Space::global;
  Access kind = Access::read;
  std::size_t bytes = 0;
  unsigned lanes = 0;
  std::array<Address, warp_size> at = {};
};

/// A hash table of integers that is emptied in no time.
class Table {
 public:
  /// The value of `key`, 0 where it is new.
  std::uint32_t& operator[](Key key) {
    if (2 * used_ >= slots_.size()) grow();
    std::size_t i = find(key);
    if (slots_[i].generation != generation_) {
      slots_[i] = {key, generation_, 0};
      ++used_;
    }
    return slots_[i].value;
  }

  void clear() {
    ++generation_;
    used_ = 0;
  }

 private:
  struct Slot {
    Key key = 0;
    std::uint32_t generation = 0, value = 0;
  };

  std::size_t find(Key key) const {
    std::size_t i = key % slots_.size();
    while (slots_[i].generation == generation_ && slots_[i].key != key) i = (i + 1) % slots_.size();
    return i;
  }
  void grow() {
    std::vector<Slot> before(std::max<std::size_t>(64, 2 * slots_.size()));
    before.swap(slots_);
    for (const Slot& slot : before)
      if (slot.generation == generation_) slots_[find(slot.key)] = slot;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::uint32_t generation_ = 1;
};

Key mix(Key a, Key b) {
  Key x = (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9u;
  return x ^ x >> 31;
}

/// Where a thread is: the calls that led there, and how often it came to each place within them since it last met its
/// warp. What a call counted is forgotten when it returns.
class Path {
 public:
  Path() { restart(); }

  /// Names this visit to `place`: equal for lanes whose visits pair up.
  Key visit(const void* place) {
    Call& call = calls_.back();
    const std::size_t known = places_.size() - call.first;
    std::size_t i = call.next;  // as a rule the place that followed the last one before
    for (std::size_t tried = 0; tried <= known; ++tried, ++i) {
      if (i >= places_.size()) i = call.first;
      if (tried == known) {
        i = places_.size();
        places_.push_back({place, 0});
        break;
      }
      if (places_[i].address == place) break;
    }
    call.next = i + 1;
    return mix(mix(call.key, reinterpret_cast<Address>(place)), ++places_[i].visits);
  }

  void call(const void* place) {
    const Key key = visit(place);
    calls_.push_back({key, places_.size(), places_.size()});
  }
  void leave() {
    if (calls_.size() == 1) return;
    places_.resize(calls_.back().first);
    calls_.pop_back();
  }
  void meet() {
    for (Place& place : places_) place.visits = 0;
  }
  void restart() {
    places_.clear();
    calls_.assign(1, {});
  }

 private:
  struct Place {
    const void* address;
    std::uint32_t visits;
  };
  struct Call {
    Key key = 0;
    std::size_t first = 0, next = 0;  // of its places; the one to look at first
  };
  std::vector<Place> places_;
  std::vector<Call> calls_;
};

bool active = false;
int warps_of_block = 0;
std::vector<Counts> counted;
Path paths[max_fibers];

/// Of a warp: instructions that lanes may still join, and where each is, counted from 1.
struct Gathering {
  Table index;
  std::vector<Instruction> instructions;

  Instruction& operator[](Key key) {
    std::uint32_t& at = index[key];
    if (at == 0) {
      instructions.emplace_back();
      at = static_cast<std::uint32_t>(instructions.size());
    }
    return instructions[at - 1];
  }
  void clear() {
    index.clear();
    instructions.clear();
  }
};
Gathering gathering[max_fibers / warp_size];

void count_traffic(Counts::Traffic& to, const Instruction& done) {
  std::array<Address, warp_size> starts;
  auto last_start = starts.begin();
  for (unsigned rest = done.lanes; rest; rest &= rest - 1)
    *last_start++ = done.at[static_cast<std::size_t>(std::countr_zero(rest))];
  std::sort(starts.begin(), last_start);
  ++to.instructions;
  Address byte_end = 0, sector_end = 0;
  for (auto next = starts.begin(); next != last_start; ++next) {
    const Address start = *next;
    const Address end = start + done.bytes;
    if (end > byte_end) to.useful_bytes += static_cast<std::int64_t>(end - std::max(start, byte_end));
    byte_end = std::max(byte_end, end);
    const Address first = std::max(start / sector_bytes, sector_end), last = (end - 1) / sector_bytes + 1;
    if (last > first) to.sectors += static_cast<std::int64_t>(last - first);
    sector_end = std::max(sector_end, last);
  }
}

/// Of lanes that the banks answer together: the most words that one bank has to give.
std::int64_t wavefronts(const Instruction& done, unsigned together) {
  std::array<std::array<Address, warp_size>, banks> words;  // that each bank gives, and how many
  std::array<std::size_t, banks> count = {};
  std::size_t most = 0;
  for (unsigned rest = together; rest; rest &= rest - 1) {
    const Address start = done.at[static_cast<std::size_t>(std::countr_zero(rest))];
    for (Address word = start / bank_bytes; word * bank_bytes < start + done.bytes; ++word) {
      const std::size_t bank = word % banks;
      const auto end = words[bank].begin() + static_cast<std::ptrdiff_t>(count[bank]);
      if (std::find(words[bank].begin(), end, word) == end) words[bank][count[bank]++] = word;
      most = std::max(most, count[bank]);
    }
  }
  return static_cast<std::int64_t>(most);
}

void count_wavefronts(Counts::Wavefronts& to, const Instruction& done) {
  const int width = done.bytes <= 4 ? 32 : done.bytes <= 8 ? 16 : 8;
  const unsigned group = width == 32 ? ~0u : (1u << width) - 1;
  ++to.instructions;
  for (int first = 0; first < warp_size; first += width) {
    const unsigned together = done.lanes & group << first;
    if (!together) continue;
    ++to.least;
    to.wavefronts += wavefronts(done, together);
  }
}

void close(int warp) {
  for (const Instruction& done : gathering[warp].instructions) {
    Counts& to = counted.back();
    if (done.space == Space::shared)
      count_wavefronts(to.shared, done);
    else
      count_traffic(done.kind == Access::read ? to.read : to.write, done);
  }
  gathering[warp].clear();
}

/// The lanes of `warp` have met: what they do next pairs up anew.
void meet(int warp) {
  close(warp);
  for (int lane = 0; lane < warp_size; ++lane) paths[warp * warp_size + lane].meet();
}

/// One access of a lane, no wider than an instruction.
void add(Space space, Address address, std::size_t bytes, Access kind, const void* place) {
  const Thread& self = current_thread();
  if (kind == Access::atomic) {
    ++(space == Space::shared ? counted.back().shared_atomics : counted.back().global_atomics);
    return;
  }
  const Key key = mix(paths[self.id].visit(place), static_cast<Key>(space) * 4 + static_cast<Key>(kind));
  Instruction& to = gathering[self.warp()][key];
  to.space = space;
  to.kind = kind;
  to.bytes = std::max(to.bytes, bytes);
  to.lanes |= 1u << self.lane();
  to.at[static_cast<std::size_t>(self.lane())] = address;
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  const auto add_traffic = [](Traffic& to, const Traffic& more) {
    to.instructions += more.instructions;
    to.sectors += more.sectors;
    to.useful_bytes += more.useful_bytes;
  };
  add_traffic(read, other.read);
  add_traffic(write, other.write);
  shared.instructions += other.shared.instructions;
  shared.wavefronts += other.shared.wavefronts;
  shared.least += other.shared.least;
  for (const auto member : {&Counts::launches, &Counts::blocks, &Counts::warps, &Counts::fills, &Counts::host_reads,
                            &Counts::global_atomics, &Counts::shared_atomics, &Counts::barriers,
                            &Counts::warp_operations, &Counts::matrix_products})
    this->*member += other.*member;
  return *this;
}

Counting::Counting() {
  check(!active, ErrorKind::internal, "somebody counts already");
  active = true;
  counted.clear();
}

Counting::~Counting() {
  active = false;
}

const std::vector<Counts>& Counting::launches() const {
  return counted;
}

Counts Counting::sum() const {
  Counts all;
  for (const Counts& one : counted) all += one;
  return all;
}

void count_launch(int blocks, int threads) {
  if (!active) return;
  for (Path& path : paths) path.restart();  // the launch before may have been stopped by a fault
  for (Gathering& of_warp : gathering) of_warp.clear();
  counted.push_back({.launches = 1, .blocks = blocks});
  warps_of_block = (threads + warp_size - 1) / warp_size;
  counted.back().warps = std::int64_t{blocks} * warps_of_block;
}

void count_fill() {
  if (!active) return;
  if (counted.empty()) counted.emplace_back();
  ++counted.back().fills;
}

void count_host_read() {
  if (active && !counted.empty()) ++counted.back().host_reads;
}

void count_access(Space space, const void* address, std::size_t bytes, Access kind, const void* place) {
  if (!active || (space != Space::global && space != Space::shared)) return;
  for (Address at = reinterpret_cast<Address>(address), end = at + bytes; at < end; at += widest)
    add(space, at, std::min<std::size_t>(widest, end - at), kind, place);
}

void count_call(const void* place) {
  if (active) paths[current_thread().id].call(place);
}

void count_return() {
  if (active) paths[current_thread().id].leave();
}

void count_barrier() {
  if (!active) return;
  ++counted.back().barriers;
  for (int warp = 0; warp < warps_of_block; ++warp) meet(warp);
}

void count_meeting(unsigned mask) {
  if (active && mask == ~0u) meet(current_thread().warp());
}

void count_warp_operation() {
  if (active) ++counted.back().warp_operations;
}

void count_matrix_product() {
  if (active) ++counted.back().matrix_products;
}

void count_block_end() {
  if (!active) return;
  for (int warp = 0; warp < warps_of_block; ++warp) {
    meet(warp);
    for (int lane = 0; lane < warp_size; ++lane) paths[warp * warp_size + lane].restart();
  }
}

}  // namespace giemsa::simt
