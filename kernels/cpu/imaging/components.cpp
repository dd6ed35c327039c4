#include "kernels/cpu/imaging/components.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::kernels::cpu {

namespace {

/// Bit i is set where pixel i of 8 is not zero.
std::uint64_t nonzero_bits8(const std::uint8_t* pixels) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t bytes;
  std::memcpy(&bytes, pixels, 8);
  constexpr std::uint64_t low7 = 0x7f7f7f7f7f7f7f7full;
  const std::uint64_t flags = ((((bytes & low7) + low7) | bytes) >> 7) & 0x0101010101010101ull;
  return (flags * 0x0102040810204080ull) >> 56;
}

/// The same for `n` <= 64 pixels.
std::uint64_t nonzero_bits(const std::uint8_t* pixels, std::int64_t n) {
  std::uint64_t bits = 0;
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) bits |= nonzero_bits8(pixels + i) << i;
  for (; i < n; ++i) bits |= std::uint64_t{pixels[i] != 0} << i;
  return bits;
}

enum class Connect { foreground, background, both };

/// A stretch of one colour in a row. It begins where its predecessor ends.
struct Run {
  std::uint32_t end : 31;
  std::uint32_t foreground : 1;
  std::int32_t parent;  ///< union-find; never larger than the run's own index
  std::int32_t value;   ///< of a root: pixels at first, then the label
};

/// All runs of a mask, with those that touch joined. Run 0 stands for what is beyond the edge: the parent of background
/// runs that reach it, so that a hole is background outside run 0's set.
class RunTable {
 public:
  RunTable(const std::uint8_t* mask, Extent size, Connect connect, std::span<std::byte> scratch) : size_(size) {
    require(size.h > 0 && size.w > 0 && size.h < std::numeric_limits<std::int32_t>::max() / size.w,
            "components are found in masks of 1 to 2^31 pixels");
    Scratch memory(scratch);
    runs_ = memory.take<Run>(size.h * size.w + 1);
    row_begin_ = memory.take<std::int32_t>(size.h + 1);
    runs_[0] = {0, 0, 0, 0};
    count_ = 1;
    for (std::int64_t y = 0; y < size.h; ++y) {
      row_begin_[y] = count_;
      const bool edge_row = y == 0 || y == size.h - 1;
      scan_row(mask + y * size.w, edge_row);
      row_begin_[y + 1] = count_;
      if (y > 0) join_rows(row_begin_[y - 1], row_begin_[y], connect);
    }
    flatten();
  }

  static std::size_t bytes(Extent size) {
    return scratch_bytes_of<Run>(size.h * size.w + 1) + scratch_bytes_of<std::int32_t>(size.h + 1);
  }

  /// Turns holes into foreground and joins them with what surrounds them. It is enough to join a hole's runs with their
  /// neighbours in the row: the leftmost pixel of whatever touches a hole, or of the hole itself, has such a neighbour.
  void fill_holes() {
    for (std::int32_t i = 1; i < count_; ++i) {
      if (runs_[i].foreground || find(i) == 0) continue;
      runs_[i].foreground = 1;
      unite(i - 1, i);
      unite(i, i + 1);
    }
    flatten();
  }

  /// Numbers the foreground's sets of at least `min_area` pixels from 1 in raster order; the others get 0. Returns how
  /// many.
  std::int32_t number(std::int64_t min_area) {
    each_foreground([&](std::int64_t, std::int32_t i, std::int32_t begin, std::int32_t end) {
      runs_[runs_[i].parent].value += end - begin;
    });
    std::int32_t labels = 0;
    for (std::int32_t i = 1; i < count_; ++i)
      if (Run& run = runs_[i]; run.foreground && run.parent == i) run.value = run.value >= min_area ? ++labels : 0;
    return labels;
  }

  std::int32_t label(std::int32_t run) const { return runs_[run].foreground ? runs_[runs_[run].parent].value : 0; }

  /// Paints paint(run) over each run of `out` {h,w}.
  template <class T, class Paint>
  void paint(T* out, const Paint& paint) const {
    parallel_for(size_.h, [&](std::int64_t y) {
      T* row = out + y * size_.w;
      std::int32_t begin = 0;
      for (std::int32_t i = row_begin_[y]; i < row_begin_[y + 1]; ++i) {
        const auto end = static_cast<std::int32_t>(runs_[i].end);
        std::fill(row + begin, row + end, static_cast<T>(paint(i)));
        begin = end;
      }
    });
  }

  /// Calls visit(y, run, begin, end) for the foreground's runs in raster order.
  template <class Visit>
  void each_foreground(const Visit& visit) const {
    for (std::int64_t y = 0; y < size_.h; ++y) {
      std::int32_t begin = 0;
      for (std::int32_t i = row_begin_[y]; i < row_begin_[y + 1]; ++i) {
        const auto end = static_cast<std::int32_t>(runs_[i].end);
        if (runs_[i].foreground) visit(y, i, begin, end);
        begin = end;
      }
    }
  }

  bool foreground(std::int32_t run) const { return runs_[run].foreground; }

 private:
  void scan_row(const std::uint8_t* row, bool edge_row) {
    const std::int64_t width = size_.w;
    const std::int32_t first = count_;
    bool colour = row[0] != 0;
    const auto close = [&](std::int64_t end) {
      const std::int32_t parent = edge_row && !colour ? 0 : count_;
      runs_[count_++] = {static_cast<std::uint32_t>(end) & 0x7fffffffu, colour, parent, 0};
    };
    for (std::int64_t x = 0; x < width; x += 64) {
      const std::int64_t n = std::min<std::int64_t>(64, width - x);
      const std::uint64_t bits = nonzero_bits(row + x, n);
      std::uint64_t changes = bits ^ (bits << 1 | std::uint64_t{colour});
      if (n < 64) changes &= (std::uint64_t{1} << n) - 1;
      for (; changes != 0; changes &= changes - 1) {
        close(x + std::countr_zero(changes));
        colour = !colour;
      }
    }
    close(width);
    if (!runs_[first].foreground) runs_[first].parent = 0;
    if (!colour) runs_[count_ - 1].parent = 0;
  }

  /// Joins the runs that touch in two neighbouring rows, walking both from left to right. Where two boundaries meet and
  /// the colours are crossed, the foreground touches at a corner.
  void join_rows(std::int32_t above, std::int32_t below, Connect connect) {
    const auto wanted = [&](bool foreground) {
      return connect == Connect::both || foreground == (connect == Connect::foreground);
    };
    const auto width = static_cast<std::int32_t>(size_.w);
    while (true) {
      const Run& a = runs_[above];
      const Run& b = runs_[below];
      const bool crossed = a.foreground != b.foreground;
      if (!crossed && wanted(a.foreground)) unite(above, below);
      if (a.end < b.end) {
        ++above;
      } else if (a.end > b.end) {
        ++below;
      } else {
        if (a.end == width) return;
        if (crossed && wanted(true)) a.foreground ? unite(above, below + 1) : unite(above + 1, below);
        ++above;
        ++below;
      }
    }
  }

  std::int32_t find(std::int32_t i) {
    while (runs_[i].parent != i) i = runs_[i].parent = runs_[runs_[i].parent].parent;
    return i;
  }

  void unite(std::int32_t a, std::int32_t b) {
    a = find(a);
    b = find(b);
    runs_[std::max(a, b)].parent = std::min(a, b);
  }

  /// Makes every parent a root. One pass does, since a parent precedes its children.
  void flatten() {
    for (std::int32_t i = 1; i < count_; ++i) runs_[i].parent = runs_[runs_[i].parent].parent;
  }

  Extent size_;
  Run* runs_;
  std::int32_t* row_begin_;
  std::int32_t count_;
};

/// Fills a table of components run by run. While it does, w and h hold the right and bottom ends of a box.
class ComponentWriter {
 public:
  ComponentWriter(ComponentCount* table, std::int64_t capacity)
      : table_(table), records_(reinterpret_cast<ComponentRecord*>(table + 1)), capacity_(capacity) {
    *table_ = {};
    std::fill_n(records_, capacity, ComponentRecord{});
  }

  void add(std::int32_t label, std::int64_t y, std::int64_t begin, std::int64_t end) {
    require(label > 0 && label <= capacity_, "a label is negative or exceeds the capacity of the table");
    table_->count = std::max(table_->count, label);
    ComponentRecord& record = records_[label - 1];
    const auto left = static_cast<std::int32_t>(begin), right = static_cast<std::int32_t>(end);
    const auto row = static_cast<std::int32_t>(y);
    if (record.area == 0) {
      record.x = left;
      record.y = row;
    }
    record.x = std::min(record.x, left);
    record.w = std::max(record.w, right);
    record.h = row + 1;
    record.area += right - left;
    record.sum_x += (begin + end - 1) * (end - begin) / 2;
    record.sum_y += y * (end - begin);
  }

  void finish() {
    for (ComponentRecord& record : std::span(records_, static_cast<std::size_t>(table_->count))) {
      record.w -= record.x;
      record.h -= record.y;
    }
  }

 private:
  ComponentCount* table_;
  ComponentRecord* records_;
  std::int64_t capacity_;
};

}  // namespace

std::size_t components_scratch_bytes(Extent size) {
  return RunTable::bytes(size);
}

void fill_holes(const std::uint8_t* mask, Extent size, std::uint8_t* out, std::span<std::byte> scratch) {
  RunTable runs(mask, size, Connect::background, scratch);
  runs.fill_holes();
  runs.paint(out, [&](std::int32_t run) { return runs.foreground(run); });
}

void area_open(const std::uint8_t* mask, Extent size, std::int64_t min_area, std::uint8_t* out,
               std::span<std::byte> scratch) {
  RunTable runs(mask, size, Connect::foreground, scratch);
  runs.number(min_area);
  runs.paint(out, [&](std::int32_t run) { return runs.label(run) != 0; });
}

std::int32_t label_components(const std::uint8_t* mask, Extent size, std::int32_t* labels,
                              std::span<std::byte> scratch) {
  RunTable runs(mask, size, Connect::foreground, scratch);
  const std::int32_t count = runs.number(0);
  runs.paint(labels, [&](std::int32_t run) { return runs.label(run); });
  return count;
}

void region_table(const std::int32_t* labels, Extent size, std::int64_t capacity, ComponentCount* table) {
  ComponentWriter writer(table, capacity);
  for (std::int64_t y = 0; y < size.h; ++y) {
    const std::int32_t* row = labels + y * size.w;
    for (std::int64_t begin = 0, end = 0; begin < size.w; begin = end) {
      const std::int32_t label = row[begin];
      end = std::find_if(row + begin, row + size.w, [label](std::int32_t other) { return other != label; }) - row;
      if (label != 0) writer.add(label, y, begin, end);
    }
  }
  writer.finish();
}

std::int32_t clean_and_label(const std::uint8_t* mask, Extent size, std::int64_t min_area, std::int32_t* labels,
                             ComponentCount* table, std::int64_t capacity, std::span<std::byte> scratch) {
  RunTable runs(mask, size, Connect::both, scratch);
  runs.fill_holes();
  const std::int32_t count = runs.number(min_area);
  runs.paint(labels, [&](std::int32_t run) { return runs.label(run); });
  if (!table) return count;
  ComponentWriter writer(table, capacity);
  runs.each_foreground([&](std::int64_t y, std::int32_t run, std::int32_t begin, std::int32_t end) {
    if (const std::int32_t label = runs.label(run); label != 0) writer.add(label, y, begin, end);
  });
  writer.finish();
  return count;
}

void resize_labels(const std::int32_t* labels, Extent size, std::int32_t* out, Extent out_size) {
  const auto nearest = [](std::int64_t i, std::int64_t from, std::int64_t to) { return (2 * i + 1) * from / (2 * to); };
  for (std::int64_t y = 0; y < out_size.h; ++y) {
    const std::int32_t* row = labels + nearest(y, size.h, out_size.h) * size.w;
    for (std::int64_t x = 0; x < out_size.w; ++x) *out++ = row[nearest(x, size.w, out_size.w)];
  }
}

}  // namespace giemsa::kernels::cpu
