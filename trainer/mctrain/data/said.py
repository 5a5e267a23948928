"""What is said of photos, word by word: the table by which the application knows how common things are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mctrain.data.refusal import shipped
from mctrain.data.shards import grouped, parse_words
from mctrain.data.words import texts_by_kind, words_of
from mctrain.errors import DataError
from mctrain.whole_files import write_whole
from picsight_engine.models.commonness import ALL, singular_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mctrain.places import Place

_LEAST = 3  # photos: what is said less often is mostly misspelt


def count_words(shards: Sequence[Place], table: Path) -> int:
    """Writes of how many photos each word is said, the commonest first, and how many photos there are (as "*").

    Photos that stand apart for evaluation do not count. Returns the number of words.

    Raises:
        DataError: a shard or a sample is damaged, or there is no photo to count.
    """
    known, photos, said = shipped(), 0, Counter[str]()
    for shard in shards:
        for group in grouped(shard):
            if group.fault:
                raise DataError(
                    f"{group.fault.sentence.rstrip('.')}, in {shard}; run `mctrain data check` on it."
                )
            if known.stands_apart(group.key, parse_words(group.members.get("json", b"{}"), group.key)):
                continue
            photos += 1
            kinds = texts_by_kind(words_of(group.members, group.key))
            said.update({word for own in kinds.values() for text in own for word in singular_words(text)})
    if not photos:
        raise DataError("These shards hold no photo whose words could be counted; check their names.")
    kept = sorted(((count, word) for word, count in said.items() if count >= _LEAST), reverse=True)
    with write_whole(table) as file:
        file.writelines(f"{word}\t{count}\n".encode() for count, word in [(photos, ALL), *kept])
    return len(kept)
