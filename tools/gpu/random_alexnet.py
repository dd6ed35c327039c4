#!/usr/bin/env python3
"""An AlexNet of random weights, as torchvision names them, for a machine to which the trained ones cannot be brought.

    random_alexnet.py OUT.safetensors [CLASSES]

A checkpoint for `giemsa convert --arch alexnet --preset torchvision`. Times depend on weights hardly at all. Weights are of
the size that keeps the activations' (He et al. 2015), in fp16, the same for the same number of classes; the last layer's are
larger, so that classes differ.
"""

import json
import math
import pathlib
import random
import struct
import sys


LAST_GAIN = 4


def tensors(classes):
    """Names and shapes."""
    layers = {"features.0": (64, 3, 11, 11), "features.3": (192, 64, 5, 5), "features.6": (384, 192, 3, 3),
              "features.8": (256, 384, 3, 3), "features.10": (256, 256, 3, 3), "classifier.1": (4096, 9216),
              "classifier.4": (4096, 4096), "classifier.6": (classes, 4096)}
    for name, shape in layers.items():
        yield f"{name}.weight", shape
        yield f"{name}.bias", shape[:1]


def random_halves(count, exponent, generator):
    """fp16 numbers of either sign, their size between 2^exponent and its double; exponents from -14 to 15."""
    high = bytes((byte & 0x80) | (exponent + 15) << 2 | (byte & 3) for byte in range(256))
    data = bytearray(2 * count)
    data[0::2] = generator.randbytes(count)
    data[1::2] = generator.randbytes(count).translate(high)
    return data


def main():
    out, classes = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    generator = random.Random(1)
    header, body, lack = {}, bytearray(), 1.0
    for name, shape in tensors(classes):
        count = math.prod(shape)
        data = bytes(2 * count)  # a bias is 0
        if len(shape) > 1:
            # Sizes are powers of two; what one layer lacks the next gets. Their root mean square is 1.53 of the least.
            size = lack * math.sqrt(2 * shape[0] / count) / 1.53 * (LAST_GAIN if name.startswith("classifier.6") else 1)
            exponent = round(math.log2(size))
            lack = size / 2**exponent
            data = bytes(random_halves(count, exponent, generator))
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    out.write_bytes(struct.pack("<Q", len(text)) + text + body)


if __name__ == "__main__":
    main()
