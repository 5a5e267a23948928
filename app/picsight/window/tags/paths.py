"""Tags by their paths: the search that shows one, and, in threads, how one is made, moved and removed with those around it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from picsight_engine.language.query import Fact, parse
from picsight_engine.store.tags import name_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.library import Library
    from picsight_engine.store.tags import TagKind
    from picsight_engine.tags.tree import Tag

FAVOURITES = "is:favourite"
_QUOTES = re.compile('["“”„]')


def query_of(tag: Tag) -> str:
    """The search that shows what is in a tag, as it is typed."""
    if tag.kind == "favourite":
        return FAVOURITES
    path = _QUOTES.sub("'", tag.path)  # which are as good as those that the language keeps for itself
    return str(Fact("tag", path, excluded=False, start=0, end=0))


def tag_meant(query: str, tags: Sequence[Tag]) -> Tag | None:
    """The one tag that a query shows; what it asks beside it narrows that."""
    facts = [fact.value for fact in parse(query).facts if fact.key == "tag" and not fact.excluded]
    if len(facts) != 1:
        return None
    wanted = path_key(facts[0])
    exact = [tag for tag in tags if path_key(tag.path) == wanted]
    found = exact or [tag for tag in tags if path_key(tag.path).endswith(f"/{wanted}")]
    return found[0] if len(found) == 1 else None


def cleaned(text: str) -> str:
    """A path as it is typed, without what is empty in it."""
    return "/".join(filter(None, (" ".join(part.split()) for part in text.split("/"))))


@lru_cache(maxsize=32768)
def path_key(path: str) -> str:
    """A path as it is compared: without case and accents."""
    return "/".join(name_key(name) for name in path.split("/"))


def tag_at(library: Library, path: str, kind: TagKind = "tag") -> Tag:
    """The new tag of this path, without words and photos.

    Raises:
        RequestError: it is there already, or its name cannot be.
    """
    above, name = parted(path)
    return library.tags.new(name, parent=parent_at(library, above), kind=kind)


def parent_at(library: Library, path: str) -> str | None:
    """The path of a tag that others can stand below, made if it is not there; None for no path.

    Raises:
        RequestError: its name cannot be.
    """
    if not path:
        return None
    for tag in library.tags.all():
        if path_key(tag.path) == path_key(path):
            return tag.path
    return tag_at(library, path).path


def placed(library: Library, tag: Tag, path: str) -> Tag:
    """The tag under another name, below another one, or both.

    Raises:
        RequestError: its name cannot be, or is there already; it would stand below itself.
    """
    above, name = parted(path)
    parent = parent_at(library, above)
    if path_key(parent or "") != path_key(tag.parent or ""):
        tag = library.tags.move(tag.path, parent)
    return library.tags.rename(tag.path, name) if name != tag.name else tag


def removed(library: Library, path: str) -> None:
    """Removes a tag, and before it those below it.

    Raises:
        RequestError: there is no such tag.
    """
    below = [tag.path for tag in library.tags.all() if tag.path.startswith(f"{path}/")]
    for each in sorted((path, *below), key=lambda each: -each.count("/")):
        library.tags.remove(each)


def parted(path: str) -> tuple[str, str]:
    """The path above, and the name."""
    above, _, name = path.rpartition("/")
    return above, name
