"""The settings of a person: `SettingsStore` reads settings.toml and changes single lines of it, so that people can edit it, too."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from picsight.languages import SYSTEM
from picsight.locations import user_folder
from picsight_engine.foundation.errors import Message, RequestError
from picsight_engine.foundation.private_files import make_private, write_private

if TYPE_CHECKING:
    from collections.abc import Callable

Theme = Literal["system", "light", "dark"]
Watching = Literal["always", "plugged in", "never"]
ROW_SMALLEST, ROW_LARGEST = 6.0, 24.0  # em
SIDEBAR_NARROWEST, SIDEBAR_WIDEST = 10.0, 22.0  # em
DETAILS_NARROWEST, DETAILS_WIDEST = 16.0, 28.0  # em
_RANGES = {
    "row_height": (ROW_SMALLEST, ROW_LARGEST),
    "sidebar_width": (SIDEBAR_NARROWEST, SIDEBAR_WIDEST),
    "details_width": (DETAILS_NARROWEST, DETAILS_WIDEST),
}
_LOCK_SECONDS = 5.0
_TITLE = "# Picsight's settings. Changes to this file apply when it is saved.\n"
_LINE = re.compile(
    r"""(\ufeff?\s*[A-Za-z0-9_-]+\s*=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"']+)(\s*(?:#.*)?)"""
)
Value: TypeAlias = str | float | bool


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's settings. Window sizes are in logical pixels; row height and panel widths are in em; 0 means never set.
    `better_models`: mention better models when a search finds nothing certain. `export_companions`: the last answer to
    whether an export includes RAW files and originals.
    `languages`: those of searches, by their codes ("de, fr"), or "system". `read_words`: read what is written in pictures.
    `watch`: when the window looks for what changes in folders. `watch_at_login`: start `picsight watch` at each login. `weekly_backup`: make a small backup each week.
    """

    theme: Theme = "system"
    row_height: float = 10.0
    sidebar: bool = True
    sidebar_width: float = 14.0
    details: bool = False
    details_width: float = 18.0
    window_width: int = 0
    window_height: int = 0
    maximised: bool = False
    better_models: bool = True
    export_companions: bool = False
    languages: str = SYSTEM
    read_words: bool = True
    weekly_backup: bool = True
    watch: Watching = "always"
    watch_at_login: bool = False

    @property
    def may_watch(self) -> bool:
        """Whether changes in folders may be looked at now; False on battery, if the user wishes so."""
        from picsight_engine.foundation.processes import on_battery  # most commands do not ask

        return self.watch != "plugged in" or not on_battery()


_DEFAULTS = {field.name: field.default for field in fields(Settings)}


class SettingsStore:
    """The settings in a file, which other windows, commands and people change, too.

    `settings` is what was read last, `faults` are sentences about the lines of it that do not count, by their numbers
    from 1; each of `changed` is called with the settings after `read` or `change` found other ones. A missing or impossible
    value takes its default, so that no typing error stops the program.
    """

    def __init__(self, file: Path) -> None:
        self.settings = Settings()
        self.faults: dict[int, Message] = {}
        self.changed: list[Callable[[Settings], None]] = []
        self._file = file
        self.read()

    def read(self) -> None:
        """Reads the file again. A file that cannot be read changes nothing and is logged."""
        try:
            self._take(self._text())
        except OSError as error:
            _warn("%s could not be read: %s", self._file, error)

    def change(self, **values: Value) -> None:
        """Writes these values into their lines and nothing else, atomically. A write error is logged; the values then hold
        until the program ends.
        """
        from filelock import FileLock  # 8 ms that only a change pays

        target = Path(os.path.realpath(self._file))  # a link stays one
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(target.with_name(f".{target.name}.lock"), timeout=_LOCK_SECONDS):
                text = _changed(self._text(), values)
                write_private(target, text.encode(errors="surrogateescape"))
            make_private(target.parent)
            self._take(text)
        except OSError as error:
            _warn("%s could not be written: %s", target, error)
            self._tell(Settings(**{**asdict(self.settings), **values}))

    def _text(self) -> str:
        """The file as text, "" without one; bytes that are no UTF-8 come back unchanged when it is written."""
        try:
            return self._file.read_bytes().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return ""

    def _take(self, text: str) -> None:
        found, faults = _read(text)
        words = "{file}, line {line}: {why} The other lines hold."
        self.faults = {
            line: Message(words, file=self._file, line=line, why=why) for line, why in faults.items()
        }
        self._tell(Settings(**{name: value for name, (_, value) in found.items()}))

    def _tell(self, settings: Settings) -> None:
        before, self.settings = self.settings, settings
        if settings != before:
            for listener in self.changed:
                listener(settings)


def settings_file() -> Path:
    """The settings file of this user."""
    return user_folder("config") / "settings.toml"


def _read(text: str) -> tuple[dict[str, tuple[int, Any]], dict[int, Message]]:
    """The settings, each with the number of its line, and what is wrong with other lines. They end at the first table, which is
    none of ours.
    """
    found: dict[str, tuple[int, Any]] = {}
    faults: dict[int, Message] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        try:
            name, value = _parsed(bare)
        except RequestError as fault:
            faults[number] = fault.message
        else:
            if name in found:
                words = "{name} is set a second time; remove one of the two lines."
                faults[number] = Message(words, name=name)
            found.setdefault(name, (number, value))
        if bare.startswith("["):
            break
    return found, faults


def _parsed(line: str) -> tuple[str, Any]:
    """The setting of a line. Raises RequestError with what is wrong."""
    try:
        ((name, value),) = tomllib.loads(line).items()
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        words = "it cannot be read ({reason}). Write it as: name = value."
        raise RequestError(words, reason=str(error)) from None
    if name not in _DEFAULTS:
        import difflib  # 5 ms that only a mistyped name pays

        for near in difflib.get_close_matches(name, _DEFAULTS, 1):
            raise RequestError('there is no setting "{name}"; did you mean "{near}"?', name=name, near=near)
        raise RequestError('there is no setting "{name}".', name=name)
    default = _DEFAULTS[name]
    if name in _RANGES and type(value) in (int, float):
        least, most = _RANGES[name]
        return name, float(min(max(least, value), most))  # in this order "nan" becomes the least
    if name == "theme" and value not in ("system", "light", "dark"):
        raise RequestError('theme is "system", "light" or "dark".')
    if name == "watch" and value not in ("always", "plugged in", "never"):
        raise RequestError('watch is "always", "plugged in" or "never".')
    if name == "languages" and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z, ]{2,60}", value)):
        raise RequestError('languages are codes such as "de, fr", or "system".')
    if type(value) is not type(default) or (type(value) is int and not 0 <= value <= 100_000):
        if isinstance(default, bool):
            raise RequestError("{name} is true or false.", name=name)
        raise RequestError("{name} is a number of pixels or em.", name=name)
    return name, value


def _changed(text: str, values: dict[str, Value]) -> str:
    """The text with these values: each replaces the one in the line that counts, and keeps the line's comment; without such
    a line it gets a new one before the first table.
    """
    lines = (text or _TITLE).split("\n")
    found, _ = _read(text)
    added = []
    for name, value in values.items():
        if name in found:
            place = found[name][0] - 1
            match = _LINE.fullmatch(lines[place])
            before, after = match.groups() if match else (f"{name} = ", "")
            lines[place] = f"{before}{_toml(value)}{after}"
        else:
            added.append(f"{name} = {_toml(value)}")
    if lines[-1]:
        lines.append("")  # the text ends with a line break
    end = next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines) - 1)
    lines[end:end] = added
    return "\n".join(lines)


def _toml(value: Value) -> str:
    """One value as TOML; settings are strings, numbers and booleans."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _warn(words: str, file: Path, error: Exception) -> None:
    import logging  # 3 ms that a search does not pay

    logging.getLogger(__name__).warning(words, file, error)
