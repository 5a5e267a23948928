"""Whether Core ML computes here what ONNX Runtime computes: eight photos through both, and the verdict kept on disk.

Core ML cannot be tried where most of this program is written, and it changes with each release of macOS. So it is
believed only where it has agreed: on this machine, under this system, with these very files.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from picsight_engine.assets import find_asset
from picsight_engine.errors import BundleError, StorageError
from picsight_engine.models.bundle import IMAGE_PACKAGE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from picsight_engine.models.backend import ImageEncoder
    from picsight_engine.models.bundle import Bundle

LEAST_COSINE = 0.99
_FILE = "coreml-check.json"


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides about Core ML: whether it can run here at all, and what a verdict holds for."""

    apple_silicon: bool
    coremltools: bool
    system: str

    @classmethod
    def this(cls) -> Machine:
        """The machine that this runs on."""
        apple_silicon = sys.platform == "darwin" and platform.machine() == "arm64"
        return cls(
            apple_silicon=apple_silicon,
            coremltools=apple_silicon and find_spec("coremltools") is not None,
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The least cosine between both backends over the photos; `fault` says why there is none (`least` is 0 then)."""

    least: float
    fault: str
    system: str
    package: dict[str, str]

    @property
    def agreed(self) -> bool:
        """Whether Core ML may be used."""
        return self.least >= LEAST_COSINE


def holds_package(bundle: Bundle) -> bool:
    """Whether the bundle has a Core ML package of its image tower."""
    return bool(_digests(bundle))


def read_verdict(bundle: Bundle, machine: Machine) -> Verdict | None:
    """The verdict on these files under this system; None where they were not compared yet."""
    try:
        data = json.loads((bundle.folder / _FILE).read_text(encoding="utf-8"))
        verdict = Verdict(**data)
        current = verdict.system == machine.system and verdict.package == _digests(bundle)
        return verdict if current and isinstance(verdict.least, (int, float)) else None
    except (OSError, ValueError, TypeError):  # absent, or written by nobody that we know
        return None


def examine_once(bundle: Bundle, machine: Machine) -> None:
    """Compares both backends where Core ML could run the bundle here and was not compared yet.

    For the installation of a model, and for `doctor`.

    Raises:
        BundleError: the ONNX graph, which everything else is compared with, cannot be used.
        StorageError: the verdict cannot be written.
    """
    possible = holds_package(bundle) and machine.apple_silicon and machine.coremltools
    if possible and read_verdict(bundle, machine) is None:
        examine(bundle, machine)


def examine(bundle: Bundle, machine: Machine) -> Verdict:
    """Compares both backends on the packaged photos and keeps the verdict in the bundle.

    Raises:
        BundleError: the ONNX graph, which everything else is compared with, cannot be used.
        StorageError: the verdict cannot be written.
    """
    import numpy as np

    from picsight_engine.models.onnx import OnnxImageEncoder  # imports onnxruntime: 230 ms
    from picsight_engine.models.preprocess import preprocess  # imports PIL

    spec = bundle.image_spec()
    pixels = np.stack([preprocess(photo, spec) for photo in eight_photos()])
    wanted = OnnxImageEncoder(bundle)
    least, fault = 0.0, ""
    try:
        from picsight_engine.models.coreml import CoreMLImageEncoder  # imports coremltools: 3.3 s

        least = least_cosine(CoreMLImageEncoder(bundle), wanted, pixels)
    except BundleError as reason:
        fault = str(reason)
    verdict = Verdict(least, fault, machine.system, _digests(bundle))
    _keep(bundle, asdict(verdict))
    return verdict


def least_cosine(one: ImageEncoder, other: ImageEncoder, pixels: NDArray[np.float32]) -> float:
    """The worst agreement over pixels [n, 3, size, size]; 0 where a vector holds no numbers."""
    cosines = (one.encode(pixels) * other.encode(pixels)).sum(1)
    least = float(cosines.min())
    return least if least == least else 0.0  # noqa: PLR0124 -- not a number


def eight_photos() -> list[Image]:
    """The four packaged photographs, and the middle of each."""
    from PIL import Image

    photos = []
    for path in sorted(find_asset("known").glob("*.jpg")):
        with Image.open(path) as file:
            whole = file.convert("RGB")
        width, height = whole.size
        photos += [whole, whole.crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4))]
    return photos


def _digests(bundle: Bundle) -> dict[str, str]:
    return {
        name: record.sha256
        for name, record in bundle.manifest.files.items()
        if name.startswith(f"{IMAGE_PACKAGE}/")
    }


def _keep(bundle: Bundle, data: dict[str, Any]) -> None:
    path = bundle.folder / _FILE
    try:
        fresh = path.with_name(f".{_FILE}-{os.getpid()}")
        fresh.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as fault:
        raise StorageError(
            f"{path} cannot be written ({fault.strerror}), so photos are read without Core ML; check its permissions."
        ) from fault
