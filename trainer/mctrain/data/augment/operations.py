"""The fourteen operations of torchvision's RandAugment by their public ids, at magnitude 9 of 31 bins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `magnitude` is what is drawn, with either sign where `signed`; `least` to `most` is all 31 bins."""

    name: str
    magnitude: float
    least: float
    most: float
    signed: bool

    def takes(self, magnitude: float) -> bool:
        """Whether some bin of this operation reaches as far."""
        strength = abs(magnitude) if self.signed else magnitude
        return self.least <= strength <= self.most * (1 + _ROUNDING)


PUBLIC_SIZE = 224  # pixels of the view that magnitudes of translations refer to
_ROUNDING = 1e-6  # of float32
_TRANSLATION = 150 / 331 * PUBLIC_SIZE

# Magnitudes are float32 in torchvision and written in their shortest form, as published records have them.
OPERATIONS = (
    Operation("Identity", 0.0, 0.0, 0.0, signed=False),
    Operation("ShearX", 0.09, 0.0, 0.3, signed=True),  # tangent of the angle
    Operation("ShearY", 0.09, 0.0, 0.3, signed=True),
    Operation("TranslateX", 30.453173, 0.0, _TRANSLATION, signed=True),  # pixels of a view of PUBLIC_SIZE
    Operation("TranslateY", 30.453173, 0.0, _TRANSLATION, signed=True),
    Operation("Rotate", 9.0, 0.0, 30.0, signed=True),  # degrees, counter-clockwise
    Operation("Brightness", 0.26999998, 0.0, 0.9, signed=True),  # factor minus 1
    Operation("Color", 0.26999998, 0.0, 0.9, signed=True),
    Operation("Contrast", 0.26999998, 0.0, 0.9, signed=True),
    Operation("Sharpness", 0.26999998, 0.0, 0.9, signed=True),
    Operation("Posterize", 7.0, 4.0, 8.0, signed=False),  # bits that are kept
    Operation("Solarize", 178.5, 0.0, 255.0, signed=False),  # pixels from here on are inverted
    Operation("AutoContrast", 0.0, 0.0, 0.0, signed=False),
    Operation("Equalize", 0.0, 0.0, 0.0, signed=False),
)
