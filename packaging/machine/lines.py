"""How large the packages are: lines of statements (without imports, docstrings, comments and blanks), modules and classes."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("app/picsight", "engine/picsight_engine", "trainer/mctrain")
_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def table(root: Path) -> str:
    """A row a package, then their sum."""
    rows = [(package, *_size(list((root / package).rglob("*.py")))) for package in PACKAGES]
    rows.append(("together", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    head = ("package", "lines", "modules", "classes")
    return "\n".join("{:24}{:>8}{:>9}{:>9}".format(*row) for row in (head, *rows))


def _size(files: list[Path]) -> tuple[int, int, int]:
    sources = [file.read_text("utf-8") for file in files]
    classes = sum(isinstance(node, ast.ClassDef) for each in sources for node in ast.walk(ast.parse(each)))
    return sum(map(statement_lines, sources)), len(files), classes


def statement_lines(source: str) -> int:
    """The lines of a module on which a statement or a part of one stands, without imports and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line
        for token in tokens
        if token.type not in _SILENT
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import() | ast.ImportFrom():
                lines -= _lines_of(node)
            case (
                ast.Module(body=[ast.Expr(ast.Constant(str())) as text, *_])
                | ast.ClassDef(body=[ast.Expr(ast.Constant(str())) as text, *_])
                | ast.FunctionDef(body=[ast.Expr(ast.Constant(str())) as text, *_])
                | ast.AsyncFunctionDef(body=[ast.Expr(ast.Constant(str())) as text, *_])
            ):
                lines -= _lines_of(text)
    return len(lines)


def _lines_of(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
