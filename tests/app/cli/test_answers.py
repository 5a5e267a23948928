"""How an answer becomes lines: rows that fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from picsight.cli.answers import table
from picsight.cli.layout import cells
from picsight_engine.search.answer import Result

if TYPE_CHECKING:
    from picsight_engine.bundles.calibration import Match


def result(match: Match | None, path: str = "/photos/a.jpg") -> Result:
    return Result(
        id=1,
        path=Path(path),
        score=0.31234,
        match=match,
        taken="2020-07-18T17:42:00",
        place=None,
        width=4,
        height=3,
    )


def test_a_row_tells_score_day_and_path() -> None:
    assert table([result(None)], 80) == [" 0.312  2020-07-18  /photos/a.jpg"]


def test_a_narrow_terminal_loses_the_day_first() -> None:
    assert table([result(None)], 30) == [" 0.312  /photos/a.jpg"]


def test_days_that_nobody_knows_take_no_room() -> None:
    assert table([replace(result(None), taken=None)], 80) == [" 0.312  /photos/a.jpg"]


@pytest.mark.parametrize("width", [20, 39, 40, 80, 200])
def test_a_row_fits_the_terminal(width: int) -> None:
    (row,) = table([result(None, "/写真/" + "夏" * 90 + ".jpg")], width)
    assert cells(row) <= width
