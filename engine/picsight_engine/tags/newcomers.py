"""After photos came, or another model, every tag that suggests looks at what it has not seen: one pass, one run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.store.decisions import decided_for
from picsight_engine.store.runs import recorded
from picsight_engine.store.suggestions import has_scores, put_scored_until, scored_until
from picsight_engine.store.tags import live_tags, tags_by_id
from picsight_engine.store.vectors import photos_since, space_state
from picsight_engine.tags.tree import photos_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.store.database import Database
    from picsight_engine.store.runs import Run
    from picsight_engine.store.tags import Definition
    from picsight_engine.tags.learner import Learner, Reach


def suggest_newcomers(db: Database, learner: Learner) -> Run | None:
    """Lets tags look; None where there was nothing new, or nothing of it fits.

    What was seen is written down with what came of it: a run that is killed loses nothing.

    Raises:
        BundleError: the words of a tag cannot be read; the next time all of this is tried again.
    """
    space = learner.space
    last = space_state(db, space).last_row  # what comes from here on is left for the next time
    with db.reading() as connection:
        known, row = scored_until(connection)
        anew = known != space
        tags = [
            tag
            for tag in live_tags(connection)
            if tag.suggests or (anew and tag.kind == "tag" and has_scores(connection, tag.id))
        ]
        verdicts = decided_for(connection, (tag.id for tag in tags))
    if not tags or (not anew and last <= row):
        return None
    since = None if anew else photos_since(db, space, row, last)
    learner.read(text for tag in tags for text in tag.prompts)
    found = learner.reached(tags, verdicts, since)
    with recorded(db, "index", _words(found, since)) as run:
        now = tags_by_id(run.connection, (reach.tag.id for reach in found))
        # The others were changed meanwhile, and have seen these photos with that.
        kept = [reach for reach in found if _goes_by_the_same(now[reach.tag.id], reach.tag)]
        if since is None:
            for reach in kept:
                run.score(reach.tag.id, reach.shown())
        else:
            run.score_new(since, {reach.tag.id: reach.shown(since) for reach in kept})
        put_scored_until(run.connection, space, last)
    return run.made


def _goes_by_the_same(now: Definition, then: Definition) -> bool:
    """Whether a tag still suggests what it did: its name and its place say nothing of that."""
    return replace(now, name=then.name, parent_id=then.parent_id) == then


def _words(found: Sequence[Reach], since: Sequence[int] | None) -> str:
    """Such as "12 new photos were suggested for 3 tags"."""
    if since is not None:
        new = set(since)
        found = [reach for reach in found if not new.isdisjoint(reach.photos.tolist())]
    photos = len({photo for reach in found for photo in reach.photos.tolist()})
    tags = sum(len(reach.photos) > 0 for reach in found)
    to = f"suggested for {tags:,} tag{'' if tags == 1 else 's'}"
    if since is None:
        return (
            f"{photos_in_words(photos)} {'is' if photos == 1 else 'are'} {to} by the model that searches now"
        )
    return f"{photos:,} new photo{' was' if photos == 1 else 's were'} {to}"
