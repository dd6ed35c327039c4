"""The files that the peers read: our networks as ONNX, and what their own tools make of them in int8. Made once, kept."""

import subprocess

from images import digest, metadata
from peers import HERE, PEERS, Missing, last_line


# Networks that no weights come with: architecture, preset and options by body. Their weights are random, of which times do not
# depend; labels and accuracy then mean nothing, but whether logits agree does.
INVENTED = {
    "resnet50": ("resnet", "torchvision", "body=resnet50"),
    "resnet18-deeplabv3plus": ("deeplabv3plus", "smp", "backbone=resnet18"),
    "resnet34-deeplabv3plus": ("deeplabv3plus", "smp", "backbone=resnet34"),
}


class Models:
    def __init__(self, giemsa, folder, say):
        self.giemsa, self.folder, self.say = giemsa, folder, say
        folder.mkdir(parents=True, exist_ok=True)

    def file_of(self, case, options):
        """The case's model; one that is invented has the classes of the one that is not, so that images can be judged."""
        model = getattr(options, case.network)
        if not case.body:
            return model
        classes = metadata(model)["classes"]
        target = self.folder / f"{case.body}-random-{len(classes.split(','))}.safetensors"
        arch, preset, option = INVENTED[case.body]
        subprocess.run([options.worker, "--invent", arch, preset, target, classes, option], check=True)
        return target

    def onnx(self, model, width, height):
        target = self.folder / f"{digest(model)}-{width}x{height}.onnx"
        subprocess.run([self.giemsa, "convert", model, "--to", "onnx", "--input-size", f"{width}x{height}", "--quiet", "-o", target],
                       check=True)
        return target

    def calibrated(self, network, model, options, files, width, height):
        """Our model with the scales that int8 needs, found on the same images as the peers'."""
        segmenter = options.segmenter
        how = ["--segment-size", f"{width}x{height}"] if network == "segmenter" else ["--segmenter", segmenter]
        # Which results get a scale is the command's affair, so another command makes another model.
        target = self.folder / f"{digest(self.giemsa, model, segmenter, *files)}-{width}x{height}-int8.safetensors"
        if not target.exists():
            self.say("  Giemsa: calibrate int8")
            making = target.with_name("making-" + target.name)
            done = subprocess.run([self.giemsa, "calibrate", model, *files, *how, "--quiet", "-o", making], capture_output=True, text=True)
            if done.returncode:
                raise Missing(f"cannot calibrate: {last_line(done.stderr)}")
            making.rename(target)
        return target

    def quantized(self, installed, onnx, calibration, width, height):
        """`onnx` in int8 by the peer's own tool, calibrated on a file of preprocessed images."""
        script = HERE / f"quantize_{installed.key}.py"
        suffix = PEERS[installed.key].quantized
        target = self.folder / f"{digest(onnx, calibration, script)}-{installed.key}-{installed.version}{suffix}"
        if target.exists():
            return target
        self.say(f"  {installed.name}: quantise to int8")
        making = target.with_name("making-" + target.name)
        done = subprocess.run([installed.python, script, onnx, calibration, str(height), str(width), making],
                              capture_output=True, text=True)
        if done.returncode:
            raise Missing(f"cannot quantise: {last_line(done.stderr)}")
        # OpenVINO's weights lie beside its .xml.
        for file in self.folder.glob(f"{making.stem}.*"):
            file.rename(file.with_name(file.name.removeprefix("making-")))
        return target
