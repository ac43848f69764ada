"""One growing file a split, while the pictures go into the archive: kept in temporary files, so memory stays flat."""

from __future__ import annotations

import shutil
import tempfile
from types import TracebackType
from typing import IO

from labelwright.formats import archive

IN_MEMORY = 1 << 20


class Splits:
    """Files named `<split>/<name>`, or `name` with its `{split}` filled in: `head`, then pieces joined by `between`, then `tail`."""

    def __init__(self, name: str, head: bytes = b"", between: bytes = b"", tail: bytes = b"") -> None:
        self._name, self._head, self._between, self._tail = name, head, between, tail
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Splits:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def add(self, split: str, piece: bytes) -> None:
        """Append a piece to the file of a split."""
        file = self._files.get(split)
        if file is None:
            file = self._files[split] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
            file.write(self._head + piece)
        else:
            file.write(self._between + piece)

    def close_into(self, out: archive.Writer) -> None:
        """Write every file into the archive; without any piece, an empty `train` one, so that it reads as a dataset."""
        if not self._files:
            out.add(self._path("train"), self._head + self._tail)
        for split, file in sorted(self._files.items()):
            file.write(self._tail)
            file.seek(0)
            with out.stream(self._path(split)) as target:
                shutil.copyfileobj(file, target)

    def _path(self, split: str) -> str:
        return self._name.replace("{split}", split) if "{split}" in self._name else f"{split}/{self._name}"
