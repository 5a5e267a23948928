"""A photo's bytes are read whole or refused with a reason; pipes and devices do not block."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap

import pytest

from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.reading import Limits, read_photo


def test_a_file_is_read_whole(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"12345")
    assert read_photo(path, Limits(bytes=5)) == b"12345"


def test_an_empty_large_or_vanished_file_has_its_reason(tmp_path):
    path = tmp_path / "photo.jpg"
    for content, limits, code in ((b"", Limits(), "empty"), (b"123456", Limits(bytes=5), "too_large")):
        path.write_bytes(content)
        with pytest.raises(ImageError, match=r"photo\.jpg") as caught:
            read_photo(path, limits)
        assert caught.value.code == code
    path.unlink()
    with pytest.raises(ImageError, match="no longer there") as caught:
        read_photo(path, Limits())
    assert caught.value.code == "vanished"


def be_a_folder(path):
    path.mkdir()


def be_a_pipe(path):
    os.mkfifo(path)  # no one writes, so an ordinary open would wait for ever


def be_a_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)  # in the working folder: a socket's path may not be long


def be_a_device(path):
    path.symlink_to("/dev/zero")  # endless


@pytest.mark.skipif(sys.platform == "win32", reason="makes what Unix has")
@pytest.mark.parametrize("become", [be_a_folder, be_a_pipe, be_a_socket, be_a_device])
def test_pipes_and_devices_in_the_place_of_a_photo_are_not_read(tmp_path, monkeypatch, become):
    monkeypatch.chdir(tmp_path)
    become(tmp_path / "photo.jpg")
    with pytest.raises(ImageError, match=r"photo\.jpg is no longer a file") as caught:
        read_photo(tmp_path / "photo.jpg", Limits())
    assert caught.value.code == "vanished"


READ_AS_NOBODY = """
    import os, sys
    from pathlib import Path
    from picsight_engine.foundation.errors import ImageError
    from picsight_engine.photos.reading import Limits
    from picsight_engine.photos.reading import read_photo

    if os.getuid() == 0:
        os.setuid(65534)  # root may read everything
    try:
        read_photo(Path(sys.argv[1]), Limits())
    except ImageError as fault:
        print(fault.code, fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise there")
def test_a_file_without_permission_has_its_reason(reachable):
    path = reachable / "photo.jpg"
    path.write_bytes(b"secret")
    path.chmod(0)
    command = [sys.executable, "-c", textwrap.dedent(READ_AS_NOBODY), str(path)]
    child = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert child.startswith(f"no_permission {path} may not be read")
