// Vectors of one register of the instruction set that this is compiled for (see simd.h), in the compilers' own vector
// types, and how they are loaded from and stored to elements. They are passed by reference: by value, their calling
// convention would depend on the set.

constexpr std::int64_t lanes = vector_bytes / 4;

template <class T, int Size>
using Bytes __attribute__((vector_size(Size))) = T;
using Float = Bytes<float, vector_bytes>;
using Int = Bytes<std::int32_t, vector_bytes>;
using UInt = Bytes<std::uint32_t, vector_bytes>;
using Half = Bytes<std::uint16_t, vector_bytes / 2>;
using SignedHalf = Bytes<std::int16_t, vector_bytes / 2>;
using Byte = Bytes<std::uint8_t, vector_bytes / 4>;
using SignedByte = Bytes<std::int8_t, vector_bytes / 4>;

GIEMSA_INLINE void load(Float& to, const float* from) {
  std::memcpy(&to, from, sizeof(to));
}
GIEMSA_INLINE void load(Float& to, const Bf16* from) {
  Half bits;
  std::memcpy(&bits, from, sizeof(bits));
  const UInt wide = __builtin_convertvector(bits, UInt) << 16;
  std::memcpy(&to, &wide, sizeof(to));
}

// From and to 8 bits by way of 16: GCC 12 converts by a factor of two at a time in vectors, and by four in scalars.
GIEMSA_INLINE void load(Float& to, const std::uint8_t* from) {
  Byte bits;
  std::memcpy(&bits, from, sizeof(bits));
  to = __builtin_convertvector(__builtin_convertvector(__builtin_convertvector(bits, Half), Int), Float);
}
GIEMSA_INLINE void load(Float& to, const std::int8_t* from) {
  SignedByte bits;
  std::memcpy(&bits, from, sizeof(bits));
  to = __builtin_convertvector(__builtin_convertvector(__builtin_convertvector(bits, SignedHalf), Int), Float);
}

GIEMSA_INLINE void store(float* to, const Float& from) {
  std::memcpy(to, &from, sizeof(from));
}
/// Rounds to nearest even; a NaN stays one.
GIEMSA_INLINE void store(Bf16* to, const Float& from) {
  UInt bits;
  std::memcpy(&bits, &from, sizeof(bits));
  const UInt rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const UInt quiet = bits | 0x400000u;
  const Int is_nan = from != from;
  const Half half = __builtin_convertvector((is_nan ? quiet : rounded) >> 16, Half);
  std::memcpy(to, &half, sizeof(half));
}

/// Clamped to least..most, then rounded as round_to_even().
GIEMSA_INLINE void round_within(Int& to, const Float& from, float least, float most) {
  const Float low = Float{} + least, high = Float{} + most;
  Float kept = from > low ? from : low;
  kept = kept < high ? kept : high;
  const Float shifted = kept + 0x1.8p23f;
  std::memcpy(&to, &shifted, sizeof(to));
  to -= std::bit_cast<std::int32_t>(0x1.8p23f);
}
GIEMSA_INLINE void store(std::uint8_t* to, const Float& from) {
  Int rounded;
  round_within(rounded, from, 0, 255);
  const Byte bytes = __builtin_convertvector(__builtin_convertvector(rounded, SignedHalf), Byte);
  std::memcpy(to, &bytes, sizeof(bytes));
}
GIEMSA_INLINE void store(std::int8_t* to, const Float& from) {
  Int rounded;
  round_within(rounded, from, -128, 127);
  const SignedByte bytes = __builtin_convertvector(__builtin_convertvector(rounded, SignedHalf), SignedByte);
  std::memcpy(to, &bytes, sizeof(bytes));
}
