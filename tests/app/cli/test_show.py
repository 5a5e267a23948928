"""A file that a person asks for is whole or not there."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
