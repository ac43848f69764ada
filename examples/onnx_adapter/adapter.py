"""A small HTTP server that runs your ONNX segmentation model for Labelwright's editor (see docs/models.md).

    python adapter.py model.onnx --classes background,road,car --port 9100 --key SECRET

The model takes one float32 picture [1, 3, height, width] and gives scores per class and pixel [1, classes, h, w] (or
[1, 1, h, w] with a probability of the one class). Class 0 is the background unless `--no-background`. A box or a point
narrows the answer to the part of that class in the box, or to the connected part at the point.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

MOST_BODY = 64_000_000
LEAST_PIXELS = 16
MOST_OBJECTS = 200


@dataclass(frozen=True)
class Options:
    """How pictures are prepared: `scale` divides the bytes first, then `mean` and `std` of each channel are applied."""

    classes: tuple[str, ...]
    background: bool = True
    scale: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    threshold: float = 0.5
    side: int = 512


class Refused(Exception):
    """The question cannot be answered; the text says why."""


class Segmenter:
    """A model, and questions about a picture answered with it."""

    def __init__(self, path: str, options: Options) -> None:
        self.options = options
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question of the protocol `labelwright.model/1`."""
        if question.get("protocol") != "labelwright.model/1":
            raise Refused("This adapter speaks labelwright.model/1.")
        picture = Image.open(io.BytesIO(base64.b64decode(question["image"]["data"]))).convert("RGB")
        objects = []
        for number, (mask, score) in self.masks(picture).items():
            for part in self.parts(mask, question):
                objects.append(
                    {"class": self.options.classes[number], "score": round(float(score[part].mean()), 4),
                     "shape": run_lengths(part)}
                )  # fmt: skip
        objects.sort(key=lambda one: -one["score"])
        return {"objects": objects[: 1 if question["ask"] != "whole" else MOST_OBJECTS]}

    def masks(self, picture: Image.Image) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Class number -> its pixels (booleans) and their scores (0 to 1), on the picture's own grid (height, width)."""
        scores = self.run(picture)
        if scores.shape[0] == 1:
            likely = scores[0]
            return {len(self.options.classes) - 1: (likely > self.options.threshold, likely)}
        best = scores.argmax(axis=0)
        first = 1 if self.options.background else 0
        return {n: (best == n, scores[n]) for n in range(first, min(len(scores), len(self.options.classes)))}

    def run(self, picture: Image.Image) -> np.ndarray:
        """Scores 0 to 1, (classes, height, width) of the picture."""
        options = self.options
        height, width = (n if isinstance(n, int) else options.side for n in self.input.shape[2:4])
        pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), np.float32) / options.scale
        pixels = (pixels - np.float32(options.mean)) / np.float32(options.std)
        output: Any = self.session.run(None, {self.input.name: pixels.transpose(2, 0, 1)[None]})[0]
        scores = np.asarray(output[0], np.float32)
        if scores.min() < 0 or scores.max() > 1:
            scores = softmax(scores) if len(scores) > 1 else 1 / (1 + np.exp(-scores))
        layers = [Image.fromarray(layer).resize(picture.size, Image.Resampling.BILINEAR) for layer in scores]
        return np.stack([np.asarray(layer) for layer in layers])

    def parts(self, mask: np.ndarray, question: dict[str, Any]) -> list[np.ndarray]:
        """What of a class is asked about: its part in the box, its connected part at the point, or all connected parts."""
        height, width = mask.shape
        if question["ask"] == "box":
            x1, y1, x2, y2 = (round(v * n) for v, n in zip(question["box"], (width, height) * 2, strict=True))
            inside = np.zeros_like(mask)
            inside[y1:y2, x1:x2] = mask[y1:y2, x1:x2]
            return [inside] if inside.sum() >= LEAST_PIXELS else []
        if question["ask"] == "point":
            x, y = (min(n - 1, int(v * n)) for v, n in zip(question["point"], (width, height), strict=True))
            return [connected(mask, y, x)] if mask[y, x] else []
        return separate(mask)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Scores as shares of 1 over the classes."""
    raised = np.exp(scores - scores.max(axis=0))
    return raised / raised.sum(axis=0)


def connected(mask: np.ndarray, row: int, column: int) -> np.ndarray:
    """The part of the mask that hangs together with one of its pixels: grown row by row until nothing is added."""
    part = np.zeros_like(mask)
    part[row, column] = True
    while True:
        before = part.sum()
        for along in (part, part.T):
            room = mask if along is part else mask.T
            sweep(along, room)
            sweep(along[::-1], room[::-1])
        if part.sum() == before:
            return part


def sweep(part: np.ndarray, mask: np.ndarray) -> None:
    """Carry the part from each row into the next, where the mask is set."""
    for row in range(1, len(part)):
        part[row] |= part[row - 1] & mask[row]


def separate(mask: np.ndarray) -> list[np.ndarray]:
    """All connected parts of a mask that are larger than a speck, at most `MOST_OBJECTS`."""
    left, found = mask.copy(), []
    while len(found) < MOST_OBJECTS and left.any():
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        part = connected(left, int(row), int(column))
        left &= ~part
        if part.sum() >= LEAST_PIXELS:
            found.append(part)
    return found


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """COCO's uncompressed run lengths: down the columns, starting with zeros."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    return {"type": "rle", "size": list(mask.shape), "counts": [0, *runs] if flat[0] else runs}


def handler_of(segmenter: Segmenter, key: str) -> type[BaseHTTPRequestHandler]:
    """A handler that answers POSTs with the model; with `key` only those that send it as `Authorization: Bearer KEY`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            if size > MOST_BODY:
                return self.send(413, {"error": "The question is too large."})
            body = self.rfile.read(size)
            if key and not hmac.compare_digest(self.headers.get("authorization", ""), f"Bearer {key}"):
                return self.send(401, {"error": "Wrong or no key."})
            try:
                return self.send(200, segmenter.answer(json.loads(body)))
            except (Refused, ValueError, KeyError, TypeError, OSError) as error:
                return self.send(400, {"error": str(error)})

        def send(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def serve(path: str, options: Options, host: str, port: int, key: str = "") -> ThreadingHTTPServer:
    """The server, not yet running: call its `serve_forever`."""
    return ThreadingHTTPServer((host, port), handler_of(Segmenter(path, options), key))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(description="Serve an ONNX segmentation model to Labelwright's editor.")
    parser.add_argument("model")
    parser.add_argument("--classes", required=True, help="names in the model's order, separated by commas")
    parser.add_argument("--no-background", action="store_true", help="class 0 is a class like the others")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--key", default="", help="only answer requests with `Authorization: Bearer KEY`")
    parser.add_argument("--side", type=int, default=512, help="picture size for models that take any")
    parser.add_argument("--scale", type=float, default=255.0)
    parser.add_argument("--mean", type=float, nargs=3, default=(0.0, 0.0, 0.0))
    parser.add_argument("--std", type=float, nargs=3, default=(1.0, 1.0, 1.0))
    parser.add_argument("--threshold", type=float, default=0.5)
    given = parser.parse_args(arguments)
    options = Options(
        tuple(given.classes.split(",")), not given.no_background, given.scale, tuple(given.mean), tuple(given.std),
        given.threshold, given.side,
    )  # fmt: skip
    server = serve(given.model, options, given.host, given.port, given.key)
    print(f"Serving {given.model} on http://{given.host}:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
