"""Every odd, broken or real camera file of the shared material is shown as expected or refused with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.decoding.decode import IMAGE_SUFFIXES, Limits, decode, read_header
from picsight_engine.photos.reading import read_photo

LIMITS = Limits()
# What is expected of these looks at fewer tags: a GPS receiver dates two of them and IPTC the third, and XMP places the last.
DATED_BY_LESS = {"date_from_gps_only.jpg", "jpeg_cmyk_flower.jpg", "exif_range_error_offset.jpg"}
LENS_BY_LESS = {
    "canon_eos_rebel_t3i.jpg": "18-55mm",
    "hasselblad_l1d_drone_gps.jpg": "28mm f/2.8-11",
}  # by LensInfo
KEYWORDS_BY_WINDOWS = {"hasselblad_l1d_drone_gps.jpg": ["hdr"]}
PLACED_BY_XMP = {"nikon_d5000.jpg"}
CODES = {"empty", "not_an_image", "unsupported", "damaged", "truncated", "too_large"}


def read_expected(folder):
    """The expectations for pictures: those that must be shown, and others with the name of a picture."""
    entries = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return [
        entry
        for entry in entries
        if "media" not in entry
        and (entry["expect"] == "ok" or Path(entry["file"]).suffix.lower() in IMAGE_SUFFIXES)
    ]


def judge(folder, entry):
    """The faults of one file."""
    path = folder / entry["file"]
    try:
        data = read_photo(path, LIMITS)
        picture = decode(data, path, min_side=512, limits=LIMITS)
    except ImageError as fault:
        return [judge_problem(entry, path, fault)]
    if entry["expect"] == "problem" and not entry.get("either"):
        return ["a problem was expected"]
    header = read_header(data, path)
    return [judge_picture(entry, picture), *judge_metadata(entry, header.metadata)]


def judge_metadata(entry, metadata):
    """The faults of the metadata of a file. Pillow returns neither EXIF nor XMP of JPEG 2000."""
    if entry.get("format") == "JPEG2000":
        return
    if (found := faults_of_date(entry, metadata)) and entry["file"] not in DATED_BY_LESS:
        yield found
    wanted, found = entry.get("gps"), None if metadata.lat is None else (metadata.lat, metadata.lon)
    if entry["file"] not in PLACED_BY_XMP and found != (wanted and pytest.approx(wanted, abs=1e-5)):
        yield f"position {found} instead of {wanted}"
    if entry.get("model", "").casefold() not in (metadata.camera or "").casefold():
        yield f"camera {metadata.camera} instead of {entry['model']}"
    if metadata.camera and not {"make", "model"} & set(entry):
        yield f"camera {metadata.camera} out of nothing"
    entry = {
        "lens": LENS_BY_LESS.get(entry["file"]),
        "keywords": KEYWORDS_BY_WINDOWS.get(entry["file"], ()),
        **entry,
    }
    for field, found in (("lens", metadata.lens), ("rating", metadata.rating)):
        if found != entry.get(field):
            yield f"{field} {found} instead of {entry.get(field)}"
    if metadata.colour_space != entry.get("icc", metadata.colour_space):
        yield f"colours {metadata.colour_space} instead of {entry['icc']}"
    wanted = {*map(str.strip, entry.get("keywords", ()))}
    found = {part for keyword in metadata.keywords for part in keyword.split("/")}
    wanted_paths = {path.replace("|", "/") for path in entry.get("keywords_hierarchical", ()) if "|" in path}
    found_paths = {keyword for keyword in metadata.keywords if "/" in keyword}
    if wanted - found or found_paths != wanted_paths or (found and not wanted):
        yield f"keywords {metadata.keywords} instead of {wanted}, {wanted_paths}"


def faults_of_date(entry, metadata):
    wanted = (
        entry.get("date_taken"),
        entry.get("date_source"),
        entry.get("subsec", metadata.taken_subsecond),
    )
    found = (
        metadata.taken and metadata.taken + (metadata.taken_offset or ""),
        metadata.taken_source,
        metadata.taken_subsecond,
    )
    return None if found == wanted else f"date {found} instead of {wanted}"


def judge_problem(entry, path, fault):
    if entry["expect"] == "ok" and not entry.get("either"):
        return f"must be shown: {fault}"
    message = str(fault)
    if fault.code not in CODES or str(path) not in message or "\n" in message or not message.endswith("."):
        return f"no clean sentence: {fault.code} {message}"
    return None


def judge_picture(entry, picture):
    image = picture.image
    if image.mode != "RGB":
        return f"mode {image.mode}"
    if "width" in entry:
        sizes = [[entry["width"], entry["height"]], *entry.get("accept_sizes", [])]
        if [picture.width, picture.height] not in sizes:
            return f"size {picture.width} x {picture.height} instead of {sizes}"
    if min(image.size) < min(512, picture.width, picture.height) and not entry.get("either"):
        return f"reduced to {image.size}"
    return judge_colours(entry.get("upright_check", ()), image)


def judge_colours(points, image):
    small = image.copy()
    small.thumbnail((256, 256))
    pixels = np.pad(np.asarray(small, dtype=float), ((1, 1), (1, 1), (0, 0)), "edge")
    for x, y, *colour, tolerance in points:
        left, top = int(x * small.width), int(y * small.height)
        found = pixels[top : top + 3, left : left + 3].mean(axis=(0, 1))
        if np.abs(found - colour).max() > tolerance:
            return f"colour {found.round()} instead of {colour} at {x}, {y}"
    return None


@pytest.mark.parametrize("name", ["formats", "camera"])
def test_every_file_gives_the_expected_picture_and_metadata(shared, name):
    entries = read_expected(shared / name)
    found = {entry["file"]: [fault for fault in judge(shared / name, entry) if fault] for entry in entries}
    assert {file: faults for file, faults in found.items() if faults} == {}
    assert len(found) > 90


def test_bits_of_a_channel_are_those_of_the_file(shared):
    files = {
        "png_rgb16.png": 16, "png_palette_trns.png": 8, "tiff_float.tif": 32, "tiff_rgb16.tiff": 16, "tiff_bigtiff.tif": 8,
        "avif_10bit_odd.avif": 10,
        "avif_12bit_444.avif": 12, "heif_gray12.heif": 12, "orient1.heic": 8, "orient1.jpg": 8,
    }  # fmt: skip
    found = {path: shared / "formats" / path for path in files}
    assert {name: read_header(path.read_bytes(), path).metadata.bits for name, path in found.items()} == files


@pytest.mark.parametrize("name", ["formats", "camera"])
def test_a_scan_looks_at_every_file_that_must_be_shown(shared, name):
    files = [Path(entry["file"]) for entry in read_expected(shared / name)]
    assert [file for file in files if file.suffix.lower() not in IMAGE_SUFFIXES] == []


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("zero.jpg", "empty"),
        ("text.jpg", "not_an_image"),
        ("film_named.jpg", "not_an_image"),
        ("svg.svg", "unsupported"),
        ("exr.exr", "unsupported"),
        ("jxl_stub.jxl", "damaged"),
        ("trunc_10.jpg", "truncated"),
        ("trunc_40.png", "truncated"),
        ("trunc_50.avif", "truncated"),
        ("trunc_50.heic", "truncated"),
        ("trunc_50.tif", "truncated"),
        ("soi_only.jpg", "truncated"),
        ("png_broken.png", "damaged"),
        ("tiff_crash_oob.tif", "damaged"),
        ("bomb_jpeg_header_65500.jpg", "too_large"),
        ("bomb_png_40000x40000_1bit.png", "too_large"),
        ("bomb_gif.gif", "too_large"),
    ],
)
def test_each_bad_file_has_its_reason(shared, file, code):
    path = shared / "formats" / file
    with pytest.raises(ImageError) as caught:
        decode(path.read_bytes(), path, min_side=512, limits=LIMITS)
    assert caught.value.code == code
    assert caught.value.path == path


@pytest.mark.parametrize("file", ["kodak_dc50.kdc", "canon_6d_lossy.dng", "IMG_4711.DNG"])
def test_raw_pictures_under_a_pictures_suffix_are_developed(shared, tmp_path, file):
    """The thumbnail that comes first in most of them would be wrong."""
    data = (shared / "camera" / file).read_bytes()
    pictures = [
        decode(data, tmp_path / name, min_side=512, limits=LIMITS).image for name in (file, "raw.jpg")
    ]
    assert pictures[0].tobytes() == pictures[1].tobytes()
