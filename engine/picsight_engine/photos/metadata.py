"""What a file says of its picture: the one table of which tag is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsight_engine.metadata import Metadata
from picsight_engine.photos.facts import (
    read_altitude,
    read_apex_aperture,
    read_apex_exposure,
    read_camera,
    read_date,
    read_description,
    read_direction,
    read_exif_colours,
    read_exif_date,
    read_flash,
    read_gps_date,
    read_iptc_date,
    read_iso,
    read_name_date,
    read_paths,
    read_percent,
    read_position,
    read_positive,
    read_primaries,
    read_stars,
    read_text,
    read_utc_date,
    read_words,
)
from picsight_engine.photos.filenames import is_edited
from picsight_engine.photos.places import place_of

if TYPE_CHECKING:
    from picsight_engine.photos.facts import Facts, Reader

# Of all that is read from a file; where it grows, files of before are read again, without embedding. Since 2 stars,
# keywords and descriptions are read, since 3 a "/" in an IPTC keyword is a part of it, since 4 a "|"
# in a plain word of XMP is, too, and the star that darktable gives to every photo is none; since 5 all the rest is read.
METADATA_RULE = 5

# Facts that are no tags.
FILE_NAME, BITS, PROFILE, PRIMARIES, EDITED = "file name", "bits", "profile", "primaries", "edited"
_FAVOURITES = "Favourites"  # the keyword that Google's favourites get

# The tags that say each field, best first, and how each is read. The date at which a file was changed (EXIF's DateTime) is
# no date of taking.
_TAGS: dict[str, tuple[tuple[str, Reader], ...]] = {
    "taken": (
        ("ExifIFD:DateTimeOriginal", read_exif_date),
        ("ExifIFD:CreateDate", read_exif_date),
        ("XMP-exif:DateTimeOriginal", read_date),
        ("XMP-photoshop:DateCreated", read_date),
        ("XMP-xmp:CreateDate", read_date),
        ("XMP-exif:DateTimeDigitized", read_date),
        ("IPTC:DateCreated", read_iptc_date),
        ("GPS:GPSDateStamp", read_gps_date),
        ("XMP-exif:GPSDateTime", read_utc_date),
        ("Takeout:photoTakenTime", read_utc_date),
        (FILE_NAME, read_name_date),
    ),
    "position": (
        ("GPS:GPSLatitude", read_position),
        ("XMP-exif:GPSLatitude", read_position),
        ("Takeout:GPSLatitude", read_position),
    ),
    "altitude": (
        ("GPS:GPSAltitude", read_altitude),
        ("XMP-exif:GPSAltitude", read_altitude),
        ("Takeout:GPSAltitude", read_altitude),
    ),
    "direction": (("GPS:GPSImgDirection", read_direction), ("XMP-exif:GPSImgDirection", read_direction)),
    "camera": (("IFD0:Model", read_camera), ("IFD0:Make", read_camera), ("XMP-tiff:Model", read_camera)),
    "lens": (
        ("ExifIFD:LensModel", read_text),
        ("XMP-exifEX:LensModel", read_text),
        ("XMP-aux:Lens", read_text),
    ),
    "focal": (("ExifIFD:FocalLength", read_positive), ("XMP-exif:FocalLength", read_positive)),
    "focal35": (
        ("ExifIFD:FocalLengthIn35mmFormat", read_positive),
        ("XMP-exif:FocalLengthIn35mmFilm", read_positive),
    ),
    "aperture": (
        ("ExifIFD:FNumber", read_positive),
        ("XMP-exif:FNumber", read_positive),
        ("ExifIFD:ApertureValue", read_apex_aperture),
    ),
    "exposure": (
        ("ExifIFD:ExposureTime", read_positive),
        ("XMP-exif:ExposureTime", read_positive),
        ("ExifIFD:ShutterSpeedValue", read_apex_exposure),
    ),
    "iso": (
        ("ExifIFD:ISO", read_iso),
        ("ExifIFD:RecommendedExposureIndex", read_iso),
        ("ExifIFD:ISOSpeed", read_iso),
        ("XMP-exif:ISOSpeedRatings", read_iso),
        ("XMP-exifEX:PhotographicSensitivity", read_iso),
    ),
    "flash": (("ExifIFD:Flash", read_flash),),
    "bits": ((BITS, read_iso),),
    "colour_space": (
        (PROFILE, read_text),
        (PRIMARIES, read_primaries),
        ("ExifIFD:ColorSpace", read_exif_colours),
    ),
}
# The same for what people write, where a side-car counts more than the file.
_TAGS_OF_PEOPLE: dict[str, tuple[tuple[str, Reader], ...]] = {
    "rating": (
        ("XMP-xmp:Rating", read_stars),
        ("XMP-MicrosoftPhoto:Rating", read_percent),
        ("IFD0:Rating", read_stars),
        ("IFD0:RatingPercent", read_percent),
    ),
    "label": (("XMP-xmp:Label", read_text),),
    "keywords": (
        ("XMP-dc:Subject", read_paths),
        ("IPTC:Keywords", read_words),
    ),
    "title": (("XMP-dc:title", read_text), ("IPTC:ObjectName", read_text)),
    "description": (
        ("Takeout:description", read_text),
        ("XMP-dc:description", read_text),
        ("IPTC:Caption-Abstract", read_text),
        ("IFD0:ImageDescription", read_description),
    ),
    "creator": (
        ("XMP-dc:creator", read_text),
        ("IPTC:By-line", read_text),
        ("IFD0:Artist", read_text),
    ),
    "copyright": (
        ("XMP-dc:rights", read_text),
        ("IPTC:CopyrightNotice", read_text),
        ("IFD0:Copyright", read_text),
    ),
}


def read_metadata(facts: Facts, beside: Facts) -> Metadata:
    """What a file says itself, and what is said of it `beside` it, by the names of tags."""
    found = {field: _first(tags, facts, beside) for field, tags in _TAGS.items()}
    values = {field: value for field, (value, _) in found.items()}
    for field, tags in _TAGS_OF_PEOPLE.items():
        values[field], _ = _first(tags, beside, facts)
    local, offset, subsecond = values.pop("taken") or (None, None, None)
    lat, lon = values.pop("position") or (None, None)
    if lat is None:
        values["altitude"] = values["direction"] = None
    people = read_words(beside, "Takeout:people") if "Takeout:people" in beside else None
    favourite = (_FAVOURITES,) if beside.get("Takeout:favorited") else ()
    values["keywords"] = tuple(dict.fromkeys((*(values["keywords"] or ()), *(people or ()), *favourite)))
    is_version = bool(beside.get(EDITED)) or is_edited(str(facts.get(FILE_NAME, "")))
    return Metadata(
        taken=local,
        taken_offset=offset,
        taken_source=found["taken"][1],
        taken_subsecond=subsecond,
        lat=lat,
        lon=lon,
        place=None if lat is None or lon is None else place_of(lat, lon),
        edited=is_version or None,
        **values,
    )


def _first(tags: tuple[tuple[str, Reader], ...], *sources: Facts) -> tuple[Any, str | None]:
    """The first value, and the tag that has it."""
    for name, read in tags:
        for facts in sources:
            if name in facts and (value := read(facts, name)) is not None:
                return value, name
    return None, None
