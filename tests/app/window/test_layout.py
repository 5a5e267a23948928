"""Rows of photos: whatever their shapes, they fill the width, keep their order and never blow up the last row."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from picsight.window.grid.layout import NARROWEST, WIDEST, Measure, clamped, justify, running_sums

shapes = st.lists(st.floats(NARROWEST, WIDEST), max_size=120)
measures = st.builds(Measure, width=st.integers(200, 3000), row=st.integers(40, 400), gap=st.integers(0, 12))


@given(shapes, measures)
def test_every_row_but_the_last_fills_the_width_within_a_pixel(shapes, measure):
    rows = justify(running_sums(shapes), measure)
    for row in range(len(rows.tops) - 1):
        last = rows.cell(rows.starts[row + 1] - 1)
        assert abs(last.x + last.width - measure.width) <= 1
        assert rows.cell(rows.starts[row]).x == 0


@given(shapes, measures)
def test_the_last_row_is_never_higher_than_wanted_nor_wider_than_the_wall(shapes, measure):
    rows = justify(running_sums(shapes), measure)
    if shapes:
        last = rows.cell(len(shapes) - 1)
        assert last.height <= measure.row
        assert last.x + last.width <= measure.width + 1


@given(shapes, measures)
def test_photos_keep_their_order_and_never_overlap(shapes, measure):
    rows = justify(running_sums(shapes), measure)
    assert rows.complete
    before = None
    for photo in range(len(shapes)):
        cell = rows.cell(photo)
        if before and cell.y == before.y:
            assert cell.x >= before.x + before.width + measure.gap - 1
        elif before:
            assert cell.y == before.y + before.height + measure.gap
            assert cell.x == 0
        before = cell
    assert rows.height == (before.y + before.height if before else 0)


@given(shapes, measures)
def test_a_photo_keeps_its_shape_within_rounding(shapes, measure):
    rows = justify(running_sums(shapes), measure)
    for photo, shape in enumerate(shapes):
        cell = rows.cell(photo)
        assert abs(cell.width - shape * cell.height) <= 1 + shape


@given(shapes, measures)
def test_the_photo_under_the_middle_of_a_cell_is_the_cells_own(shapes, measure):
    rows = justify(running_sums(shapes), measure)
    for photo in range(len(shapes)):
        cell = rows.cell(photo)
        assert rows.photo_at(cell.x + cell.width // 2, cell.y + cell.height // 2) == photo
    assert rows.photo_at(measure.width + 50, 0) is None


@given(shapes, measures, st.integers(0, 4000), st.integers(0, 900))
def test_a_band_yields_exactly_the_photos_of_the_rows_that_touch_it(shapes, measure, top, height):
    rows = justify(running_sums(shapes), measure)
    found = rows.photos_between(top, top + height)
    for photo in range(len(shapes)):
        cell = rows.cell(photo)
        touches = cell.y <= top + height and cell.y + cell.height > top
        if touches:
            assert photo in found


@given(shapes, measures, st.integers(1, 60))
def test_a_layout_begun_has_the_first_rows_of_the_whole_one(shapes, measure, stop):
    sums = running_sums(shapes)
    whole, begun = justify(sums, measure), justify(sums, measure, stop)
    assert begun.laid >= min(stop, len(shapes)) or begun.laid > 0
    for photo in range(begun.laid):
        assert begun.cell(photo) == whole.cell(photo)
    assert begun.cell(begun.laid) is None


@given(shapes.filter(bool), measures, st.integers(-3, 3), st.integers(0, 2000))
def test_a_step_of_rows_lands_in_the_row_that_many_further(shapes, measure, step, x):
    rows = justify(running_sums(shapes), measure)
    target = rows.neighbour(0, step, x)
    assert rows.row_of(target) == min(max(step, 0), len(rows.tops) - 1)


def test_shapes_are_held_between_one_to_two_and_three_to_one():
    assert clamped(1000, 100) == WIDEST
    assert clamped(100, 1000) == NARROWEST
    assert clamped(0, 0) == 1
    assert clamped(3000, 2000) == 1.5


def test_a_hundred_thousand_photos_begin_within_a_frame():
    sums = running_sums([1.5, 0.667, 1.333, 0.75] * 25_000)
    begun = justify(sums, Measure(1200, 150, 5), 4000)
    whole = justify(sums, Measure(1200, 150, 5))
    assert abs(begun.height / whole.height - 1) < 0.02
