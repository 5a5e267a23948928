"""Sets of photos and models that other rooms' tests make too."""

from __future__ import annotations

from tests.trainer.data.conftest import photos, reinforced_samples
from tests.trainer.reinforce.conftest import coca, reinforced_set, set_copy, shipped_teacher

__all__ = ["coca", "photos", "reinforced_samples", "reinforced_set", "set_copy", "shipped_teacher"]
