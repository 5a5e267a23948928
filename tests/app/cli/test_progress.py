"""The progress line: what it tells, and how it gives way on a narrow terminal."""

from __future__ import annotations

import pytest

from picsight.cli.progress import fit, parts_of
from picsight_engine.indexing.events import Found, Progress

HALFWAY = Progress(done=500, total=1000, problems=2, photos_per_second=21.4, seconds_left=1500)


def test_the_line_tells_share_count_rate_time_left_and_problems() -> None:
    line = fit(HALFWAY, 120, plain=False)
    assert line.startswith(" 50% ████████████░░░░░░░░░░░░ ")
    assert line.endswith("500 of 1,000 photos · 21.4 photos/s · about 25 minutes left · 2 problems")


def test_a_terminal_without_unicode_gets_ascii_only() -> None:
    assert fit(HALFWAY, 120, plain=True).isascii()


@pytest.mark.parametrize("width", range(1, 120))
def test_the_line_is_shorter_than_the_terminal_is_wide(width: int) -> None:
    for event in (HALFWAY, Found(files=123456, complete=False)):
        assert len(fit(event, width, plain=False)) < width


def test_what_matters_least_goes_first_on_a_narrow_terminal() -> None:
    line = fit(HALFWAY, 60, plain=True)
    assert "500 of 1,000 photos" in line
    assert "problems" not in line


def test_the_share_is_whole_only_when_all_is_done() -> None:
    nearly = Progress(done=300, total=301, problems=0, photos_per_second=0, seconds_left=None)
    assert fit(nearly, 80, plain=True).startswith(" 99% ")


def test_an_unknown_rate_is_not_told() -> None:
    start = Progress(done=0, total=7, problems=0, photos_per_second=0, seconds_left=None)
    assert parts_of(start) == ["0 of 7 photos"]


def test_a_run_with_nothing_to_do_is_complete() -> None:
    nothing = Progress(done=0, total=0, problems=0, photos_per_second=0, seconds_left=None)
    assert fit(nothing, 80, plain=True).startswith("100% ###")
