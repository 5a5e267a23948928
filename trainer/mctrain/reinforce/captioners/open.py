"""Opens a captioner by what a person writes: `open_clip:NAME@WEIGHTS`, or `URL@MODEL` of a server of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.errors import WeightsError
from mctrain.teachers.teacher import OPEN_CLIP

if TYPE_CHECKING:
    from mctrain.reinforce.captioners.captioner import Captioner


def open_captioner(title: str, concurrency: int = 1) -> Captioner:
    """The captioner of this name; a server gets so many questions at once.

    Raises:
        WeightsError: there is no such model, or it is none that writes.
        TrainerError: an address names no model.
    """
    if title.startswith(("http://", "https://")):
        from mctrain.reinforce.captioners.chat import ChatCaptioner

        return ChatCaptioner(title, concurrency)
    if not title.startswith(OPEN_CLIP):
        raise WeightsError(
            f"{title} is no captioner; write open_clip:NAME@WEIGHTS, open_clip:local-dir:FOLDER, or URL@MODEL of your own server."
        )
    from mctrain.reinforce.captioners.coca import CocaCaptioner
    from mctrain.teachers.open_clip import load_model  # imports open_clip: 2 s

    return CocaCaptioner(load_model(title.removeprefix(OPEN_CLIP)))
