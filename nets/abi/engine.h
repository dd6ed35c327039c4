// What a giemsa_engine is: the networks, checked, and a device.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/giemsa.h"
#include "engine/run/session.h"
#include "nets/model.h"

namespace giemsa::abi {

/// Read by any number of threads, written by none once it is open.
struct Engine {
  std::optional<Model> segmenter, classifier;
  std::shared_ptr<Backend> backend;
  bool reads_environment = false;
  std::vector<std::string> classes;
  std::string device, provenance;
};

}  // namespace giemsa::abi

struct giemsa_engine {
  std::shared_ptr<const giemsa::abi::Engine> shared;
};
