"""PyTorch, in what it recommends for inference (see serve.py for how a worker is run).

CPU:
  eager          the network as it is
  channels_last  NHWC activations and weights
  jit            channels_last, torch.jit.trace, freeze, optimize_for_inference (oneDNN layouts, conv fusions)
  compile        channels_last, torch.compile (inductor) with weights frozen into the graph
  dynamic        fp32 network whose Linear layers are dynamically quantised (int8 weights and activations)
CUDA, from dense fp32 in pageable host memory to dense fp32 logits in host memory, as every contestant there; the conversions to
precision and layout, and back, are the device's, and part of what compile sees:
  eager, channels_last as above; compile with mode="reduce-overhead", which replays CUDA graphs
"""

import numpy as np
import torch

import torch_nets
from serve import serve

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.float32}
COMPILE = {"compile": ("fp32", "bf16")} if hasattr(torch, "compile") else {}
SETTINGS = {
    "cpu": {"eager": ("fp32", "bf16"), "channels_last": ("fp32", "bf16"), "jit": ("fp32", "bf16"), **COMPILE,
            "dynamic": ("int8",)},
}
if torch.cuda.is_available():
    SETTINGS["cuda"] = {setting: ("fp32", "fp16") for setting in ("eager", "channels_last", *COMPILE)}


class FromAndToHost(torch.nn.Module):
    """A network between dense fp32, as it comes from and goes to the host."""

    def __init__(self, network, dtype, layout):
        super().__init__()
        self.network, self.dtype, self.layout = network, dtype, layout

    def forward(self, pixels):
        logits = self.network(pixels.to(self.dtype, memory_format=self.layout))
        return logits.to(torch.float32, memory_format=torch.contiguous_format)


class Network:
    def __init__(self, setting, precision, threads, device):
        self.setting, self.dtype, self.device = setting, DTYPES[precision], device
        self.layout = torch.contiguous_format if setting in ("eager", "dynamic") else torch.channels_last
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True

    def open(self, model, shape):
        network = torch_nets.load_network(model).to(self.device, self.dtype, memory_format=self.layout)
        example = torch.zeros(shape, dtype=self.dtype, device=self.device).contiguous(memory_format=self.layout)
        if self.device != "cpu":
            network = FromAndToHost(network, self.dtype, self.layout)
        self.network = self.prepare(network, example)

    def prepare(self, network, example):
        if self.setting == "dynamic":
            return torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, dtype=torch.qint8)
        if self.setting == "jit":
            return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, example)))
        if self.setting == "compile":
            from torch._inductor import config

            config.freezing = True
            return torch.compile(network, mode="default" if self.device == "cpu" else "reduce-overhead")
        return network

    def hold(self, inputs):
        self.inputs = [torch.from_numpy(batch) for batch in inputs]
        if self.device == "cpu":
            self.inputs = [batch.to(self.dtype).contiguous(memory_format=self.layout) for batch in self.inputs]

    def infer(self, i):
        if self.device == "cpu":
            return self.network(self.inputs[i])
        return self.network(self.inputs[i].to(self.device, non_blocking=True)).cpu()  # waits for the result

    def logits(self, result):
        return result.float().contiguous().numpy()

    def host_bytes(self, result):
        return [tensor.numel() * tensor.element_size() for tensor in (self.inputs[0], result)]


if __name__ == "__main__":
    serve(torch.__version__, SETTINGS, Network, torch.inference_mode())
