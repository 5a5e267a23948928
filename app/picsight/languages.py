"""The languages of searches besides English: those of the settings or of the system. Shared by window and command line."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSTEM = "system"  # the setting that follows the system
CODES = ("de", "fr", "es", "it", "pt", "nl")


def search_languages(chosen: str, system: Iterable[str]) -> tuple[str, ...]:
    """The languages of searches besides English, by the setting, or by the `system`'s locales, such as "de_DE".

    >>> search_languages("system", ["de_AT.UTF-8", "en_GB"])
    ('de',)
    """
    names = system if chosen == SYSTEM else re.split(r"[\s,]+", chosen)
    codes = dict.fromkeys(re.split("[-_.@]", name.strip().lower())[0] for name in names)
    return tuple(code for code in codes if code in CODES)


def system_locales() -> list[str]:
    """The user's locales, preferred first, as programs for the terminal see them."""
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    return next((value.split(":") for name in names if (value := os.environ.get(name))), [])
