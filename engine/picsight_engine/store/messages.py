"""Messages as two columns: the template, and as JSON its values, where [template, values] is a message again."""

from __future__ import annotations

import json
from typing import Any

from picsight_engine.foundation.errors import Message


def written(message: Message) -> tuple[str, str]:
    """The columns of a message."""
    return message.template, json.dumps(message.values, default=lambda value: [value.template, value.values])


def read(template: str, values: str | dict[str, Any]) -> Message:
    """The message of two columns."""
    known = json.loads(values) if isinstance(values, str) else values
    return Message(
        template, **{name: read(*each) if isinstance(each, list) else each for name, each in known.items()}
    )
