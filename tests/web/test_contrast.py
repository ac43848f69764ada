"""Text can be read: the colour pairs of tokens.css meet WCAG AA in both themes."""

from __future__ import annotations

import re

import pytest

from labelwright.web.render import STATIC

LOOKS = ("todo", "label", "review", "accepted", "returned", "skipped", "waiting", "failed")
TEXT = [("text", "bg"), ("text", "surface"), ("text", "sunken"), ("text", "hover"), ("muted", "bg"), ("muted", "surface"),
        ("muted", "sunken"), ("muted", "hover"), ("accent", "surface"), ("accent", "bg"), ("accent", "accent-soft"), ("danger", "surface"),
        ("danger", "danger-soft"), ("warn", "warn-soft"), ("good", "good-soft"), ("on-accent", "accent-solid"),
        ("on-accent", "accent-solid-hover"), ("on-accent", "danger-solid")]  # fmt: skip
TEXT += [(f"{look}-text", f"{look}-soft") for look in LOOKS]
EDGES = [("control", "surface"), ("accent", "surface"), ("accent", "bg")]


def tokens(theme: int) -> dict[str, str]:
    """Colours by name; `theme`: 0 light, 1 dark."""
    found = {}
    for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", (STATIC / "css" / "tokens.css").read_text()):
        colors = re.findall(r"#[0-9a-f]{6}", value)
        if colors:
            found[name] = colors[min(theme, len(colors) - 1)]
    return found


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours."""

    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_and_controls_stand_out(theme: int) -> None:
    colors = tokens(theme)
    weak = {
        pair: round(contrast(colors[pair[0]], colors[pair[1]]), 2)
        for pair in TEXT
        if contrast(colors[pair[0]], colors[pair[1]]) < 4.5
    }
    weak |= {
        pair: round(contrast(colors[pair[0]], colors[pair[1]]), 2)
        for pair in EDGES
        if contrast(colors[pair[0]], colors[pair[1]]) < 3
    }
    assert not weak
