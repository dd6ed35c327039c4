// A checkpoint as people have it: a state_dict under whatever wrapper and in whatever format, read as named tensors.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "weights/mapped_file.h"
#include "weights/safetensors.h"

namespace giemsa {

struct Checkpoint {
  TensorMap tensors;                            ///< by state_dict key; their bytes mostly lie in the mapped file
  std::map<std::string, std::string> metadata;  ///< safetensors' __metadata__
  std::string format;                           ///< "safetensors", "torch zip" or "torch legacy"
  std::string taken;                            ///< key of the dict that held the tensors; empty: none wrapped them
  std::vector<std::string> others;              ///< keys of dicts beside it that hold other weights
};

/// Reads safetensors, PyTorch's zip files and its legacy stream (before 1.6), told apart by content; a folder stands
/// for the model.safetensors in it (as `save_pretrained` writes). Keys come out plain: prefixes that every key carries
/// (`module.` of DataParallel, `model.`/`net.` of Lightning, `_orig_mod.` of torch.compile) are taken off.
/// Of several state_dicts in a file the one under `key` is taken; empty: see torch_state.h.
/// Executes nothing. Throws ErrorKind::model in one line that names the file, what is wrong, expected and actual.
Checkpoint read_checkpoint(const std::filesystem::path& path);
Checkpoint read_checkpoint(const FileBytes& file, const std::string& key = {});

}  // namespace giemsa
