"""The strip under the photo: whatever the shapes, the shown one is in sight and no room stays empty."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from picsight.window.viewer.strip import places
from picsight_engine.search.answer import Result

sizes = st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), min_size=1, max_size=60)


@given(sizes, st.data(), st.integers(120, 3000), st.integers(30, 160), st.integers(0, 8))
def test_the_photo_is_in_the_middle_unless_an_end_is_near(sizes, data, width, height, gap):
    row = data.draw(st.integers(0, len(sizes) - 1))
    photos = [Result(k, Path(f"{k}.jpg"), 0.0, None, None, None, *size) for k, size in enumerate(sizes)]
    found = places(photos, row, width, height, gap)
    rows = [place.row for place in found]
    assert rows == list(range(rows[0], rows[-1] + 1))
    here = found[rows.index(row)]
    middle = here.x + here.width / 2
    first, last = found[0], found[-1]
    if len(found) < len(photos):  # there are more than fit: none of the room is empty
        assert first.x <= gap
        assert last.x + last.width >= width - gap
    if first.row > 0:
        assert first.x <= gap
        assert middle >= width / 2 - 1
    if last.row < len(photos) - 1:
        assert last.x + last.width >= width - gap
        assert middle <= width / 2 + 1
    for before, after in itertools.pairwise(found):
        assert after.x == before.x + before.width + gap
