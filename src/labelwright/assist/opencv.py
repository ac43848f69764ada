"""OpenCV, imported when it is first needed: it is an extra, and the server starts faster without it."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

from labelwright.errors import Conflict

INSTALL = (
    "Help while drawing is not installed on this server; its administrator can: pip install 'labelwright[assist]'."
)


@cache
def available() -> bool:
    """Whether OpenCV is installed."""
    return importlib.util.find_spec("cv2") is not None


@cache
def opencv() -> Any:
    """The `cv2` module, one thread a call: many people draw at once. Raises `Conflict` when it is not installed."""
    if not available():
        raise Conflict(INSTALL, code="no_assist")
    cv = importlib.import_module("cv2")
    cv.setNumThreads(1)
    return cv
