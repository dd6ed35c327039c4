// TIFF (revision 6.0, BigTIFF too), as microscopes and slide scanners write it, by libtiff.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/image_io/decode.h"

namespace giemsa {

/// An open TIFF file: its images, which are its full-size pages. Pages that are thumbnails, reduced levels or masks are
/// none. In an OME-TIFF whose three channels are pages of their own, three pages are one image.
///
/// Read are unsigned samples of 8 and 16 bits, grey and colour, in strips or tiles, interleaved or planar, under
/// whatever compression libtiff knows; palettes, samples of 1, 2 and 4 bits, YCbCr and CMYK too. Alpha is dropped, the
/// orientation tag applied. Whatever libtiff reports as an error, and JPEG data that end early, are one.
class TiffFile {
 public:
  /// Reads what is needed from the file at `path`, or from `bytes`, which must outlive this. Throws Error(image).
  TiffFile(const std::filesystem::path& path, const DecodeLimits& limits);
  TiffFile(Bytes bytes, const DecodeLimits& limits);
  ~TiffFile();
  TiffFile(TiffFile&&) noexcept;

  int images() const;

  /// The image at `index` from 0. Throws Error(image).
  Frame read(int index, DecodeNotes& notes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace giemsa
