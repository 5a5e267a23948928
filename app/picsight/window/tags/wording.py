"""Sentences about tags and their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight.texts import marked, plural, tr
from picsight.window.parts.words import counted, isolated, star_words

if TYPE_CHECKING:
    from picsight.window.tags.chooser import TagChoice
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.tags.quality import Confidence, Statistics
    from picsight_engine.tags.tree import Tag

_SENTENCES: dict[Verdict, tuple[str, str]] = {
    "accepted": plural("Added the photo to {tag}.", "Added %n photos to {tag}."),
    "rejected": plural("The photo does not belong to {tag}.", "%n photos do not belong to {tag}."),
    "withdrawn": plural("Took the photo out of {tag}.", "Took %n photos out of {tag}."),
}
_SURE: dict[Confidence, str] = {
    "learning": "", "not sure": marked("not sure yet"), "fairly sure": marked("fairly sure"), "quite sure": marked("quite sure"),
}  # fmt: skip


def named(path: str) -> str:
    """A tag's name within a sentence."""
    return isolated(f"“{path}”")


def decision_words(tag: Tag, photos: int, verdict: Verdict) -> str:
    """The sentence about a decision on this number of photos."""
    if tag.kind == "favourite":
        return favourite_words(photos, liked=verdict == "accepted")
    return counted(photos, *_SENTENCES[verdict]).replace("{tag}", named(tag.path))


def removal_verdict(tag: Tag) -> Verdict:
    """The verdict of removing a photo from a tag: rejected if the tag would suggest the photo again."""
    return "rejected" if tag.kind == "tag" and (tag.suggests or tag.suggested) else "withdrawn"


def favourite_words(photos: int, *, liked: bool) -> str:
    """The sentence that photos are favourites now, or no longer."""
    if liked:
        return counted(photos, "Added the photo to your favourites.", "Added %n photos to your favourites.")
    return counted(photos, "Took the photo out of your favourites.", "Took %n photos out of your favourites.")


def filing_words(photos: int, choice: TagChoice) -> str:
    """The sentence that photos were added to a tag or album, which may be new."""
    texts = plural("Added the photo to {tag}.", "Added %n photos to {tag}.")
    if choice.photos is None:
        texts = plural("Made the tag {tag} of the photo.", "Made the tag {tag} of %n photos.")
        if choice.kind == "album":
            texts = plural("Made the album {tag} of the photo.", "Made the album {tag} of %n photos.")
    words = counted(photos, *texts).replace("{tag}", named(choice.path))
    if choice.photos is None and choice.kind == "tag":
        learns = tr("It suggests more once you give it words or examples, by Edit… in its menu.")
        return f"{words} {learns}"
    return words


def rating_words(photos: int, stars: int | None) -> str:
    """The sentence that photos have these stars now, or those in their files."""
    if stars is None:
        return counted(
            photos, "The photo has the stars in its file.", "%n photos have the stars in their files."
        )
    if not stars:
        return counted(photos, "The photo has no stars now.", "%n photos have no stars now.")
    if stars < 0:
        return counted(photos, "Rejected the photo.", "Rejected %n photos.")
    words = counted(photos, "Rated the photo {stars}.", "Rated %n photos {stars}.")
    return words.replace("{stars}", star_words(stars))


def tag_words(tag: Tag) -> str:
    """A tag's numbers: 214 photos · 18 suggested · 46 decided."""
    parts = (
        counted(tag.accepted + tag.suggested, "%n photo", "%n photos"),
        counted(tag.suggested, "%n suggested", "%n suggested") if tag.suggested else "",
        counted(decisions, "%n decided", "%n decided")
        if (decisions := tag.accepted + tag.rejected) and tag.kind == "tag"
        else "",
    )
    return " · ".join(filter(None, parts))


def statistics_words(statistics: Statistics) -> str:
    """The quality of a tag: 46 decided · 41 right · quite sure."""
    if statistics.confidence == "learning":
        one = "Decide on one more photo to see how sure this tag is."
        return counted(statistics.more, one, "Decide on %n more photos to see how sure this tag is.")
    parts = (
        counted(statistics.decided, "%n decided", "%n decided"),
        counted(statistics.right, "%n right", "%n right"),
        tr(_SURE[statistics.confidence]),
    )
    return " · ".join(parts)
