// Part of the seam (device.h) that only the ladder's first steps need: a launcher that waits for what its kernels
// found.
#pragma once

#include "kernels/device.h"

#ifndef GIEMSA_SIMT

namespace giemsa::kernels {

/// Copies `bytes` bytes of device memory to the host, once all work before in the stream is done.
inline void read_back(void* to, const void* from, std::size_t bytes, Stream stream) {
  CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream));
  CUDA_CHECK(cudaStreamSynchronize(stream));
}

}  // namespace giemsa::kernels

#endif
