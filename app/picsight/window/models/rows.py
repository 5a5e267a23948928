"""A model as a row: plain words first, technical names and licences apart, and its actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from picsight.texts import marked, tr, worded
from picsight.window.parts.words import counted, duration, isolated, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.bundles.bundle import Manifest
    from picsight_engine.installation.model_offers import ModelOffer

RESEARCH = marked("For research only")
FREE = marked("Free to use")
BEST = 5  # the highest `Blurb.quality`


@dataclass(frozen=True, slots=True)
class Blurb:
    """A model in plain words; its technical name is among the details.

    `quality` follows the published mean over 38 data sets, 58 to 66 for Apple's models, and Immich's table of recall for
    the free ones; the small one, measured by us on other data sets, is well below them.
    """

    title: str
    words: str
    quality: int
    licence: str


SHIPPED = "picsight-starter"
BLURBS: dict[str, Blurb] = {
    SHIPPED: Blurb(
        marked("Small"),
        marked("Comes with Picsight. Knows everyday things."),
        2,
        marked("For personal use, research and education"),
    ),
    "clip-b32-laion": Blurb(
        marked("Good answers"), marked("Knows many more things than the small one."), 3, FREE
    ),
    "siglip2-b16": Blurb(
        marked("Many languages"), marked("Finds the most, in most languages. A large download."), 5, FREE
    ),
    "clip-b32-xlm": Blurb(
        marked("Many languages, quick"), marked("As Good answers, in most languages."), 3, FREE
    ),
    "clip-b32": Blurb(marked("Well known"), marked("As in Immich. Finds less than Good answers."), 2, FREE),
    "mobileclip-s0": Blurb(
        marked("Fast"), marked("Knows many more things than the small one. Good on laptops."), 3, RESEARCH
    ),
    "mobileclip-s1": Blurb(marked("Fairly fast"), marked("Finds more than Fast."), 3, RESEARCH),
    "mobileclip-s2": Blurb(
        marked("Balanced"), marked("Finds more than Fast, in twice its time."), 4, RESEARCH
    ),
    "mobileclip-b": Blurb(marked("Thorough"), marked("Finds more than Balanced."), 4, RESEARCH),
    "mobileclip-blt": Blurb(
        marked("Most thorough"), marked("Finds the most, at the same cost as Thorough."), 5, RESEARCH
    ),
}
# These are shown beside the shipped one; the first that reads the library soon enough is recommended.
SIDE_BY_SIDE = ("siglip2-b16", "clip-b32-laion")
SOON = 2 * 3600.0  # seconds
FEW = 3  # the most models side by side


class ModelAction(Enum):
    """The action of a row's button; its value is the button's text."""

    INSTALL = marked("Install…")
    CONTINUE = marked("Continue…")
    AGAIN = marked("Install again…")
    USE = marked("Use")
    REMOVE = marked("Remove…")


SPOKEN = {
    ModelAction.INSTALL: marked("Install {model}"),
    ModelAction.CONTINUE: marked("Continue installing {model}"),
    ModelAction.AGAIN: marked("Install {model} again"),
    ModelAction.USE: marked("Use {model}"),
    ModelAction.REMOVE: marked("Remove {model}"),
}


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the list; `facts` are size and time, `state` is empty for a model that is only available.

    `quality` is 1 to BEST, 0 if unknown. `in_front`: shown side by side with the few that most people choose from.
    """

    name: str
    title: str
    given_title: str  # by the model's authors
    licence_id: str = ""
    url: str = ""
    words: str = ""
    quality: int = 0
    facts: str = ""
    licence: str = ""
    state: str = ""
    in_use: bool = False
    recommended: bool = False
    in_front: bool = False
    actions: tuple[ModelAction, ...] = ()
    fault: str = ""

    @property
    def spoken(self) -> str:
        """The whole row for a screen reader."""
        quality = tr("quality {quality} of {best}", quality=self.quality, best=BEST) if self.quality else ""
        recommended = tr("recommended") if self.recommended else ""
        words = self.words.rstrip(".")
        parts = (self.title, recommended, words, quality, self.facts, self.licence, self.state)
        return ", ".join(filter(None, parts))


def rows_of(offers: Sequence[ModelOffer], photos: int, catalogue: Sequence[str]) -> list[ModelRow]:
    """The rows for a library with this number of photos; `catalogue` names the downloadable models."""
    answering = next((title_of(offer.name, offer.title) for offer in offers if offer.answers), "")
    advised = recommended(offers)
    return [
        ModelRow(
            name=offer.name,
            title=title_of(offer.name, offer.title),
            given_title=offer.title,
            licence_id=offer.licence.id if offer.licence else "",
            url=offer.licence.url if offer.licence else "",
            words=tr(BLURBS[offer.name].words if offer.name in BLURBS else offer.words),
            quality=_quality(offer),
            facts=" · ".join(filter(None, (size(offer.bytes) if offer.bytes else "", _time(offer, photos)))),
            licence=_licence(offer),
            state=_state(offer, answering),
            in_use=offer.answers and offer.wanted,
            recommended=offer.name == advised,
            in_front=len(offers) <= FEW or offer.shipped or offer.name in SIDE_BY_SIDE,
            actions=_actions(offer, fetchable=offer.name in catalogue),
            fault=worded(offer.fault or ""),
        )
        for offer in offers
    ]


def recommended(offers: Sequence[ModelOffer]) -> str | None:
    """The name of the recommended model; None if an equally good one is in use."""
    known = {offer.name: offer for offer in offers if offer.name in SIDE_BY_SIDE}
    candidates = [known[name] for name in SIDE_BY_SIDE if name in known]
    if not candidates:
        return None
    soon = (each for each in candidates if each.seconds is None or each.seconds <= SOON)
    best = next(soon, candidates[-1])
    had = max((_quality(offer) for offer in offers if offer.wanted), default=0)
    return best.name if _quality(best) > had else None


def _quality(offer: ModelOffer) -> int:
    return BLURBS[offer.name].quality if offer.name in BLURBS else 0


def arriving(manifest: Manifest) -> ModelRow:
    """The row of a model that is being copied from a file; it has no actions yet."""
    title, licence = title_of(manifest.name, manifest.title), manifest.licence
    return ModelRow(manifest.name, title, manifest.title, licence.id, licence.url)


def title_of(name: str, title: str) -> str:
    """The displayed title of a model."""
    return tr(BLURBS[name].title) if name in BLURBS else title


def _licence(offer: ModelOffer) -> str:
    if offer.name in BLURBS:
        return tr(BLURBS[offer.name].licence)
    return tr("Licence {licence}", licence=isolated(offer.licence.id)) if offer.licence else ""


def _time(offer: ModelOffer, photos: int) -> str:
    """How long it would read the photos; "" if there are none."""
    if not photos:
        return ""
    if not offer.photos:
        return "" if offer.answers else tr("has read your photos")
    if offer.seconds is None:
        return counted(offer.photos, "%n photo to read", "%n photos to read")
    whole = offer.photos >= photos
    sentence = tr("{time} for your library" if whole else "{time} for the rest of your library")
    return sentence.format(time=duration(offer.seconds))


def _state(offer: ModelOffer, answering: str) -> str:
    if offer.answers and offer.wanted:
        return tr("In use")
    if offer.answers:
        return tr("Answers until the new one is ready")
    if offer.wanted and offer.state == "installed":
        if not answering:
            return tr("Chosen")
        return tr("Reads your photos; {model} answers meanwhile", model=isolated(answering))
    if offer.state == "unfinished":
        return tr("Partly downloaded")
    return tr("Installed") if offer.state == "installed" else ""


def _actions(offer: ModelOffer, *, fetchable: bool) -> tuple[ModelAction, ...]:
    """The actions, the most useful one last, at the edge."""
    match offer.state:
        case "available":
            return (ModelAction.INSTALL,) if fetchable else ()
        case "unfinished":
            return (ModelAction.REMOVE, ModelAction.CONTINUE) if fetchable else (ModelAction.REMOVE,)
        case "damaged":
            if offer.shipped:  # no action here can repair it
                return ()
            return (ModelAction.AGAIN,) if offer.wanted else (ModelAction.REMOVE, ModelAction.AGAIN)
        case "installed":
            kept = offer.shipped or offer.wanted or offer.answers
            return (*(() if kept else (ModelAction.REMOVE,)), *(() if offer.wanted else (ModelAction.USE,)))
