"""What this server has no part in, answered with a sentence instead of a riddle."""

from __future__ import annotations

from typing import Any

from labelwright.vendors.roboflow.asking import Ask
from labelwright.vendors.roboflow.wire import Refused

MODELS = "This server labels and exports data; it trains and runs no models."


def no_models(_ask: Ask) -> Any:
    """Training, models, inference, automatic labels."""
    raise Refused(400, MODELS, "NotSupportedError", "Download a version and train where you like.")


def no_videos(_ask: Ask) -> Any:
    """Videos as sources: projects of this API hold images."""
    raise Refused(400, "Projects of this API hold images; a video cannot be uploaded here.", "NotSupportedError",
                  "Upload its frames as images, or file the video through Labelwright's own API.")  # fmt: skip


def not_here(_ask: Ask) -> Any:
    """Workflows, devices, vision events, usage and the like."""
    raise Refused(400, "This part of Roboflow's API is not served here.", "NotSupportedError",
                  "See docs/vendors/roboflow.md for what is.")  # fmt: skip
