"""What a camera was set to, as photographers write it."""

from __future__ import annotations

import pytest

from picsight.exposure import exposure_words
from picsight_engine.foundation.metadata import Metadata


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ""),
        ({"exposure": 0.004, "aperture": 2.8, "focal": 55.0, "iso": 400}, "1/250 s|f/2.8|55 mm|ISO 400"),
        ({"exposure": 0.25, "aperture": 11.0}, "1/4 s|f/11"),
        ({"exposure": 1 / 3, "aperture": 1.0}, "0.33 s|f/1"),
        ({"exposure": 30.0, "focal": 5.7, "focal35": 26.0}, "30 s|5.7 mm (like 26 mm)"),
        ({"focal": 50.0, "focal35": 50.0}, "50 mm"),
        ({"exposure": 1 / 8000, "focal": 1200.0}, "1/8000 s|1200 mm"),
    ],
)
def test_settings_are_written_as_on_a_camera(settings, words):
    assert exposure_words(Metadata(**settings)) == (list(filter(None, words.split("|"))))
