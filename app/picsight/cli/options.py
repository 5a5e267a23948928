"""Command declarations: words that may begin with a dash, paths, and the four options that all commands share."""

from __future__ import annotations

import copy
import inspect
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from picsight.cli.invocation import Invocation, absolute
from picsight.texts import tr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class _AbsolutePath(click.Path):
    """An absolute path; an empty one is refused, since an unset variable in a script does not mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, whether it exists or not; the engine checks that."""
        if value == "":
            self.fail(tr("the path is empty."), param, ctx)
        return absolute(Path(os.fsdecode(super().convert(value, param, ctx))))


A_PATH = _AbsolutePath(readable=False)
LIMIT = click.option(
    "-n", "limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most N photos (20)."
)


def _remember(ctx: click.Context, param: click.Parameter, value: Path | bool | None) -> None:
    """Notes a shared option; the last one wins."""
    ctx.obj = ctx.obj or Invocation()
    if value and param.name is not None:
        ctx.obj = replace(ctx.obj, **{param.name: value})


def _shared(name: str, text: str, **attributes: Any) -> click.Option:
    return click.Option([name], help=text, expose_value=False, callback=_remember, **attributes)


SHARED: tuple[click.Parameter, ...] = (
    _shared("--library", "The library's folder, if not the usual one.", type=A_PATH, metavar="PATH"),
    _shared("--json", "Print the result as JSON on stdout.", is_flag=True),
    _shared("--quiet", "Print results and errors, nothing else.", is_flag=True),
    _shared("--verbose", "Print details on stderr during the work.", is_flag=True),
)


class Translated(click.Command):
    """A command with its help in the user's language, which is looked up when it is shown."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the help page."""
        super(Translated, self._worded()).format_help(ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The line in the list of commands."""
        return super(Translated, self._worded()).get_short_help_str(limit)

    def _worded(self) -> Self:
        """A copy that speaks the user's language."""
        command = copy.copy(self)
        command.params = list(map(copy.copy, self.params))
        for each in (command, *command.params):
            if isinstance(each, click.Command | click.Option) and each.help:
                each.help = tr(inspect.cleandoc(each.help))
        return command


class WordsCommand(Translated):
    """A command with the shared options; its function gets the `Invocation` first.

    Its words may begin with "-", as in `picsight search sunset -people`. Options are long (`--json`), except `-n`, and may
    stand anywhere among the words; `--` ends them. Click alone would read `-night` as `-n ight`.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.params += SHARED

    def invoke(self, ctx: click.Context) -> Any:
        """Calls the function."""
        return ctx.invoke(self.callback, ctx.obj, **ctx.params) if self.callback else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Passes click all options first, then `--`, then the words."""
        options = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        with_value = frozenset(name for option in options if not option.is_flag for name in option.opts)
        try:
            typed, words = split_words(args, with_value)
        except click.BadOptionUsage:
            if not ctx.resilient_parsing:
                raise
            typed, words = split_words(args[:-1], with_value)  # shell completion asks for its possible values
        return super().parse_args(ctx, [*typed, "--", *words])


class CommandGroup(Translated, click.Group):
    """A command with subcommands, such as `picsight tags list`."""

    command_class = WordsCommand

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes, no_args_is_help=False)
        self.params += SHARED


def split_words(args: Sequence[str], with_value: frozenset[str]) -> tuple[list[str], list[str]]:
    """Splits the arguments into options (each followed by its value) and words, in order.

    `with_value` names the options that take the next argument as their value, such as `--library` and `-n`.

    Raises:
        click.BadOptionUsage: the value of the last option is missing.
    """
    options: list[str] = []
    words: list[str] = []
    rest = iter(args)
    for argument in rest:
        if argument == "--":
            words.extend(rest)
        elif argument.startswith("--") or argument in with_value:
            options.append(argument)
            if argument in with_value:
                value = next(rest, None)
                if value is None:
                    context = click.get_current_context(silent=True)
                    raise click.BadOptionUsage(
                        argument, tr("Option {name!r} requires an argument.", name=argument), context
                    )
                options.append(value)
        else:
            words.append(argument)
    return options, words
