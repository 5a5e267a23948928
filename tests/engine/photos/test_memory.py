"""The memory that decoding a large picture takes, measured in another process."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def run_child(script, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


PEAK = """
    import re, sys
    from pathlib import Path
    from picsight_engine.photos.decoding.decode import Limits, decode

    def peak():
        # Of this program alone: ru_maxrss counts what the process took before it became this program.
        return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

    data = Path(sys.argv[1]).read_bytes()
    decode(Path(sys.argv[2]).read_bytes(), Path("small"), min_side=512, limits=Limits())  # loads what is needed
    before = peak()
    picture = decode(data, Path("large"), min_side=512, limits=Limits())
    print(peak() - before, picture.width * picture.height)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells of its peak on Linux")
@pytest.mark.parametrize(
    ("kind", "mode", "copies"),
    [("JPEG", "RGB", 0.2), ("PNG", "RGBA", 2.2)],
)
def test_a_large_picture_takes_no_more_memory_than_it_must(
    make_file, make_image, tmp_path, kind, mode, copies
):
    """A reduced JPEG is never whole in memory; a copy has four bytes a pixel."""
    large = tmp_path / "large"
    large.write_bytes(make_file(kind, make_image(6000, 4000, mode)))
    small = tmp_path / "small"
    small.write_bytes(make_file(kind, make_image(600, 400, mode)))
    kilobytes, pixels = map(int, run_child(PEAK, large, small).split())
    assert kilobytes * 1024 < copies * 4 * pixels
