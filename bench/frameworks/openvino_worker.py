"""OpenVINO's CPU plugin (see serve.py for how a worker is run): LATENCY hint, as many threads as ours, the batch fixed, inputs
in NHWC, which its convolutions read without reordering, in memory that the request reads in place.

  latency     inference precision f32 or bf16
  nncf        int8: a model that quantize_openvino.py made; what it leaves in floating point runs in f32
  nncf_bf16   the same, with the rest in bf16
"""

import numpy as np
import openvino
from openvino.preprocess import PrePostProcessor

from serve import serve

SETTINGS = {"cpu": {"latency": ("fp32", "bf16"), "nncf": ("int8",), "nncf_bf16": ("int8",)}}


class Network:
    def __init__(self, setting, precision, threads, device):
        floating = "bf16" if precision == "bf16" or setting == "nncf_bf16" else "f32"
        self.options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": floating}

    def open(self, model, shape):
        core = openvino.Core()
        network = core.read_model(model)
        network.reshape(shape)
        changed = PrePostProcessor(network)
        changed.input().tensor().set_layout(openvino.Layout("NHWC"))
        changed.input().model().set_layout(openvino.Layout("NCHW"))
        network = changed.build()
        self.request = core.compile_model(network, "CPU", self.options).create_infer_request()

    def hold(self, inputs):
        self.batches = [np.ascontiguousarray(batch.transpose(0, 2, 3, 1)) for batch in inputs]
        self.inputs = [openvino.Tensor(batch, shared_memory=True) for batch in self.batches]

    def infer(self, i):
        self.request.set_input_tensor(self.inputs[i])
        self.request.infer()
        return self.request

    def logits(self, result):
        return result.get_output_tensor().data


if __name__ == "__main__":
    serve(openvino.__version__.partition("-")[0], SETTINGS, Network)
