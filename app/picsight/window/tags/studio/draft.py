"""A tag in the studio before it is saved. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight.window.tags.paths import cleaned, make_tag, move_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from picsight_engine.library import Library
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.tags.tree import Tag


@dataclass(frozen=True, slots=True)
class Draft:
    """The input so far; `tag` is the edited tag, None for a new one.

    `threshold` None is the default. A photo is a positive or a negative example, never both.
    """

    path: str = ""
    prompts: tuple[str, ...] = ()
    examples: tuple[int, ...] = ()
    against: tuple[int, ...] = ()
    threshold: float | None = None
    suggests: bool = True
    tag: Tag | None = None

    @classmethod
    def from_tag(cls, tag: Tag) -> Draft:
        """The draft of an existing tag."""
        return cls(tag.path, tag.prompts, tag.examples, tag.against, tag.threshold, tag.suggests, tag)

    @property
    def is_changed(self) -> bool:
        """Whether there are unsaved changes."""
        return self != (Draft() if self.tag is None else Draft.from_tag(self.tag))

    @property
    def can_learn(self) -> bool:
        """Whether there are words or examples."""
        return bool(self.prompts or self.examples or (self.tag and self.tag.accepted))

    @property
    def name(self) -> str:
        """The name; without one, its first words."""
        return cleaned(self.path) or next((words.replace("/", " ") for words in self.prompts), "")

    def with_alike(self, photos: Iterable[int]) -> Draft:
        """Add positive examples."""
        added = tuple(dict.fromkeys((*self.examples, *photos)))
        return replace(self, examples=added, against=_without(self.against, added))

    def with_unlike(self, photos: Iterable[int]) -> Draft:
        """Add negative examples."""
        added = tuple(dict.fromkeys((*self.against, *photos)))
        return replace(self, against=added, examples=_without(self.examples, added))

    def without(self, photos: Iterable[int]) -> Draft:
        """Remove examples."""
        gone = set(photos)  # an iterator would be used up by the first
        return replace(self, examples=_without(self.examples, gone), against=_without(self.against, gone))

    def with_again(self, photos: Sequence[int], before: Draft) -> Draft:
        """Restore these photos as in `before`: positive, negative or no example; the others are unchanged."""
        draft = self.without(photos).with_alike(photo for photo in photos if photo in before.examples)
        return draft.with_unlike(photo for photo in photos if photo in before.against)

    def kept(self, library: Library) -> Draft:
        """The draft without photos that are no longer in the library; runs in a thread."""
        photos = (*self.examples, *self.against)
        return self.without(set(photos) - library.tags.known(photos))

    def save(self, library: Library) -> Tag:
        """Create or change the tag, with the photos that are still in the library; runs in a thread.

        Raises:
            RequestError: the name is invalid or already in use.
            BundleError: the text tower is missing or cannot be loaded.
        """
        kept = self.kept(library)
        tag = make_tag(library, self.name) if self.tag is None else move_tag(library, self.tag, self.name)
        tag = library.tags.change(
            tag.path,
            prompts=kept.prompts,
            examples=kept.examples,
            against=kept.against,
            threshold=kept.threshold,
            suggests=kept.suggests and kept.can_learn,
        )
        if self.tag is None:  # an example of a new tag counts as accepted or rejected
            verdicts: tuple[tuple[Sequence[int], Verdict], ...] = (
                (kept.examples, "accepted"),
                (kept.against, "rejected"),
            )
            for photos, verdict in verdicts:
                if shown := [photo.id for photo in library.results(photos)]:
                    library.tags.decide(tag.path, shown, verdict)
        return library.tags.find(tag.path)


def _without(photos: Iterable[int], others: Iterable[int]) -> tuple[int, ...]:
    gone = set(others)
    return tuple(photo for photo in photos if photo not in gone)
