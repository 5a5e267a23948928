"""Of WordNet come the things that a photo can show, each with its names and what it is."""

from __future__ import annotations

import pytest

from mctrain.data.reinforced.bank_sources import glosses
from mctrain.errors import DataError

LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by  \n"
ROWS = {
    "a hexadecimal count": "00000001 20 n 0b one 0 two 0 three 0 four 0 five 0 six 0 seven 0 eight 0 nine 0 ten 0 "
    "eleven 0 001 @ 00000002 n 0000 | a plant of many names  \n",
    "an example behind the gloss": "00000002 06 n 01 jug 1 002 @ 00000001 n 0000 ~ 00000003 n 0000 | a large bottle "
    'with a narrow mouth; has a handle; "a jug of cider"; "she filled it"  \n',
    "a feeling": "00000003 12 n 01 joy 0 001 @ 00000001 n 0000 | the emotion of great happiness  \n",
    "somebody's own name": "00000004 18 n 01 Aalto 0 001 @i 00000001 n 0000 | Finnish architect  \n",
    "a group of kinds": "00000005 05 n 02 Picoides 0 genus_Picoides 0 001 @ 00000001 n 0000 | a genus of Picidae  \n",
    "a name like a group's": "00000006 06 n 01 class_ring 0 001 @ 00000001 n 0000 | a ring worn by graduates  \n",
}


def test_things_that_a_photo_can_show_come_with_up_to_three_names(tmp_path):
    (tmp_path / "data.noun").write_text(LICENCE + "".join(ROWS.values()), encoding="utf-8")
    assert list(glosses(tmp_path)) == [
        "one, two, three: a plant of many names",
        "jug: a large bottle with a narrow mouth; has a handle",
        "class ring: a ring worn by graduates",
    ]


@pytest.mark.parametrize("content", [b"\x00\xff\n", b"00000001 05 n 01\n"])
def test_a_strange_file_is_told_in_a_sentence(content, tmp_path):
    (tmp_path / "data.noun").write_bytes(content)
    with pytest.raises(DataError, match="is not a file of WordNet's"):
        list(glosses(tmp_path))
