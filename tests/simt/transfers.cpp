// Vector loads and stores, atomics, asynchronous copies, and what the host does to device memory.
#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/simt/counters.h"
#include "tests/simt/device.h"
#include "tests/simt/fiber.h"

namespace giemsa::simt {

/// The place in a kernel that a function here was called from.
#define GIEMSA_CALLER __builtin_return_address(0)

namespace {

struct Copy {
  void* to;
  const void* from;  // or null: zeros
  std::size_t bytes;
};

/// Of one thread: copies in the order of issue, and how many of them each commit closed.
struct Copies {
  std::vector<Copy> pending;
  std::vector<std::size_t> groups;
  std::uint32_t block = 0;
};
Copies copies[max_fibers];

/// Those of the current thread; what an earlier block's thread left behind is dropped.
Copies& own_copies() {
  Copies& own = copies[current_thread().id];
  if (own.block != block_serial()) own = {.pending = {}, .groups = {}, .block = block_serial()};
  return own;
}

}  // namespace

void read(void* to, const void* from, std::size_t bytes) {
  check_aligned(from, bytes);
  count_access(access(from, bytes, Access::read), from, bytes, Access::read, GIEMSA_CALLER);
  std::memcpy(to, from, bytes);
}

void write(void* to, const void* from, std::size_t bytes) {
  check_aligned(to, bytes);
  count_access(access(to, bytes, Access::write), to, bytes, Access::write, GIEMSA_CALLER);
  std::memcpy(to, from, bytes);
}

void copy_async(void* shared, const void* global, std::size_t bytes, bool take) {
  const Emulating emulating;
  check_aligned(shared, bytes);
  check_aligned(global, bytes);
  if (take) count_access(access(global, bytes, Access::read), global, bytes, Access::read, GIEMSA_CALLER);
  in_flight(shared, bytes);
  const auto* beside = static_cast<const std::byte*>(GIEMSA_CALLER) + 1;  // another instruction, which all lanes make
  count_access(Space::shared, shared, bytes, Access::write, beside);
  own_copies().pending.push_back({shared, take ? global : nullptr, bytes});
}

void wait_copies(int groups_in_flight) {
  const Emulating emulating;
  Copies& own = own_copies();
  const std::size_t keep = std::min(own.groups.size(), static_cast<std::size_t>(groups_in_flight));
  const auto arrived = own.groups.end() - static_cast<std::ptrdiff_t>(keep);
  std::size_t count = 0;
  for (auto group = own.groups.begin(); group != arrived; ++group) count += *group;
  for (std::size_t i = 0; i < count; ++i) {
    const Copy& copy = own.pending[i];
    if (copy.from)
      std::memcpy(copy.to, copy.from, copy.bytes);
    else
      std::memset(copy.to, 0, copy.bytes);
    landed(copy.to, copy.bytes);
  }
  own.pending.erase(own.pending.begin(), own.pending.begin() + static_cast<std::ptrdiff_t>(count));
  own.groups.erase(own.groups.begin(), arrived);
}

}  // namespace giemsa::simt

namespace giemsa::kernels {

void fill_bytes(void* to, std::uint8_t value, std::size_t bytes, Stream) {
  std::memset(to, value, bytes);
  simt::count_fill();
}

void read_back(void* to, const void* from, std::size_t bytes, Stream) {
  std::memcpy(to, from, bytes);
  simt::count_host_read();
}

void wait_for_previous_kernel() {
  simt::current_thread().waited_for_previous = true;
}

void commit_copies() {
  const simt::Emulating emulating;
  simt::Copies& own = simt::own_copies();
  std::size_t committed = 0;
  for (std::size_t group : own.groups) committed += group;
  own.groups.push_back(own.pending.size() - committed);
}

namespace {

/// *p = operation(*p), checked. Threads take turns, so any read-modify-write is atomic.
template <class T, class Operation>
T update(T* p, Operation operation) {
  simt::check_aligned(p, sizeof *p);
  simt::count_access(simt::access(p, sizeof *p, simt::Access::atomic), p, sizeof *p, simt::Access::atomic, nullptr);
  const T before = *p;
  *p = operation(before);
  return before;
}

}  // namespace

template <class T>
T atomic_add(T* p, std::type_identity_t<T> value) {
  return update(p, [=](T old) {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(old) + static_cast<std::make_unsigned_t<T>>(value));
    else
      return static_cast<T>(old + value);
  });
}
template <class T>
T atomic_min(T* p, std::type_identity_t<T> value) {
  return update(p, [=](T old) { return std::min(old, value); });
}
template <class T>
T atomic_max(T* p, std::type_identity_t<T> value) {
  return update(p, [=](T old) { return std::max(old, value); });
}
template <class T>
T atomic_or(T* p, std::type_identity_t<T> value) {
  return update(p, [=](T old) { return old | value; });
}
template <class T>
T atomic_exchange(T* p, std::type_identity_t<T> value) {
  return update(p, [=](T) { return value; });
}
template <class T>
T atomic_compare_exchange(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return update(p, [=](T old) { return old == expected ? value : old; });
}

#define GIEMSA_ATOMICS(T)            \
  template T atomic_add(T*, T);      \
  template T atomic_min(T*, T);      \
  template T atomic_max(T*, T);      \
  template T atomic_or(T*, T);       \
  template T atomic_exchange(T*, T); \
  template T atomic_compare_exchange(T*, T, T);
GIEMSA_ATOMICS(int)
GIEMSA_ATOMICS(unsigned)
GIEMSA_ATOMICS(unsigned long long)
#undef GIEMSA_ATOMICS
template float atomic_add(float*, float);
template float atomic_exchange(float*, float);

}  // namespace giemsa::kernels
