"""Rows of photos: whatever their shapes, they fill the width, keep their order and never blow up the last row."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from picsight.window.grid.layout import NARROWEST, WIDEST, Block, LayoutMetrics, Shapes, clamped, justify

shapes = st.lists(st.floats(NARROWEST, WIDEST), max_size=120)
measures = st.builds(
    LayoutMetrics, st.integers(300, 3000), st.integers(40, 400), st.integers(0, 12), st.integers(8, 32)
)


@given(shapes, measures)
def test_every_row_but_the_last_fills_the_width_within_a_pixel(shapes, metrics):
    rows = justify(Shapes.from_ratios(shapes), metrics)
    for row in range(len(rows.tops) - 1):
        last = rows.cell(rows.starts[row + 1] - 1)
        assert abs(last.x() + last.width() - metrics.width) <= 1
        assert rows.cell(rows.starts[row]).x() == 0


@given(shapes, measures)
def test_the_last_row_is_never_higher_than_wanted_nor_wider_than_the_wall(shapes, metrics):
    rows = justify(Shapes.from_ratios(shapes), metrics)
    if shapes:
        last = rows.cell(len(shapes) - 1)
        assert last.height() <= metrics.row
        assert last.x() + last.width() <= metrics.width + 1


@given(shapes, measures)
def test_a_photo_keeps_its_shape_within_rounding(shapes, metrics):
    rows = justify(Shapes.from_ratios(shapes), metrics)
    for photo, shape in enumerate(shapes):
        cell = rows.cell(photo)
        assert abs(cell.width() - shape * cell.height()) <= 1 + shape


@given(shapes, measures)
def test_the_photo_at_the_middle_of_a_cell_is_that_of_the_cell(shapes, metrics):
    rows = justify(Shapes.from_ratios(shapes), metrics)
    for photo in range(len(shapes)):
        cell = rows.cell(photo)
        assert rows.photo_at(cell.x() + cell.width() // 2, cell.y() + cell.height() // 2) == photo
    assert rows.photo_at(metrics.width + 50, 0) is None


@given(shapes, measures, st.integers(0, 4000), st.integers(0, 900))
def test_a_band_yields_exactly_the_photos_of_the_rows_that_touch_it(shapes, metrics, top, height):
    rows = justify(Shapes.from_ratios(shapes), metrics)
    found = rows.photos_between(top, top + height)
    for photo in range(len(shapes)):
        cell = rows.cell(photo)
        touches = cell.y() <= top + height and cell.y() + cell.height() > top
        if touches:
            assert photo in found


@given(shapes.filter(bool), measures, st.integers(-3, 3), st.integers(0, 2000))
def test_a_step_of_rows_lands_in_the_row_that_many_further(shapes, metrics, step, x):
    rows = justify(Shapes.from_ratios(shapes), metrics)
    target = rows.neighbour(0, step, x)
    assert rows.row_of(target) == min(max(step, 0), len(rows.tops) - 1)


def test_shapes_are_held_between_one_to_two_and_three_to_one():
    assert clamped(1000, 100) == WIDEST
    assert clamped(100, 1000) == NARROWEST
    assert clamped(0, 0) == 1
    assert clamped(3000, 2000) == 1.5


@st.composite
def sectioned(draw):
    """Photos in a few blocks, with days named in them."""
    shapes = draw(st.lists(st.floats(NARROWEST, WIDEST), max_size=80))
    places = st.integers(0, len(shapes))
    starts = sorted({0, *draw(st.lists(places, max_size=4))})
    share = st.sampled_from([0.6, 0.8, 1.0])
    blocks = tuple(Block(start, draw(st.floats(0, 4)), draw(share)) for start in starts)
    days = sorted(draw(st.sets(st.integers(0, max(len(shapes) - 1, 0)), max_size=30))) if shapes else []
    return Shapes.from_ratios(shapes, blocks, days)


@given(sectioned(), measures)
def test_every_block_begins_a_new_row_with_its_room_above(shapes, metrics):
    rows = justify(shapes, metrics)
    assert rows.complete
    assert len(rows.block_tops) == len(shapes.blocks)
    for block, top in zip(shapes.blocks, rows.block_tops, strict=True):
        room = round(block.above * metrics.em)
        if block.start == shapes.count:
            assert rows.height == top + room
            continue
        row = rows.row_of(block.start)
        assert rows.starts[row] == block.start
        named = metrics.day_above if shapes.names_day(block.start, rows.starts[row + 1]) else 0
        assert rows.tops[row] == top + room + named
        assert rows.block_at(rows.tops[row]) == shapes.blocks.index(block)


@given(sectioned(), measures)
def test_days_part_photos_of_a_row_and_nothing_stands_over_the_edge(shapes, metrics):
    rows = justify(shapes, metrics)
    for photo in range(1, shapes.count):
        before, cell = rows.cell(photo - 1), rows.cell(photo)
        assert cell.x() + cell.width() <= metrics.width + 1 or cell.x() == 0
        if cell.y() == before.y():
            parting = metrics.day_gap if photo in shapes.days else 0
            assert abs(cell.x() - before.x() - before.width() - metrics.gap - parting) <= 1
        else:
            room = cell.y() - before.y() - before.height()
            assert room >= metrics.gap


@given(sectioned(), measures, st.integers(1, 40))
def test_a_sectioned_layout_begun_has_the_first_rows_of_the_whole_one(shapes, metrics, stop):
    whole, begun = justify(shapes, metrics), justify(shapes, metrics, stop)
    for photo in range(begun.laid):
        assert begun.cell(photo) == whole.cell(photo)
    assert list(begun.block_tops) == list(whole.block_tops)[: len(begun.block_tops)]


def test_only_the_first_row_is_laid_where_no_more_is_wanted():
    rows = justify(Shapes.from_ratios([1.5] * 40, one_row=True), LayoutMetrics(900, 100, 5))
    assert rows.complete
    assert len(rows.tops) == 1
    assert rows.height == rows.heights[0]
