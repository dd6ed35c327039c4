#include "nets/abi/engine.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>

#include <nlohmann/json.hpp>

#include "kernels/cpu/executor.h"
#include "nets/abi/status.h"
#include "nets/laboratory_profile.h"
#include "nets/smear.h"
#include "weights/sha256.h"

namespace giemsa::abi {
namespace {

FileBytes copy_of(std::string name, std::vector<std::byte> bytes) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const ByteView view(*owner);
  return {std::move(name), view, std::move(owner)};
}

FileBytes read_file(const std::filesystem::path& path) {
  const FileBytes mapped = map_file(path);
  return copy_of(mapped.name, {mapped.bytes.begin(), mapped.bytes.end()});
}

/// A model, its bytes and their SHA-256; none where `given` names none.
struct Opened {
  std::optional<Model> model;
  FileBytes file;
  std::string sha256;
};

Opened open_model(const giemsa_model& given, const char* role, bool read) {
  if (!given.path && !given.data) return {};
  check(!given.path || !given.data, ErrorKind::usage, role, ": both a path and memory");
  check((given.flags & ~std::uint32_t{GIEMSA_BORROW}) == 0, ErrorKind::usage, role, ".flags is ", given.flags);
  FileBytes file;
  if (given.path) {
    file = read ? read_file(given.path) : map_file(given.path);
  } else {
    const ByteView bytes(static_cast<const std::byte*>(given.data), given.size);
    const std::string name = cat(role, " (in memory)");
    const bool borrowed = (given.flags & GIEMSA_BORROW) != 0;
    file = borrowed ? FileBytes{name, bytes, std::shared_ptr<const void>(given.data, [](const void*) {})}
                    : copy_of(name, {bytes.begin(), bytes.end()});
  }
  return {load_model(file), file, sha256(file.bytes)};
}

std::string precision_word(std::int32_t precision) {
  switch (precision) {
    case GIEMSA_PRECISION_AUTO:
      return "auto";
    case GIEMSA_FP32:
      return "fp32";
    case GIEMSA_FP16:
      return "fp16";
    case GIEMSA_BF16:
      return "bf16";
    case GIEMSA_INT8:
      return "int8";
    default:
      fail(ErrorKind::usage, "options.precision is ", precision, ", none of giemsa_precision");
  }
}

/// Finds whatever is wrong with the networks, at a size at which that costs nothing: building a graph reads every
/// tensor's name, type and shape.
void check_networks(const Engine& engine) {
  constexpr Size2 frame{64, 64};
  if (engine.segmenter) {
    check_segmenter(*engine.segmenter, engine.backend->precision());
    segment_graph(*engine.segmenter, frame, {});
  }
  if (engine.classifier) {
    check_classifier(*engine.classifier, engine.backend->precision());
    classify_graph(*engine.classifier, frame, 1, CropMode::tight);
  }
}

nlohmann::ordered_json provenance_of(const Opened& opened) {
  if (!opened.model) return nullptr;
  nlohmann::ordered_json json{{"file", opened.model->file}, {"sha256", opened.sha256}};
  for (const auto& [name, value] : to_metadata(opened.model->info)) json["metadata"][name] = value;
  return json;
}

/// The host's threads.
class HostExecutor final : public kernels::cpu::Executor {
 public:
  explicit HostExecutor(const giemsa_executor& host) : host_(host) {}

  int threads() const noexcept override { return static_cast<int>(host_.workers); }
  void run(int workers, kernels::cpu::SharedWork work) noexcept override {
    const auto task = [](void* context, std::uint32_t i) {
      (*static_cast<kernels::cpu::SharedWork*>(context))(static_cast<int>(i));
    };
    host_.parallel_for(host_.user, static_cast<std::uint32_t>(workers), task, &work);
  }

 private:
  const giemsa_executor host_;
};

/// The host's memory.
class HostAllocator final : public HostMemory {
 public:
  explicit HostAllocator(const giemsa_allocator& host) : host_(host) {}

  void* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    return host_.allocate(host_.user, bytes, alignment);
  }
  void release(void* memory, std::size_t bytes) noexcept override { host_.release(host_.user, memory, bytes); }

 private:
  const giemsa_allocator host_;
};

std::shared_ptr<HostAllocator> allocator_of(const giemsa_engine_options& options) {
  if (!options.allocator) return nullptr;
  const auto host = read_struct(options.allocator, "options.allocator");
  check(host.allocate && host.release, ErrorKind::usage, "options.allocator has no ",
        host.allocate ? "release" : "allocate");
  return std::make_shared<HostAllocator>(host);
}

constexpr std::uint32_t most_threads = 1024;

std::shared_ptr<HostExecutor> executor_of(const giemsa_engine_options& options) {
  if (!options.executor) return nullptr;
  const auto host = read_struct(options.executor, "options.executor");
  check(host.parallel_for != nullptr, ErrorKind::usage, "options.executor has no parallel_for");
  check(host.workers >= 1 && host.workers <= most_threads, ErrorKind::usage, "options.executor has ", host.workers,
        " workers, not 1 to ", most_threads);
  check(options.threads == 0, ErrorKind::usage, "options.threads is ", options.threads,
        ", but the threads are those of options.executor");
  return std::make_shared<HostExecutor>(host);
}

std::shared_ptr<const Engine> open_engine(const giemsa_engine_options& options) {
  constexpr std::uint32_t known_flags = GIEMSA_FLAG_ENVIRONMENT | GIEMSA_FLAG_READ;
  check((options.flags & ~known_flags) == 0, ErrorKind::usage, "options.flags is ", options.flags);
  check(options.threads <= most_threads, ErrorKind::usage, "options.threads is ", options.threads, ", at most ",
        most_threads, " can be had");
  DeviceOptions device;
  if (options.device) device.device = options.device;
  device.precision = precision_word(raw(options.precision));
  device.threads = static_cast<int>(options.threads);
  device.executor = executor_of(options);
  device.memory = allocator_of(options);
  if (options.tuning_path) device.tuning = options.tuning_path;

  const bool read = (options.flags & GIEMSA_FLAG_READ) != 0;
  Opened segmenter = open_model(options.segmenter, "segmenter", read);
  Opened classifier = open_model(options.classifier, "classifier", read);
  check(segmenter.model || classifier.model, ErrorKind::usage, "neither a segmenter nor a classifier is given");

  nlohmann::ordered_json profile;
  if (options.profile_path) {
    check(classifier.model.has_value(), ErrorKind::usage, "options.profile_path: there is no classifier to adapt");
    classifier.model = adapted(*std::move(classifier.model), read_profile(options.profile_path), options.profile_path);
    profile = {{"file", options.profile_path}, {"sha256", sha256(map_file(options.profile_path).bytes)}};
  }

  auto engine = std::make_shared<Engine>();
  engine->reads_environment = (options.flags & GIEMSA_FLAG_ENVIRONMENT) != 0;
  engine->backend = open_device(device);
  engine->device = engine->backend->device_name();
  engine->provenance = nlohmann::ordered_json{
      {"giemsa", GIEMSA_VERSION},
      {"device", engine->device},
      {"precision", name_of(engine->backend->precision())},
      {"segmenter", provenance_of(segmenter)},
      {"classifier", provenance_of(classifier)},
      {"profile",
       std::move(profile)}}.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  for (Opened* opened : {&segmenter, &classifier}) {
    if (!opened->model) continue;
    engine->stored.push_back({opened->file.name, opened->file.bytes, opened->sha256});
    engine->files.push_back(std::move(opened->file));
  }
  engine->options = device;
  engine->segmenter = std::move(segmenter.model);
  engine->classifier = std::move(classifier.model);
  if (engine->classifier) engine->classes = engine->classifier->info.classes;
  check_networks(*engine);
  if (options.log) options.log(options.log_user, GIEMSA_INFO, cat("computing on ", engine->device).c_str());
  return engine;
}

}  // namespace
}  // namespace giemsa::abi

using namespace giemsa;

extern "C" {

giemsa_status giemsa_engine_open(const giemsa_engine_options* options, giemsa_engine** engine) {
  const bool reads_environment = options && (options->flags & GIEMSA_FLAG_ENVIRONMENT) != 0;
  return abi::guarded(reads_environment, [&] {
    check(engine != nullptr, ErrorKind::usage, "engine is NULL");
    *engine = new giemsa_engine{abi::open_engine(abi::read_struct(options, "options"))};
    return GIEMSA_OK;
  });
}

void giemsa_engine_close(giemsa_engine* engine) {
  delete engine;
}

uint32_t giemsa_engine_class_count(const giemsa_engine* engine) {
  return engine ? static_cast<uint32_t>(engine->shared->classes.size()) : 0;
}

const char* giemsa_engine_class_name(const giemsa_engine* engine, uint32_t i) {
  return i < giemsa_engine_class_count(engine) ? engine->shared->classes[i].c_str() : nullptr;
}

const char* giemsa_engine_device(const giemsa_engine* engine) {
  return engine ? engine->shared->device.c_str() : "";
}

giemsa_precision giemsa_engine_precision(const giemsa_engine* engine) {
  return engine ? abi::precision_of(engine->shared->backend->precision()) : GIEMSA_PRECISION_AUTO;
}

const char* giemsa_engine_provenance(const giemsa_engine* engine) {
  return engine ? engine->shared->provenance.c_str() : "";
}

giemsa_status giemsa_engine_memory(const giemsa_engine* engine, giemsa_memory* memory) {
  return abi::guarded(false, [&] {
    check(engine != nullptr, ErrorKind::usage, "engine is NULL");
    abi::check_fillable(memory, "memory");
    const abi::Engine& shared = *engine->shared;
    const abi::Holdings& held = shared.holdings;
    giemsa_memory now{};
    now.sessions = static_cast<std::uint32_t>(held.sessions);
    for (const selftest::StoredModel& model : shared.stored) now.host_models += model.bytes.size();
    (shared.backend->kind() == DeviceKind::gpu ? now.device_weights : now.host_weights) =
        shared.backend->weight_bytes();
    now.host_activations = held.host_activations;
    now.host_results = held.host_results;
    now.device_activations = held.device_activations;
    now.compiled_sizes = held.compiled_sizes;
    abi::write_struct(memory, now);
    return GIEMSA_OK;
  });
}

}  // extern "C"
