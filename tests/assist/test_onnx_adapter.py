"""The example adapter with a tiny model that is built here: it finds what is red, and what is blue."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from labelwright.geometry import masks

ADAPTER = Path(__file__).parents[2] / "examples/onnx_adapter/adapter.py"
KEY = "k-e-y"


def adapter() -> Any:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("onnx_adapter", ADAPTER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # its dataclass asks for it
    spec.loader.exec_module(module)
    return module


def tiny_model(path: Path) -> str:
    """A model of one 1 x 1 convolution: scores of background, red, blue from the channels of a picture of any size."""
    weights = np.array([[0, 0, 0], [8, -4, -8], [-8, -4, 8]], np.float32).reshape(3, 3, 1, 1)
    bias = np.array([2, 0, 0], np.float32)
    node = helper.make_node("Conv", ["picture", "w", "b"], ["scores"])
    size = [1, 3, "h", "w"]
    graph = helper.make_graph(
        [node], "colours", [helper.make_tensor_value_info("picture", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, size)],
        [onnx.numpy_helper.from_array(weights, "w"), onnx.numpy_helper.from_array(bias, "b")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return str(path)


def scene() -> Any:
    """Two red boxes and a blue one on grey, (90, 120, 3)."""
    pixels = np.full((90, 120, 3), 120, np.uint8)
    pixels[10:40, 10:40] = pixels[50:80, 60:100] = (230, 30, 30)
    pixels[10:30, 70:110] = (30, 30, 230)
    return pixels


def question(**more: Any) -> dict[str, Any]:
    out = io.BytesIO()
    Image.fromarray(scene()).save(out, "PNG")
    image = {"data": base64.b64encode(out.getvalue()).decode(), "mime": "image/png", "width": 120, "height": 90}
    return {"protocol": "labelwright.model/1", "ask": "whole", "box": None, "point": None, "image": image} | more


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The adapter with the tiny model, running; its address."""
    module = adapter()
    path = tiny_model(folder / "colours.onnx")
    server = module.serve(path, module.Options(("background", "red", "blue"), side=96), "127.0.0.1", 0, KEY)
    server.RequestHandlerClass.log_message = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("onnx")) as address:
        yield address


def asked(url: str, body: Any, key: str = KEY) -> tuple[int, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def boxes(answer: Any) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Class and box (x, y, width, height) of each object, in order of place."""
    found = [(o["class"], masks.from_rle(o["shape"]).box) for o in answer["objects"]]
    return sorted(found, key=lambda one: one[1])


def test_everything_in_the_picture(url: str) -> None:
    status, answer = asked(url, question())
    assert status == 200
    found = boxes(answer)
    assert [name for name, _ in found] == ["red", "red", "blue"]
    wanted = [(10, 10, 30, 30), (60, 50, 40, 30), (70, 10, 40, 20)]
    for (_, box), exact in zip(found, wanted, strict=True):
        assert np.abs(np.subtract(box, exact)).max() <= 3
    assert all(0.5 < o["score"] <= 1 for o in answer["objects"])


def test_what_is_at_a_point_and_in_a_box(url: str) -> None:
    _, at_point = asked(url, question(ask="point", point=[80 / 120, 65 / 90]))
    ((name, box),) = boxes(at_point)
    assert name == "red"
    assert box[0] > 50
    _, nowhere = asked(url, question(ask="point", point=[0.01, 0.99]))
    assert nowhere == {"objects": []}
    _, in_box = asked(url, question(ask="box", box=[0.5, 0.05, 1.0, 0.4]))
    assert [name for name, _ in boxes(in_box)] == ["blue"]


def test_what_is_no_question(url: str) -> None:
    assert asked(url, question(), "wrong")[0] == 401
    assert asked(url, question(protocol="other"))[0] == 400
    assert asked(url, {"protocol": "labelwright.model/1"})[0] == 400
    assert asked(url, question(image={"data": "no picture"}))[0] == 400
