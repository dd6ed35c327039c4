"""quantize_openvino.py MODEL.onnx INPUTS HEIGHT WIDTH OUT.xml: NNCF's post-training quantisation with its defaults, calibrated
on INPUTS, a file of fp32 {3,HEIGHT,WIDTH}.
"""

import sys

import nncf
import numpy as np
import openvino


def main():
    model, inputs, height, width, out = sys.argv[1:]
    images = np.fromfile(inputs, np.float32).reshape(-1, 1, 3, int(height), int(width))
    network = openvino.Core().read_model(model)
    openvino.save_model(nncf.quantize(network, nncf.Dataset(images), subset_size=len(images)), out, compress_to_fp16=False)


if __name__ == "__main__":
    main()
