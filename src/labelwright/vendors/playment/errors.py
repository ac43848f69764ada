"""Playment's error codes and envelope, and how the core's errors become them."""

from __future__ import annotations

from typing import Any

from labelwright import errors

DUPLICATE_REFERENCE = "FS_0001"
REFERENCE_MISSING = "FS_0002"
DATA_INVALID = "FS_0003"
DATA_MISSING = "FS_0004"
ROUTE_MISSING = "FS_0005"
JOB_NOT_FOUND = "FS_0006"
ATTACHMENT_INVALID = "FS_0007"
TYPE_INVALID = "FS_00011"
PRIORITY_INVALID = "FS_00012"
PARAMETER_INVALID = "GE_0001"
PARAMETER_MISSING = "GE_0002"
KEY_WRONG = "auth-failure"
NO_ACCESS = "unauthorized"
PROJECT_NOT_FOUND = "resource_error"
BATCH_NAME_TAKEN = "BATCH_CREATION"
PAGE_TOKEN_INVALID = "invalid_request_error"  # noqa: S105 - an error code
SERVER_FAILED = "api_error"

CODES = (
    DUPLICATE_REFERENCE, REFERENCE_MISSING, DATA_INVALID, DATA_MISSING, ROUTE_MISSING, JOB_NOT_FOUND,
    ATTACHMENT_INVALID, TYPE_INVALID, PRIORITY_INVALID, PARAMETER_INVALID, PARAMETER_MISSING, KEY_WRONG, NO_ACCESS,
    PROJECT_NOT_FOUND, BATCH_NAME_TAKEN, PAGE_TOKEN_INVALID, SERVER_FAILED,
)  # fmt: skip


class PlaymentError(Exception):
    """An answer in Playment's words. The status is 400 for everything that is not a wrong key or our own failure."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid(path: str, message: str) -> PlaymentError:
    """`data` is wrong at `path`, such as `data.maker_response.rectangles.data[0].label`."""
    return PlaymentError(DATA_INVALID, f"{path}: {message}")


def translate(error: errors.LabelwrightError) -> PlaymentError:
    """What a core error is here. Deterministic errors are never a 5xx or 429: clients would send them again."""
    if isinstance(error, errors.Unauthenticated):
        return PlaymentError(KEY_WRONG, error.message, 401)
    if isinstance(error, errors.Forbidden):
        return PlaymentError(NO_ACCESS, error.message)
    if isinstance(error, errors.NotFound):
        return PlaymentError(JOB_NOT_FOUND, error.message)
    if isinstance(error, errors.Duplicate):
        return PlaymentError(DUPLICATE_REFERENCE, error.message)
    if isinstance(error, errors.Invalid):
        return PlaymentError(DATA_INVALID, error.message)
    return PlaymentError(PARAMETER_INVALID, error.message)


def envelope(error: PlaymentError) -> dict[str, Any]:
    """The body of a failure."""
    return {"error": {"code": error.code, "message": error.message}, "success": False}
