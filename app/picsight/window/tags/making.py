"""Tags by their paths: made with what is missing above them, moved, removed with what stands below. Runs in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.window.tags.wording import path_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight_engine.library import Library
    from picsight_engine.store.tags import TagKind
    from picsight_engine.tags.tree import Tag


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


def numbers_of(library: Library, photos: Sequence[int | Path]) -> list[int | None]:
    """The numbers of photos, None for a file that is no photo of the library."""
    shown = [photo if isinstance(photo, int) else library.show(photo) for photo in photos]
    return [photo if photo is None or isinstance(photo, int) else photo.id for photo in shown]


def parted(path: str) -> tuple[str, str]:
    """The path above, and the name."""
    above, _, name = path.rpartition("/")
    return above, name
