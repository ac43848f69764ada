"""Charts as plain numbers for templates: axes with round ticks, columns and lines in a drawing of fixed height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

HEIGHT = 100.0
WIDTH = 10.0  # of one column's place


@dataclass(frozen=True)
class Bar:
    """One part of a column, in drawing units. `look`: its colour in tokens.css; `title`: said when pointed at."""

    x: float
    y: float
    width: float
    height: float
    look: str
    title: str


@dataclass(frozen=True)
class Chart:
    """A column chart with a line over it. `ticks`: (position from the top, words), `labels`: words below, evenly spread."""

    width: float
    bars: list[Bar]
    line: str
    ticks: list[tuple[float, str]]
    labels: list[str]


@dataclass(frozen=True)
class Column:
    """A day: stacked parts (look, words, number), and the number on the line."""

    day: date
    parts: Sequence[tuple[str, str, int]]
    line: int


def columns(days: Sequence[Column], line_words: str) -> Chart:
    """The chart of these days, oldest first."""
    top = round_up(max([max(sum(n for _, _, n in d.parts), d.line) for d in days], default=0))
    bars, points = [], []
    for place, column in enumerate(days):
        foot, said = (
            HEIGHT,
            [f"{number:,} {words}" for _, words, number in column.parts] + [f"{column.line:,} {line_words}"],
        )
        title = f"{column.day:%d %b}: {', '.join(said)}"
        for look, _, number in column.parts:
            height = HEIGHT * number / top
            foot -= height
            bars.append(Bar(place * WIDTH + 1.5, round(foot, 2), WIDTH - 3, round(height, 2), look, title))
        points.append(f"{place * WIDTH + WIDTH / 2:.1f} {HEIGHT - HEIGHT * column.line / top:.2f}")
    ticks = [(0.0, f"{top:,}"), (HEIGHT / 2, f"{top // 2:,}" if top % 2 == 0 else ""), (HEIGHT, "0")]
    middle = len(days) // 2
    labels = [f"{days[i].day:%d %b}" for i in (0, middle, -1)] if len(days) > 2 else [f"{d.day:%d %b}" for d in days]
    return Chart(len(days) * WIDTH, bars, "M" + "L".join(points) if points else "", ticks, labels)


def round_up(value: int) -> int:
    """The next round number (2, 4, 10, 20, 40, 100, ...) from `value` on, so that the axis and its middle are whole."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if value <= step * size:
                return step * size
        size *= 10
