"""All colours and distances: two palettes, the tones mixed from a palette, and the scale of spaces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontInfo, QGuiApplication, QPalette

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication, QWidget

    from picsight.settings import Theme

# The scale of spaces, in em.
HAIR, SMALL, HALF, PAD, ONE, WIDE = 0.25, 0.375, 0.5, 0.75, 1.0, 1.5
BARE_POINTS = 10.5  # body text if no desktop sets a font: Qt's default of 9 points is too small


@dataclass(frozen=True, slots=True)
class Scheme:
    """The roles of one palette as #rrggbb."""

    base: str
    window: str
    text: str
    accent: str
    on_accent: str
    link: str


LIGHT = Scheme("#ffffff", "#f3f3f4", "#0e0e10", "#1f66d6", "#ffffff", "#1a57b8")
DARK = Scheme("#19191b", "#242427", "#f2f2f3", "#76a9ff", "#0e0e10", "#8fb8ff")
FAULT, FAULT_ON_DARK = "#b3261e", "#ff8a80"  # lines below faults, which are also described in words


@dataclass(frozen=True, slots=True)
class Tones:
    """Colours derived from a palette; `on_window` ones are for text and lines on the chrome.

    `rim` surrounds chosen items in high contrast only, where their background is too faint.
    """

    base: QColor
    window: QColor
    text: QColor
    accent: QColor
    on_accent: QColor
    link: QColor
    dim: QColor
    dim_on_window: QColor
    outline: QColor
    disabled: QColor
    line: QColor
    placeholder: QColor
    edge: QColor
    hover: QColor
    chosen: QColor
    rim: QColor
    groove: QColor
    pill: QColor
    pill_edge: QColor
    stage: QColor
    on_stage: QColor
    dim_on_stage: QColor
    fault: QColor


def mix(a: QColor, b: QColor, t: float) -> QColor:
    """The colour a share `t` of the way from `a` to `b`."""
    return QColor.fromRgbF(
        a.redF() + (b.redF() - a.redF()) * t,
        a.greenF() + (b.greenF() - a.greenF()) * t,
        a.blueF() + (b.blueF() - a.blueF()) * t,
    )


def tones(widget: QWidget) -> Tones:
    """The tones of a widget's palette; cached, so painting may ask every time."""
    palette = widget.palette()
    role = QPalette.ColorRole
    names = tuple(
        palette.color(QPalette.ColorGroup.Active, r).rgb()
        for r in (role.Base, role.Window, role.Text, role.Accent, role.HighlightedText, role.Link)
    )
    disabled = palette.color(QPalette.ColorGroup.Disabled, role.ButtonText).rgb()
    return _derive((*names, disabled), high_contrast())


@lru_cache(maxsize=8)
def _derive(colours: tuple[int, ...], strict: bool) -> Tones:
    base, window, text, accent, on_accent, link, disabled = (QColor(c) for c in colours)
    dark = base.lightnessF() < text.lightnessF()
    stage, on_stage = QColor.fromHslF(0, 0, 0.08 if dark else 0.12), QColor.fromHslF(0, 0, 0.93)
    return Tones(
        base=base,
        window=window,
        text=text,
        accent=accent,
        on_accent=on_accent,
        link=link,
        dim=text if strict else mix(text, base, 0.35),
        dim_on_window=text if strict else mix(text, window, 0.35),
        outline=text if strict else mix(base, text, 0.5),
        disabled=disabled if strict else mix(base, text, 0.5),
        line=text if strict else mix(window, text, 0.15),
        placeholder=mix(base, text, 0.08),
        edge=QColor.fromRgbF(text.redF(), text.greenF(), text.blueF(), 0.12),
        hover=mix(window, text, 0.08),
        chosen=mix(window, accent, 0.18),
        rim=accent if strict else QColor(Qt.GlobalColor.transparent),
        groove=text if strict else mix(window, text, 0.25),
        pill=base if strict else mix(base, accent, 0.18),
        pill_edge=text if strict else mix(base, accent, 0.75),
        stage=stage,
        on_stage=on_stage,
        dim_on_stage=mix(on_stage, stage, 0.35),
        fault=QColor(FAULT_ON_DARK if dark else FAULT),
    )


def em(widget: QWidget) -> int:
    """One em in logical pixels: the pixel size of the widget's own font."""
    return QFontInfo(widget.font()).pixelSize()


def px(widget: QWidget, ems: float) -> int:
    """A length in em of a widget's font, in whole logical pixels."""
    return round(ems * em(widget))


def high_contrast() -> bool:
    """Whether the system asks for high contrast (known to Qt 6.10 and later)."""
    hints = QGuiApplication.styleHints()
    accessibility = getattr(hints, "accessibility", None)
    preference = getattr(accessibility() if accessibility else None, "contrastPreference", None)
    return preference is not None and preference().name == "HighContrast"


def apply_theme(app: QApplication, theme: Callable[[], Theme]) -> None:
    """Apply the light or the dark palette, and follow the system unless the user chose one; `theme` is asked each time."""
    app.setStyle("Fusion")
    bare = app.styleHints().colorScheme() == Qt.ColorScheme.Unknown
    if bare and app.font().pointSizeF() < BARE_POINTS:
        font = app.font()
        font.setPointSizeF(BARE_POINTS)
        app.setFont(font)
    put_on(app, theme())
    app.styleHints().colorSchemeChanged.connect(lambda _scheme: put_on(app, theme()))


def put_on(app: QApplication, theme: Theme) -> None:
    """Set the palette for a theme now; a system in high contrast keeps its own colours."""
    if theme == "system" and high_contrast():
        return
    dark = theme == "dark" or (theme == "system" and app.styleHints().colorScheme() == Qt.ColorScheme.Dark)
    app.setPalette(palette_of(DARK if dark else LIGHT))


def palette_of(scheme: Scheme) -> QPalette:
    """A whole palette from a scheme's six colours, disabled roles included."""
    base, window, text = QColor(scheme.base), QColor(scheme.window), QColor(scheme.text)
    accent, on_accent = QColor(scheme.accent), QColor(scheme.on_accent)
    palette = QPalette(window)
    role, faint = QPalette.ColorRole, mix(text, window, 0.55)
    for which, colour in (
        (role.Window, window), (role.WindowText, text), (role.Base, base), (role.AlternateBase, mix(base, text, 0.03)),
        (role.Text, text), (role.Button, window), (role.ButtonText, text), (role.BrightText, text),
        (role.Accent, accent), (role.Highlight, accent), (role.HighlightedText, on_accent),
        (role.Link, QColor(scheme.link)), (role.LinkVisited, QColor(scheme.link)),
        (role.ToolTipBase, window), (role.ToolTipText, text), (role.PlaceholderText, mix(text, base, 0.35)),
        (role.Light, mix(window, base, 0.5)), (role.Midlight, mix(window, base, 0.25)),
        (role.Mid, mix(window, text, 0.25)), (role.Dark, mix(window, text, 0.35)), (role.Shadow, mix(window, text, 0.6)),
    ):  # fmt: skip
        palette.setColor(which, colour)
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, faint)
    return palette
