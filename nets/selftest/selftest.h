// The self-test: whether this machine, with this build, device and precision, computes what it has to. What an instrument
// runs when it is switched on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nets/model.h"
#include "nets/smear.h"

namespace giemsa::selftest {

/// A model's bytes, and the SHA-256 that they had when they were read.
struct StoredModel {
  std::string name;
  ByteView bytes;
  std::string sha256;
};

/// What is tested. Either network may be absent.
struct Subject {
  std::vector<StoredModel> files;
  std::optional<Model> segmenter, classifier;
  std::shared_ptr<Backend> backend;  ///< on which the networks run
  /// Of the same device and precision, for the built-in networks, whose packed weights go with it.
  std::shared_ptr<Backend> spare;
  /// The CPU in fp32, which finds the built-in networks' scales where `spare` computes in 8 bits; else not used.
  std::shared_ptr<Backend> fp32;
  std::string expected_digest;  ///< what Report::digest has to be; empty: not known
};

/// The checks, in the order in which they are made.
enum class Check : std::uint8_t {
  models,        ///< the models' bytes are still those that were read
  known_answer,  ///< the built-in networks find in the built-in picture what they have to
  repeat,        ///< the models themselves, on that picture: numbers that make sense, and twice the same bits
  digest,        ///< the bits are those of `expected_digest`
};
inline constexpr std::size_t check_count = 4;
std::string_view name_of(Check check);

struct Outcome {
  Check check;
  std::string failure;  ///< one line: what, expected and actual; empty where the check passed
  double ms = 0;
};

struct Report {
  std::vector<Outcome> outcomes;  ///< of the checks that were made
  /// The largest difference of a probability of the built-in networks from what it has to be, and the one allowed.
  double deviation = 0, allowed_deviation = 0;
  /// SHA-256 of what the models give for the built-in picture: the same on every run with the same models, device,
  /// precision and version, whatever the number of threads. 64 hexadecimal digits.
  std::string digest;

  /// The first that failed; null where all passed.
  const Outcome* failed() const;
};

/// Throws what compiling and running throws, as where the device is lost or memory is short. A wrong result is no
/// exception.
Report run(const Subject& subject);

/// The known answer alone. Sets `deviation` and `allowed_deviation` of `report`; returns what is wrong, or nothing.
std::string check_known_answer(const std::shared_ptr<Backend>& backend, const std::shared_ptr<Backend>& fp32,
                               Report& report);

}  // namespace giemsa::selftest
