// PyTorch's zip format (torch.save since 1.6): PREFIX/data.pkl and one stored entry PREFIX/data/KEY a storage.
#pragma once

#include "weights/convert/checkpoint.h"
#include "weights/mapped_file.h"

namespace giemsa {

/// The state_dict in the file, its keys as they are stored. Throws ErrorKind::model.
Checkpoint read_torch_zip(const FileBytes& file, const std::string& key = {});

}  // namespace giemsa
