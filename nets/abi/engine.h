// What a giemsa_engine is: the networks, checked, and a device.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/device.h"
#include "engine/giemsa.h"
#include "engine/run/session.h"
#include "nets/model.h"
#include "nets/selftest/selftest.h"

namespace giemsa::abi {

/// What sessions hold, as they last told: written by their threads, read by any.
struct Holdings {
  std::atomic<std::uint64_t> sessions{0}, host_activations{0}, host_results{0}, device_activations{0},
      compiled_sizes{0};

  /// A session that held `before` now holds `now`. Sums wrap around as unsigned numbers do, and come out right.
  void change(const giemsa_memory& before, const giemsa_memory& now) {
    sessions += std::uint64_t{now.sessions} - before.sessions;
    host_activations += now.host_activations - before.host_activations;
    host_results += now.host_results - before.host_results;
    device_activations += now.device_activations - before.device_activations;
    compiled_sizes += now.compiled_sizes - before.compiled_sizes;
  }
};

/// Read by any number of threads, written by none once it is open, but for what its sessions hold.
struct Engine {
  std::optional<Model> segmenter, classifier;
  std::vector<FileBytes> files;         // keeps the bytes of `stored` alive
  std::vector<selftest::StoredModel> stored;
  DeviceOptions options;                // with which `backend` was opened
  std::shared_ptr<Backend> backend;
  mutable Holdings holdings;
  bool reads_environment = false;
  std::vector<std::string> classes;
  std::string device, provenance;
};

}  // namespace giemsa::abi

struct giemsa_engine {
  std::shared_ptr<const giemsa::abi::Engine> shared;
};
