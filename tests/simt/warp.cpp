// Barriers, shuffles and votes of a warp, and the matrix instructions.
#include "tests/simt/counters.h"
#include "tests/simt/device.h"

namespace giemsa::simt {

namespace {

struct ShuffleOperand {
  Shuffle kind;
  std::uint64_t value;
  int operand;
  std::uint64_t result;
};

int source_lane(Shuffle kind, int lane, int operand) {
  switch (kind) {
    case Shuffle::index:
      return operand & 31;
    case Shuffle::up:
      return lane - operand < 0 ? lane : lane - operand;
    case Shuffle::down:
      return lane + operand >= warp_size ? lane : lane + operand;
    case Shuffle::exclusive_or:
      return (lane ^ operand) & 31;
  }
  return lane;
}

constexpr const char* name_of(Shuffle kind) {
  constexpr const char* names[] = {"shuffle", "shuffle_up", "shuffle_down", "shuffle_xor"};
  return names[static_cast<int>(kind)];
}

struct Vote {
  unsigned value;
  unsigned result;
};

struct MatrixRows {
  unsigned* r;
  int n;
  bool transposed;
  const kernels::Half* row;
};

struct Fragments {
  float* d;
  const unsigned *a, *b;
};

template <class Operand>
Operand& operand_of(Lanes lanes, int lane) {
  return *static_cast<Operand*>(lanes[static_cast<std::size_t>(lane)]);
}

template <class Operand, class Body>
void for_each_lane(Lanes lanes, unsigned mask, Body body) {
  for (int lane = 0; lane < warp_size; ++lane)
    if (mask >> lane & 1) body(lane, operand_of<Operand>(lanes, lane));
}

/// fp16 number `i` of a register that holds two.
float half_of(unsigned pair, int i) {
  return f16_to_f32(static_cast<std::uint16_t>(pair >> 16 * i));
}

/// Fragments to matrices, their product, and back; k is 8 or 16. See mma.h for the layout.
template <int k>
void multiply(Lanes lanes, unsigned) {
  count_matrix_product();
  float a[16][k], b[k][8];
  for_each_lane<Fragments>(lanes, kernels::full_mask, [&](int lane, const Fragments& f) {
    const int g = lane / 4, t = lane % 4;
    for (int half = 0; half < k / 8; ++half)
      for (int i = 0; i < 2; ++i) {
        const int column = 2 * t + 8 * half + i;
        a[g][column] = half_of(f.a[2 * half], i);
        a[g + 8][column] = half_of(f.a[2 * half + 1], i);
        b[column][g] = half_of(f.b[half], i);
      }
  });
  for_each_lane<Fragments>(lanes, kernels::full_mask, [&](int lane, const Fragments& f) {
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      const int row = g + 8 * (i / 2), column = 2 * t + i % 2;
      for (int j = 0; j < k; ++j) f.d[i] += a[row][j] * b[j][column];  // each product is exact
    }
  });
}

}  // namespace

std::uint64_t shuffle(Shuffle kind, std::uint64_t value, int operand, unsigned mask, Site site) {
  ShuffleOperand self{kind, value, operand, 0};
  meet_warp(name_of(kind), mask, &self, site, [](Lanes lanes, unsigned all) {
    count_warp_operation();
    for_each_lane<ShuffleOperand>(lanes, all, [&](int lane, ShuffleOperand& to) {
      const int from = source_lane(to.kind, lane, to.operand);
      if (!(all >> from & 1)) fault(cat("lane ", lane, " shuffles from lane ", from, ", which does not take part"));
      to.result = operand_of<ShuffleOperand>(lanes, from).value;
    });
  });
  return self.result;
}

void load_matrices(unsigned* r, int n, bool transposed, const kernels::Half* row, Site site) {
  MatrixRows self{r, n, transposed, row};
  if (current_thread().lane() < 8 * n) {
    check_aligned(row, 16);
    count_access(access(row, 16, Access::read), row, 16, Access::read, __builtin_return_address(0));
  }
  meet_warp("load_matrices", kernels::full_mask, &self, site, [](Lanes lanes, unsigned all) {
    for_each_lane<MatrixRows>(lanes, all, [&](int lane, const MatrixRows& to) {
      const int g = lane / 4, t = lane % 4;
      for (int i = 0; i < to.n; ++i) {
        const auto element = [&](int y, int x) { return operand_of<MatrixRows>(lanes, 8 * i + y).row[x].bits; };
        const unsigned low = to.transposed ? element(2 * t, g) : element(g, 2 * t);
        const unsigned high = to.transposed ? element(2 * t + 1, g) : element(g, 2 * t + 1);
        to.r[i] = low | high << 16;
      }
    });
  });
}

}  // namespace giemsa::simt

namespace giemsa::kernels {

void sync_warp(unsigned mask, simt::Site site) {
  simt::meet_warp("sync_warp", mask, nullptr, site, [](simt::Lanes, unsigned all) {
    simt::count_warp_operation();
    simt::warp_synchronised(simt::current_thread().warp(), all);
  });
}

unsigned ballot(bool predicate, unsigned mask, simt::Site site) {
  simt::Vote self{predicate, 0};
  simt::meet_warp("a vote", mask, &self, site, [](simt::Lanes lanes, unsigned all) {
    simt::count_warp_operation();
    unsigned votes = 0;
    simt::for_each_lane<simt::Vote>(lanes, all, [&](int lane, const simt::Vote& v) { votes |= v.value << lane; });
    simt::for_each_lane<simt::Vote>(lanes, all, [&](int, simt::Vote& v) { v.result = votes; });
  });
  return self.result;
}

unsigned match_lanes(unsigned value, unsigned mask, simt::Site site) {
  simt::Vote self{value, 0};
  simt::meet_warp("match_lanes", mask, &self, site, [](simt::Lanes lanes, unsigned all) {
    simt::count_warp_operation();
    simt::for_each_lane<simt::Vote>(lanes, all, [&](int, simt::Vote& v) {
      simt::for_each_lane<simt::Vote>(lanes, all, [&](int other, const simt::Vote& o) {
        v.result |= static_cast<unsigned>(o.value == v.value) << other;
      });
    });
  });
  return self.result;
}

void mma_m16n8k8(float (&d)[4], unsigned a0, unsigned a1, unsigned b0, simt::Site site) {
  const unsigned a[] = {a0, a1};
  simt::Fragments self{d, a, &b0};
  simt::meet_warp("mma_m16n8k8", full_mask, &self, site, simt::multiply<8>);
}

void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], simt::Site site) {
  simt::Fragments self{d, a, b};
  simt::meet_warp("mma_m16n8k16", full_mask, &self, site, simt::multiply<16>);
}

}  // namespace giemsa::kernels
