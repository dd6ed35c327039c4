// A library that has a version and nothing else: what tests of engine/cuda/cudnn.cpp and cublas.cpp open.
#include <cstddef>

extern "C" std::size_t cudnnGetVersion() {
  return VERSION;
}
extern "C" std::size_t cublasLtGetVersion() {
  return VERSION;
}
