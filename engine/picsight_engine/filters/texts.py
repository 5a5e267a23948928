"""Conditions on texts: in names, folders, keywords and tags, and what is written in pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.filters.condition import Condition
from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.folding import begins_word, fold
from picsight_engine.store import selection
from picsight_engine.store.derived.written import (
    photos_saying,
    photos_with_words,
    photos_with_written_words,
    words_like,
)
from picsight_engine.store.full_text import photos_holding, photos_with_word
from picsight_engine.store.tagging.tagged import photos_tagged
from picsight_engine.store.tagging.tags import tag_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

_SLIPS = (5, 9)  # letters from which one letter may be wrong, and two


def _array(photo_ids: Sequence[int]) -> NDArray[np.int64]:
    return np.asarray(photo_ids, np.int64)


WITH_WORDS = Condition(
    "has", ("has", "words"), Message("with words"), lambda db: _array(photos_with_words(db)), written=True, thing=Message("words in it")
)  # fmt: skip


def worded(word: str, *, described: bool = False) -> Condition:
    """Matches photos with a word in name, folder, keyword or tag that is or begins with `word` (from `words_in`).

    With `described`, titles and descriptions count too.
    """

    def find(db: Database) -> NDArray[np.int64]:
        tags = [photos_tagged(db, path) for path in tag_paths(db).values() if begins_word(path, word)]
        photos = photos_with_word(db, word, described=described)
        return selection.ascending(np.concatenate([np.asarray(photos, np.int64), *tags]))

    return Condition("text", ("described" if described else "word", word), word, find, decided=True)


def written(words: Sequence[str]) -> Condition:
    """Matches photos in which all these words (from `words_in`) are written, see `written_line.says_word`."""
    found = partial(photos_with_written_words, words=words)
    key, name = ("written", *words), " ".join(words)
    return Condition("says", key, name, lambda db: _array(found(db)), written=True)


def holding(value: str) -> Condition:
    """Matches photos with this text in names, folders, keywords, titles or descriptions, or written in them."""

    def find(db: Database) -> NDArray[np.int64]:
        return selection.ascending(_array([*photos_holding(db, value), *photos_saying(db, value)]))

    return Condition("text", ("text", fold(value)), value, find, written=True)


def saying(value: str) -> Condition:
    """Matches photos in which this text is written."""
    find, words = (lambda db: _array(photos_saying(db, value))), Message('says "{text}"', text=value)
    absent = partial(_unsaid, text=value)
    return Condition("says", ("says", fold(value)), words, find, WITH_WORDS, written=True, absent=absent)


def _unsaid(db: Database, text: str) -> Message | None:
    """The question whether a word that is written nowhere is a slip for another one."""
    wanted = fold(text)
    if len(wanted) < _SLIPS[0] or " " in wanted:
        return None
    # lazy: 25 ms, needed only if nothing is found
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extractOne

    most = 1 if len(wanted) < _SLIPS[1] else 2
    found = extractOne(wanted, sorted(words_like(db, wanted)), scorer=OSA.distance, score_cutoff=most)
    if not found:
        return None
    return Message('No photo says "{text}". Did you mean "{like}"?', text=text, like=found[0])
