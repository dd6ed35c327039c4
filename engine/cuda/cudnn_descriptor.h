// What cudnn.cpp uses of cuDNN's library, and cuDNN's objects as ours. For it alone: it includes cuDNN's header.
#pragma once

#include <cudnn.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/cuda/shared_library.h"

namespace giemsa::cuda::dnn {

inline constexpr std::size_t least_version = 90800;  // the first that plans for a GPU apart from a handle
static_assert(CUDNN_VERSION >= least_version, "cuDNN's headers are too old: set GIEMSA_CUDNN=OFF");

inline std::string version_text(std::size_t version) {
  return cat(version / 10000, '.', version % 10000 / 100, '.', version % 100);
}

/// The library, and what of it is used.
class Library {
 public:
  explicit Library(const std::string& file) : library_(file) {
    library_.find(version_, "cudnnGetVersion");
    version = version_();
    check(version >= least_version && version / 10000 == CUDNN_MAJOR, ErrorKind::device, library_.file(), " is cuDNN ",
          version_text(version), ", expected ", version_text(least_version), " or a later ", CUDNN_MAJOR, ".x");
    library_.find(last_error_, "cudnnGetLastErrorString");
    library_.find(error_string_, "cudnnGetErrorString");
    library_.find(create_handle, "cudnnCreate");
    library_.find(destroy_handle, "cudnnDestroy");
    library_.find(set_stream, "cudnnSetStream");
    library_.find(create, "cudnnBackendCreateDescriptor");
    library_.find(destroy, "cudnnBackendDestroyDescriptor");
    library_.find(set, "cudnnBackendSetAttribute");
    library_.find(get, "cudnnBackendGetAttribute");
    library_.find(finalize, "cudnnBackendFinalize");
    library_.find(execute, "cudnnBackendExecute");
  }

  void require(cudnnStatus_t status, const char* what) const {
    if (status == CUDNN_STATUS_SUCCESS) return;
    std::array<char, 512> why{};
    last_error_(why.data(), why.size());
    std::string text = why.data();
    std::ranges::replace(text, '\n', ' ');
    fail(ErrorKind::device, library_.file(), ": ", what, ": ", error_string_(status), text.empty() ? "" : ": ", text);
  }

  std::size_t version = 0;
  decltype(&cudnnCreate) create_handle;
  decltype(&cudnnDestroy) destroy_handle;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnBackendCreateDescriptor) create;
  decltype(&cudnnBackendDestroyDescriptor) destroy;
  decltype(&cudnnBackendSetAttribute) set;
  decltype(&cudnnBackendGetAttribute) get;
  decltype(&cudnnBackendFinalize) finalize;
  decltype(&cudnnBackendExecute) execute;

 private:
  SharedLibrary library_;
  decltype(&cudnnGetVersion) version_;
  decltype(&cudnnGetLastErrorString) last_error_;
  decltype(&cudnnGetErrorString) error_string_;
};

/// How attributes of a C++ type are passed.
template <class T>
struct NoAttributeType;
template <class T>
inline constexpr NoAttributeType<T> attribute_type;
template <>
inline constexpr auto attribute_type<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <>
inline constexpr auto attribute_type<bool> = CUDNN_TYPE_BOOLEAN;
template <>
inline constexpr auto attribute_type<char> = CUDNN_TYPE_CHAR;
template <>
inline constexpr auto attribute_type<std::int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr auto attribute_type<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr auto attribute_type<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr auto attribute_type<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr auto attribute_type<cudnnPointwiseMode_t> = CUDNN_TYPE_POINTWISE_MODE;
template <>
inline constexpr auto attribute_type<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr auto attribute_type<cudnnBackendNumericalNote_t> = CUDNN_TYPE_NUMERICAL_NOTE;
template <>
inline constexpr auto attribute_type<cudnnBackendBehaviorNote_t> = CUDNN_TYPE_BEHAVIOR_NOTE;

/// One of cuDNN's objects, all of which are made, given attributes and finished alike.
class Descriptor {
 public:
  Descriptor(const Library& library, cudnnBackendDescriptorType_t type) : library_(&library) {
    library_->require(library_->create(type, &object_), "making a descriptor");
  }
  ~Descriptor() {
    if (object_) library_->destroy(object_);
  }
  Descriptor(Descriptor&& other) noexcept : library_(other.library_), object_(std::exchange(other.object_, nullptr)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, std::span<const T> values) {
    library_->require(
        library_->set(object_, name, attribute_type<T>, static_cast<std::int64_t>(values.size()), values.data()),
        "describing an operation");
    return *this;
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, const T& value) {
    return set(name, std::span<const T>(&value, 1));
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, std::span<void* const>(&value.object_, 1));
  }
  /// Descriptors are pointers without a type, as addresses of data are.
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::span<void* const> values) {
    library_->require(library_->set(object_, name, type, static_cast<std::int64_t>(values.size()), values.data()),
                      "describing an operation");
    return *this;
  }

  /// Whether cuDNN accepts what it was told.
  bool try_to_finish() { return library_->finalize(object_) == CUDNN_STATUS_SUCCESS; }
  Descriptor&& finish(const char* what) {
    library_->require(library_->finalize(object_), what);
    return std::move(*this);
  }

  /// All values that the attribute has; at most `most`.
  template <class T>
  std::vector<T> get(cudnnBackendAttributeName_t name, std::size_t most) const {
    std::vector<T> values(most);
    std::int64_t count = 0;
    library_->require(
        library_->get(object_, name, attribute_type<T>, static_cast<std::int64_t>(most), &count, values.data()),
        "asking about a plan");
    values.resize(std::min(most, static_cast<std::size_t>(count)));
    return values;
  }
  /// Puts what the attribute holds into `targets`, and returns how many it has.
  std::int64_t get(cudnnBackendAttributeName_t name, std::span<cudnnBackendDescriptor_t> targets) const {
    std::int64_t count = 0;
    library_->require(library_->get(object_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                    static_cast<std::int64_t>(targets.size()), &count, targets.data()),
                      "asking for engines");
    return count;
  }

  cudnnBackendDescriptor_t object() const { return object_; }

 private:
  const Library* library_;
  cudnnBackendDescriptor_t object_ = nullptr;
};

}  // namespace giemsa::cuda::dnn
