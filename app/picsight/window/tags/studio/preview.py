"""The preview of a draft: all photos' scores, their histogram, the photos above and near the threshold. Runs in threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from picsight.window.grid.wall import EMPTY, Wall
from picsight.window.tags.studio.threshold import NO_SCORES, ScoreHistogram
from picsight_engine.tags.tree import Marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsight.window.tags.studio.draft import Draft
    from picsight_engine.language.translation import Translation
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result
    from picsight_engine.tags.quality import Preview

MOST_IN, MOST_BORDER = 200, 20  # shown photos
HERE = "here"  # the draft as a tag of its wall, whatever its name
ACCEPTED, SUGGESTED = (Marks(None, favourite=False, tags=((HERE, how),)) for how in ("accepted", "suggested"))


@dataclass(frozen=True, slots=True)
class PreviewPhotos:
    """The likeliest photos above a threshold, and the undecided ones nearest to it."""

    wall: Wall = EMPTY
    borderline: tuple[Result, ...] = ()
    marks: Mapping[int, Marks] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DraftPreview:
    """A scored draft; without words and examples, `scored` is None. `translation` is what its words are searched as."""

    examples: tuple[Result, ...] = ()
    against: tuple[Result, ...] = ()
    scored: Preview | None = None
    histogram: ScoreHistogram = NO_SCORES
    threshold: float = 0.5
    photos: PreviewPhotos = PreviewPhotos()
    translation: Translation | None = None


def preview_of(library: Library, draft: Draft) -> DraftPreview:
    """Score all photos for a draft as it would be saved, with the decisions for its tag.

    Raises:
        RequestError: the tag is gone.
        BundleError: the text tower is missing or cannot be loaded.
    """
    draft = draft.kept(library)
    shown = library.results((*draft.examples, *draft.against))
    examples = tuple(photo for photo in shown if photo.id in draft.examples)
    against = tuple(photo for photo in shown if photo.id in draft.against)
    if not draft.can_learn:
        return DraftPreview(examples, against)
    tag = None if draft.tag is None else draft.tag.path
    preview = library.tags.preview(draft.prompts, draft.examples, draft.against, tag)
    threshold = preview.threshold if draft.threshold is None else draft.threshold
    photos = photos_at(library, preview, threshold)
    translation = library.translation_of(draft.prompts)
    return DraftPreview(examples, against, preview, histogram_of(preview), threshold, photos, translation)


def photos_at(library: Library, preview: Preview, threshold: float) -> PreviewPhotos:
    """The photos above this threshold, and those near it."""
    inside = library.results(preview.inside(threshold)[:MOST_IN])
    marks = {photo.id: ACCEPTED if photo.id in preview.accepted else SUGGESTED for photo in inside}
    return PreviewPhotos(
        Wall.from_results(inside), library.results(preview.border(MOST_BORDER, threshold)), marks
    )


def histogram_of(preview: Preview) -> ScoreHistogram:
    """The scores, grouped by decision."""
    parts = preview.accepted, preview.rejected
    accepted, rejected = (np.isin(preview.ids, np.fromiter(photos, np.int64)) for photos in parts)
    scores = preview.scores
    return ScoreHistogram(scores[~(accepted | rejected)], scores[accepted], scores[rejected])
