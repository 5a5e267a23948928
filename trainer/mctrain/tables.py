"""Recipes and lists as TOML files whose tables are dataclasses: no key is ignored, and a command line may change one."""

from __future__ import annotations

import math
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from mctrain.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

_Table = TypeVar("_Table")
_KNOWN_TYPES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
# the table that only recipes of one kind have, and which command follows them
_KINDS = {
    "training": "of a fit; `mctrain teach`",
    "reinforcement": "of a reinforced set; `mctrain reinforce --recipe`",
    "run": "of a training run; `mctrain train`",
    "decisions": "of a head that learns from decisions about tags; `mctrain train`",
}


def load_table(
    kind: type[_Table], name_or_path: str, own: str, changes: Sequence[str] | None = None
) -> _Table:
    """A recipe of this package by name, or any by path, of the kind that the table `own` tells.

    `changes` are `TABLE.KEY=VALUE` with a value as TOML writes it, which the recipe keeps; None for a kind that takes none.

    Raises:
        RecipeError: there is none, it is of another kind, or a key is missing, unknown or of another type.
    """
    try:
        return _load(kind, name_or_path, own, changes)
    except RecipeError as fault:
        wish = _culprit(kind, name_or_path, own, changes or ())
        if not wish or "--set" in str(fault):
            raise
        raise RecipeError(f"--set {wish}: {fault}") from fault


def _load(kind: type[_Table], name_or_path: str, own: str, changes: Sequence[str] | None) -> _Table:
    content, where = read_toml(name_or_path)
    _refuse_others(content, where, own)
    if changes is not None:
        for wish in changes:
            _change(content, wish)
        if "changes" in content:
            raise RecipeError(f"{where} has an unknown key: changes; a command line alone changes a recipe.")
        content["changes"] = list(changes)
    return parse_table(kind, content, where)


def _culprit(kind: type[_Table], name_or_path: str, own: str, changes: Sequence[str]) -> str:
    """The change without which the others make a recipe; empty where there is none, or the recipe itself is wrong."""
    for place, wish in enumerate(changes):
        try:
            _load(kind, name_or_path, own, [*changes[:place], *changes[place + 1 :]])
        except RecipeError:
            continue
        return wish
    return ""


def read_toml(name_or_path: str) -> tuple[dict[str, Any], str]:
    """The parsed TOML with the recipe's name, and its path.

    Raises:
        RecipeError: there is none, or it is no TOML.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = Path(str(resources.files("mctrain"))) / "recipes" / f"{name_or_path}.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml"))) or "none"
        raise RecipeError(f"There is no recipe {path}; in that folder there are: {known}.") from None
    except (OSError, ValueError) as fault:
        raise RecipeError(f"The recipe {path} cannot be read: {fault}.") from fault
    return {"name": path.stem, **content}, str(path)


def parse_table(kind: type[_Table], content: object, where: str) -> _Table:
    """One table, a dataclass, from its parsed TOML; `where` is what sentences call it.

    Raises:
        RecipeError: a key is missing, unknown or of another type.
    """
    if not isinstance(content, dict):
        raise RecipeError(f"{where} must be a table.")
    hints = get_type_hints(kind)
    unknown = sorted(set(content) - set(hints))
    if unknown:
        raise RecipeError(f"{where} has an unknown key: {unknown[0]}; known are {', '.join(hints)}.")
    missing = [f.name for f in fields(kind) if f.name not in content and f.default is MISSING]  # type: ignore[arg-type]
    if missing:
        raise RecipeError(f"{where} lacks the key {missing[0]}.")
    values = {key: _value(hints[key], value, f"{where}, {key}") for key, value in content.items()}
    return kind(**values)


def _value(kind: Any, value: object, where: str) -> object:
    if get_origin(kind) is UnionType:  # a table that a recipe may leave out, and a checkpoint has as None
        return None if value is None else _value(get_args(kind)[0], value, where)
    if is_dataclass(kind):
        return parse_table(kind, value, where)  # type: ignore[arg-type]
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isnan(value):  # unequal to itself: a run could never go on
            raise RecipeError(f"{where} is no number.")
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    if get_origin(kind) is tuple and isinstance(value, (list, tuple)):
        return tuple(_value(get_args(kind)[0], item, where) for item in value)
    choices = get_args(kind) if get_origin(kind) is Literal else (_KNOWN_TYPES.get(kind, "a list"),)
    raise RecipeError(f"{where} has a value of the wrong type: {value!r}; give {' or '.join(choices)}.")


def _refuse_others(content: dict[str, Any], where: str, own: str) -> None:
    """Tells which command follows a recipe of another kind than that with the table `own`.

    Raises:
        RecipeError: it is of another kind.
    """
    for table, sentence in _KINDS.items():
        if table in content and table != own:
            raise RecipeError(f"{where} is the recipe {sentence} follows it.")


def _change(content: dict[str, Any], wish: str) -> None:
    """Sets one key of parsed TOML, as `TABLE.KEY=VALUE` says.

    Raises:
        RecipeError: it says something else.
    """
    place, equals, value = wish.partition("=")
    *tables, key = place.strip().split(".")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()  # a bare word is a string
    if not equals or not tables or not key:
        raise RecipeError(
            f"--set {wish} is no change of a recipe; write TABLE.KEY=VALUE, such as run.seed=1."
        )
    table = content
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {wish}: {name} is no table.")
    table[key] = parsed
