"""What the forms of request bodies have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class Form(BaseModel):
    """A request body: no unknown fields, no numbers out of text or booleans, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """The fields that were sent, for changes."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text may not hold a NUL character")
    return text


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("write a number")
    return value


Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Short = Annotated[Text, StringConstraints(max_length=500)]
Long = Annotated[Text, StringConstraints(max_length=100_000)]
Number = Annotated[float, BeforeValidator(_no_bool)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Priority = Annotated[int, Field(ge=1, le=1000, description="Higher comes first; 5 is usual.")]
