"""What is known of a photo, a fact a line; a file that a person asks for is whole or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from picsight.cli.commands.show import _put_facts
from picsight_engine.library import PhotoDetails
from picsight_engine.metadata import Metadata

NO_ROOM = """
import resource, sys
from pathlib import Path
from picsight.cli.commands.show import write_new
from picsight_engine.errors import StorageError

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_new(Path(sys.argv[1]), bytes(int(sys.argv[2])))
except StorageError as fault:
    print(fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system sets no limit there")
@pytest.mark.parametrize("size", [1001, 100_000])
def test_a_disk_without_room_is_told_and_keeps_no_piece_of_the_file(tmp_path, size) -> None:
    file = tmp_path / "small.jpg"
    command = [sys.executable, "-c", NO_ROOM, str(file), str(size)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert told == f"The thumbnail cannot be written to {file}: File too large.\n"
    assert not file.exists()


def test_facts_are_told_as_people_write_them_and_unknown_ones_not_at_all(capsys) -> None:
    said = Metadata(
        taken="2020-07-18T17:42:00", taken_offset="+02:00", taken_source="file name", lat=43.7, lon=7.27,
        place="Nice, France", camera="Canon EOS 600D", exposure=0.004, aperture=2.8, focal=55.0, iso=400, flash=True,
        altitude=12.4, title="At the\nharbour", keywords=("sea", "Anna"),
    )  # fmt: skip
    told = PhotoDetails(
        id=7, paths=(Path("/p/a.jpg"), Path("/p/b.jpg")), width=4000, height=3000, metadata=said, rating=0,
        bytes=2_100_000, tags=("Birds/Waders",),
    )  # fmt: skip
    _put_facts(told)
    assert capsys.readouterr().out.splitlines() == [
        "id: 7", "path: /p/a.jpg", "path: /p/b.jpg", "taken: 2020-07-18T17:42:00+02:00 (file name)",
        "place: Nice, France", "position: 43.70000, 7.27000, 12 m above the sea", "camera: Canon EOS 600D",
        "exposure: 1/250 s, f/2.8, 55 mm, ISO 400, flash", "size: 4000 x 3000, 2.1 MB",
        "title: At the harbour", "rating: 0", "keyword: sea", "keyword: Anna", "tag: Birds/Waders",
    ]  # fmt: skip
    _put_facts(PhotoDetails(7, (), width=4, height=3, metadata=Metadata(), file_time="2024-05-03T10:11:12"))
    assert capsys.readouterr().out == "id: 7\ntaken: 2024-05-03T10:11:12 (file time)\nsize: 4 x 3, 0 bytes\n"
