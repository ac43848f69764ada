"""Dataset formats: one file each, files in, samples out, and back. A new format is one file and one line here."""

from __future__ import annotations

from labelwright.formats import coco
from labelwright.formats.sample import Format

FORMATS: dict[str, Format] = {
    "coco": coco.FORMAT,
}
