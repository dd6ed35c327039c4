// What really opens cuDNN and cuBLAS: how that fails; and, where cuDNN is at hand, that it would take the very orders
// which its stand-in carries out in test_providers.cpp. cuDNN plans for a GPU that it is told of as for one that it
// has.
#ifdef GIEMSA_VENDOR_STUBS
#include <doctest/doctest.h>

#include <map>

#include "engine/cuda/backend.h"
#include "engine/cuda/cublas.h"
#include "engine/cuda/cudnn.h"
#include "tests/engine/error_text.h"
#include "tests/nets/golden.h"
#include "tests/simt/vendor.h"

namespace giemsa {

using test::contains;
using test::error_of;

namespace {

std::string stub(int version) {
  return cat(GIEMSA_VENDOR_STUBS, version, ".so");
}

/// A GPU as cuDNN describes one: an H100, and others as far as they differ.
std::string described_gpu(int compute_capability, int multiprocessors, int shared_memory) {
  return cat(R"({"deviceName": "described", "deviceVer": )", compute_capability, R"(, "multiProcessorCount": )",
             multiprocessors, R"(, "maxSharedMemoryPerBlockOptin": )", shared_memory,
             R"(, "cudaDeviceId": 0, "driverVer": 13000, "totalGlobalMem": 16000000000, "l2CacheSize": 52428800,
             "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536,
             "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152, "reservedSharedMemoryPerBlock": 1024,
             "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "warpSize": 32, "pciDeviceId": 0,
             "maxCtasPerSM": 16, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 1024, "isTccDriver": 0,
             "supportCoopLaunch": 1})");
}

/// cuDNN for such a GPU; none, loudly, where it is not at hand.
std::shared_ptr<cuda::Vendor> planner(const std::string& gpu) {
  try {
    return cuda::open_cudnn(cuda::cudnn_file(), gpu);
  } catch (const Error& error) {
    MESSAGE("skipped: ", error.what());
    return nullptr;
  }
}

}  // namespace

TEST_CASE("a vendor's library that cannot be used is named, with the reason") {
  for (const auto& open : {+[](const std::string& file) { (void)cuda::open_cudnn(file); },
                           +[](const std::string& file) { (void)cuda::open_cublas(file); }}) {
    const auto refusal = [&](const std::string& file) { return error_of(ErrorKind::device, [&] { open(file); }); };
    CHECK(refusal("libnosuch.so.9").starts_with("libnosuch.so.9 cannot be loaded: libnosuch.so.9: cannot open"));
    CHECK(contains(refusal("/nonexistent/lib.so"), "/nonexistent/lib.so cannot be loaded: "));
    const std::string text = GIEMSA_SOURCE_DIR "/README.md";
    CHECK(contains(refusal(text), text + " cannot be loaded: ", "ELF"));
  }
  CHECK(error_of(ErrorKind::device, [] { (void)cuda::open_cudnn(stub(80907)); }) ==
        stub(80907) + " is cuDNN 8.9.7, expected 9.8.0 or a later 9.x");
  CHECK(error_of(ErrorKind::device, [] { (void)cuda::open_cudnn(stub(91000)); }) ==
        stub(91000) + " has no function cudnnGetLastErrorString: not the library it is taken for");
  CHECK(contains(error_of(ErrorKind::device, [] { (void)cuda::open_cublas(stub(10203)); }),
                 stub(10203) + " is cuBLASLt 1.2.3, expected "));
}

TEST_CASE("a vendor's library without a GPU says so") {
  for (const auto& open :
       {+[] { (void)cuda::open_cudnn(cuda::cudnn_file()); }, +[] { (void)cuda::open_cublas(cuda::cublas_file()); }}) {
    try {
      open();
      MESSAGE("skipped: there is a GPU");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::device);
      const std::string why = error.what();
      CHECK((contains(why, "opening it for the GPU: ") || contains(why, "cannot be loaded")));
      CHECK(why.find('\n') == std::string::npos);
    }
  }
}

TEST_CASE("cuDNN would take every convolution that it is asked for") {
  simt::convolutions_ordered.clear();
  simt::vendor_refuses = true;  // nothing is to be run
  for (const DType precision : {DType::f16, DType::f32}) {
    CudaOptions options;
    options.precision = precision;
    options.provider = "cudnn";
    const auto backend = make_cuda_backend(options);
    for (const auto& folder : test::golden_folders()) {
      const test::Golden golden = test::read_golden(folder);
      Graph graph;
      const ValueId image = graph.input("input", {DType::f32, golden.activations.at("input").shape()});
      graph.mark_output(build_network(graph, image, test::golden_model(golden, folder)));
      (void)backend->compile(graph);
    }
  }
  simt::vendor_refuses = false;
  REQUIRE(simt::convolutions_ordered.size() > 100);

  for (const auto& gpu : {described_gpu(750, 40, 65536), described_gpu(800, 108, 166912),
                          described_gpu(900, 132, 232448), described_gpu(1200, 170, 101376)}) {
    CAPTURE(gpu);
    const auto cudnn = planner(gpu);
    if (!cudnn) return;
    std::size_t planned = 0;
    for (const cuda::ConvolutionDescriptor& order : simt::convolutions_ordered) {
      const auto plan = cudnn->plan(order);
      planned += plan != nullptr;
      if (plan) CHECK(plan->description().starts_with("cuDNN engine "));
    }
    CHECK(planned == simt::convolutions_ordered.size());
  }
}

}  // namespace giemsa
#endif
