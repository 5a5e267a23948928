"""Tags by path: the search that shows one, and, in threads, making, moving and removing one with its parents and children."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from picsight_engine.language.query import parse
from picsight_engine.store.tagging.tags import name_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.library import Library
    from picsight_engine.store.tagging.tags import TagKind
    from picsight_engine.tags.tree import Tag


def shown_tag(query: str, tags: Sequence[Tag]) -> Tag | None:
    """The one tag that a query shows; other parts of the query only narrow it."""
    facts = [fact.value for fact in parse(query).facts if fact.key == "tag" and not fact.excluded]
    if len(facts) != 1:
        return None
    wanted = path_key(facts[0])
    exact = [tag for tag in tags if path_key(tag.path) == wanted]
    found = exact or [tag for tag in tags if path_key(tag.path).endswith(f"/{wanted}")]
    return found[0] if len(found) == 1 else None


def cleaned(text: str) -> str:
    """A typed path without its empty parts."""
    return "/".join(filter(None, (" ".join(part.split()) for part in text.split("/"))))


@lru_cache(maxsize=32768)
def path_key(path: str) -> str:
    """A path for comparison: without case and accents."""
    return "/".join(name_key(name) for name in path.split("/"))


def make_tag(library: Library, path: str, kind: TagKind = "tag") -> Tag:
    """Make a tag at this path, without words and photos; raises RequestError if it exists or its name is invalid."""
    above, _, name = path.rpartition("/")
    return library.tags.new(name, parent=make_parent(library, above), kind=kind)


def make_parent(library: Library, path: str) -> str | None:
    """The path of a parent tag, which is made if it is missing; None for no path. Raises like `make_tag`."""
    if not path:
        return None
    for tag in library.tags.all():
        if path_key(tag.path) == path_key(path):
            return tag.path
    return make_tag(library, path).path


def move_tag(library: Library, tag: Tag, path: str) -> Tag:
    """Rename a tag, move it below another one, or both; raises like `make_tag`, also if it would be below itself."""
    above, _, name = path.rpartition("/")
    parent = make_parent(library, above)
    if path_key(parent or "") != path_key(tag.parent or ""):
        tag = library.tags.move(tag.path, parent)
    return library.tags.rename(tag.path, name) if name != tag.name else tag


def remove_tag(library: Library, path: str) -> None:
    """Remove a tag, after those below it; raises RequestError if there is no such tag."""
    below = [tag.path for tag in library.tags.all() if tag.path.startswith(f"{path}/")]
    for each in sorted((path, *below), key=lambda each: -each.count("/")):
        library.tags.remove(each)
