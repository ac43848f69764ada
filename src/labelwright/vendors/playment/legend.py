"""The legend of a raster mask: colour -> class, or class and instance number."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any

from labelwright.vendors.playment.errors import invalid

COLOR = re.compile(r"^#?([0-9a-fA-F]{6})$")
INSTANCE = re.compile(r"^(?P<name>.*?)\s*#?\s*(?P<number>[0-9]{1,9})$", re.DOTALL)
BLACK = "#000000"
Legend = dict[str, dict[str, Any]]


def read(legend: Any, classes: Container[str] | None, path: str) -> Legend:
    """`{"#rrggbb": {"class": name, "group": instance number or None, "name": as sent}}`.

    `classes`: the ontology's names; None: take every name. Raises `PlaymentError` naming the entry."""
    if type(legend) is not dict or not legend:
        raise invalid(path, 'must be an object that maps each colour of the mask to a class, {"#rrggbb": "Car # 1"}.')
    found: Legend = {}
    for key, name in legend.items():
        match = COLOR.match(key)
        if match is None:
            raise invalid(f"{path}[{key!r}]", "is not a colour of 6 hex digits (#rrggbb), so no pixel can match it.")
        color = "#" + match[1].lower()
        if color == BLACK:
            raise invalid(f"{path}[{key!r}]", "black stands for pixels without a label; choose another colour.")
        if color in found:
            raise invalid(f"{path}[{key!r}]", "names a colour that the legend names already.")
        class_name, number = _class_of(name, classes, f"{path}[{key!r}]")
        found[color] = {"class": class_name, "group": number, "name": name}
    return found


def _class_of(name: Any, classes: Container[str] | None, path: str) -> tuple[str, int | None]:
    if type(name) is not str or not name.strip():
        raise invalid(path, "must be the name of a class, or of a class and an instance number.")
    text = name.strip()
    # A class may itself be called "Person 1": the whole name wins.
    if classes is not None and text in classes:
        return text, None
    match = INSTANCE.match(text)
    if match and match["name"] and (classes is None or match["name"] in classes):
        return match["name"], int(match["number"])
    if classes is None:
        return text, None
    raise invalid(path, f"{name!r} is not a class of this project, with or without an instance number.")


def name_of(class_name: str, number: int | None) -> str:
    """A legend's text: the class alone, or `class # number` for an instance."""
    return class_name if number is None else f"{class_name} # {number}"


def colors(names: list[str], sent: Mapping[str, str]) -> dict[str, str]:
    """A colour for each name, never black and no two alike; a name that came with a colour (`sent`) keeps it."""
    taken = {sent[n] for n in names if n in sent}
    chosen: dict[str, str] = {}
    number = 0
    for name in names:
        color = sent.get(name)
        if color is None or color in chosen.values():
            while True:
                number += 1
                # Odd multiples walk through all 2^24 colours, far apart from one another.
                color = f"#{(number * 0x9E3779) % 0xFFFFFF + 1:06x}"
                if color not in taken:
                    break
        taken.add(color)
        chosen[name] = color
    return chosen
