"""Which format a dataset is in, by the names of its files and the first bytes of one of them."""

from __future__ import annotations

import re
from pathlib import Path

from labelwright.errors import Invalid
from labelwright.formats import archive
from labelwright.formats.sample import Source

# The first pattern that a path matches decides; more telling ones come first.
PATHS = (
    (r"(^|/)gt/gt\.txt$", "mot"),
    (r"(^|/)label_2/[^/]+\.txt$", "kitti"),
    (r"\.tfrecord(-\d+-of-\d+)?$", "tfrecord"),
    (r"coco\.json$", "coco-folders"),
    (r"createml\.json$", "createml"),
    (r"(^|/)_tokenization\.txt$", "clip"),
    (r"(^|/)_annotations\.txt$", "yolov4"),
    (r"(^|/)_darknet\.labels$", "darknet"),
    (r"(^|/)(data|dataset)\.ya?ml$", "yolo"),
    (r"_mask\.png$", "semantic-masks"),
)
# How far into a file is looked.
HEAD = 4096


def detect(source: Source) -> str:
    """The key of the format. Raises `Invalid` when none is told; where several look alike (turned boxes of YOLO), say which it is."""
    tree = archive.Tree(source, "file")
    if not isinstance(source, Path):
        source.seek(0)
    if tree.paths == ["file"]:
        return _content(tree, "file", alone=True)
    found = next((key for pattern, key in PATHS for path in tree.paths if re.search(pattern, path)), None)
    if found is not None:
        return found
    if any(re.search(r"(^|/)meta\.json$", p) for p in tree.paths) and any("ann/" in p for p in tree.paths):
        return "supervisely"
    for path in [*tree.names(".jsonl"), *tree.names(".json"), *tree.names(".xml"), *tree.names(".csv")]:
        return _content(tree, path, alone=False)
    if any(archive.pictures(tree)):
        return "folder"
    raise _unknown()


def _content(tree: archive.Tree, path: str, *, alone: bool) -> str:
    with tree.open(path) as file:
        head = file.read(HEAD).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if head.startswith("<") or path.endswith(".xml"):
        return "cvat" if "<annotations" in head else "voc"
    if path.endswith(".csv"):
        if path.endswith("_classes.csv") and "_annotations.csv" not in " ".join(tree.paths):
            return "multiclass-csv"
        table = next((p for p in tree.names("_annotations.csv")), path)
        with tree.open(table) as file:
            return "tensorflow-csv" if file.read(HEAD).startswith(b"filename") else "retinanet-csv"
    if path.endswith(".jsonl"):
        for mark, key in (('"messages"', "openai"), ("<loc_", "florence2-od"), ("<loc", "paligemma")):
            if mark in head:
                return key
        return "jsonl"
    if head.startswith("["):
        return "label-studio"
    if '"shapes"' in head or '"imagePath"' in head:
        return "labelme"
    if head.startswith("{"):
        return "coco" if alone else "coco-folders"
    raise _unknown()


def _unknown() -> Invalid:
    return Invalid("Nothing here tells which format this is; say which.", field="format")
