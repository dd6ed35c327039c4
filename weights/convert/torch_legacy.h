// PyTorch's legacy stream (torch.save before 1.6): five pickles, then the storages one after the other.
#pragma once

#include "weights/convert/checkpoint.h"
#include "weights/mapped_file.h"

namespace giemsa {

/// The state_dict in the file, its keys as they are stored. Throws ErrorKind::model.
Checkpoint read_torch_legacy(const FileBytes& file, const std::string& key = {});

}  // namespace giemsa
