"""Numbers as a fact has them: "1600", ">=1600", "<2.8", "100..400". Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_NUMBER = r"[0-9]{1,7}(?:\.[0-9]{1,4}|,[0-9]{1,2})?"  # with three digits a comma would part thousands
_AMOUNT = re.compile(
    rf"(?P<sign>>=|<=|>|<|=)?(?P<one>{_NUMBER})|(?P<least>{_NUMBER})?\.\.(?P<most>{_NUMBER})?"
)
# How a condition is read, by its sign; an open end of a range is a sign, too.
_WORDS = {"": "{}", "=": "{}", ">=": "from {}", ">": "over {}", "<=": "up to {}", "<": "under {}"}


@dataclass(frozen=True, slots=True)
class Amount:
    """All numbers from `low` to below `high`; `typed` are the numbers in it, `form` says it with {} in their places."""

    low: float
    high: float
    typed: tuple[float, ...]
    form: str

    def words(self, unit: str) -> str:
        """How a person says it, of numbers such as "f/{}"."""
        return self.form.format(*(unit.format(f"{number:.10g}") for number in self.typed))


def read_amount(value: str, step: float) -> Amount | None:
    """The numbers that a value means, which are shown in steps: with one of 0.1, "1.8" or "1,8" is what is shown as 1.8.

    None for what is no number, no condition and no range.
    """
    match = _AMOUNT.fullmatch(
        value.replace("\N{GREATER-THAN OR EQUAL TO}", ">=").replace("\N{LESS-THAN OR EQUAL TO}", "<=")
    )
    if match is None:
        return None
    half = step / 2
    if match["one"] is None:
        least, most = (_number(match[end]) if match[end] else None for end in ("least", "most"))
        low = -math.inf if least is None else least - half
        high = math.inf if most is None else most + half
        typed = tuple(number for number in (least, most) if number is not None)
        form = ("any", _WORDS[">=" if most is None else "<="], "{} to {}")[len(typed)]
        return Amount(low, high, typed, form)
    one, sign = _number(match["one"]), match["sign"] or ""
    low = {"<": -math.inf, "<=": -math.inf, ">": one + half}.get(sign, one - half)
    high = {">": math.inf, ">=": math.inf, "<": one - half}.get(sign, one + half)
    return Amount(low, high, (one,), _WORDS[sign])


def _number(text: str) -> float:
    return float(text.replace(",", "."))
