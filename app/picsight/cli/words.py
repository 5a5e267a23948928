"""How a command's words are told from its options: a word with one dash is a word, except `-n`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class WordsCommand(click.Command):
    """A command whose words may begin with "-", as in `picsight search sunset -people`.

    Options are long ones (`--json`), anywhere among the words, and `-n` as a word of its own; `--` ends them.
    Click alone would read `-night` as `-n ight`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hands click all options first, then `--`, then the words."""
        with_value = self._options_with_value(ctx)
        try:
            options, words = split_words(args, with_value)
        except click.BadOptionUsage:
            if not ctx.resilient_parsing:
                raise
            options, words = split_words(args[:-1], with_value)  # Tab asks which value may stand there
        return super().parse_args(ctx, [*options, "--", *words])

    def _options_with_value(self, ctx: click.Context) -> frozenset[str]:
        options = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        return frozenset(name for option in options if not option.is_flag for name in option.opts)


def split_words(args: Sequence[str], with_value: frozenset[str]) -> tuple[list[str], list[str]]:
    """Parts what was typed into options (each followed by its value) and words, in their order.

    `with_value` names the options that take the next argument as their value, as `--library` and `-n` do.

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
                options.append(_value_after(argument, rest))
        else:
            words.append(argument)
    return options, words


def _value_after(option: str, rest: Iterator[str]) -> str:
    for value in rest:
        return value
    context = click.get_current_context(silent=True)
    raise click.BadOptionUsage(option, f"Option {option!r} requires an argument.", context)
