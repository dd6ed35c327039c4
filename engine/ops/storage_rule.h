// What an op says of the element types of what it reads and writes. engine/plan/storage.h decides by it.
#pragma once

namespace giemsa {

struct StorageRule {
  /// How the result is stored in a network whose precision is narrower than fp32.
  enum class Result {
    fixed,      ///< in the op's own type: masks, labels, tables, probabilities
    product,    ///< summed in fp32: fp32 where only readers in fp32 read it, else the network's precision
    depthwise,  ///< a product, but where all kernels write the type that they read: then as the input
    precision,  ///< in the network's precision
    source,     ///< what comes from outside: exact, unless all that read it would round it
    as_input,   ///< in the type of the first input
  };
  /// Whether the result can be stored in 8 bits.
  enum class EightBits {
    no,
    keeps,               ///< with the input's own scale, where the input is in 8 bits
    keeps_or_quantizes,  ///< the same, else where it was calibrated
    quantizes,           ///< where it was calibrated
    sums_integers,       ///< where it was calibrated and the input is in 8 bits
  };
  /// In which type the kernels read the inputs.
  enum class Reads {
    stored,          ///< as they are stored
    fp32,            ///< in fp32
    like_result,     ///< in fp32 where only fp32 readers read the result
    rows_of_result,  ///< in fp32, unless all kernels are of one type or the rows are to be in 8 bits
  };

  Result result = Result::fixed;
  EightBits eight_bits = EightBits::no;
  Reads reads = Reads::stored;
  bool rounds_input = false;       ///< the first input is rounded to the network's precision in any case
  bool multiplies_8_bits = false;  ///< rows of 8 bits are multiplied as such
};

}  // namespace giemsa
