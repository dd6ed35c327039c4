// Runs the tests where a GPU can be used, and otherwise says why not.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cstdio>

int main(int argc, char** argv) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    std::printf("MESSAGE: no usable GPU (%s): all of these tests are skipped\n", cudaGetErrorString(status));
    constexpr int skipped = 77;  // as CMakeLists.txt tells ctest
    return skipped;
  }
  return doctest::Context(argc, argv).run();
}
