"""ONNX Runtime (see serve.py for how a worker is run): all graph optimisations, as many intra-op threads as ours, which spin
between calls as they do by default; the batch is fixed before the graph is optimised.

  cpu       on the CPU; int8: a model that quantize_onnxruntime.py made
  cuda      the CUDA provider, fp32 without TF32
  tensorrt  the TensorRT provider, fp32 or fp16
"""

import onnxruntime

from serve import serve

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
PRECISIONS = {"cuda": ("fp32",), "tensorrt": ("fp32", "fp16")}
SETTINGS = {"cpu": {"cpu": ("fp32", "int8")},
            "cuda": {setting: PRECISIONS[setting] for setting in PRECISIONS
                     if PROVIDERS[setting] in onnxruntime.get_available_providers()}}


class Network:
    def __init__(self, setting, precision, threads, device):
        how = {"cuda": {"use_tf32": "0"}, "tensorrt": {"trt_fp16_enable": str(precision == "fp16")}}.get(setting, {})
        self.providers, self.threads = [(PROVIDERS[setting], how)], threads

    def open(self, model, shape):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = self.threads
        options.add_free_dimension_override_by_name("batch", shape[0])
        self.session = onnxruntime.InferenceSession(model, options, providers=self.providers)
        self.output = [self.session.get_outputs()[0].name]

    def hold(self, inputs):
        self.inputs = [{"input": batch} for batch in inputs]

    def infer(self, i):
        return self.session.run(self.output, self.inputs[i])

    def logits(self, result):
        return result[0]

    def host_bytes(self, result):
        return [self.inputs[0]["input"].nbytes, result[0].nbytes]


if __name__ == "__main__":
    serve(onnxruntime.__version__, SETTINGS, Network)
