"""Dataset formats: one file each, files in, samples out, and back. A new format is one file and one line here."""

from __future__ import annotations

from labelwright.formats import (
    coco,
    coco_folders,
    createml,
    cvat,
    folders,
    jsonl,
    kitti,
    label_studio,
    labelme,
    mot,
    retinanet,
    semantic,
    supervisely,
    tables,
    tfrecord,
    voc,
    yolo,
    yolov4,
)
from labelwright.formats.sample import Format

FORMATS: dict[str, Format] = {
    "coco": coco.FORMAT,
    "coco-folders": coco_folders.FORMAT,
    "yolo": yolo.FORMAT,
    "yolo-obb": yolo.ORIENTED,
    "darknet": yolo.DARKNET,
    "yolov4": yolov4.FORMAT,
    "voc": voc.FORMAT,
    "createml": createml.FORMAT,
    "tensorflow-csv": tables.FORMAT,
    "retinanet-csv": retinanet.FORMAT,
    "tfrecord": tfrecord.FORMAT,
    "multiclass-csv": tables.CLASSIFICATION,
    "folder": folders.FORMAT,
    "clip": folders.CLIP,
    "semantic-masks": semantic.FORMAT,
    "jsonl": jsonl.FORMAT,
    "paligemma": jsonl.PALI,
    "florence2-od": jsonl.FLORENCE2,
    "openai": jsonl.OPENAI,
    "label-studio": label_studio.FORMAT,
    "cvat": cvat.FORMAT,
    "supervisely": supervisely.FORMAT,
    "labelme": labelme.FORMAT,
    "mot": mot.FORMAT,
    "kitti": kitti.FORMAT,
}
