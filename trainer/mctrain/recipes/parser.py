"""Reads recipes and task lists: TOML files whose tables are dataclasses. Unknown keys are errors; options may change keys."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from mctrain.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

_Table = TypeVar("_Table")
# the table that marks each kind of recipe, and the command for it
_KINDS = {
    "training": "of a fit; `mctrain teach`",
    "reinforcement": "of a reinforced set; `mctrain reinforce --recipe`",
    "run": "of a training run; `mctrain train`",
    "decisions": "of a head that learns from decisions about tags; `mctrain train`",
}


def load(kind: type[_Table], name_or_path: str, changes: Sequence[str] = ()) -> _Table:
    """Loads a recipe of this package by name, or any by path.

    `changes` are `TABLE.KEY=VALUE` with a TOML value, and are recorded in the recipe.

    Raises:
        RecipeError: there is none, it is of another kind, or a key is missing, unknown, of another type or out of bounds.
    """
    content, where = read_toml(name_or_path)
    known = get_type_hints(kind)
    for table, sentence in _KINDS.items():
        if table in content and table not in known:
            raise RecipeError(f"{where} is the recipe {sentence} follows it.")
    changed = {}
    for wish in changes:
        changed[_change(content, wish)] = wish
    if "changes" in content:
        raise RecipeError(f"{where} has an unknown key: changes; only the option --set changes a recipe.")
    if "changes" in known:
        content["changes"] = list(changes)
    return parse(kind, content, where, changed)


def read_toml(name_or_path: str) -> tuple[dict[str, Any], str]:
    """The parsed TOML with the recipe's name, and its path; raises RecipeError if there is none, or it is not TOML."""
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


def parse(
    kind: type[_Table], content: object, where: str, changed: dict[tuple[str, ...], str] | None = None
) -> _Table:
    """Makes a dataclass from parsed TOML or a checkpoint; `where` names it in errors, `changed` are keys set by options,
    with the option's text.

    Raises:
        RecipeError: a key is missing, unknown, of another type or out of bounds.
    """
    try:
        adapter: TypeAdapter[_Table] = TypeAdapter(kind)
        return adapter.validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as fault:
        error = fault.errors()[0]
        sentence = _sentence(kind, error, where)
        wish = next(
            (each for place, each in (changed or {}).items() if error["loc"][: len(place)] == place), ""
        )
        raise RecipeError(f"--set {wish}: {sentence}" if wish else sentence) from fault


def _sentence(kind: type, error: ErrorDetails, where: str) -> str:
    """The first error as a sentence for the user; pydantic says "Input should be …"."""
    *tables, key = error["loc"] or ("",)
    table = ", ".join([where, *(each for each in tables if isinstance(each, str))])
    match error["type"]:
        case "missing":
            return f"{table} lacks the key {key}."
        case "unexpected_keyword_argument":
            return f"{table} has an unknown key: {key}; known are {', '.join(_keys(kind, tables))}."
        case "dataclass_type":
            return f"{table}, {key} must be a table." if key else f"{table} must be a table."
        case _:
            name = f"{table}, {key}" if isinstance(key, str) else table
            wish = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return f"{name} is {error['input']!r}; it {wish}."


def _keys(kind: Any, tables: Sequence[int | str]) -> list[str]:
    """The keys of a table within a table, or of an item of a list of tables."""
    for name in tables:
        if isinstance(name, str):
            hint = get_type_hints(kind)[name]
            kind = next(each for each in (hint, *get_args(hint)) if is_dataclass(each))
    return [each.name for each in fields(kind)]


def _change(content: dict[str, Any], wish: str) -> tuple[str, ...]:
    """Sets one key of parsed TOML from `TABLE.KEY=VALUE`; returns the key with its tables.

    Raises:
        RecipeError: the text has another form.
    """
    place, equals, value = wish.partition("=")
    *tables, key = place.strip().split(".")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()  # a bare word is a string
    if not equals or not tables or not key:
        raise RecipeError(
            f"--set {wish} is not a change of a recipe; write TABLE.KEY=VALUE, such as run.seed=1."
        )
    table = content
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {wish}: {name} is not a table.")
    table[key] = parsed
    return (*tables, key)
