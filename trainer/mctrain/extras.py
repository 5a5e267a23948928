"""Packages that only some tasks need, and what is said where one is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def extra(package: str, reason: str) -> Iterator[None]:
    """For the import of a package of the extra `scale`; `reason` begins the sentence.

    Raises:
        TrainerError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as fault:
        raise TrainerError(
            f"{reason}, which needs the package {package}: pip install 'picsight[scale]'."
        ) from fault
