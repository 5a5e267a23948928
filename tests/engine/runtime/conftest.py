"""A pretended Mac, and a bundle with a package for it."""

from __future__ import annotations

import pytest

from picsight_engine.bundles.bundle import IMAGE_PACKAGE
from picsight_engine.runtime.backend_comparison import Machine


@pytest.fixture
def mac(tmp_path):
    return Machine(
        apple_silicon=True,
        coremltools=True,
        provider=True,
        system="Darwin 24 arm64",
        verdicts=tmp_path / "caches",
    )


@pytest.fixture
def bundle(make_bundle, tmp_path):
    """A bundle that lists a package, which these tests do not read."""
    part = tmp_path / "part"
    part.write_bytes(b"not looked at")
    return make_bundle(files={f"{IMAGE_PACKAGE}/Manifest.json": part})
