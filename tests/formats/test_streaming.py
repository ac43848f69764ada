"""Large files: read a window at a time wherever windows end, and written without a memory of what went before."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelwright.errors import Invalid
from labelwright.formats import FORMATS, json_windows
from labelwright.formats.zipping import Zip
from tests.support import strategies as _profile  # noqa: F401  (Hypothesis's settings for this suite)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab{}[],:"\\ é', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k}{,"\\', max_size=3), inner, max_size=3),
    max_leaves=5,
)
values_of = msgspec.json.Decoder(list[Any]).decode
arrays = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3) | values, max_size=8)


@given(st.dictionaries(st.text('xyz,"{', max_size=3), arrays | values, max_size=4), st.integers(1, 40), st.booleans())
def test_windows_of_any_size_hold_the_whole(body: dict[str, Any], window: int, spread: bool) -> None:
    text = json.dumps(body, indent=2 if spread else None).encode()
    reader = json_windows.Reader(io.BytesIO(text), window=window)
    found: dict[str, Any] = {}
    for key in reader:
        if isinstance(body[key], list):
            found[key] = [v for _, _, part in reader.arrays(values_of) for v in part or ()]
        elif len(found) % 2:
            reader.skip()
            found[key] = body[key]
        else:
            found[key] = json.loads(reader.value())
    reader.end()
    assert found == body


@given(arrays, st.integers(1, 200), st.data())
def test_what_is_no_json_is_refused(body: list[Any], window: int, data: st.DataObject) -> None:
    text = json.dumps({"images": body, "more": [{"a": 1}]}).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    broken = data.draw(
        st.sampled_from([text[:cut], text[:cut] + b"\x01" + text[cut:], text + b"]", text[:cut] + b"}" + text[cut:]])
    )
    try:
        json.loads(broken)
    except ValueError:
        reader = json_windows.Reader(io.BytesIO(broken), window=window)
        with pytest.raises(Invalid, match="line 1"):
            for _ in reader:
                reader.skip()
            reader.end()


def coco(images: int, boxes: int, order: list[int] | None = None, **more: Any) -> dict[str, Any]:
    """A COCO file of pictures with boxes; `order`: in which annotations stand."""
    annotations = [
        {
            "id": n,
            "image_id": n // boxes + 10,
            "category_id": 1 + n % 2,
            "bbox": [n % 50, n // boxes % 40, 5, 5],
            "iscrowd": 0,
        }
        for n in range(images * boxes)
    ]
    return {
        "images": [{"id": n + 10, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in range(images)],
        "annotations": [annotations[n] for n in order] if order else annotations,
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "tree"}], **more,
    }  # fmt: skip


def shapes_of(body: dict[str, Any]) -> dict[str, list[Any]]:
    found = FORMATS["coco"].read(io.BytesIO(json.dumps(body).encode()))
    return {s.name: [(o.class_name, msgspec.to_builtins(o.shape)) for o in s.document.objects] for s in found.samples}


def test_annotations_may_stand_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_windows.Reader.__init__, "__defaults__", (0, "", 700))
    order = list(range(40))
    random.Random(1).shuffle(order)
    straight, mixed = shapes_of(coco(10, 4)), shapes_of(coco(10, 4, order))
    assert list(straight) == list(mixed) == [f"{n}.jpg" for n in range(10)]
    assert {k: sorted(map(str, v)) for k, v in straight.items()} == {k: sorted(map(str, v)) for k, v in mixed.items()}
    first_last = shapes_of(coco(10, 4, order[::-1]))
    assert [mixed[k] for k in mixed] == [v[::-1] for v in first_last.values()]  # the file's order within each picture
    backwards = coco(10, 4)
    assert shapes_of({**backwards, "images": backwards["images"][::-1]}) == straight
    assert shapes_of(dict(reversed(backwards.items()))) == straight  # the lists themselves in another order


def refusal(body: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        list(FORMATS["coco"].read(io.BytesIO(body)).samples)
    return caught.value.message


def test_faults_name_their_place() -> None:
    body = coco(30, 3)
    body["annotations"][70]["image_id"] = 999
    assert refusal(json.dumps(body).encode()) == "annotations[70] is of image 999, which is not listed."
    body["annotations"][70]["image_id"] = "x"
    assert refusal(json.dumps(body).encode()).startswith("annotations[70] is not valid: Expected `int`, got `str`")
    body["annotations"][70]["image_id"] = 1 << 70
    assert "too large" in refusal(json.dumps(body).encode())
    body["annotations"][70] |= {"image_id": 15, "bbox": "x"}
    assert refusal(json.dumps(body).encode()).startswith(
        "An annotation of '5.jpg' is not valid: Expected `array | null`, got `str`"
    )
    body["images"][7].pop("file_name")
    assert refusal(json.dumps(body).encode()).startswith("images[7] is not valid: Object missing")
    lines = json.dumps(coco(30, 3), indent=1).split("\n")
    lines[100] = lines[100].replace('"', "'", 1)
    assert refusal("\n".join(lines).encode()).startswith("This is not a COCO file: line 101: ")
    assert "line 60: it ends too early" in refusal("\n".join(lines[:60]).encode())
    assert "too deep" in refusal(b'{"info": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    assert refusal(b"[]") == "This is not a COCO file: line 1: expected '{'"
    assert refusal(b'{"categories": []}') == "This is not a COCO file: it has no `images`."
    assert "`images` is no list" in refusal(b'{"images": {}}')


MEASURE = """
import sys
from pathlib import Path
from labelwright.formats import FORMATS
with Path(sys.argv[1]).open("rb") as file, Path(sys.argv[2]).open("wb") as out:
    found = FORMATS["coco"].read(file)
    print(FORMATS["yolo"].write(found.samples, out, found.classes).objects)
# Not what `getrusage` says: that has the most of the process that started this one in it.
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_memory_does_not_grow_with_a_file(tmp_path: Path) -> None:
    def peak(images: int, *, mixed: bool = False) -> int:
        order = list(range(images * 5))
        if mixed:
            random.Random(2).shuffle(order)
        path = tmp_path / f"{images}.json"
        path.write_text(json.dumps(coco(images, 5, order)))
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path), str(tmp_path / "out.zip")],
            check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "src"},
        )  # fmt: skip
        objects, most = map(int, done.stdout.split())
        assert objects == images * 5
        return most

    # 100,000 annotations held as objects would be 60 MB; 18,000 names of pictures and where their annotations are, 6 MB.
    small = peak(2000)
    assert peak(20_000) - small < 20
    assert peak(20_000, mixed=True) - small < 20


def test_archives_that_zipfile_reads(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with path.open("wb") as file:
        out = Zip(file)
        for number in range(66_000):  # more than fit in the directory's first form
            out.add(f"{number}.txt", b"%d" % number)
        with out.stream("größe/🚗.txt") as piece:
            piece.write(b"one, ")
            piece.write(b"two")
        out.add("as it is.jpg", b"x" * 100, packed=False)
        out.close()
    with zipfile.ZipFile(path) as found:
        assert len(found.namelist()) == 66_002
        assert found.read("65999.txt") == b"65999"
        assert found.read("größe/🚗.txt") == b"one, two"
        assert found.getinfo("as it is.jpg").compress_size == 100
        assert found.testzip() is None
    with zipfile.ZipFile(path, "a") as more:
        more.writestr("later.txt", b"later")
    with zipfile.ZipFile(path) as found:
        assert (found.read("0.txt"), found.read("later.txt")) == (b"0", b"later")
