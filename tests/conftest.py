"""Fixtures for every room: the material beside the repository and the starter bundle."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What only a Mac can compute is left out elsewhere."""
    if sys.platform != "darwin" and item.get_closest_marker("macos"):
        pytest.skip("needs macOS")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and odd files that lies beside the repository."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("../shared is missing although CI=true")
        pytest.skip("needs ../shared, the photos and files beside the repository")
    return folder


@pytest.fixture(scope="session")
def starter() -> Path:
    """The folder of the bundle that ships with the repository."""
    return REPOSITORY / "assets" / "starter"
