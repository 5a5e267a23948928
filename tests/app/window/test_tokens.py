"""Both palettes can be read, and colours live in one place."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPalette
from PySide6.QtWidgets import QWidget

from picsight.window.controls.buttons import Button, Emphasis, ThinProgress, handle_of
from picsight.window.parts.layouts import Ruled
from picsight.window.tokens import DARK, LIGHT, Scheme, mix, palette_of, put_on, tones


def contrast(a: QColor, b: QColor) -> float:
    """WCAG 2 contrast of two colours."""
    lights = sorted((_luminance(a), _luminance(b)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: QColor) -> float:
    parts = [colour.redF(), colour.greenF(), colour.blueF()]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.fixture(params=[LIGHT, DARK], ids=["light", "dark"])
def colours(request, qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setPalette(palette_of(request.param))
    return tones(widget)


def test_words_can_be_read_on_every_ground(colours):
    for ink, ground in (
        (colours.text, colours.base),
        (colours.text, colours.window),
        (colours.dim, colours.base),
        (colours.dim_on_window, colours.window),
        (colours.link, colours.base),
        (colours.link, colours.window),
        (colours.on_accent, colours.accent),
        (colours.text, colours.chosen),
        (colours.text, mix(colours.base, colours.accent, 0.25)),
        (colours.on_stage, colours.stage),
        (colours.dim_on_stage, colours.stage),
    ):
        assert contrast(ink, ground) >= 4.5


def test_rings_and_outlines_can_be_seen(colours):
    for ink in (colours.accent, colours.outline, colours.text):
        assert contrast(ink, colours.base) >= 3


def test_a_chosen_theme_puts_on_its_palette(qapp):
    before = qapp.palette()
    put_on(qapp, "dark")
    assert qapp.palette().base().color() == QColor(DARK.base)
    put_on(qapp, "light")
    assert qapp.palette().base().color() == QColor(LIGHT.base)
    qapp.setPalette(before)


STRICT = Scheme("#000000", "#000000", "#ffffff", "#1aebff", "#000000", "#ffff00")


@pytest.fixture
def strict(monkeypatch):
    """A system that asks for high contrast, as far as Qt says so: without a desktop it cannot."""

    class Hints:
        """Those of the platform."""

        def accessibility(self):
            return self

        def contrastPreference(self):  # noqa: N802 - Qt's name
            return SimpleNamespace(name="HighContrast")

    monkeypatch.setattr(QGuiApplication, "styleHints", Hints)


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("weight", [Emphasis.PRIMARY, Emphasis.PLAIN])
def test_in_high_contrast_a_disabled_button_has_the_systems_colour_and_a_broken_outline(qtbot, weight):
    button = Button("Save", weight)
    qtbot.addWidget(button)
    palette = palette_of(STRICT)
    palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText, QColor("#3ff23f"))
    button.setPalette(palette)
    button.resize(button.sizeHint())

    def seen():
        image = button.grab().toImage()
        rim = [image.pixelColor(x, 1).name() for x in range(12, image.width() - 12)]
        rows, columns = range(6, image.height() - 6), range(12, image.width() - 12)
        return rim, {image.pixelColor(x, y).name() for x in columns for y in rows}

    rim, _inside = seen()
    assert len(set(rim)) == 1
    button.setEnabled(False)
    rim, inside = seen()
    assert "#3ff23f" in rim
    assert len(set(rim)) > 1
    assert "#3ff23f" in inside
    assert not {"#ffffff", "#1aebff"} & inside


@pytest.mark.usefixtures("strict")
def test_in_high_contrast_lines_and_the_selection_stand_out_from_their_ground(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setPalette(palette_of(STRICT))
    colours = tones(widget)
    for ink in (colours.line, colours.outline, colours.groove, colours.rim, colours.pill_edge):
        assert contrast(ink, colours.window) >= 4.5
    assert contrast(handle_of(colours.base, colours.text, held=False), colours.base) >= 4.5
    assert colours.pill == colours.base


@pytest.mark.usefixtures("strict")
def test_in_high_contrast_a_bar_is_seen_to_be_filled_up_to_where_it_is(qtbot):
    bar = ThinProgress("Indexing")
    qtbot.addWidget(bar)
    bar.setPalette(palette_of(STRICT))
    bar.setValue(50)
    bar.resize(200, 8)
    image = bar.grab().toImage()
    done, left = (image.pixelColor(x, 4) for x in (50, 150))
    assert done == QColor(STRICT.accent)
    assert contrast(done, left) >= 4.5


def test_a_separator_is_not_blurred_on_a_screen_that_is_scaled_by_a_fraction(qtbot):
    ruled = Ruled()
    qtbot.addWidget(ruled)
    ruled.resize(8, 8)
    picture = QImage(12, 12, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(1.5)
    ruled.render(picture)
    column = {picture.pixelColor(6, y).name() for y in range(11)}
    assert column == {tones(ruled).line.name(), ruled.palette().window().color().name()}
