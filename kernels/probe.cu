#ifndef GIEMSA_SIMT

#include "kernels/probe.h"

namespace giemsa::kernels {

namespace {

__global__ void probe_kernel() {}

}  // namespace

cudaError_t probe() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, probe_kernel);
}

const char* built_for() {
  return GIEMSA_BUILT_FOR;
}

int least_driver() {
  return GIEMSA_LEAST_DRIVER;
}

}  // namespace giemsa::kernels

#endif
