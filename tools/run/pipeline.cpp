#include "tools/run/pipeline.h"

#include <chrono>
#include <exception>
#include <new>
#include <thread>

#include "tools/run/bounded_queue.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

using Queue = BoundedQueue<Identified>;

constexpr std::size_t images_ahead = 2;  // one being read, one ready: more only costs memory

/// Runs `step`; what is wrong with this image alone becomes its error.
template <class Step>
void step_of(ImageResult& result, Step step) {
  try {
    step();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::image) throw;
    result.error = as_utf8(error.what());
  } catch (const std::bad_alloc&) {
    result.error = cat(result.file, ": out of memory");
  }
}

Identified decode(const ImageFile& input, const DecodeLimits& limits, const KnownResult& known) {
  Identified item;
  item.input = &input;
  if (auto result = known(input)) {
    item.result = std::move(*result);
    item.was_known = true;
    return item;
  }
  ImageResult& result = item.result;
  result.file = as_utf8(input.path.string());
  result.name = input.name;
  if (!input.error.empty()) {
    result.error = cat(result.file, ": ", input.error);
    return item;
  }
  const auto start = std::chrono::steady_clock::now();
  step_of(result, [&] {
    DecodeNotes notes;
    item.frame = decode_image(input.path, limits, &notes);
    result.warning = as_utf8(notes.warning);
    result.width = item.frame.width;
    result.height = item.frame.height;
  });
  result.decode_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return item;
}

void identify(Smear& smear, Identified& item) {
  if (item.was_known || !item.result.ok()) return;
  step_of(item.result, [&] {
    SmearResult found;
    smear.identify(item.frame, found);
    item.result.cells = std::move(found.cells);
    item.result.ms = found.ms;
    item.labels = std::move(found.labels);
  });
}

}  // namespace

void identify_images(std::span<const ImageFile> inputs, const DecodeLimits& limits, Smear& smear,
                     const KnownResult& known, const Deliver& deliver, const std::atomic<bool>& stop) {
  Queue decoded(images_ahead), identified(images_ahead);
  std::exception_ptr decode_failure, identify_failure, deliver_failure;

  // A stage that ends, well or not, closes the queues at both its ends: its neighbours then end too.
  std::jthread decoder([&] {
    try {
      for (const ImageFile& input : inputs)
        if (stop || !decoded.push(decode(input, limits, known))) break;
    } catch (...) {
      decode_failure = std::current_exception();
    }
    decoded.close();
  });
  std::jthread deliverer([&] {
    try {
      while (auto item = identified.pop()) deliver(*item);
    } catch (...) {
      deliver_failure = std::current_exception();
    }
    identified.close();
  });

  try {
    while (auto item = decoded.pop()) {
      if (stop) break;
      identify(smear, *item);
      if (!identified.push(std::move(*item))) break;
    }
  } catch (...) {
    identify_failure = std::current_exception();
  }
  decoded.close();
  identified.close();
  decoder.join();
  deliverer.join();
  for (const auto& failure : {identify_failure, deliver_failure, decode_failure})
    if (failure) std::rethrow_exception(failure);
}

}  // namespace giemsa
