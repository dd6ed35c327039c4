"""One case: every contestant is loaded and verified, heats choose each peer's best settings, finals time them in turns."""

import json
import random
import statistics
import subprocess
import sys
from typing import NamedTuple

import images
import machine
import neighbours
import report
import verify
from peers import HERE, Missing
from worker import Turn, Worker, WorkerError

DISTURBED = 0.05  # share of the CPU that others may take during a turn
HOPEFUL, CLOSE = 1.5, 1.1  # a setting within this factor of its peer's best is in the second heat, and then in the finals


class Case(NamedTuple):
    network: str  # what it is: segmenter or classifier
    title: str
    width: int
    height: int
    batch: int
    inputs: int  # distinct ones, used in turn
    body: str = ""  # of a network that no weights come with (models.INVENTED); empty: one that has some

    @property
    def pixels(self):
        """Labels a sample."""
        return self.width * self.height if self.network == "segmenter" else 1


class Contestant(NamedTuple):
    peer: str  # "Giemsa", "PyTorch", ...
    name: str  # with version and setting
    precision: str
    argv: list
    model: str

    @property
    def ours(self):
        return self.peer == "Giemsa"

    @property
    def row(self):
        """What the table says of it from the start."""
        return {"peer": self.peer, "name": self.name, "precision": self.precision, "ours": self.ours}


class Inputs(NamedTuple):
    """Files of preprocessed images, and what is true of the held-out ones."""

    timed: str
    calibration: str
    held_out: str
    truth: bytes
    sets: images.Sets


def prepare(options, case, model, folders, scratch, make_generator):
    """The case's images as the network sees them."""
    sets = images.choose(case, options, folders / "images", make_generator)
    worker = Worker("Giemsa", "fp32", [options.worker, "fp32", str(options.threads)])

    def preprocessed(name, files):
        worker.ask("prepare", model=str(model), width=case.width, height=case.height, images=list(map(str, files)),
                   out=str(scratch / name))
        return str(scratch / name)

    timed, calibration, held_out = (
        preprocessed(name, [image.file for image in chosen])
        for name, chosen in (("timed", sets.timed), ("calibration", sets.calibration), ("held_out", sets.held_out)))
    if case.network == "segmenter":
        masks = preprocessed("masks", [image.truth for image in sets.held_out])
        truth = images.mask_labels(images.red_planes(masks, case.width, case.height), model)
    else:
        names = images.metadata(model)["classes"].split(",")
        truth = bytes(names.index(image.truth) for image in sets.held_out)
    worker.close()
    return Inputs(timed, calibration, held_out, truth, sets)


def contestants(options, case, model, models, inputs):
    """(who takes part, rows of those that cannot); the reference first: PyTorch in eager fp32 where it is there."""
    ours = "Giemsa, int8 fc" if images.metadata(model)["dtype"] == "int8" else "Giemsa"
    on_device = [] if options.device == "cpu" else [options.device]
    field, absent = [], []
    for precision in options.precisions:
        field.append(Contestant("Giemsa", ours, precision, [options.worker, precision, str(options.threads), *on_device], str(model)))
    if options.device == "cpu":
        whole = [image.whole or image.file for image in inputs.sets.calibration]
        try:
            calibrated = models.calibrated(case.network, model, options, whole, case.width, case.height)
            if "int8" in computes_in(options.worker, calibrated):
                field.append(Contestant("Giemsa", ours, "int8", [options.worker, "int8", str(options.threads)], str(calibrated)))
        except Missing as why:
            absent.append({"peer": "Giemsa", "name": ours, "precision": "int8", "ours": True, "failure": str(why)})
    onnx = models.onnx(model, case.width, case.height)
    for installed in options.installed:
        for setting, precisions in installed.settings.items():
            for precision in precisions:
                if skipped(options, case, installed, setting, precision):
                    continue
                row = {"peer": installed.peer.name, "name": f"{installed.name} {setting}", "precision": precision, "ours": False}
                file = model if installed.peer.reads == "safetensors" else onnx
                if precision == "int8" and installed.peer.quantized:
                    try:
                        file = models.quantized(installed, onnx, inputs.calibration, case.width, case.height)
                    except Missing as why:
                        absent.append(row | {"failure": str(why)})
                        continue
                argv = [installed.python, HERE / installed.peer.worker, "--device", options.device, "--setting", setting,
                        "--precision", precision, "--threads", str(options.threads)]
                field.append(Contestant(row["peer"], row["name"], precision, argv, str(file)))
    # Without PyTorch we ourselves are the reference.
    rank = {"PyTorch": 0, "Giemsa": 1}
    field.sort(key=lambda contestant: (rank.get(contestant.peer, 2), contestant.precision != "fp32"))
    return field, absent


def computes_in(worker, model):
    """The precisions in which this machine runs one of our models."""
    return json.loads(subprocess.run([worker, "--list", model], check=True, capture_output=True, text=True).stdout)["precisions"]


def skipped(options, case, installed, setting, precision):
    if options.setting and setting not in options.setting or precision == "bf16" and not options.fast_bf16:
        return True
    return installed.key == "pytorch" and precision == "int8" and case.network != "classifier"  # Linear layers only


class Judge:
    """Compares logits with those of the first contestant that it sees."""

    def __init__(self, case, inputs, scratch, on_gpu=False):
        self.case, self.inputs, self.scratch, self.on_gpu = case, inputs, scratch, on_gpu
        self.reference, self.reference_bytes, self.wrong_share, self.free = None, None, 0.0, None

    def logits(self, worker):
        worker.ask("verify", out=str(self.scratch / "logits"))
        return verify.read_logits(self.scratch / "logits")

    def labels(self, logits):
        return verify.labels(logits, len(logits) // (self.case.pixels * self.classes), self.case.pixels)

    def admit(self, worker, row):
        """Fills in the row's load time, error, agreement, accuracy and whether all that is good enough."""
        case = self.case
        shape = {"batch": case.batch, "width": case.width, "height": case.height, "model": worker.model}
        first = self.free is None  # whoever failed half way is no reference
        loaded = worker.ask("load", inputs=self.inputs.timed, **shape)
        row["load_ms"] = loaded["load_ms"]
        if self.on_gpu:
            self.hold_to_same_copies(row, loaded["host_bytes"])
        logits = self.logits(worker)
        if first:
            self.classes = len(logits) // (case.batch * case.inputs * case.pixels)
            self.reference, self.reference_labels = logits, self.labels(logits)
        labels = self.labels(logits)
        differing = verify.differing(labels, self.reference_labels)
        row |= {"error": verify.relative_error(logits, self.reference), "agreement": 1 - differing / len(labels)}

        if first or row["precision"] != "fp32":
            worker.ask("load", inputs=self.inputs.held_out, **shape)
            row["accuracy"] = self.accuracy(self.labels(self.logits(worker)))
            worker.ask("load", inputs=self.inputs.timed, **shape)
        if first:
            self.wrong_share = 1 - row["accuracy"]
            self.free = verify.labels_free_to_differ(self.reference_labels, case, self.wrong_share)
        if row["precision"] == "fp32":
            row["verified"] = row["error"] <= verify.LARGEST_FP32_ERROR
        else:
            row["verified"] = row["error"] < float("inf") and differing <= self.free

    def hold_to_same_copies(self, row, host_bytes):
        """On a GPU a call copies dense fp32 pixels in, and dense fp32 logits out, whoever's it is: a copy is a large part of
        a short call."""
        case = self.case
        row["host_bytes"] = host_bytes
        pixels = 4 * 3 * case.batch * case.width * case.height
        if host_bytes[0] != pixels or self.reference_bytes not in (None, host_bytes):
            raise WorkerError(f"a call copies {host_bytes[0]} bytes to the GPU and {host_bytes[1]} back, the others' "
                              f"{pixels} and {self.reference_bytes[1] if self.reference_bytes else 'as many as it is'}")
        self.reference_bytes = host_bytes

    def accuracy(self, labels):
        """Of held-out images: mean IoU against the masks, or the share named rightly."""
        truth = self.inputs.truth
        return verify.mean_iou(labels, truth) if self.case.network == "segmenter" else verify.right_share(labels, truth)


def timed_turn(worker, calls, beside):
    """A turn, repeated up to twice where other processes disturbed it."""
    for _ in range(3):
        turn = Turn(worker, calls, beside)
        if turn.disturbance <= DISTURBED:
            break
    return turn


def group(row):
    """What a setting competes in: its peer, in its class of precision."""
    return row["peer"], next(label for label, belongs in report.CLASSES.items() if belongs(row))


def in_reach(entries, factor):
    """Ours, and of each peer the verified settings that the heats so far found best or within a factor of it."""
    best = {}
    for _, row in entries:
        if row["verified"]:
            best[group(row)] = min(row["heat_ms"], best.get(group(row), row["heat_ms"]))
    return [(worker, row) for worker, row in entries
            if row["ours"] or row["verified"] and row["heat_ms"] <= factor * best[group(row)]]


def heats(entries, seconds, beside, order, say):
    """Who stays for the finals; the others end. A row's `heat_ms` is the lower of its two turns' medians (one, where that left
    no hope): whoever was disturbed in one is not out for that."""
    say("  heats")
    for worker, row in order.sample(entries, len(entries)):
        row["heat_ms"] = statistics.median(Turn(worker, 3, beside).ms)
    hopeful = in_reach(entries, HOPEFUL)
    for worker, row in order.sample(hopeful, len(hopeful)):
        turn = timed_turn(worker, calls_in(seconds / 2, row), beside)
        row["heat_ms"] = min(row["heat_ms"], statistics.median(turn.ms))
    staying = in_reach(hopeful, CLOSE)
    for worker, row in entries:
        if (worker, row) not in staying:
            worker.close()
    return staying


def calls_in(seconds, row):
    return max(3, round(1e3 * seconds / row["heat_ms"]))


def finals(entries, options, beside, order, say):
    """Fills in the rows' samples; returns how many turns stayed disturbed, and the GPU's state at the end of each round."""
    disturbed, states = 0, []
    for number in range(options.rounds):
        say(f"  round {number + 1} of {options.rounds}")
        for worker, row in order.sample(entries, len(entries)):
            turn = timed_turn(worker, calls_in(options.turn, row), beside)
            row.setdefault("rounds", []).append(turn.ms)
            row |= turn.memory
            disturbed += turn.disturbance > DISTURBED
        if options.device != "cpu":
            states.append(machine.gpu_state())
    for worker, _ in entries:
        worker.close()
    return disturbed, states


def hold(options, case, models, folders, scratch, make_generator, say):
    """Runs the case; what the report needs of it."""
    model = models.file_of(case, options)
    inputs = prepare(options, case, model, folders, scratch, make_generator)
    field, rows = contestants(options, case, model, models, inputs)
    judge, entries = Judge(case, inputs, scratch, options.device != "cpu"), []
    for contestant in field:
        say(f"  {contestant.name} {contestant.precision}: load and verify")
        worker, row = Worker(contestant.name, contestant.precision, contestant.argv), contestant.row
        worker.model = contestant.model
        rows.append(row)
        try:
            judge.admit(worker, row)
            entries.append((worker, row))
        except WorkerError as failure:
            row["failure"] = str(failure)
            worker.close()
    if not entries:
        sys.exit("nobody could be loaded")

    order = random.Random(1)
    with neighbours.running(options.neighbours) as beside:
        staying = heats(entries, options.turn, beside, order, say)
        disturbed, states = finals(staying, options, beside, order, say)
    rows = sorted(rows, key=lambda row: not row["ours"])
    reference = entries[0][1]
    return {"title": case.title, "network": case.network, "inputs": f"{case.batch * case.inputs} images from {inputs.sets.source}",
            "held_out": len(inputs.truth) // case.pixels, "reference": f"{reference['name']} {reference['precision']}",
            "reference_accuracy": reference["accuracy"], "free": judge.free, "turns": options.rounds * len(staying),
            "disturbed": disturbed, "rows": rows} | ({"gpu_states": states} if states else {})
