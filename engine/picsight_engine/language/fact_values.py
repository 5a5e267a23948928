"""Reads typed values: numbers such as "1600", ">=1600", "<2.8" and "100..400"; and the names of places.

Names match with or without accents, in English or in the local language. Pure.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.folding import words_in

if TYPE_CHECKING:
    from collections.abc import Mapping


_NUMBER = r"[0-9]{1,7}(?:\.[0-9]{1,4}|,[0-9]{1,2})?"  # before three digits a comma would separate thousands
_AMOUNT = re.compile(
    rf"(?P<sign>>=|<=|>|<|=)?(?P<one>{_NUMBER})|(?P<least>{_NUMBER})?\.\.(?P<most>{_NUMBER})?"
)
# The phrase for each sign; the open end of a range counts as a sign.
_WORDS = {">=": Message("from {first}"), ">": Message("over {first}"),
          "<=": Message("up to {first}"), "<": Message("under {first}")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """All numbers from `low` to below `high`; `typed` are the typed numbers, `form` is the phrase for them, None for one alone."""

    low: float
    high: float
    typed: tuple[float, ...]
    form: Message | None

    def words(self, unit: str) -> Message | str:
        """The phrase for the user, with a unit such as "f/{}"."""
        numbers = [unit.format(f"{number:.10g}") for number in self.typed]
        values = dict(zip(("first", "last"), numbers, strict=False))
        return self.form.about(**values) if self.form else numbers[0]


def read_amount(value: str, step: float) -> Amount | None:
    """The numbers that a value means, rounded to display steps: with step 0.1, "1.8" or "1,8" is all that is shown as 1.8.

    None if the value is not a number, a comparison or a range.
    """
    match = _AMOUNT.fullmatch(
        value.replace("\N{GREATER-THAN OR EQUAL TO}", ">=").replace("\N{LESS-THAN OR EQUAL TO}", "<=")
    )
    if match is None:
        return None
    half = step / 2
    if match["one"] is None:
        least, most = (_number(match[end]) if match[end] else None for end in ("least", "most"))
        if least is not None and most is not None:
            least, most = min(least, most), max(least, most)
        low = -math.inf if least is None else least - half
        high = math.inf if most is None else most + half
        typed = tuple(number for number in (least, most) if number is not None)
        forms = Message("any"), _WORDS[">=" if most is None else "<="], Message("{first} to {last}")
        return Amount(low, high, typed, forms[len(typed)])
    one, sign = _number(match["one"]), match["sign"] or ""
    low = {"<": -math.inf, "<=": -math.inf, ">": one + half}.get(sign, one - half)
    high = {">": math.inf, ">=": math.inf, "<": one - half}.get(sign, one + half)
    return Amount(low, high, (one,), _WORDS.get(sign))


def _number(text: str) -> float:
    return float(text.replace(",", "."))


# Other names of places; the last one of each row is the name in the table of towns.
_NAMES = """
America=USA=US=United States; Britain=Great Britain=UK=United Kingdom; Holland=Netherlands; UAE=United Arab Emirates
Czech Republic=Czechia; Deutschland=Germany; España=Spain; Italia=Italy; Österreich=Austria; Schweiz=Suisse=Switzerland
Burma=Myanmar; Ivory Coast=Côte d'Ivoire; Türkiye=Turkey; Vatican=Vatican City; Washington DC=District of Columbia
NYC=New York City; Peking=Beijing; Bombay=Mumbai; Bangalore=Bengaluru; Saigon=Ho Chi Minh City
Cologne=Köln; München=Munich; Nuremberg=Nürnberg; Hanover=Hannover; Wien=Vienna; Genf=Geneva=Genève; Lucerne=Luzern; Berne=Bern
Praha=Prague; Warszawa=Warsaw; Cracow=Kraków; Danzig=Gdańsk; Breslau=Wrocław; Moskva=Moscow; Kiev=Kyiv; Beograd=Belgrade
Roma=Rome; Milano=Milan; Venezia=Venice; Firenze=Florence; Napoli=Naples; Torino=Turin; Genova=Genoa; Trent=Trento
Seville=Sevilla; Saragossa=Zaragoza; Lisboa=Lisbon; Oporto=Porto; Rhodes=Ródos; Heraklion=Irákleion; Marrakech=Marrakesh; Fez=Fes
København=Copenhagen; Gothenburg=Göteborg; Bruxelles=Brussel=Brussels; Antwerp=Antwerpen; Ghent=Gent; Bruges=Brugge; Den Haag=The Hague
Provence=Bouches-du-Rhône; Provence=Vaucluse; Provence=Var; Provence=Alpes-de-Haute-Provence; Côte d'Azur=Alpes-Maritimes
Brittany=Finistère; Brittany=Morbihan; Brittany=Côtes-d'Armor; Brittany=Ille-et-Vilaine; Corsica=South Corsica; Corsica=Upper Corsica
Normandy=Calvados; Normandy=Manche; Normandy=Orne; Normandy=Eure; Normandy=Seine-Maritime; Alsace=Bas-Rhin; Alsace=Haut-Rhin
Burgundy=Côte-d'Or; Burgundy=Saône-et-Loire; Burgundy=Yonne; Burgundy=Nièvre
"""
# Letters that do not decompose into a plain letter and an accent.
_PLAIN = str.maketrans(dict(zip("łøđð\u0131", "loddi", strict=True)) | {"æ": "ae", "œ": "oe"})


def place_key(name: str) -> str:
    """The name of a place for comparison: "Saint-Étienne" and "saint etienne" are equal."""
    return " ".join(words_in(name)).translate(_PLAIN)


def _rows() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for row in _NAMES.strip().replace("\n", ";").split(";"):
        *others, name = row.strip().split("=")
        rows.setdefault(place_key(name), []).extend(others)
    return rows


_OTHERS = _rows()
_WHOLE = {place_key(name) for names in _OTHERS.values() for name in names}  # "uk" is also a prefix of Ukraine


@lru_cache(maxsize=20_000)
def names_of_place(place: str) -> Mapping[str, str]:
    """The names of a place's town, region and country, including other common names, for comparison."""
    names = place.split(", ")
    others = (other for name in names for other in _OTHERS.get(place_key(name), ()))
    return {place_key(name): name for name in (*names, *others)}


def is_at(place: str, wanted: str) -> bool:
    """Whether each of the comma-separated names begins a word in a name of the place: "nice" is in "Nice, France"."""
    names, keys = names_of_place(place), [*filter(None, map(place_key, wanted.split(",")))]
    return bool(keys) and all(
        key in names if key in _WHOLE else any(f" {key}" in f" {name}" for name in names) for key in keys
    )
