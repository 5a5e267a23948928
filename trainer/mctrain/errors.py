"""The exceptions of the trainer, each carrying one sentence for a person.

PicsightError            of the engine: any error shown to the user
└── TrainerError         the trainer cannot do the work
    ├── RecipeError      a recipe is unknown, incomplete or has an unknown key (exit code 2)
    ├── DataError        a shard is missing, damaged or not what its name says
    │   └── SampleError  one sample of a shard cannot be used: it is skipped and counted, the work goes on
    ├── LeakageError     the data holds something that is only for evaluation
    ├── WeightsError     a file of weights is damaged or belongs to another model
    └── ExportError      an exported graph does not compute what the checkpoint computes
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import PicsightError

if TYPE_CHECKING:
    from collections.abc import Iterator


class TrainerError(PicsightError):
    """A failure of the trainer whose message is shown to the user."""


class RecipeError(TrainerError):
    """A recipe is invalid."""

    exit_code = 2


class DataError(TrainerError):
    """Photos or texts cannot be read."""


class SampleError(DataError):
    """A sample lacks a member or has a broken one; such samples are counted by `reason`."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@contextmanager
def as_sample_error(reason: str) -> Iterator[None]:
    """Turns a DataError into a SampleError with this reason."""
    try:
        yield
    except DataError as fault:
        raise SampleError(str(fault), reason) from fault


class LeakageError(TrainerError):
    """Training would have used evaluation data."""


class ExportError(TrainerError):
    """The exported graph and the checkpoint disagree; nothing was written."""


class WeightsError(TrainerError):
    """A file of weights does not fit; the message names the key."""


@contextmanager
def demand_extra(package: str, reason: str) -> Iterator[None]:
    """Wraps the import of a package of the extra `scale`; `reason` begins the error message.

    Raises:
        TrainerError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as fault:
        raise TrainerError(
            f"{reason}, which needs the package {package}: pip install 'picsight[scale]'."
        ) from fault
