"""The classes of the test projects."""

from __future__ import annotations

from typing import Any

CLASSES: list[dict[str, Any]] = [
    {"name": "Vehicle_car", "attributes": [
        {"name": "State", "kind": "one_of", "options": ["Moving", "Parked"]},
        {"name": "faces_visible", "kind": "many_of", "options": ["left", "right", "back"]},
    ]},
    {"name": "Person 1", "shapes": ["rectangle", "mask"]},
    {"name": "lane_divider", "shapes": ["polyline", "polygon"]},
    {"name": "nose", "shapes": ["landmarks"]},
    {"name": "Sky", "shapes": ["mask"]},
]  # fmt: skip
