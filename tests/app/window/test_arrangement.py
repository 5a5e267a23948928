"""The order of photos and their headings: whatever the photos are, none is lost, and each is where it belongs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from picsight.window.grid.arrangement import (
    CLOSEST,
    ORDERED,
    Arrangement,
    Group,
    Order,
    arrange_all,
    arrange_answer,
    tally,
)
from picsight.window.grid.sections.headings import day_words, title_of
from picsight.window.grid.wall import Kind
from picsight_engine.search.answer import Result

HOURS = st.datetimes(datetime(2018, 1, 1), datetime(2021, 12, 31))  # noqa: DTZ001 - the camera's time
DATES = st.one_of(st.none(), HOURS.map("{:%Y-%m-%dT%H:30:00}".format))
FOLDERS = st.sampled_from(["/a", "/a/b", "/B", "/a/b c"])
PATHS = st.builds("{}/IMG_{}.jpg".format, FOLDERS, st.integers(0, 99)).map(Path)
WIDTHS = st.sampled_from([40, 400, 4000])


@st.composite
def answers(draw, matches=("strong", "weaker", "none"), most=40):
    """Photos best first, of which some show the same picture; with the stacks that these make."""
    counts = [draw(st.integers(0, most // 3)) for _ in matches]
    kinds = [match for match, count in zip(matches, counts, strict=True) for _ in range(count)]
    photos = [
        Result(number, draw(PATHS), 0.5, match, draw(DATES), None, draw(WIDTHS), 300)
        for number, match in enumerate(kinds)
    ]
    pictures = st.one_of(st.none(), st.integers(0, 5))
    stacks = {photo.id: picture for photo in photos if (picture := draw(pictures)) is not None}
    return photos, stacks


arrangements = st.builds(
    Arrangement,
    ranked=st.sampled_from(Order),
    listed=st.sampled_from([Order.DATE, Order.FOLDER]),
    group=st.sampled_from(Group),
    weaker=st.booleans(),
    spread=st.frozensets(st.integers(0, 5), max_size=2),
)


@given(answers(), arrangements)
def test_an_answer_holds_every_match_once(answer, arrangement):
    photos, stacks = answer
    wall, count = arrange_answer(photos, arrangement, stacks), tally(photos, arrangement, stacks)
    ids = [photo.id for photo in wall.results]
    assert len(ids) == len(set(ids))
    if count.finds_nothing:
        assert wall.results == tuple(photos[:CLOSEST])
        return
    wanted = {photo.id for photo in photos if photo.match == "strong"}
    if arrangement.weaker or not wanted:
        wanted |= {photo.id for photo in photos if photo.match == "weaker"}
    assert wanted <= set(wall.rows)
    assert all(photo.match != "none" for photo in wall.results)
    shown = [stacks[photo] for photo in ids if photo in stacks and stacks[photo] not in arrangement.spread]
    assert len(shown) == len(set(shown))  # one place a picture
    assert set(wall.rows) == {*ids, *(photo for others in wall.behind.values() for photo in others)}
    by_id = {photo.id: photo for photo in photos}
    for front, others in wall.behind.items():
        alike = [by_id[photo].width for photo in others if by_id[photo].match == by_id[front].match]
        assert by_id[front].width >= max(alike, default=0)
        assert {stacks[photo] for photo in (front, *others)} == {stacks[front]}
        place = wall.rows[front]  # a stack that is open lies in place, as many photos as its plate tells
        rows = range(place + 1, place + 1 + len(others))
        beside = list(rows) if stacks[front] in arrangement.spread else [place] * len(others)
        assert [wall.rows[photo] for photo in others] == beside
    assert [wall.rows[photo] for photo in ids] == list(range(len(ids)))
    assert all(row < len(ids) for row in wall.rows.values())


def test_the_copy_that_was_found_by_its_name_represents_its_stack():
    large = Result(1, Path("/a/large.jpg"), 0.5, "strong", None, None, 4000, 300, found_by="meaning")
    named = Result(2, Path("/a/sent.jpg"), 0.4, "strong", None, None, 400, 30, found_by="name")
    wall = arrange_answer([named, large], Arrangement(), {1: 1, 2: 1})
    assert (wall.results, wall.behind) == ((named,), {2: [1]})
    copy = replace(large, found_by="name")  # follows the named photo, with its match, whatever its name
    assert arrange_answer([named, copy], Arrangement(), {1: 1, 2: 1}).results == (named,)


@given(answers(), arrangements)
def test_by_match_strong_photos_come_first_and_the_fold_hides_exactly_the_others(answer, arrangement):
    photos, _stacks = answer
    wall = arrange_answer(photos, Arrangement(weaker=arrangement.weaker))
    count = tally(photos, Arrangement())
    assert (wall.fold is not None) == bool(count.strong and count.weaker)
    if wall.fold is not None:
        assert wall.fold.weaker == count.weaker
        first, under = wall.sections
        assert (first.kind, under.kind, under.start) == (Kind.PLAIN, Kind.WEAKER, count.strong)
        assert [photo.match for photo in wall.results[: under.start]] == ["strong"] * count.strong
        closed = arrange_answer(photos, Arrangement(weaker=False))
        opened = arrange_answer(photos, Arrangement(weaker=True))
        assert opened.results[: len(closed.results)] == closed.results


@given(answers(matches=(None,), most=90), st.sampled_from(Group))
def test_by_date_the_newest_come_first_and_every_heading_is_true(answer, group):
    photos, stacks = answer
    wall = arrange_all(photos, Arrangement(group=group), stacks)
    dates = [photo.taken or "" for photo in wall.results]
    assert dates == sorted(dates, reverse=True)
    starts = [section.start for section in wall.sections]
    assert starts[:1] == [0]
    assert starts == sorted(set(starts))
    kinds = {
        Group.MONTH: {Kind.MONTH},
        Group.YEAR: {Kind.YEAR},
        Group.DAY: {Kind.MONTH, Kind.YEAR},
        Group.NONE: set(),
    }
    for section, end in zip(wall.sections, [*starts[1:], len(dates)], strict=True):
        part = dates[section.start : end]
        if section.kind in {Kind.MONTH, Kind.YEAR}:
            assert section.kind in kinds[group]
            newest, _, oldest = section.key.partition("/")
            assert all((oldest or newest) <= taken[: len(newest)] <= newest for taken in part)
        elif section.kind is Kind.UNDATED:
            assert not any(part)
        else:
            assert group is Group.NONE or not any(dates)
    if group is Group.DAY and any(dates):
        named = [day for day in dict.fromkeys(taken[:10] for taken in dates) if day]
        assert [dates[place][:10] for place in wall.shapes.days] == named
    else:
        assert not wall.shapes.days


@given(answers(matches=(None,), most=90))
def test_by_folder_every_folder_has_its_photos_under_one_heading(answer):
    photos, _stacks = answer
    wall = arrange_all(photos, Arrangement(listed=Order.FOLDER))
    assert sorted(photo.id for photo in wall.results) == [photo.id for photo in photos]
    ends = [*(section.start for section in wall.sections[1:]), len(wall.results)]
    keys = [section.key for section in wall.sections]
    assert len(keys) == len(set(keys))
    for section, end in zip(wall.sections, ends, strict=True):
        assert {str(photo.path.parent) for photo in wall.results[section.start : end]} <= {section.key}


def test_where_strong_and_weaker_ones_stand_side_by_side_they_are_marked(photos):
    several = [*photos(3), *photos(3, first=3)]
    mixed = [replace(photo, match="strong" if photo.id < 3 else "weaker") for photo in several]
    by_date = Arrangement(ranked=Order.DATE)
    assert [photo.id for photo in arrange_answer(mixed, by_date).results] == [0, 1, 2]
    assert not arrange_answer(mixed, by_date).marked
    both = arrange_answer(mixed, Arrangement(ranked=Order.DATE, weaker=True))
    assert len(both.results) == 6
    assert both.marked


def test_an_answer_that_is_only_ordered_shows_the_best(photos):
    assert len(arrange_answer(photos(300), Arrangement()).results) == ORDERED
    assert tally(photos(300), Arrangement()).ordered == ORDERED


def test_months_and_years_with_few_photos_share_a_heading(photos):
    """Every photo is below the heading of its month or of a span that holds it, and only the last heading may have few photos."""
    counts = {
        "2024-05": 12, "2024-04": 1, "2024-03": 2, "2024-01": 9, "2023-12": 30, "2023-02": 1, "2022-08": 2, "2019-07": 1,
        "2018-01": 40, "2010-03": 3,
    }  # fmt: skip
    taken = [
        f"{month}-{28 - day % 20:02}T10:00:00" for month, count in counts.items() for day in range(count)
    ]
    dated = [
        replace(photo, taken=date)
        for photo, date in zip(photos(len(taken) + 2), [*taken, None, None], strict=True)
    ]
    wall = arrange_all(dated, Arrangement())
    titles = [title_of(section) for section in wall.sections]
    assert titles == [
        "May 2024", "January \u2013 April 2024", "February \u2013 December 2023", "2019 \u2013 2022", "January 2018", "2010", "No date",
    ]  # fmt: skip
    first = wall.sections[1]
    assert day_words("2024-04-28", first) == "28 Apr"
    assert day_words("2019-07-28", wall.sections[3]) == "28 Jul 2019"
    assert [section.start for section in wall.sections] == [0, 12, 24, 55, 58, 98, 101]
    by_month = arrange_all(dated, Arrangement(group=Group.MONTH))
    assert len(by_month.sections) == len(counts) + 1
