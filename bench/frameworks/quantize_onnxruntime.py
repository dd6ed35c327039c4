"""quantize_onnxruntime.py MODEL.onnx INPUTS HEIGHT WIDTH OUT.onnx: static int8 as ONNX Runtime's documentation advises for x86.

Constants folded and batch norms fused first; QDQ format, weights int8 with a scale a channel, activations uint8, calibrated by
their extremes on INPUTS, a file of fp32 {3,HEIGHT,WIDTH}.
"""

import pathlib
import sys
import tempfile

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Inputs(CalibrationDataReader):
    def __init__(self, images):
        self.images = iter(images)

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"input": image[None]}


def main():
    model, inputs, height, width, out = sys.argv[1:]
    images = np.fromfile(inputs, np.float32).reshape(-1, 3, int(height), int(width))
    with tempfile.TemporaryDirectory() as scratch:
        fused = pathlib.Path(scratch) / "fused.onnx"
        quant_pre_process(model, fused, skip_symbolic_shape=True)
        quantize_static(fused, out, Inputs(images), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


if __name__ == "__main__":
    main()
