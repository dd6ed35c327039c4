#!/usr/bin/env python3
"""Unpacks what `tools/gpu_check pack` made, there where it is used.

    unpack.py programs PACK WORK     WORK/bin and WORK/lib
    unpack.py models PACK WORK       WORK/segmenter.safetensors, exactly as it was; WORK/classifier.safetensors, of random weights

What WORK has of this very pack is not made again.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from gpu import model_packing  # noqa: E402

CLASSES = "basophil,eosinophil,lymphocyte,monocyte,neutrophil"


def programs(pack, work):
    for folder in ("bin", "lib"):
        shutil.rmtree(work / folder, ignore_errors=True)
    with tarfile.open(pack / "programs.tar") as archive:
        archive.extractall(work, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(work)
    print(f"{len(list((work / 'bin').iterdir()))} programs")


def models(pack, work):
    data = model_packing.unpack((pack / "segmenter.packed").read_bytes())
    (work / "segmenter.safetensors").write_bytes(data)
    print(f"segmenter: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    here, checkpoint = pathlib.Path(__file__).resolve().parent, work / "alexnet.safetensors"
    subprocess.run([sys.executable, "-B", here / "random_alexnet.py", checkpoint], check=True)
    subprocess.run([work / "bin/giemsa", "convert", checkpoint, "--arch", "alexnet", "--preset", "torchvision", "--classes", CLASSES,
                    "--dtype", "int8", "--quiet", "-o", work / "classifier.safetensors"], check=True)
    checkpoint.unlink()
    print("classifier: random weights")


def main():
    what, pack, work = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    work.mkdir(parents=True, exist_ok=True)
    made_of = (pack / "pack.json").read_text(encoding="utf-8")
    stamp = work / f".{what}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
        print(f"{what}: as unpacked before")
        return
    stamp.unlink(missing_ok=True)
    {"programs": programs, "models": models}[what](pack, work)
    stamp.write_text(made_of, encoding="utf-8")


if __name__ == "__main__":
    main()
