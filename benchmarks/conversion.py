"""One conversion of a dataset by one tool, in a process of its own: `python benchmarks/conversion.py TOOL FROM TO FOLDER OUT`.

Prints JSON: seconds and CPU seconds from reading to written (imports not counted), and the most memory in MiB. Labels only are written.
Knows no module of ours but for the tool `labelwright`, so that the peers' environment can run it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def labelwright() -> Callable[[str, str, Path, Path], None]:
    """Ours: a folder in, a zip archive out."""
    from labelwright.formats import FORMATS

    keys = {"coco": "coco-folders", "yolo": "yolo", "voc": "voc"}

    def convert(source: str, target: str, folder: Path, out: Path) -> None:
        found = FORMATS[keys[source]].read(folder)

        def bare() -> Any:
            for sample in found.samples:
                sample.picture = None
                yield sample

        out.mkdir()
        with (out / "dataset.zip").open("wb") as file:
            FORMATS[keys[target]].write(bare(), file, found.classes)

    return convert


def supervision() -> Callable[[str, str, Path, Path], None]:
    """Roboflow's library: in memory, folders in and out."""
    import supervision as sv  # pyright: ignore[reportMissingImports]  (in .venv-peers)

    def convert(source: str, target: str, folder: Path, out: Path) -> None:
        if source == "coco":
            data = sv.DetectionDataset.from_coco(
                str(folder / "train"), str(folder / "train" / "_annotations.coco.json")
            )
        elif source == "yolo":
            data = sv.DetectionDataset.from_yolo(
                str(folder / "train" / "images"), str(folder / "train" / "labels"), str(folder / "data.yaml")
            )
        else:
            data = sv.DetectionDataset.from_pascal_voc(str(folder / "train"), str(folder / "train"))
        out.mkdir()
        if target == "coco":
            data.as_coco(annotations_path=str(out / "coco.json"))
        elif target == "yolo":
            data.as_yolo(annotations_directory_path=str(out / "labels"), data_yaml_path=str(out / "data.yaml"))
        else:
            data.as_pascal_voc(annotations_directory_path=str(out / "annotations"))

    return convert


def datumaro() -> Callable[[str, str, Path, Path], None]:
    """Datumaro by its own readers of these layouts."""
    import datumaro as dm  # pyright: ignore[reportMissingImports]  (in .venv-peers)

    readers = {"coco": "roboflow_coco", "yolo": "roboflow_yolo", "voc": "roboflow_voc"}
    writers = {"coco": "coco_instances", "yolo": "yolo", "voc": "voc_detection"}

    def convert(source: str, target: str, folder: Path, out: Path) -> None:
        data = dm.Dataset.import_from(str(folder), readers[source])
        data.export(str(out), writers[target], save_media=False)

    return convert


TOOLS = {"labelwright": labelwright, "supervision": supervision, "datumaro": datumaro}


def main() -> None:
    """Convert, and say what it took."""
    tool, source, target, folder, out = sys.argv[1:]
    convert = TOOLS[tool]()
    begun, cpu = time.perf_counter(), time.process_time()
    convert(source, target, Path(folder), Path(out))
    print(json.dumps({
        "seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu,
        # Not what `getrusage` says: that has the most of the process that started this one in it.
        "memory": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
