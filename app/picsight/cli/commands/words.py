"""`picsight words`: whether words in pictures are read, and how what was read is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from picsight.cli.options import CommandGroup
from picsight.cli.streams import say
from picsight.settings import SettingsStore, settings_file
from picsight.texts import counted, tr

if TYPE_CHECKING:
    from picsight.cli.invocation import Invocation


@click.group("words", cls=CommandGroup)
def words() -> None:
    """Read words in pictures, or forget them.

    Signs, receipts and screenshots are found by what is written in them. `index` reads the words after all else; nothing
    leaves this computer.
    """


@words.command("on")
def on(invocation: Invocation) -> None:
    """Read words in pictures from the next run on."""
    _switch(invocation, reads=True)
    say(tr("To read the words in pictures now, type: {index}", index=invocation.command("index")))


@words.command("off")
def off(invocation: Invocation) -> None:
    """Read no more words; what was read stays."""
    _switch(invocation, reads=False)
    say(tr("To forget what was read, type: {forget}", forget=invocation.command("words", "forget")))


@words.command("forget")
def forget(invocation: Invocation) -> None:
    """Forget what was read, so that nothing of it is left in the library."""
    with invocation.open_library() as library:
        photos = 0 if library is None else library.forget_words()
    one = "Forgot what was read in %n photo."
    invocation.answer({"photos": photos}, counted(photos, one, "Forgot what was read in %n photos."))
    if SettingsStore(settings_file()).settings.read_words:
        again = "The next run reads the words again, unless you type: {off}"
        say(tr(again, off=invocation.command("words", "off")))


def _switch(invocation: Invocation, *, reads: bool) -> None:
    SettingsStore(settings_file()).change(read_words=reads)
    sentence = tr("Words in pictures are read.") if reads else tr("Words in pictures are no longer read.")
    invocation.answer({"read_words": reads}, sentence)
