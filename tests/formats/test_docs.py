"""docs/formats.md tells every format, what it keeps and what it loses, in the code's own words."""

from pathlib import Path

from labelwright.formats import FORMATS
from labelwright.geometry.document import SHAPE_KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()


def test_every_format_is_documented_as_it_is() -> None:
    rows = []
    for name, form in FORMATS.items():
        assert set(form.keeps) <= set(SHAPE_KINDS)
        keeps = ", ".join(kind.replace("_", " ") for kind in form.keeps) or "none"
        rows.append(f"| `{name}` | {form.title} | `{form.suffix}` | {keeps} | {form.loses} |")
    found = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert found[: len(rows)] == rows
