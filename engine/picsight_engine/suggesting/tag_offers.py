"""The tags that a few typed letters may mean, with how many photos each lets pass."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from picsight_engine.language.conditions import names_of_tag, tagged
from picsight_engine.language.query import spelled
from picsight_engine.store.tagged import sizes_of_tags
from picsight_engine.store.tags import name_key, tag_paths
from picsight_engine.suggesting.offers import Called, Offer, words_of_names

if TYPE_CHECKING:
    from picsight_engine.store.database import Database

_QUOTES = re.compile('["“”„]')  # would end the name; they are compared as this one


class TagOffers:
    """Answers for one state of tags and photos, the tag of most photos first; what was counted once is remembered."""

    def __init__(self, db: Database) -> None:
        self._db = db
        sizes = sizes_of_tags(db)
        paths = tag_paths(db)
        self._keys = {name_key(name) for path in paths.values() for name in names_of_tag(path)}
        self._called = Called(
            (_QUOTES.sub("'", path), sizes[tag_id]) for tag_id, path in paths.items() if sizes[tag_id]
        )
        self._counts: dict[str, int] = {}

    def words(self) -> list[str]:
        """The words of which the names of tags are made, those of most photos first."""
        return words_of_names(self._called.names())

    def joined(self, typed: str, limit: int, others: list[list[Offer]]) -> list[list[Offer]]:
        """Tags that begin so, then offers of other kinds without the keywords that a tag is called by."""
        found = (
            Offer("tag", path, f"tag:{spelled(path)}", partial(self._count, path))
            for path in self._called.matching(typed, limit)
        )
        tags = [offer for offer in found if offer.count()]
        names = {name_key(offer.words) for offer in tags}
        return [
            tags,
            *([self._counted(each) for each in some if not self._is_named(each, names)] for some in others),
        ]

    def _counted(self, offer: Offer) -> Offer:
        """A keyword with the photos of tags that are called so, which its fact finds as well."""
        if offer.kind != "keyword" or name_key(offer.words) not in self._keys:
            return offer
        return replace(offer, count=partial(self._count, offer.words))

    @staticmethod
    def _is_named(offer: Offer, names: set[str]) -> bool:
        return offer.kind == "keyword" and name_key(offer.words) in names

    def _count(self, value: str) -> int:
        if value not in self._counts:
            self._counts[value] = len(tagged(value).find(self._db))
        return self._counts[value]
