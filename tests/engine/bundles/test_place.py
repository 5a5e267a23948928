"""A place that cannot be written is reported before the work whose result belongs there."""

from __future__ import annotations

import pytest

from picsight_engine.bundles.bundle import require_bundle_folder
from picsight_engine.bundles.writable_folder import require_writable
from picsight_engine.foundation.errors import StorageError


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        require_writable(folder)
        require_bundle_folder(folder / "bundle")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["bundle", "runs/bundle"])
def test_a_file_among_the_folders_above_is_named(tmp_path, below):
    (tmp_path / "file").write_bytes(b"no folder")
    with pytest.raises(
        StorageError, match=r"cannot be written \(Not a directory in .*/file\)|file.* cannot be written \("
    ):
        require_bundle_folder(tmp_path / "file" / below)
    assert (tmp_path / "file").read_bytes() == b"no folder"
