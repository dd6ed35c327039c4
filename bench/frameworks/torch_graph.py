#!/usr/bin/env python3
"""PyTorch at its best on a GPU at batch 1, in seconds: channels_last fp16, cuDNN's own choice of engines by measurement, captured by
hand as one CUDA graph; from device memory to device memory, and from pinned host memory to the host.

    torch_graph.py [--json FILE] [--seconds S] [--compile]

Random weights: times do not depend on them. Verified first: a replay equals the eager network. With --compile the network is
compiled first (inductor, which fuses what lies between convolutions): minutes, so that networks for which no time is left are
left out. The file is written after each network. Exit status: 0, 1 a result was wrong, 4 no PyTorch or no GPU.
"""

import argparse
import json
import os
import pathlib
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "train"))

NETWORKS = [("deeplabv3plus", (1, 3, 224, 224)), ("deeplabv3plus", (1, 3, 512, 512)), ("deeplabv3plus", (1, 3, 576, 720)),
            ("alexnet", (1, 3, 224, 224)), ("alexnet", (4, 3, 224, 224)), ("alexnet", (16, 3, 224, 224))]
CALLS, WARM_UP, IN_A_ROW = 200, 20, 10
TOLERANCE = 1e-2  # of the largest logit: fp16, and engines that add in another order


def percentiles(times):
    """By nearest rank: each is a time that was measured."""
    times = sorted(times)
    rank = {f"p{percent}": times[max(0, -(-len(times) * percent // 100) - 1)] for percent in (50, 90, 99)}
    return {**rank, "samples": len(times)}


def gpu_us(torch, call, in_a_row, samples):
    """Microseconds between two events around `in_a_row` calls, divided by these."""
    times = []
    for i in range(-3, samples):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(in_a_row):
            call()
        end.record()
        torch.cuda.synchronize()
        if i >= 0:
            times.append(1000 * start.elapsed_time(end) / in_a_row)
    return percentiles(times)


def host_us(call):
    times = []
    for i in range(-WARM_UP, CALLS):
        start = time.perf_counter()
        call()
        if i >= 0:
            times.append(1e6 * (time.perf_counter() - start))
    return percentiles(times)


def measure(torch, network, shape, compiled):
    def channels_last(tensor):
        return tensor.contiguous(memory_format=torch.channels_last)

    x = channels_last(torch.randn(shape, device="cuda", dtype=torch.float16))
    host = channels_last(torch.randn(shape, dtype=torch.float16)).pin_memory()
    torch.cuda.reset_peak_memory_stats()
    expected = network(x).float()
    run = torch.compile(network) if compiled else network
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # engines are chosen, and code is compiled, before the capture
        for _ in range(5):
            run(x)
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = run(x)
    graph.replay()
    torch.cuda.synchronize()
    error = ((y.float() - expected).abs().max() / expected.abs().max()).item()

    def from_host_to_host():
        x.copy_(host, non_blocking=True)
        graph.replay()
        y.cpu()  # waits

    def replay():
        graph.replay()
        torch.cuda.synchronize()

    return {"error": error, "verified": error <= TOLERANCE, "gpu_us": gpu_us(torch, graph.replay, 1, CALLS),
            "gpu_us_of_10_in_a_row": gpu_us(torch, graph.replay, IN_A_ROW, 30), "host_us": host_us(replay),
            "host_to_host_us": host_us(from_host_to_host),
            "eager_gpu_us": gpu_us(torch, lambda: network(x), 1, 50), "memory_bytes": torch.cuda.max_memory_allocated()}


def save(file, report):
    """Whole or not at all, whenever this is stopped."""
    if file:
        part = file.with_name(file.name + ".part")
        part.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        os.replace(part, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=120, help="no network is begun after so many (default: 120)")
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    began = time.monotonic()
    try:
        import torch
        from networks import DeepLabV3Plus, alexnet
    except ImportError as why:
        print(f"PyTorch and torchvision are not installed: {why}")
        return 4
    if not torch.cuda.is_available():
        print("PyTorch has no GPU")
        return 4
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(1)
    make = {"deeplabv3plus": lambda: DeepLabV3Plus(2), "alexnet": lambda: alexnet(5)}
    report = {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version(), "device": torch.cuda.get_device_name(),
              "setting": "channels_last fp16, CUDA graph" + (", compiled" if given.compile else ""), "networks": {}}
    opened, sound = {}, True
    with torch.inference_mode():
        for name, shape in NETWORKS:
            label = f"{name}:{shape[3]}x{shape[2]}" if shape[0] == 1 and name != "alexnet" else f"{name}:{shape[0]}"
            if time.monotonic() - began > given.seconds:
                report["networks"][label] = {"left_out": "no time"}
            else:
                if name not in opened:
                    opened[name] = make[name]().eval().to("cuda", torch.float16, memory_format=torch.channels_last)
                row = report["networks"][label] = measure(torch, opened[name], shape, given.compile)
                sound = sound and row["verified"]
                print(f"{label:<24} gpu p50 {row['gpu_us']['p50']:.1f} us, host {row['host_us']['p50']:.1f} us, "
                      f"eager {row['eager_gpu_us']['p50']:.1f} us, error {row['error']:.1e}", flush=True)
            save(given.json, report)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
