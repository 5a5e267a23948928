"""What the commands about tags share: an open library, and how a tag and a change are told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from picsight.cli.documents import run_document, tag_document
from picsight.cli.invocation import absolute
from picsight.cli.layout import count
from picsight.cli.streams import put, put_json
from picsight_engine.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from picsight.cli.invocation import Invocation
    from picsight_engine.library import Library
    from picsight_engine.store.runs import Run
    from picsight_engine.tags.tree import Tag

_MOST_SENTENCES = 20


@contextmanager
def opened(invocation: Invocation) -> Iterator[Library]:
    """The library, which tags cannot do without."""
    with invocation.open_library(invocation.answering_model()) as library:
        if library is None:
            raise RequestError(f"There is no library in {invocation.folder} yet. Type: picsight index FOLDER")
        yield library


def absolute_paths(photos: Iterable[Path]) -> list[Path]:
    """The paths as a library knows them."""
    return [absolute(photo) for photo in photos]


def tell_run(invocation: Invocation, run: Run | None, turned: str = "") -> None:
    """Says what was changed, and how it was `turned`: undone, or done again."""
    if invocation.json:
        put_json(run_document(run))
    elif invocation.quiet:
        return
    elif run is None:
        put("Nothing had to be changed.")
    else:
        put(f"{turned}{run.words}.")


def tell_some(invocation: Invocation, sentences: Sequence[str]) -> None:
    """Says what was left out, as long as a person reads it."""
    for sentence in sentences[:_MOST_SENTENCES]:
        invocation.hint(sentence)
    if len(sentences) > _MOST_SENTENCES:
        invocation.hint(f"And {len(sentences) - _MOST_SENTENCES:,} more; --json lists all of them.")


def tell_tag(invocation: Invocation, tag: Tag) -> None:
    """Says what a tag is now."""
    if invocation.json:
        put_json(tag_document(tag))
    elif not invocation.quiet:
        put(tag_line(tag))


def tag_line(tag: Tag) -> str:
    """Such as "Birds/Waders: 12 accepted, 3 rejected, 40 suggested"."""
    numbers = [("accepted", tag.accepted), ("rejected", tag.rejected), ("suggested", tag.suggested)]
    parts = [f"{number:,} {state}" for state, number in numbers if number]
    return f"{tag.path}: {', '.join(parts) or count(0, 'photo')}"
