"""Bodies that msgspec decodes: documents and lines of imports."""

from __future__ import annotations

from typing import Any

import msgspec

from labelwright.errors import Invalid, Problem


def decode(raw: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """A body. Raises `Invalid` naming the field."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        # Such as: Expected `float`, got `str` - at `$.put[0].score`
        message, _, path = str(error).partition(" - at `")
        field = path.rstrip("`").removeprefix("$").lstrip(".")
        raise Invalid(problems=[Problem(f"{message.replace('`', '')}.", field)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = f"The body is not JSON: {str(error).removeprefix('JSON is malformed: ')}."
        raise Invalid(problems=[Problem(text, code="not_json")]) from error
