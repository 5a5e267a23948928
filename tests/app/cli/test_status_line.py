"""The progress line, and what it leaves out on a narrow terminal."""

from __future__ import annotations

from picsight.cli.progress_line import fit, parts_of
from picsight_engine.indexing.events import Found, Progress

HALFWAY = Progress(done=500, total=1000, problems=2, photos_per_second=21.4, seconds_left=1500)


def test_the_line_shows_share_count_rate_time_left_and_problems_as_far_as_they_fit():
    line = fit(HALFWAY, 120, plain=False)
    assert line.startswith(" 50% ████████████░░░░░░░░░░░░ ")
    assert line.endswith("500 of 1,000 photos · 21.4 photos/s · about 25 minutes left · 2 problems")
    narrow = fit(HALFWAY, 60, plain=True)
    assert narrow.isascii()
    assert "500 of 1,000 photos" in narrow
    assert "problems" not in narrow
    start = Progress(done=0, total=7, problems=0, photos_per_second=0, seconds_left=None)
    assert parts_of(start) == ["0 of 7 photos"]


def test_the_line_is_shorter_than_the_terminal_is_wide():
    for width in range(1, 120):
        for event in (HALFWAY, Found(files=123456, complete=False)):
            assert len(fit(event, width, plain=False)) < width


def test_the_share_is_whole_only_when_all_is_done():
    for done, total, share in ((300, 301, " 99% "), (0, 0, "100% ###")):
        event = Progress(done=done, total=total, problems=0, photos_per_second=0, seconds_left=None)
        assert fit(event, 80, plain=True).startswith(share)
