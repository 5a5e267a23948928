"""Texts in the user's language, for the window and the command line: English where the catalogue of a language lacks one.

A catalogue is `locale/LANGUAGE/LC_MESSAGES/picsight.mo` beside this file, as `packaging/texts.py` makes it.
"""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.foundation.errors import Message

DOMAIN = "picsight"
CATALOGUES = Path(__file__).with_name("locale")

_catalogue: gettext.NullTranslations = gettext.translation(DOMAIN, CATALOGUES, fallback=True)


def use(catalogue: gettext.NullTranslations) -> None:
    """Words everything from now on by this catalogue; without it, by that of the system's language."""
    global _catalogue  # noqa: PLW0603 - a process speaks one language
    _catalogue = catalogue


def tr(text: str, /, **values: object) -> str:
    """The text in the user's language, with the values that it names."""
    words = text and _catalogue.gettext(text)  # of no text, it returns the catalogue's head
    return words.format_map(values) if values else words


def marked(text: str) -> str:
    """A text that `tr` translates where it is shown, so that the extractor sees it where it stands."""
    return text


def plural(one: str, many: str) -> tuple[str, str]:
    """The words for one thing and for others, between which `counted` chooses where they are shown."""
    return one, many


def counted(value: int, one: str, many: str, shown: str = "") -> str:
    """The words for exactly one thing, or for another number of them; %n in either is the number, grouped unless `shown` says how."""
    return _catalogue.ngettext(one, many, value).replace("%n", shown or f"{value:,}")


def worded(message: Message | str) -> str:
    """What the engine says, in the user's language; words from outside, and the values of a message, as they came."""
    return message if isinstance(message, str) else message.worded(_catalogue)
