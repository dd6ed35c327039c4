"""OpenVINO's CPU plugin (see serve.py for how a worker is run): LATENCY hint, as many threads as ours, the batch fixed, inputs
and outputs in memory that is bound to the request once.

  latency     inference precision f32 or bf16
  int8        a model that quantize_openvino.py made; what it leaves in floating point runs in f32
  int8_bf16   the same, with the rest in bf16
"""

import openvino

from serve import serve

SETTINGS = {"cpu": {"latency": ("fp32", "bf16"), "int8": ("int8",), "int8_bf16": ("int8",)}}


class Network:
    def __init__(self, setting, precision, threads, device):
        floating = "bf16" if precision == "bf16" or setting == "int8_bf16" else "f32"
        self.options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": floating}

    def open(self, model, shape):
        core = openvino.Core()
        network = core.read_model(model)
        network.reshape(shape)
        self.request = core.compile_model(network, "CPU", self.options).create_infer_request()

    def hold(self, inputs):
        self.inputs = [openvino.Tensor(batch, shared_memory=True) for batch in inputs]

    def infer(self, i):
        self.request.set_input_tensor(self.inputs[i])
        self.request.infer()
        return self.request

    def logits(self, result):
        return result.get_output_tensor().data


if __name__ == "__main__":
    serve(openvino.__version__.partition("-")[0], SETTINGS, Network)
