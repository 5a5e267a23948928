"""An index of uids finds what a search of all files would, in any order and after any kill."""

from __future__ import annotations

import random
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mctrain.errors import DataError
from mctrain.research.joining.sample_files import FetchedSample, IndexEntry, find_sample_files
from mctrain.research.joining.uid_index import open_index


@dataclass
class Listed:
    """A holder with known samples."""

    path: Path
    held: list[IndexEntry]
    damaged: bool = False
    looked: list[str] = field(default_factory=list)

    def version(self):
        return str(len(self.held))

    def entries(self):
        self.looked.append(self.path.name)
        yield from self.held
        if self.damaged:
            raise DataError(f"{self.path} is damaged.")

    def fetch(self, at, size):
        return FetchedSample(f"{self.path.name} {at} {size}".encode(), "", {})


def drawn(count, seed):
    """Entries of which some share a uid, or the upper half of one."""
    draw = random.Random(seed)
    upper = [draw.randbytes(8) for _ in range(count // 2)] + [b"\xff" * 8, b"\0" * 8]
    lower = [draw.randbytes(8) for _ in range(3)]
    return [
        IndexEntry(
            draw.choice(upper) + draw.choice(lower),
            at,
            draw.randrange(1 << 40),
            draw.random() < 0.7,
            draw.random() < 0.7,
        )
        for at in range(count)
    ]


@pytest.fixture
def index_in(tmp_path):
    """The index of some holders, closed at the end."""
    with ExitStack() as stack:
        yield lambda holders, progress=lambda *_: None: stack.enter_context(
            closing(open_index(holders, tmp_path, progress))
        )


def test_every_sample_is_found_in_the_order_of_the_named_files(index_in):
    holders = [Listed(Path(f"{number}.tar"), drawn(40, number)) for number in range(5)]
    index = index_in(holders)
    uids = {entry.uid for holder in holders for entry in holder.held}
    for uid in uids:
        wanted = [
            (number, entry)
            for number, holder in enumerate(holders)
            for entry in holder.held
            if entry.uid == uid
        ]
        assert list(index.find(uid)) == wanted
    assert list(index.find(b"\x01" * 16)) == []
    photos = [entry.uid for holder in holders for entry in holder.held if entry.photo]
    assert (index.samples, index.twice, index.faults) == (200, len(photos) - len(set(photos)), ())
    source, first = next(index.find(holders[3].held[0].uid))
    assert index.fetch(source, first).photo == f"{source}.tar {first.at} {first.size}".encode()


def test_an_index_is_made_once_and_resumes_after_a_kill(index_in):
    holders = [Listed(Path(f"{number}.tar"), drawn(9, number), damaged=number == 1) for number in range(3)]

    def killed(_count, name):
        if name == "1.tar":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_in(holders, killed)
    for _ in range(2):
        index = index_in(holders)
        assert index.faults == ("1.tar is damaged.",)
        assert [holder.looked for holder in holders] == [["0.tar"], ["1.tar"], ["2.tar"]]
    holders[0].held.pop()
    assert index_in(holders).samples == 26


def test_a_truncated_index_is_reported(index_in, tmp_path):
    holders = [Listed(Path("0.tar"), drawn(9, 0))]
    index_in(holders).close()
    (file,) = (tmp_path / "joining").glob("*.sqlite")
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"\.sqlite cannot be used: .*; remove it"):
        index_in(holders)


def test_files_without_uids_say_which_option_keeps_them(tmp_path):
    with pytest.raises(
        DataError, match=r"No sample of the photos has a uid\. img2dataset keeps uids with --save"
    ):
        open_index([Listed(Path("0.tar"), [])], tmp_path, lambda *_: None)
    with pytest.raises(DataError, match=r"holds no \.tar, no \.parquet with photos"):
        find_sample_files([str(tmp_path)])
