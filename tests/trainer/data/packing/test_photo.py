"""Only the picture is packed, unchanged if possible."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageOps

from mctrain.data.packing.prepare import prepare, without_metadata
from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.decoding.decode import Limits, decode

SECRET = b"52.5200 N 13.4050 E"
# what a decoder reports of a file without metadata
HARMLESS = {
    "jfif", "jfif_version", "jfif_density", "jfif_unit", "dpi", "adobe", "adobe_transform", "progressive", "progression",
    "loop", "background",
}  # fmt: skip


def opened(photo):
    return Image.open(io.BytesIO(photo.content))


def saved(image, kind="JPEG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(width, height, mode="RGB"):
    draw = np.random.default_rng(width)
    small = Image.fromarray(draw.integers(0, 256, (7, 9, 3), np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def tagged():
    """An EXIF block with a place and an orientation."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    return exif


def assert_bare(photo):
    image = opened(photo)
    assert len(image.getexif()) == 0
    assert set(image.info) <= HARMLESS
    assert not getattr(image, "applist", ()) or {name for name, _ in image.applist} <= {"APP0", "APP14"}


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "restart_marker_rows": 1}])
def test_a_small_upright_jpeg_keeps_its_coded_picture_and_loses_metadata(tmp_path, options):
    plain = noise(300, 200)
    data = (
        saved(plain, exif=tagged(), comment=SECRET, xmp=b"<x>" + SECRET + b"</x>", **options)
        + b"\0film"
        + SECRET
    )
    made = prepare(data, tmp_path, 512)
    assert made.unchanged
    assert SECRET not in made.photo.content
    assert_bare(made.photo)
    assert opened(made.photo).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    assert made.photo.content.endswith(b"\xff\xd9")
    assert prepare(made.photo.content, tmp_path, 512).photo == made.photo


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_a_small_webp_keeps_its_coded_picture(tmp_path, options):
    data = saved(noise(300, 200), "WEBP", exif=tagged(), xmp=SECRET, **options)
    made = prepare(data, tmp_path, 512)
    assert made.unchanged
    assert made.photo.suffix == "webp"
    assert SECRET not in made.photo.content
    assert_bare(made.photo)
    assert opened(made.photo).tobytes() == Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_a_photo_that_depends_on_metadata_is_reencoded(shared, tmp_path):
    """Orientation, other colour profiles, transparency, animation: a plain reader would see something else."""
    turned = tagged()
    turned[0x0112] = 6
    clear = noise(300, 200, "RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((300, 200)))
    cases = {
        "turned.jpg": saved(noise(300, 200), exif=turned),
        "clear.webp": saved(clear, "WEBP", lossless=True),
        "film.webp": saved(
            noise(60, 40), "WEBP", save_all=True, append_images=[noise(61, 40).resize((60, 40))]
        ),
        "photo.png": saved(noise(300, 200), "PNG"),
    }
    adobe = shared / "camera" / "canon_eos_7d_adobergb.jpg"
    cases[adobe.name] = adobe.read_bytes()
    for name, data in cases.items():
        made = prepare(data, tmp_path / name, 4000)
        expected = decode(data, tmp_path / name, min_side=10_000, limits=Limits()).image
        assert not made.unchanged, name
        assert made.photo.suffix == "jpg"
        assert opened(made.photo).size == expected.size, name
        apart = np.abs(np.asarray(opened(made.photo), int) - np.asarray(expected, int)).mean()
        assert apart < 8, name
        assert_bare(made.photo)


@pytest.mark.parametrize(("width", "height", "size"), [(1600, 1200, (683, 512)), (513, 513, (512, 512))])
def test_a_larger_photo_is_scaled_by_its_short_side(tmp_path, width, height, size):
    plain = noise(width, height)
    made = prepare(saved(plain, quality=95, comment=SECRET), tmp_path, 512)
    assert (made.photo.width, made.photo.height) == opened(made.photo).size == size
    assert SECRET not in made.photo.content
    wanted = np.asarray(plain.resize(size, Image.Resampling.LANCZOS), int)
    assert np.abs(np.asarray(opened(made.photo), int) - wanted).mean() < 3


def test_nothing_is_enlarged(tmp_path):
    assert prepare(saved(noise(40, 30), "PNG"), tmp_path, 512).photo.width == 40


def test_a_picture_that_no_jpeg_can_hold_is_a_fault(tmp_path):
    with pytest.raises(ImageError, match="65,500 pixels long"):
        prepare(saved(Image.new("1", (70_000, 2)), "PNG"), tmp_path / "x.png", 512)


def test_an_unparsable_photo_has_no_bare_form():
    whole = saved(noise(30, 20))
    assert without_metadata(whole[:300]) is None
    assert without_metadata(whole[:2] + b"\xff\xe1\xff\xff" + whole[2:]) is None
    assert without_metadata(saved(noise(30, 20), "WEBP")[:40]) is None
    assert without_metadata(saved(noise(30, 20), "PNG")) is None


def test_no_camera_metadata_is_packed(shared):
    """Real photos of cameras and phones: places, names, previews, makers' notes."""
    folder = shared / "camera"
    records = [
        record for record in json.loads((folder / "expected.json").read_text()) if record["expect"] == "ok"
    ]
    photos = sorted(
        {record["file"] for record in records if record["file"].lower().endswith((".jpg", ".heic"))}
    )[::9]
    assert len(photos) > 6
    unchanged = 0
    for name in photos:
        data = (folder / name).read_bytes()
        made = prepare(data, folder / name, 512)
        unchanged += made.unchanged
        assert_bare(made.photo)
        assert not any(
            mark in made.photo.content
            for mark in (b"Exif\0", b"http://ns.adobe", b"Photoshop", b"ICC_PROFILE")
        )
        upright = (
            ImageOps.exif_transpose(Image.open(folder / name)) if name.lower().endswith(".jpg") else None
        )
        if upright is not None:
            assert (made.photo.width > made.photo.height) == (upright.width > upright.height), name
    assert unchanged
