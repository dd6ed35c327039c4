"""Networks in PyTorch (tools/train/networks.py, torchvision) with the weights of a Giemsa model file: what the engine is
measured against."""

import json
import pathlib
import struct
import sys

import torch
import torchvision

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "train"))

from networks import DeepLabV3Plus, alexnet  # noqa: E402

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I8": torch.int8}


def read_model(path):
    """Metadata and fp32 tensors of a .safetensors file; int8 rows are multiplied by their scales."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for key, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=torch.uint8, count=end - begin, offset=8 + length + begin)
        tensors[key] = flat.view(DTYPES[entry["dtype"]]).reshape(entry["shape"]).float()
    for key in [key for key in tensors if key.endswith(".weight_scale")]:
        tensors[key[: -len("_scale")]] *= tensors.pop(key)[:, None]
    return metadata, tensors


def load_network(path):
    """The network that the model file holds, in fp32 and inference mode."""
    metadata, tensors = read_model(path)
    kind = metadata["arch"], metadata["preset"]
    if kind == ("deeplabv3plus", "smp"):
        network = DeepLabV3Plus(len(tensors["segmentation_head.0.bias"]), body=metadata["option.backbone"])
    elif kind == ("alexnet", "torchvision"):
        network = alexnet(len(tensors["classifier.6.bias"]))
    elif kind == ("resnet", "torchvision") and metadata["option.head"] == "fc":
        network = getattr(torchvision.models, metadata["option.body"])(num_classes=len(tensors["fc.bias"]))
    else:
        raise SystemExit(f"{path}: no PyTorch twin for {kind[0]} of preset {kind[1]}")
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise SystemExit(f"{path}: missing {missing[:3]}, unexpected {unexpected[:3]}")
    return network.eval()
