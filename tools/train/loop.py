"""The training loop that both networks share: seeded, resumable, the same on a CPU and on a GPU."""

import contextlib
import copy
import csv
import json
import os
import pathlib
import random
import time

import torch

from recipes import learning_rate

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
OUT_OF_TIME = 3  # exit status
SAVE_SECONDS = 120  # AlexNet's state is a gigabyte: too much to write after every short epoch
DEVIATION = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def normalise(images):
    """0..1 -> what the networks take."""
    return (images - MEAN.to(images.device)) / DEVIATION.to(images.device)


def batches(count, size, epoch, seed):
    """A permutation of 0..count-1 for this epoch in batches, of which the last is filled up from the front."""
    order = list(range(count))
    random.Random(f"{seed}:{epoch}").shuffle(order)
    order += order[: -count % size]
    return [order[i : i + size] for i in range(0, len(order), size)]


def make_optimizer(network, recipe):
    """L2 for weights that multiply; none for biases and batch norms in the adamw recipes."""
    trained = [p for p in network.parameters() if p.requires_grad]
    if recipe.optimizer == "sgdm":
        groups = [
            {"params": trained[:-2]},
            {"params": trained[-2:], "factor": recipe.last_layer},  # weight and bias of the last layer
        ]
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay)
    slow = {id(p) for p in network.encoder.parameters()} if recipe.encoder != 1 else set()
    groups = []
    for factor, part in ((1.0, [p for p in trained if id(p) not in slow]), (recipe.encoder, [p for p in trained if id(p) in slow])):
        groups.append({"params": [p for p in part if p.ndim > 1], "weight_decay": recipe.weight_decay, "factor": factor})
        groups.append({"params": [p for p in part if p.ndim <= 1], "weight_decay": 0.0, "factor": factor})
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, recipe.learning_rate, fused=True)


class Average:
    """Exponential moving average of weights and statistics; a young one follows faster, so that no start is remembered."""

    def __init__(self, network, decay):
        self.network = copy.deepcopy(network).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, network, step):
        decay = min(self.decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.network.state_dict().values(), network.state_dict().values()):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


def write_atomically(path, save):
    """`save` gets a path beside `path`, which takes its place once it is complete."""
    partial = path.with_name(path.name + ".partial")
    save(partial)
    os.replace(partial, path)


class Training:
    """A run's folder: state.pt to go on from, log.csv, and in the end model.pt, a state_dict that `giemsa convert` reads."""

    def __init__(self, folder, network, recipe, settings, minutes=None):
        self.end = time.monotonic() + 60 * minutes if minutes is not None else None
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = torch.device(settings["device"])
        self.network = network.to(self.device)
        if self.device.type == "cuda" or settings["precision"] == "bf16":  # in fp32 a CPU gained nothing
            self.network = self.network.to(memory_format=torch.channels_last)
        self.recipe, self.settings = recipe, settings
        self.average = Average(network, recipe.ema) if recipe.ema else None
        self.optimizer = make_optimizer(self.network, recipe)

    def autocast(self):
        if self.settings["precision"] == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def resume(self):
        """The epochs that are done; 0 for a new run. Refuses to go on with other settings."""
        path = self.folder / "state.pt"
        if not path.exists():
            return 0
        state = torch.load(path, map_location=self.device)
        different = {key for key in self.settings if state["settings"].get(key) != self.settings[key]} - {
            "device",
            "threads",
        }
        if different:
            raise SystemExit(
                f"{path}: was made with other {', '.join(sorted(different))}; remove it, or choose another --out"
            )
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.network.load_state_dict(state["average"])
        return state["epoch"]

    def save_state(self, epoch):
        state = {
            "epoch": epoch,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "settings": self.settings,
        }
        if self.average:
            state["average"] = self.average.network.state_dict()
        write_atomically(self.folder / "state.pt", lambda path: torch.save(state, path))

    def log(self, **row):
        path = self.folder / "log.csv"
        new = not path.exists()
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)
        print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)

    def run(self, count, loss_of, batches=batches):
        """Trains on `count` samples; loss_of(network, indices, epoch, step) gives the loss of a batch. Writes model.pt.

        `batches` gives those of an epoch; by default each sample comes once.
        """
        epochs, size, seed = self.settings["epochs"], self.settings["batch"], self.settings["seed"]
        per_epoch = len(batches(count, size, 0, seed))
        done, saved = self.resume(), time.monotonic()
        for epoch in range(done, epochs):
            began, cpu, total = time.time(), time.process_time(), 0.0
            self.network.train()
            torch.manual_seed(seed * 1_000_003 + epoch)  # of dropout: the same after an interruption
            for i, indices in enumerate(batches(count, size, epoch, seed)):
                step = epoch * per_epoch + i
                rate = learning_rate(self.recipe, step, epochs * per_epoch, per_epoch)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate * group.get("factor", 1.0)
                loss = loss_of(self.network, indices, epoch, step)
                if not torch.isfinite(loss):
                    raise SystemExit(f"the loss is {loss.item()} in step {step}")
                self.optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
                self.optimizer.step()
                if self.average:
                    self.average.update(self.network, step)
                total += loss.item()
            self.log(
                epoch=epoch + 1,
                of=epochs,
                loss=f"{total / per_epoch:.4f}",
                rate=f"{rate:.2e}",
                seconds=f"{time.time() - began:.1f}",
                cpu_seconds=f"{time.process_time() - cpu:.1f}",
            )
            stop = self.end is not None and time.monotonic() >= self.end and epoch + 1 < epochs
            if stop or time.monotonic() >= saved + SAVE_SECONDS:
                self.save_state(epoch + 1)
                saved = time.monotonic()
            if stop:
                print("out of time: the same command goes on from here", flush=True)
                raise SystemExit(OUT_OF_TIME)
        result = (self.average.network if self.average else self.network).state_dict()
        result = {key: value.detach().cpu().clone() for key, value in result.items()}
        write_atomically(self.folder / "model.pt", lambda path: torch.save(result, path))
        (self.folder / "settings.json").write_text(json.dumps(self.settings, indent=1) + "\n", encoding="utf-8")
        (self.folder / "state.pt").unlink(missing_ok=True)
