"""How the window says what tags are and what was done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.window.parts.words import counted, isolated
from picsight_engine.search.query import Fact, parse

if TYPE_CHECKING:
    from picsight_engine.store.decisions import Verdict
    from picsight_engine.tags.tree import Tag

FAVOURITES = "is:favourite"
_SAID: dict[Verdict, tuple[str, str]] = {
    "accepted": ("Added the photo to {tag}.", "Added %n photos to {tag}."),
    "rejected": ("The photo does not belong to {tag}.", "%n photos do not belong to {tag}."),
    "withdrawn": ("Took the photo out of {tag}.", "Took %n photos out of {tag}."),
}


def named(path: str) -> str:
    """A tag inside of a sentence."""
    return isolated(f"“{path}”")


def decided(path: str, photos: int, verdict: Verdict) -> str:
    """What was decided of so many photos."""
    return counted(photos, *_SAID[verdict]).replace("{tag}", named(path))


def query_of(tag: Tag) -> str:
    """The search that shows what is in a tag, as it is typed."""
    if tag.kind == "favourite":
        return FAVOURITES
    return str(Fact("tag", tag.path, excluded=False, start=0, end=0))


def tag_meant(query: str) -> str:
    """The name or path of the one tag that a query shows, "" for none: what it asks beside it narrows that."""
    facts = [fact.value for fact in parse(query).facts if fact.key == "tag" and not fact.excluded]
    return facts[0] if len(facts) == 1 else ""
