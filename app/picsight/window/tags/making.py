"""Makes a tag at a path, and what is missing above it; runs in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.window.tags.wording import path_key

if TYPE_CHECKING:
    from picsight_engine.library import Library
    from picsight_engine.store.tags import TagKind
    from picsight_engine.tags.tree import Tag


def tag_at(library: Library, path: str, kind: TagKind) -> Tag:
    """The new tag of this path, without words and photos.

    Raises:
        RequestError: it is there already, or its name cannot be.
    """
    *above, name = path.split("/")
    return library.tags.new(name, parent=parent_at(library, "/".join(above)), kind=kind)


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
    return tag_at(library, path, "tag").path
