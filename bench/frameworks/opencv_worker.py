"""OpenCV's DNN module on its CPU target (see serve.py for how a worker is run), with as many threads as ours.

  classic   the engine of OpenCV 4, with its fusions and Winograd convolutions
  new       the graph engine of OpenCV 5
"""

import cv2

from serve import serve

ENGINES = {"classic": "ENGINE_CLASSIC", "new": "ENGINE_NEW"}
SETTINGS = {"cpu": {name: ("fp32",) for name, engine in ENGINES.items() if hasattr(cv2.dnn, engine)} or {"classic": ("fp32",)}}


class Network:
    def __init__(self, setting, precision, threads, device):
        self.engine = [getattr(cv2.dnn, ENGINES[setting])] if hasattr(cv2.dnn, ENGINES[setting]) else []
        cv2.setNumThreads(threads)

    def open(self, model, shape):
        self.network = cv2.dnn.readNetFromONNX(model, *self.engine)

    def hold(self, inputs):
        self.inputs = inputs

    def infer(self, i):
        self.network.setInput(self.inputs[i])
        return self.network.forward()

    def logits(self, result):
        return result


if __name__ == "__main__":
    serve(cv2.__version__, SETTINGS, Network)
