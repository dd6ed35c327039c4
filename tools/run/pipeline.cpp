#include "tools/run/pipeline.h"

#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "tools/run/ordered_queue.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

constexpr std::size_t images_ahead = 2;  // one being read, one ready: more only costs memory

/// Runs `step`; what is wrong with this image alone becomes its error.
template <class Step>
void step_of(ImageResult& result, Step step) {
  try {
    step();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::memory)
      result.error = cat(result.file, ": ", error.what());
    else if (error.kind() == ErrorKind::image)
      result.error = as_utf8(error.what());
    else
      throw;
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
  result.file = as_utf8(input.text());
  result.name = input.name;
  if (!input.error.empty()) {
    result.error = cat(result.file, ": ", input.error);
    return item;
  }
  const auto start = std::chrono::steady_clock::now();
  step_of(result, [&] {
    DecodeNotes notes;
    item.frame = decode_image(input.path, limits, &notes, input.number);
    result.warning = as_utf8(notes.warning);
    result.pixel_size = notes.pixel_size;
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

void identify_images(std::span<const ImageFile> inputs, const DecodeLimits& limits, std::span<Smear> smears,
                     const KnownResult& known, const Deliver& deliver, const std::atomic<bool>& stop) {
  OrderedQueue<Identified> decoded(images_ahead), identified(images_ahead + smears.size());
  std::exception_ptr decode_failure, identify_failure, deliver_failure;
  std::mutex of_identify_failure;

  // A stage that ends, well or not, closes the queues at both its ends: its neighbours then end too.
  std::jthread decoder([&] {
    try {
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (stop || !decoded.push(i, decode(inputs[i], limits, known))) break;
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
  const auto identify_all = [&](Smear& smear) {
    try {
      while (auto item = decoded.pop()) {
        if (stop) break;
        identify(smear, *item);
        const auto index = static_cast<std::size_t>(item->input - inputs.data());
        if (!identified.push(index, std::move(*item))) break;
      }
    } catch (...) {
      const std::lock_guard lock(of_identify_failure);
      if (!identify_failure) identify_failure = std::current_exception();
      identified.close();
    }
    decoded.close();
  };

  {
    std::vector<std::jthread> others;
    for (Smear& smear : smears.subspan(1)) others.emplace_back([&] { identify_all(smear); });
    identify_all(smears.front());
  }
  identified.close();
  decoder.join();
  deliverer.join();
  for (const auto& failure : {identify_failure, deliver_failure, decode_failure})
    if (failure) std::rethrow_exception(failure);
}

}  // namespace giemsa
