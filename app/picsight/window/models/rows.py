"""A model as a line for people: plain words first, names and licences apart, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from picsight.window.parts.words import counted, duration, isolated, say, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.installation.offers import Offer
    from picsight_engine.models.bundle import Manifest

# What the models are called here; their own names stand under the technical details.
PLAIN: dict[str, tuple[str, str]] = {
    "picsight-starter": ("Small", "Comes with Picsight. Knows everyday things."),
    "mobileclip-s0": ("Fast", "Knows many more things than the small one. Good on laptops."),
    "mobileclip-s1": ("Fairly fast", "Finds more than Fast."),
    "mobileclip-s2": ("Balanced", "Finds nearly as much as Thorough, in much less time."),
    "mobileclip-b": ("Thorough", "Finds more than Balanced."),
    "mobileclip-blt": ("Most thorough", "Finds the most, at the same cost as Thorough."),
}


class Act(Enum):
    """What a button of a line does, by the words on it."""

    INSTALL = "Install…"
    CONTINUE = "Continue…"
    AGAIN = "Install again…"
    USE = "Use"
    REMOVE = "Remove…"


SPOKEN = {
    Act.INSTALL: "Install {model}",
    Act.CONTINUE: "Continue to install {model}",
    Act.AGAIN: "Install {model} again",
    Act.USE: "Use {model}",
    Act.REMOVE: "Remove {model}",
}


@dataclass(frozen=True, slots=True)
class Details:
    """What most people need not know."""

    name: str
    title: str
    licence: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list; `facts` are size and time, `state` is where it stands, empty if it is only on offer."""

    name: str
    title: str
    words: str
    facts: str
    state: str
    in_use: bool
    acts: tuple[Act, ...]
    fault: str
    details: Details

    @property
    def spoken(self) -> str:
        """The whole line for a screen reader."""
        return ", ".join(filter(None, (self.title, self.words.rstrip("."), self.facts, self.state)))


def rows_of(offers: Sequence[Offer], photos: int, catalogue: Sequence[str]) -> list[Row]:
    """The lines for a library with so many photos; `catalogue` names the models that can be fetched."""
    answering = next((title_of(offer.name, offer.title) for offer in offers if offer.answers), "")
    return [_row(offer, photos, answering, fetchable=offer.name in catalogue) for offer in offers]


def arriving(manifest: Manifest) -> Row:
    """The line of a model from a file while it is copied; nothing can be done with it yet."""
    title, licence = title_of(manifest.name, manifest.title), manifest.licence
    details = Details(manifest.name, manifest.title, licence.id, licence.url)
    return Row(manifest.name, title, "", "", "", in_use=False, acts=(), fault="", details=details)


def title_of(name: str, title: str) -> str:
    """What a model is called here."""
    return say(PLAIN[name][0]) if name in PLAIN else title


def _row(offer: Offer, photos: int, answering: str, *, fetchable: bool) -> Row:
    licence = offer.licence
    return Row(
        name=offer.name,
        title=title_of(offer.name, offer.title),
        words=say(PLAIN[offer.name][1]) if offer.name in PLAIN else offer.words,
        facts=" · ".join(filter(None, (size(offer.bytes) if offer.bytes else "", _time(offer, photos)))),
        state=_state(offer, answering),
        in_use=offer.answers and offer.wanted,
        acts=_acts(offer, fetchable=fetchable),
        fault=offer.fault or "",
        details=Details(
            offer.name, offer.title, licence.id if licence else "", licence.url if licence else ""
        ),
    )


def _time(offer: Offer, photos: int) -> str:
    """How long it would read; nothing where there is nothing to read."""
    if not photos:
        return ""
    if not offer.photos:
        return "" if offer.answers else say("has read your photos")
    if offer.seconds is None:
        return counted(offer.photos, "%n photo to read", "%n photos to read")
    whole = offer.photos >= photos
    sentence = say("{time} for your library" if whole else "{time} for the rest of your library")
    return sentence.format(time=duration(offer.seconds))


def _state(offer: Offer, answering: str) -> str:
    if offer.answers and offer.wanted:
        return say("In use")
    if offer.answers:
        return say("Answers until the new one is ready")
    if offer.wanted and offer.state == "installed":
        if not answering:
            return say("Chosen")
        return say("Reads your photos; {model} answers meanwhile").format(model=isolated(answering))
    if offer.state == "unfinished":
        return say("Partly downloaded")
    return say("Installed") if offer.state == "installed" else ""


def _acts(offer: Offer, *, fetchable: bool) -> tuple[Act, ...]:
    """The most useful one last: it stands at the edge."""
    match offer.state:
        case "available":
            return (Act.INSTALL,) if fetchable else ()
        case "unfinished":
            return (Act.REMOVE, Act.CONTINUE) if fetchable else (Act.REMOVE,)
        case "damaged":
            if offer.shipped:  # nothing here can put it right
                return ()
            return (Act.AGAIN,) if offer.wanted else (Act.REMOVE, Act.AGAIN)
        case "installed":
            kept = offer.shipped or offer.wanted or offer.answers
            return (*(() if kept else (Act.REMOVE,)), *(() if offer.wanted else (Act.USE,)))
