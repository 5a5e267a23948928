"""Every odd, broken or real camera file of the shared material is shown as expected or reported in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from picsight_engine.errors import ImageError
from picsight_engine.photos.decode import IMAGE_SUFFIXES, Limits, decode, read_header
from picsight_engine.photos.reading import read_photo

LIMITS = Limits()
CODES = {"empty", "not_an_image", "unsupported", "damaged", "truncated", "too_large"}


def read_expected(folder):
    """Pictures only, and of those only what a scan looks at."""
    entries = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return [
        entry
        for entry in entries
        if "media" not in entry
        and (entry["expect"] == "ok" or Path(entry["file"]).suffix.lower() in IMAGE_SUFFIXES)
    ]


def judge(folder, entry):
    """What is wrong with one file, one sentence a fault."""
    path = folder / entry["file"]
    try:
        data = read_photo(path, LIMITS)
        picture = decode(data, path, min_side=512, limits=LIMITS)
    except ImageError as fault:
        return [judge_problem(entry, path, fault)]
    if entry["expect"] == "problem" and not entry.get("either"):
        return ["a problem was expected"]
    header = read_header(data, path)
    return [
        judge_picture(entry, picture),
        judge_date(entry, header.taken),
        judge_written(entry, header.written),
    ]


def judge_date(entry, taken):
    """Dates that stand in XMP or IPTC alone are not read; Pillow hands on no EXIF of JPEG 2000."""
    from_exif = entry.get("date_source", "").startswith("ExifIFD:") and entry.get("format") != "JPEG2000"
    wanted = (entry["date_taken"], entry["date_source"]) if from_exif else (None, None)
    found = (taken.iso, taken.source) if taken else (None, None)
    return None if found == wanted else f"date {found} instead of {wanted}"


def judge_written(entry, written):
    """Pillow hands on no XMP of JPEG 2000, and one PNG holds its own as a text in hexadecimal."""
    if entry.get("format") == "JPEG2000" or entry["file"] == "png_utf8_ztxt.png":
        return None
    wanted = {*map(str.strip, entry.get("keywords", ()))}
    found = {part for keyword in written.keywords for part in keyword.split("/")}
    wanted_paths = {path.replace("|", "/") for path in entry.get("keywords_hierarchical", ()) if "|" in path}
    found_paths = {keyword for keyword in written.keywords if "/" in keyword}
    if written.rating != entry.get("rating") or wanted - found or found_paths != wanted_paths:
        return f"{written} instead of {entry.get('rating')}, {wanted}, {wanted_paths}"
    return None if wanted or not found else f"{found} out of nothing"


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
    if min(image.size) < min(512, picture.width, picture.height):
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
def test_every_file_meets_what_is_expected_of_it(shared, name):
    entries = read_expected(shared / name)
    found = {entry["file"]: [fault for fault in judge(shared / name, entry) if fault] for entry in entries}
    assert {file: faults for file, faults in found.items() if faults} == {}
    assert len(found) > 90


@pytest.mark.parametrize("name", ["formats", "camera"])
def test_a_scan_looks_at_every_file_that_must_be_shown(shared, name):
    files = [Path(entry["file"]) for entry in read_expected(shared / name)]
    assert [file for file in files if file.suffix.lower() not in IMAGE_SUFFIXES] == []


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("zero.jpg", "empty"),
        ("text.jpg", "not_an_image"),
        ("html_404.jpg", "not_an_image"),
        ("pdf.png", "not_an_image"),
        ("zip.heic", "not_an_image"),
        ("film_named.jpg", "not_an_image"),
        ("random.jpg", "not_an_image"),
        ("svg.svg", "unsupported"),
        ("svgz.svgz", "unsupported"),
        ("exr.exr", "unsupported"),
        ("radiance.hdr", "unsupported"),
        ("jxl_container.jxl", "unsupported"),
        ("jxl_stub.jxl", "unsupported"),
        ("trunc_10.jpg", "truncated"),
        ("trunc_40.png", "truncated"),
        ("trunc_50.avif", "truncated"),
        ("trunc_50.gif", "truncated"),
        ("trunc_50.heic", "truncated"),
        ("trunc_50.tif", "truncated"),
        ("trunc_50.webp", "truncated"),
        ("trunc_60.jpg", "truncated"),
        ("soi_only.jpg", "truncated"),
        ("png_broken.png", "damaged"),
        ("tiff_crash_oob.tif", "damaged"),
        ("bomb_jpeg_header_65500.jpg", "too_large"),
        ("bomb_png_40000x40000_1bit.png", "too_large"),
        ("bomb_webp_16383.webp", "too_large"),
        ("bomb_gif.gif", "too_large"),
    ],
)
def test_the_reason_is_told_apart(shared, file, code):
    path = shared / "formats" / file
    with pytest.raises(ImageError) as caught:
        decode(path.read_bytes(), path, min_side=512, limits=LIMITS)
    assert caught.value.code == code
    assert caught.value.path == path


@pytest.mark.parametrize(
    "file", ["canon_r6_pruned.cr3", "fuji_pruned.raf", "kodak_dc50.kdc", "canon_6d_lossy.dng", "IMG_4711.DNG"]
)
def test_raw_pictures_under_a_pictures_suffix_are_said_to_be_raw(shared, tmp_path, file):
    """Showing the thumbnail that comes first in most of them would be wrong."""
    path = tmp_path / "raw.jpg"
    path.write_bytes((shared / "camera" / file).read_bytes())
    with pytest.raises(ImageError, match="RAW") as caught:
        decode(read_photo(path, LIMITS), path, min_side=512, limits=LIMITS)
    assert caught.value.code == "unsupported"
