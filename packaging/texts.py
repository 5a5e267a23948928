"""Catalogues for translators: `texts.py update LANGUAGE` writes a `.po` file from the code, `texts.py compile` the `.mo` files."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator

import click
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import generate_po, read_po

from picsight.cli.program import program
from picsight.texts import CATALOGUES, DOMAIN
from picsight_engine.foundation import errors
from picsight_engine.installation.catalogue import CATALOGUE

# Calls with texts, by the positions of the words for one thing and for many.
_TEXT = ("tr", "marked", "Key", "Message", *(name for name in dir(errors) if name.endswith("Error")))
_CALLS = dict.fromkeys(_TEXT, (0,)) | dict.fromkeys(("counted", "first_of"), (1, 2))
_CALLS |= {
    "ImageError": (1,),
    "Check": (0,),
    "plural": (0, 1),
    "faults_as": (2,),
    "problem": (2,),
    "unshowable": (2,),
    "lost_photo": (3,),
}


def extracted() -> Catalog:
    """Every text of the window, the command line and the engine, in the order of the files."""
    catalogue = Catalog(project="Picsight", fuzzy=False)
    for file in sorted(CATALOGUES.parents[2].glob("*/picsight*/**/*.py")):
        for text in _texts(list(ast.walk(ast.parse(file.read_bytes())))):
            catalogue.add(text, locations=[(str(file.relative_to(CATALOGUES.parents[2])), 0)])
    for text in filter(None, (*_help(program), *(entry.words for entry in CATALOGUE))):
        catalogue.add(text)
    return catalogue


def _texts(nodes: list[ast.AST]) -> Iterator[str | tuple[str, ...]]:
    """The texts of a file; a variable stands for each text that the file gives it."""
    named: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            named.setdefault(ast.unparse(node.targets[0]), []).extend(_literals(node.value, {}))
    for node in nodes:
        if isinstance(node, ast.Call):
            places = _CALLS.get(getattr(node.func, "id", "") or getattr(node.func, "attr", ""), ())
            words = [_literals(node.args[place], named) for place in places if place < len(node.args)]
            yield from (text if len(text) > 1 else text[0] for text in zip(*words))  # noqa: B905


def _literals(node: ast.AST, named: dict[str, list[str]]) -> list[str]:
    match node:
        case ast.Constant(value=text):
            return [text] if text and isinstance(text, str) else []
        case ast.IfExp(body=first, orelse=other):
            return [*_literals(first, named), *_literals(other, named)]
        case ast.Dict(values=parts) | ast.Tuple(elts=parts):
            return [text for part in parts for text in _literals(part, named)]
    return named.get(ast.unparse(getattr(node, "value", node)), [])  # of a table, its name


def _help(command: click.Command) -> Iterator[str]:
    for each in (command, *command.params):
        yield inspect.cleandoc(getattr(each, "help", None) or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context := click.Context(command)):
            yield from _help(command.get_command(context, name) or command)


def update(language: str) -> None:
    """Makes or updates the `.po` file of a language; texts that are gone stay at its end."""
    (file := CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po").parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    catalogue = read_po(file.read_text("utf-8").splitlines(), language)
    catalogue.update(extracted())
    file.write_text("".join(generate_po(catalogue, width=110, include_lineno=False)), "utf-8")


def compile_all() -> None:
    """Makes the `.mo` file beside each `.po` file, of whole translations that name known values only."""
    for file in CATALOGUES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"):
        for message in (catalogue := read_po(file.read_text("utf-8").splitlines())):
            known, used = (
                set(re.findall(r"{[^{}]*}|[{}]|%n", str(each))) for each in (message.id, message.string)
            )
            if message.id and used - known:
                print(f"{file}, line {message.lineno}: unknown {', '.join(used - known)}")
            if message.id and (used - known or not all(message.string or ())):  # of a plural, all forms
                message.string = ""
        with file.with_suffix(".mo").open("wb") as compiled:
            write_mo(compiled, catalogue)


if __name__ == "__main__":
    update(*sys.argv[2:]) if sys.argv[1] == "update" else compile_all()
