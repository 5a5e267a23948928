"""The programs that open a kind of file, where the desktop lists them as freedesktop.org says."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

ENTRY = "Desktop Entry"
ONE, SEVERAL = ("%f", "%u"), ("%F", "%U")
IGNORED = ("%i", "%c", "%k", "%d", "%D", "%n", "%N", "%v", "%m")  # an icon, a name, and what is out of use


@dataclass(frozen=True, slots=True)
class Program:
    """A program by its name, and the words that start it, with signs where files go."""

    name: str
    words: tuple[str, ...]

    @property
    def takes_several(self) -> bool:
        """Whether one start opens any number of files."""
        return any(word in SEVERAL for word in self.words)

    def commands(self, paths: Sequence[Path]) -> list[list[str]]:
        """The commands that open these files: one for all, else one for each."""
        if self.takes_several:
            return [list(self._filled(paths))]
        return [list(self._filled([path])) for path in paths]

    def _filled(self, paths: Sequence[Path]) -> Iterator[str]:
        has_place = any(word in ONE + SEVERAL for word in self.words)
        for word in self.words:
            if word in ONE + SEVERAL:
                yield from (path.as_uri() if word in ("%u", "%U") else str(path) for path in paths)
            elif word not in IGNORED:
                yield word.replace("%%", "%")
        if not has_place:
            yield from map(str, paths)


def programs_for(
    kinds: Collection[str], language: str, environment: Mapping[str, str] = os.environ
) -> list[Program]:
    """The programs that open all of these kinds, such as image/jpeg: the usual ones first, then by name.

    `language` is that of their names, as in de_CH. Reads some hundred small files, so it runs in a thread.
    """
    folders = _data_folders(environment)
    usual = [_usual(kind, folders, environment) for kind in kinds]
    found: dict[str, Program | None] = {}
    for folder in folders:
        for file in sorted((folder / "applications").rglob("*.desktop")):
            name = "-".join(file.relative_to(folder / "applications").parts)
            if name not in found:  # a person's own entry stands before the system's
                found[name] = _program(file, kinds, language)
    there = {name: program for name, program in found.items() if program is not None}
    return [
        there[name]
        for name in sorted(there, key=lambda name: (name not in usual, there[name].name.casefold()))
    ]


def _data_folders(environment: Mapping[str, str]) -> list[Path]:
    own = environment.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111
    others = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(folder) for folder in (own, *others.split(":")) if folder]


def _usual(kind: str, folders: Sequence[Path], environment: Mapping[str, str]) -> str:
    """The entry that a person, else the desktop, has chosen for a kind; empty if nobody did."""
    config = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    lists = (
        Path(config) / "mimeapps.list",
        *(folder / "applications" / "mimeapps.list" for folder in folders),
    )
    for file in lists:
        chosen = _read(file, "Default Applications").get(kind, "")
        if chosen:
            return chosen.split(";")[0]
    return ""


def _program(file: Path, kinds: Collection[str], language: str) -> Program | None:
    """What an entry says, if it opens these kinds and may be shown."""
    said = _read(file, ENTRY)
    opens = set(said.get("MimeType", "").split(";"))
    hidden = any(said.get(key, "").lower() == "true" for key in ("NoDisplay", "Hidden", "Terminal"))
    if hidden or not said.get("Name") or not opens.issuperset(kinds):
        return None
    try:
        words = tuple(shlex.split(said.get("Exec", "")))
    except ValueError:  # a quote that does not end
        return None
    if not words or shutil.which(said.get("TryExec") or words[0]) is None:
        return None
    names = (said.get(f"Name[{each}]") for each in (language, language.split("_", maxsplit=1)[0]))
    return Program(next(filter(None, names), said["Name"]), words)


def _read(file: Path, section: str) -> Mapping[str, str]:
    """A section of such a file; nothing where there is none, or the file is not one."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names are told apart by their case
    try:
        parser.read_string(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return {}
    return dict(parser[section]) if parser.has_section(section) else {}
