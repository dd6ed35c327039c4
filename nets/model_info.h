// What a converted file says about itself in `__metadata__`: everything about a network that its tensors cannot show.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/modes.h"
#include "nets/network_options.h"

namespace giemsa {

/// Size at which a network sees a frame. Exactly one of the two is set.
struct InputSize {
  Size2 fixed;                 ///< this size, whatever the frame's aspect; {0,0}: not fixed
  std::int64_t long_side = 0;  ///< this long side, aspect kept, both sides rounded to multiples of the output stride

  /// The network's input for a frame of `frame` pixels. Sides are rounded half to even (Python's round), at least
  /// `multiple`.
  Size2 resolve(Size2 frame, std::int64_t multiple) const;

  /// "320" or "224x224" (width x height). Throws Error(kind).
  static InputSize parse(const std::string& text, ErrorKind kind = ErrorKind::usage);
  std::string to_string() const;
  friend bool operator==(const InputSize&, const InputSize&) = default;
};

/// A frame of the usual proportions: decides a network's input where only a long side is known, and no frame.
constexpr Size2 usual_frame{480, 640};

/// The class of a classifier that is no white cell: platelets, smudges, grains of stain, half a cell at the image's
/// edge.
inline constexpr std::string_view other_class = "other";

/// What a network is for.
enum class Role {
  segmenter,   ///< gives logits for every pixel
  classifier,  ///< gives logits for an image
};

struct ModelInfo {
  std::string arch;    ///< "deeplabv3plus", "alexnet", ...: nets/architecture.h has them
  std::string preset;  ///< "smp", "vainf", ...
  std::vector<std::string> classes;
  std::vector<std::string> cells;  ///< of a segmenter: the classes whose pixels are cells; empty: the usual ones
  InputSize input;
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};  ///< after division by 255
  ChannelOrder channels = ChannelOrder::rgb;  ///< in which the network takes colours; mean and std are in this order
  NetworkOptions options;                     ///< the architecture's
  std::string dtype;                          ///< of the stored weights: "fp32", "fp16", "bf16", "int8"
  std::string source, source_sha256, converter;
  std::string calibration;  ///< how the activations' scales were found; empty: there are none

  /// Throws Error(internal) where there is no such architecture.
  bool is_segmenter() const;
  friend bool operator==(const ModelInfo&, const ModelInfo&) = default;
};

/// The classes of a segmenter whose pixels are cells.
std::vector<std::string> cells_of(const ModelInfo& info);

/// `info` as flat text; options are called `option.<name>`.
std::map<std::string, std::string> to_metadata(const ModelInfo& info);

/// Throws Error(kind) where `metadata` is not that of a model of ours, or of another version.
void check_format(const std::map<std::string, std::string>& metadata, ErrorKind kind);

/// The inverse. Throws Error(kind), naming the entry, where one is missing, unknown or unreadable, and where `metadata`
/// is not Giemsa's at all.
ModelInfo from_metadata(const std::map<std::string, std::string>& metadata, ErrorKind kind);

}  // namespace giemsa
