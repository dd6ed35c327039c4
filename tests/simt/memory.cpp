#include "tests/simt/memory.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "tests/simt/block.h"
#include "tests/simt/fiber.h"

extern "C" const std::byte __executable_start, end;  // of the program's image: set by the linker

namespace giemsa::simt {

namespace {

constexpr std::size_t global_band = 256, dynamic_band = 4096, max_dynamic_bytes = 227 << 10;
constexpr int max_warps = max_fibers / warp_size;

/// What is known of a byte of shared memory. Epochs before the block's first one mean never.
struct Byte {
  std::uint32_t write_epoch = 0, write_time = 0;
  std::uint16_t writer = 0;
  bool written_atomically = false, in_flight = false;
  std::uint16_t reading_warp = 0;  // or several_warps
  std::uint32_t read_epoch = 0, read_time = 0;
  unsigned reading_lanes = 0;
};
constexpr std::uint16_t several_warps = 0xffff;

struct Region {
  std::size_t bytes = 0, band = 0;
  bool shared = false;
  std::vector<Byte> shadow = {};  // of shared memory
};

using Address = std::uintptr_t;
std::map<Address, Region> regions;  // by the address of their first byte

// Never reset, so that starting a block forgets all former writes at once.
std::uint32_t epoch = 1, first_epoch_of_block = 1;

// Number of a warp's barriers so far, and of the last one through which lane i knows of lane j.
std::uint32_t warp_time[max_warps];
std::uint32_t known[max_warps][warp_size][warp_size];

Address address_of(const void* p) {
  return reinterpret_cast<Address>(p);
}

/// Everything that `lanes` of `warp` did in `then` at `time` happened before what the current thread does now.
bool happened_before(std::uint32_t then, int warp, unsigned lanes, std::uint32_t time) {
  if (then < epoch) return true;
  const Thread& self = current_thread();
  if (warp != self.warp()) return false;
  for (unsigned others = lanes & ~(1u << self.lane()); others; others &= others - 1)
    if (known[warp][self.lane()][std::countr_zero(others)] <= time) return false;
  return true;
}

bool reads_happened_before(const Byte& byte) {
  return byte.read_epoch < epoch ||
         (byte.reading_warp != several_warps &&
          happened_before(byte.read_epoch, byte.reading_warp, byte.reading_lanes, byte.read_time));
}

void check_byte(Byte& byte, Access kind, const std::string& (*place)()) {
  const Thread& self = current_thread();
  const bool written = byte.write_epoch >= first_epoch_of_block;
  if (written && byte.in_flight)
    fault(cat(place(), " is touched while an asynchronous copy to it is in flight: wait_copies() is missing"));
  if (!written && kind != Access::write) fault(cat(place(), " is read but was never written"));

  const bool both_atomic = kind == Access::atomic && byte.written_atomically;
  if (written && !both_atomic && byte.writer != self.id &&
      !happened_before(byte.write_epoch, byte.writer / warp_size, 1u << byte.writer % warp_size, byte.write_time))
    fault(cat("race: ", place(), kind == Access::read ? " is read" : " is written", ", with no barrier after thread ",
              byte.writer, " of the block wrote it"));

  if (kind != Access::read && !reads_happened_before(byte))
    fault(cat("race: ", place(), " is written, with no barrier after another thread read it"));
}

void record(Byte& byte, Access kind) {
  const Thread& self = current_thread();
  const std::uint32_t now = warp_time[self.warp()];
  if (kind != Access::read) {
    byte.write_epoch = epoch;
    byte.write_time = now;
    byte.writer = static_cast<std::uint16_t>(self.id);
    byte.written_atomically = kind == Access::atomic;
    byte.in_flight = false;
    return;
  }
  // Whoever comes after this read comes after those that it follows: they need not be remembered.
  if (reads_happened_before(byte)) {
    byte.reading_warp = static_cast<std::uint16_t>(self.warp());
    byte.reading_lanes = 0;
  }
  if (byte.reading_warp != self.warp()) byte.reading_warp = several_warps;
  byte.read_epoch = epoch;
  byte.read_time = now;
  byte.reading_lanes |= 1u << self.lane();
}

/// What a fault says of the byte at hand, worked out only if it does.
struct Place {
  const Region* region;
  std::size_t offset;
} place;

const std::string& describe_place() {
  static std::string text;
  return text = cat("byte ", place.offset, " of a shared array of ", place.region->bytes, " bytes");
}

/// The region whose bytes or guard bands hold `address`, or end().
std::map<Address, Region>::iterator region_around(Address address) {
  const auto above = regions.upper_bound(address);
  if (above != regions.begin()) {
    const auto below = std::prev(above);
    if (address < below->first + below->second.bytes + below->second.band) return below;
  }
  return above != regions.end() && address >= above->first - above->second.band ? above : regions.end();
}

/// Constants, and what the compiler keeps for local statics.
bool in_image(Address address) {
  return address >= address_of(&__executable_start) && address < address_of(&end);
}

/// The shadow of `bytes` shared bytes at `address`.
Byte* shadow_of(const void* address, std::size_t bytes) {
  const auto found = region_around(address_of(address));
  if (found == regions.end() || !found->second.shared) fault("an operation on shared memory gets another address");
  const std::size_t offset = address_of(address) - found->first;
  if (address_of(address) < found->first || offset + bytes > found->second.bytes)
    fault("an operation on shared memory reaches outside its array");
  place = {&found->second, offset};
  return &found->second.shadow[offset];
}

std::byte* dynamic_arena() {
  static std::byte* const arena = [] {
    constexpr std::size_t alignment = 128;
    static_assert(dynamic_band % alignment == 0 && max_dynamic_bytes % alignment == 0);
    void* memory = std::aligned_alloc(alignment, dynamic_band + max_dynamic_bytes + dynamic_band);
    if (!memory) throw std::bad_alloc();
    return static_cast<std::byte*>(memory) + dynamic_band;
  }();
  return arena;
}

}  // namespace

Space access(const void* address, std::size_t bytes, Access kind) {
  const Emulating emulating;
  if (on_fiber_stacks(address)) return Space::own;
  const Address at = address_of(address);
  const auto found = region_around(at);
  if (found == regions.end()) {
    if (in_image(at) && kind == Access::read) return Space::constant;
    fault(
        cat(kind == Access::read ? "reads " : "writes ", bytes, " bytes at ", address, ", which is no device memory"));
  }
  Region& region = found->second;
  const std::size_t offset = at - found->first;
  if (at < found->first || offset + bytes > region.bytes)
    fault(cat(kind == Access::read ? "reads " : "writes ", bytes, " bytes at offset ",
              static_cast<std::ptrdiff_t>(offset), " of ", region.shared ? "a shared array" : "a global buffer", " of ",
              region.bytes, " bytes"));
  if (!region.shared) {
    if (kind != Access::read && !current_thread().waited_for_previous)
      fault("writes global memory before wait_for_previous_kernel()");
    return Space::global;
  }
  for (std::size_t i = 0; i < bytes; ++i) {
    place = {&region, offset + i};
    check_byte(region.shadow[offset + i], kind, describe_place);
    record(region.shadow[offset + i], kind);
  }
  return Space::shared;
}

void check_aligned(const void* address, std::size_t bytes) {
  const Emulating emulating;
  if (address_of(address) % bytes != 0) fault(cat("an access of ", bytes, " bytes at ", address, " is not aligned"));
}

void* allocate(std::size_t bytes) {
  const std::size_t rounded = (bytes + global_band - 1) / global_band * global_band;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(global_band, global_band + rounded + global_band));
  if (!memory) throw std::bad_alloc();
  std::fill_n(memory, global_band + rounded + global_band, std::byte{0xff});
  regions[address_of(memory + global_band)] = {.bytes = bytes, .band = global_band};
  return memory + global_band;
}

void release(void* memory) {
  if (!memory) return;
  regions.erase(address_of(memory));
  std::free(static_cast<std::byte*>(memory) - global_band);
}

void register_shared(void* memory, std::size_t bytes, std::size_t band) {
  const Emulating emulating;
  regions[address_of(memory)] = {.bytes = bytes, .band = band, .shared = true, .shadow = std::vector<Byte>(bytes)};
}

void set_dynamic_shared(std::size_t bytes) {
  Region& region = regions[address_of(dynamic_arena())];
  if (region.shadow.empty())
    region = {.band = dynamic_band, .shared = true, .shadow = std::vector<Byte>(max_dynamic_bytes)};
  region.bytes = bytes;
  region.band = dynamic_band + max_dynamic_bytes - bytes;
}

void* dynamic_shared_memory() {
  return dynamic_arena();
}

void start_block() {
  first_epoch_of_block = ++epoch;
}

std::uint32_t block_serial() {
  return first_epoch_of_block;
}

void block_synchronised() {
  ++epoch;
}

void warp_synchronised(int warp, unsigned mask) {
  const std::uint32_t time = ++warp_time[warp];
  std::uint32_t joined[warp_size] = {};
  for (int i = 0; i < warp_size; ++i) {
    if (!(mask >> i & 1)) continue;
    for (int j = 0; j < warp_size; ++j) joined[j] = std::max(joined[j], known[warp][i][j]);
  }
  for (int j = 0; j < warp_size; ++j)
    if (mask >> j & 1) joined[j] = time;
  for (int i = 0; i < warp_size; ++i)
    if (mask >> i & 1) std::copy_n(joined, warp_size, known[warp][i]);
}

void in_flight(const void* shared, std::size_t bytes) {
  Byte* shadow = shadow_of(shared, bytes);
  for (std::size_t i = 0; i < bytes; ++i, ++place.offset) {
    check_byte(shadow[i], Access::write, describe_place);
    record(shadow[i], Access::write);
    shadow[i].in_flight = true;
  }
}

void landed(const void* shared, std::size_t bytes) {
  Byte* shadow = shadow_of(shared, bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    shadow[i].in_flight = false;
    record(shadow[i], Access::write);
  }
}

}  // namespace giemsa::simt
