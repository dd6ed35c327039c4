#include "nets/abi/status.h"

#include <algorithm>

#include "engine/cpu/backend.h"

namespace giemsa::abi {

namespace {

thread_local char last_message[1024] = "";

}  // namespace

giemsa_status failed(giemsa_status status, std::string_view message) noexcept {
  std::size_t size = std::min(message.size(), sizeof last_message - 1);
  if (size < message.size())  // not within a character of UTF-8
    while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xc0) == 0x80) --size;
  std::memcpy(last_message, message.data(), size);
  last_message[size] = '\0';
  return status;
}

giemsa_status status_for(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage:
      return GIEMSA_E_ARGUMENT;
    case ErrorKind::image:
      return GIEMSA_E_IMAGE;
    case ErrorKind::model:
      return GIEMSA_E_MODEL;
    case ErrorKind::device:
      return GIEMSA_E_DEVICE;
    case ErrorKind::device_lost:
      return GIEMSA_E_DEVICE_LOST;
    case ErrorKind::memory:
      return GIEMSA_E_MEMORY;
    case ErrorKind::cancelled:
      return GIEMSA_E_CANCELLED;
    case ErrorKind::output:
    case ErrorKind::internal:
      break;
  }
  return GIEMSA_E_INTERNAL;
}

giemsa_precision precision_of(DType type) {
  switch (type) {
    case DType::f16:
      return GIEMSA_FP16;
    case DType::bf16:
      return GIEMSA_BF16;
    case DType::i8:
      return GIEMSA_INT8;
    default:
      return GIEMSA_FP32;
  }
}

}  // namespace giemsa::abi

using namespace giemsa;

extern "C" {

uint32_t giemsa_version_number(void) {
  return GIEMSA_VERSION_NUMBER;
}

const char* giemsa_version(void) {
  static char text[128] = "";
  static const bool told = [] {
    const giemsa_status status = abi::guarded(false, [] {
      const std::string all = cat(GIEMSA_VERSION, " (oneDNN ", cpu_facts().onednn_version, ")");
      std::memcpy(text, all.c_str(), std::min(all.size() + 1, sizeof text - 1));
      return GIEMSA_OK;
    });
    return status == GIEMSA_OK;
  }();
  return told ? text : GIEMSA_VERSION;
}

const char* giemsa_status_name(giemsa_status status) {
  switch (abi::raw(status)) {
#define GIEMSA_NAME(value) \
  case value:              \
    return #value;
    GIEMSA_NAME(GIEMSA_OK)
    GIEMSA_NAME(GIEMSA_MORE_CELLS)
    GIEMSA_NAME(GIEMSA_E_ARGUMENT)
    GIEMSA_NAME(GIEMSA_E_IMAGE)
    GIEMSA_NAME(GIEMSA_E_MODEL)
    GIEMSA_NAME(GIEMSA_E_DEVICE)
    GIEMSA_NAME(GIEMSA_E_DEVICE_LOST)
    GIEMSA_NAME(GIEMSA_E_MEMORY)
    GIEMSA_NAME(GIEMSA_E_CANCELLED)
    GIEMSA_NAME(GIEMSA_E_BUSY)
    GIEMSA_NAME(GIEMSA_E_SELFTEST)
    GIEMSA_NAME(GIEMSA_E_INTERNAL)
#undef GIEMSA_NAME
    default:
      return "unknown status";
  }
}

const char* giemsa_last_message(void) {
  return abi::last_message;
}

}  // extern "C"
