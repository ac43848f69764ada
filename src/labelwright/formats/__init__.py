"""Dataset formats: one file each, files in, samples out, and back. A new format is one file and one line here."""

from __future__ import annotations

from labelwright.formats import coco, coco_folders, createml, semantic, tables, voc, yolo
from labelwright.formats.sample import Format

FORMATS: dict[str, Format] = {
    "coco": coco.FORMAT,
    "coco-folders": coco_folders.FORMAT,
    "yolo": yolo.FORMAT,
    "yolo-obb": yolo.ORIENTED,
    "darknet": yolo.DARKNET,
    "voc": voc.FORMAT,
    "createml": createml.FORMAT,
    "tensorflow-csv": tables.FORMAT,
    "multiclass-csv": tables.CLASSIFICATION,
    "semantic-masks": semantic.FORMAT,
}
