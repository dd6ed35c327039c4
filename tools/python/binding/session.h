// giemsa_engine and giemsa_session as objects. What takes long runs without the GIL.
#pragma once

#include <giemsa.h>
#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <string>

namespace giemsa::python {

class Engine {
 public:
  /// A model is None, a path (str) or what has the buffer protocol.
  Engine(nanobind::handle segmenter, nanobind::handle classifier, const char* device, const std::string& precision,
         std::uint32_t threads, nanobind::handle tuning, nanobind::handle profile);

  giemsa_engine* get() const { return engine_.get(); }
  std::size_t class_count() const { return giemsa_engine_class_count(get()); }
  nanobind::tuple class_names() const;
  const char* device() const { return giemsa_engine_device(get()); }
  const char* precision() const;
  const char* provenance() const { return giemsa_engine_provenance(get()); }
  /// giemsa_memory, by member.
  nanobind::dict memory() const;
  /// giemsa_selftest_result, by member; `digest` is None or what an earlier call gave.
  nanobind::dict selftest(nanobind::handle digest) const;

 private:
  struct Close {
    void operator()(giemsa_engine* engine) const { giemsa_engine_close(engine); }
  };
  std::unique_ptr<giemsa_engine, Close> engine_;
};

/// A dict for each device, as giemsa_device_info has it.
nanobind::list devices();

class Session {
 public:
  Session(const Engine& engine, std::int64_t min_area, float threshold, std::int32_t segment_width,
          std::int32_t segment_height, const std::string& crop, float min_probability, const std::string& split);

  void prepare(std::uint32_t width, std::uint32_t height);
  nanobind::dict identify(nanobind::handle pixels, const std::string& format);
  /// `boxes`: an int32 array (N, 4), contiguous.
  nanobind::object classify(nanobind::handle pixels, const std::string& format, nanobind::handle boxes);
  void cancel() { giemsa_session_cancel(session_.get()); }

 private:
  struct Close {
    void operator()(giemsa_session* session) const { giemsa_session_close(session); }
  };
  std::unique_ptr<giemsa_session, Close> session_;
  std::size_t classes_;
};

}  // namespace giemsa::python
