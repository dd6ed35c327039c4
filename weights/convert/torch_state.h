// What torch.save pickles: which storages it refers to, and the state_dict in it. Shared by both file formats.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/tensor.h"
#include "weights/convert/pickle.h"
#include "weights/mapped_file.h"
#include "weights/safetensors.h"

namespace giemsa {

/// A storage as a persistent id names it: ('storage', torch.FloatStorage, key, location, numel).
struct TorchStorage {
  std::string_view key;
  DType dtype;
  std::int64_t size;  ///< in elements
  friend bool operator==(const TorchStorage&, const TorchStorage&) = default;
};

/// The same where the elements may be of any type, of which `type` is the name.
struct TorchStorageId {
  std::string_view key;
  std::int64_t size;
  Pickle::Id type;
};

/// Throws ErrorKind::model where the node is no such id.
TorchStorageId torch_storage_id(const Pickle& pickle, Pickle::Id persistent);

/// Bytes of an element of the storage type that the node names, if it is one of PyTorch's.
std::optional<std::size_t> torch_element_size(const Pickle& pickle, Pickle::Id type);

/// Throws ErrorKind::model where the node is no such id, or the element type is not supported.
TorchStorage torch_storage(const Pickle& pickle, Pickle::Id persistent);

/// The bytes of a storage, checked to be there; called once per storage.
using TorchStorageBytes = std::function<ByteView(const TorchStorage&)>;

struct TorchState {
  TensorMap tensors;
  std::string taken;                ///< key of the dict they come from; empty: of the root
  std::vector<std::string> others;  ///< keys of dicts beside it that hold at least half as many tensors: other weights
};

/// The tensors of the state_dict in `pickle`, by their keys; entries that are no tensors are left out. The state_dict
/// is the root, or lies under `key`, or, where `key` is empty, under a usual wrapper key ("state_dict", "model", ...),
/// averaged weights ("model_ema") first since they are what is evaluated, or is the only dict of tensors there. A
/// pickled module stands for its state_dict, which its attributes hold as plain data. Views of `file` where a tensor is
/// contiguous and aligned, copies otherwise. Throws ErrorKind::model.
TorchState torch_state_dict(const Pickle& pickle, const FileBytes& file, const TorchStorageBytes& bytes_of,
                            const std::string& key);

}  // namespace giemsa
