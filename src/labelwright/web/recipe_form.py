"""The settings of a dataset version as people fill them in, and as they read them afterwards: every step that recipes do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labelwright.errors import Invalid, Problem
from labelwright.media import recipes
from labelwright.media.looks import CONTRASTS
from labelwright.media.places import FITS, MOST_PIXELS
from labelwright.media.recipes import MOST_COPIES

LEFT_OUT = "-"
MOST_SAID = 6


@dataclass(frozen=True)
class Field:
    """One setting of a step. `missing`: what it is when it is not sent; `start`: what the form offers."""

    key: str
    words: str
    kind: str = "number"  # or flag, choice, lines
    missing: Any = 0
    start: Any = 0
    least: float = 0
    most: float = 100
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step. `said`: how it reads afterwards, with its settings by key and `flags` for those that are on."""

    key: str
    title: str
    said: str
    fields: tuple[Field, ...] = ()
    hint: str = ""
    on: bool = False

    @property
    def only_flags(self) -> bool:
        """Whether it does nothing unless one of its flags is on."""
        return bool(self.fields) and all(f.kind == "flag" for f in self.fields)


def _number(key: str, words: str, start: float, most: float, least: float = 0, missing: float = 0) -> Field:
    return Field(key, words, start=start, most=most, least=least, missing=missing)


def _flag(key: str, words: str, start: bool = False, missing: bool = False) -> Field:
    return Field(key, words, "flag", missing, start)


def _choice(key: str, words: str, choices: tuple[str, ...]) -> Field:
    return Field(key, words, "choice", choices[0], choices[0], choices=choices)


_LIGHT = (_flag("brighten", "Brighter", True, True), _flag("darken", "Darker", True, True))
_PERCENT_OF = "Percent at most"

PREPROCESSING = (
    Step("auto-orient", "Turn upright", "Turned upright",
         hint="Pictures that say how they are to be turned are stored that way.", on=True),
    Step("static-crop", "Cut out", "Cut to {x_min}–{x_max} % across and {y_min}–{y_max} % down", (
        _number("x_min", "From left, %", 10, 100), _number("x_max", "To, %", 90, 100, missing=100),
        _number("y_min", "From top, %", 10, 100), _number("y_max", "To bottom, %", 90, 100, missing=100))),
    Step("tile", "Tiles", "Cut into {rows} × {columns} tiles", (
        _number("rows", "Rows", 2, 20, 1, 1), _number("columns", "Columns", 2, 20, 1, 1)), "Each image becomes several."),
    Step("resize", "Resize", "{format} {width} × {height}", (
        _choice("format", "How", FITS), _number("width", "Width, px", 640, MOST_PIXELS, 1),
        _number("height", "Height, px", 640, MOST_PIXELS, 1))),
    Step("grayscale", "Grayscale", "Grayscale"),
    Step("contrast", "Contrast", "{type}", (_choice("type", "How", tuple(CONTRASTS)),)),
    Step("remap", "Rename classes", "", (Field("", "One a line: class = new name", "lines", "", ""),),
         f"Several may get the same name; “class = {LEFT_OUT}” leaves a class out."),
    Step("filter-null", "Fewer images without labels", "At least {percent} % of the images have labels", (
        _number("percent", "Images with labels, % at least", 90, 100),), "Which of the others go is the same each time."),
)  # fmt: skip
AUGMENTATION = (
    Step("flip", "Flip", "Flip: {flags}", (
        _flag("horizontal", "Left to right", True), _flag("vertical", "Upside down"))),
    Step("ninety", "Turn by 90°", "Turn by 90°: {flags}", (
        _flag("clockwise", "Clockwise", True), _flag("counter-clockwise", "Counter-clockwise", True),
        _flag("upside-down", "Upside down"))),
    Step("crop", "Zoom in", "Zoom in by {min} to {max} %", (
        _number("min", "Percent at least", 0, 99), _number("max", _PERCENT_OF, 20, 99))),
    Step("rotate", "Rotate", "Rotate by up to {degrees}°", (_number("degrees", "Degrees at most", 15, 180),)),
    Step("shear", "Shear", "Shear by up to {horizontal}° across and {vertical}° down", (
        _number("horizontal", "Degrees across at most", 10, 60), _number("vertical", "Degrees down at most", 10, 60))),
    Step("brightness", "Brightness", "Brightness by up to {percent} % ({flags})", (
        _number("percent", _PERCENT_OF, 15, 99), *_LIGHT)),
    Step("exposure", "Exposure", "Exposure by up to {percent} %", (_number("percent", _PERCENT_OF, 10, 99),)),
    Step("hue", "Hue", "Hue by up to {degrees}°", (_number("degrees", "Degrees at most", 15, 180),)),
    Step("saturation", "Saturation", "Saturation by up to {percent} %", (_number("percent", _PERCENT_OF, 25, 99),)),
    Step("rgrayscale", "Sometimes gray", "{percent} % of the images gray", (
        _number("percent", "Percent of the images", 15, 100),)),
    Step("blur", "Blur", "Blur by up to {pixels} px", (_number("pixels", "Pixels at most", 2, 100),)),
    Step("noise", "Noise", "Noise on up to {percent} % of the pixels", (
        _number("percent", "Percent of the pixels at most", 1, 100),)),
    Step("cutout", "Cut holes", "{count} holes of {percent} % of each side", (
        _number("count", "Holes", 3, 100, 0, 1), _number("percent", "Percent of each side", 10, 100, 0, 10)),
         "An object that a hole covers whole loses its label."),
    Step("mosaic", "Mosaic", "Mosaics of four", hint="Half of the images: in one corner of four."),
    Step("bbbrightness", "Brightness inside boxes", "Brightness inside boxes by up to {percent} % ({flags})", (
        _number("percent", _PERCENT_OF, 15, 99), *_LIGHT)),
    Step("bbexposure", "Exposure inside boxes", "Exposure inside boxes by up to {percent} %", (
        _number("percent", _PERCENT_OF, 10, 99),)),
    Step("bbblur", "Blur inside boxes", "Blur inside boxes by up to {pixels} px", (
        _number("pixels", "Pixels at most", 2, 100),)),
    Step("bbnoise", "Noise inside boxes", "Noise inside boxes on up to {percent} % of the pixels", (
        _number("percent", "Percent of the pixels at most", 1, 100),)),
)  # fmt: skip
COPIES = _number("versions", "Images from each training image", 3, MOST_COPIES, 1, 1)
GROUPS = (("preprocessing", PREPROCESSING), ("augmentation", AUGMENTATION))


def name(step: Step, field: Field) -> str:
    """What the form calls a setting."""
    return f"{step.key}-{field.key}" if field.key else f"{step.key}-lines"


# --- filled -----------------------------------------------------------------------------------------------------------


def filled(settings: Mapping[str, Any] | None) -> dict[str, str]:
    """The form's fields for these settings; None: as it is offered at first. Steps that are off have what they are offered with."""
    found: dict[str, str] = {}
    for group, steps in GROUPS:
        given = (settings or {}).get(group) or {}
        for step in steps:
            on = step.on if settings is None else bool(given.get(step.key))
            found[step.key] = "true" if on else ""
            values = _values(step, given[step.key]) if given.get(step.key) else {f.key: f.start for f in step.fields}
            found |= {name(step, f): _text(f, values) for f in step.fields}
    copies = ((settings or {}).get("augmentation") or {}).get("image") or {}
    return found | {"image-versions": f"{copies.get('versions', 1):g}"}


def _values(step: Step, given: Any) -> dict[str, Any]:
    """A step's settings by key, with those that were not sent; the whole under "" for a step of lines."""
    fields = given if isinstance(given, dict) else {}
    values = {field.key: fields.get(field.key, field.missing) for field in step.fields if field.key}
    if step.key == "crop" and "max" not in fields:
        values["max"] = fields.get("percent", values["min"])
    return values | {"": fields}


def _text(field: Field, values: Mapping[str, Any]) -> str:
    value = values[field.key]
    if field.kind == "flag":
        return "true" if value else ""
    if field.kind == "lines":
        return "\n".join(f"{old} = {new or LEFT_OUT}" for old, new in value.items()) if value else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


# --- read -------------------------------------------------------------------------------------------------------------


def read(get: Callable[[str], str]) -> dict[str, Any]:
    """The settings that a sent form says; `get` answers a field's text. Raises `Invalid` with all faults, named as the form's fields."""
    faults: list[Problem] = []
    found: dict[str, Any] = {}
    for group, steps in GROUPS:
        found[group] = {step.key: _read_step(step, get, faults) for step in steps if get(step.key) == "true"}
    copies = _read_number(COPIES, get("image-versions") or "1", "image-versions", "", faults)
    if found["augmentation"]:
        found["augmentation"]["image"] = {"versions": copies}
    elif copies != 1 and not faults:
        faults.append(
            Problem("Without an augmentation all of them would be alike: choose some, or 1.", "image-versions")
        )
    if faults:
        raise _refusal(faults)
    _check(found)
    return found


def _read_step(step: Step, get: Callable[[str], str], faults: list[Problem]) -> Any:
    if not step.fields:
        return True
    if step.fields[0].kind == "lines":
        return _read_lines(step, get(name(step, step.fields[0])), faults)
    found: dict[str, Any] = {}
    for field in step.fields:
        text, called = get(name(step, field)), name(step, field)
        if field.kind == "flag":
            found[field.key] = text == "true"
        elif field.kind == "choice":
            found[field.key] = text or field.missing
        else:
            found[field.key] = _read_number(field, text, called, step.title, faults)
    if step.only_flags and not any(found.values()):
        faults.append(Problem(f"{step.title}: choose at least one.", name(step, step.fields[0])))
    return found


def _read_number(field: Field, text: str, called: str, title: str, faults: list[Problem]) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        value = float("nan")
    if field.least <= value <= field.most:
        return int(value) if value == int(value) else value
    words = field.words.split(",")[0]  # without its unit
    what = f"{title}: {words.lower()}" if title else words
    faults.append(Problem(f"{what} must be a number from {field.least:g} to {field.most:g}.", called))
    return field.least


def _read_lines(step: Step, text: str, faults: list[Problem]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        # With spaces around it where there are any: names of classes may hold the sign.
        old, mark, new = (part.strip() for part in line.partition(" = " if " = " in line else "="))
        if not line.strip():
            continue
        if not (old and mark and new):
            faults.append(
                Problem(f"{step.title}: line {number} is not “class = new name”.", name(step, step.fields[0]))
            )
            break
        found[old] = None if new == LEFT_OUT else new
    return found


def _check(settings: Mapping[str, Any]) -> None:
    try:
        recipes.parse(settings)
    except Invalid as error:
        raise named(error) from None


def named(error: Invalid) -> Invalid:
    """What the service found wrong with settings, with faults named as the form's fields."""
    return _refusal([Problem(fault.message, _called(fault.field)) for fault in error.problems])


def _refusal(faults: list[Problem]) -> Invalid:
    return Invalid(faults[0].message, field=faults[0].field) if len(faults) == 1 else Invalid(problems=faults)


def _called(fault: str) -> str:
    return "remap-lines" if fault == "remap" else fault.replace(".", "-")


# --- said -------------------------------------------------------------------------------------------------------------


def said(settings: Mapping[str, Any]) -> list[str]:
    """Settings in words; empty for pictures as they are."""
    found: list[str] = []
    for group, steps in GROUPS:
        given = settings.get(group) or {}
        known = {step.key: step for step in steps}
        found += [_said(known[key], given[key]) for key in known if given.get(key)]
        found += [str(key) for key in given if given[key] and key not in known and key != "image"]
    copies = ((settings.get("augmentation") or {}).get("image") or {}).get("versions", 1)
    if copies != 1 and found:
        found.append(f"{copies:g} from each training image")
    return found


def _said(step: Step, given: Any) -> str:
    values = _values(step, given)
    if step.key == "remap":
        lines = [f"{old} → {new}" if new else f"{old} left out" for old, new in values[""].items()]
        more = f" and {len(lines) - MOST_SAID} more" if len(lines) > MOST_SAID else ""
        return f"Classes: {', '.join(lines[:MOST_SAID])}{more}"
    flags = [field.words.lower() for field in step.fields if field.kind == "flag" and values[field.key]]
    shown = {key: f"{value:g}" if isinstance(value, float) else value for key, value in values.items() if key}
    return step.said.format(**shown, flags=", ".join(flags))
