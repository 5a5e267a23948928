"""A place that cannot be written is told before the work whose outcome shall lie there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from picsight_engine.bundles.bundle import demand_place
from picsight_engine.bundles.destination import demand_writable
from picsight_engine.errors import StorageError

AS_NOBODY = """
    import os, sys
    from pathlib import Path
    from picsight_engine.errors import StorageError
    from picsight_engine.bundles.bundle import demand_place

    if os.getuid() == 0:
        os.setuid(65534)  # root may write everywhere
    try:
        demand_place(Path(sys.argv[1]))
    except StorageError as fault:
        print(fault)
"""


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        demand_writable(folder)
        demand_place(folder / "bundle")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["bundle", "runs/bundle"])
def test_a_file_among_the_folders_above_is_named(tmp_path, below):
    (tmp_path / "file").write_bytes(b"no folder")
    with pytest.raises(
        StorageError, match=r"cannot be written \(Not a directory in .*/file\)|file.* cannot be written \("
    ):
        demand_place(tmp_path / "file" / below)
    assert (tmp_path / "file").read_bytes() == b"no folder"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise there")
@pytest.mark.parametrize("place", ["runs/bundle"])
@pytest.mark.parametrize("mode", [0o555])
def test_a_folder_without_permission_is_named(place, mode):
    with tempfile.TemporaryDirectory() as reachable:  # pytest's own folders are closed to others
        Path(reachable).chmod(0o755)
        closed = Path(reachable) / "closed"
        closed.mkdir()
        closed.chmod(mode)
        child = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(AS_NOBODY), str(closed / place)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert list(closed.iterdir()) == []
    assert f"{closed}" in child.stdout, child.stderr
    assert "cannot be written (Permission denied" in child.stdout
