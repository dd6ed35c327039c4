#include "weights/seal.h"

#include <iomanip>

#include "engine/base/check.h"
#include "weights/crc32.h"

namespace giemsa {

std::string seal_of(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata) {
  std::ostringstream listing;  // what is sealed, with each tensor's bytes as their own checksum
  listing << std::hex << std::setfill('0');
  for (const auto& [key, value] : metadata)
    if (key != seal_key) listing << key << '\0' << value << '\0';
  for (const auto& [name, tensor] : tensors)
    listing << name << '\0' << tensor.dtype() << tensor.shape() << std::setw(8) << crc32(tensor.bytes()) << '\0';
  const std::string text = std::move(listing).str();
  return crc32_digits(std::as_bytes(std::span(text)));
}

void check_seal(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata) {
  const auto seal = metadata.find(seal_key);
  check(seal != metadata.end(), ErrorKind::model, "metadata entry '", seal_key, "' is missing");
  const std::string found = seal_of(tensors, metadata);
  check(found == seal->second, ErrorKind::model, "the file is damaged: its checksum is ", seal->second,
        ", that of its content is ", found);
}

}  // namespace giemsa
