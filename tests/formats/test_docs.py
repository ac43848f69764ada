"""docs/formats.md tells every format and what it loses, in the code's own words."""

from pathlib import Path

from labelwright.formats import FORMATS

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()


def test_every_format_is_documented_as_it_is() -> None:
    for name, form in FORMATS.items():
        assert f"| `{name}` | {form.title} | `{form.suffix}` | {form.loses} |" in PAGE
