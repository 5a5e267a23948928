"""The metadata of a file: the only table of which tag takes precedence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picsight_engine.foundation.metadata import Metadata
from picsight_engine.photos.metadata import dates
from picsight_engine.photos.metadata import tag_values as read
from picsight_engine.photos.metadata.dates import is_edited
from picsight_engine.photos.metadata.film_tags import DURATION, UTC_DATE
from picsight_engine.photos.metadata.geography import place_of

if TYPE_CHECKING:
    from picsight_engine.photos.exif import Facts
    from picsight_engine.photos.metadata.tag_values import Reader

    Row = tuple[Reader, *tuple[str, ...]]

# Raised whenever more is read from a file: files read by an older rule are read again, without embedding.
METADATA_RULE = 9

# Facts that are not tags.
FILE_NAME, BITS, PROFILE, COMMENT = "file name", "bits", "profile", "JPEG comment"
CREATION_TIME = "PNG:CreationTime"
PRIMARIES, EDITED, LIVE = "primaries", "edited", "live"
# Names of people, which are keywords; those of all tags count.
_PEOPLE: Row = (
    read.words,
    "XMP-mwg-rs:RegionName",
    "XMP-MP:RegionPersonDisplayName",
    "XMP-iptcExt:PersonInImage",
    "Takeout:people",
)
_LONGEST_IPTC = 64  # bytes of a keyword, which programs cut there
_FAVOURITES = "Favourites"  # the keyword for Google's favourites

# The sources of each field, best first: reader and tags. EXIF's DateTime, the date of the last change, is not the date
# taken.
_TAGS: dict[str, tuple[Row, ...]] = {
    "taken": (
        (dates.exif_date, "ExifIFD:DateTimeOriginal", "ExifIFD:CreateDate"),
        (dates.date, "XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated", "XMP-xmp:CreateDate"),
        (dates.date, "XMP-exif:DateTimeDigitized", "Keys:CreationDate", "Keys:DateTimeOriginal"),
        (dates.date, "UserData:DateTimeOriginal", "RIFF:DateTimeOriginal", "Matroska:DateRecorded"),
        (dates.iptc_date, "IPTC:DateCreated", "IPTC:DigitalCreationDate"),
        (dates.mail_date, CREATION_TIME),
        (dates.gps_date, "GPS:GPSDateStamp"),
        (dates.utc_date, "XMP-exif:GPSDateTime", "Takeout:photoTakenTime"),
        (dates.name_date, FILE_NAME),
        (dates.utc_date, UTC_DATE, "Matroska:DateTimeOriginal"),  # after the name, which is in local time
    ),
    "position": (
        (read.position, "GPS:GPSLatitude", "XMP-exif:GPSLatitude"),
        (read.position, "QuickTime:GPSLatitude", "Takeout:GPSLatitude"),
    ),
    "altitude": (
        (read.altitude, "GPS:GPSAltitude", "XMP-exif:GPSAltitude"),
        (read.altitude, "QuickTime:GPSAltitude", "Takeout:GPSAltitude"),
    ),
    "direction": ((read.direction, "GPS:GPSImgDirection", "XMP-exif:GPSImgDirection"),),
    "camera": (
        (read.camera, "IFD0:Model", "IFD0:Make", "XMP-tiff:Model"),
        (read.camera, "Keys:Model", "Keys:Make", "UserData:Model", "UserData:Make"),
    ),
    "lens": (
        (read.text, "ExifIFD:LensModel", "XMP-exifEX:LensModel", "XMP-aux:Lens"),
        (read.lens_name, "XMP-aux:LensID"),
        (read.lens_range, "ExifIFD:LensInfo", "IFD0:DNGLensInfo", "XMP-aux:LensInfo"),
    ),
    "focal": ((read.positive, "ExifIFD:FocalLength", "XMP-exif:FocalLength"),),
    "focal35": ((read.positive, "ExifIFD:FocalLengthIn35mmFormat", "XMP-exif:FocalLengthIn35mmFilm"),),
    "aperture": (
        (read.positive, "ExifIFD:FNumber", "XMP-exif:FNumber"),
        (read.apex_aperture, "ExifIFD:ApertureValue", "XMP-exif:ApertureValue"),
    ),
    "exposure": (
        (read.positive, "ExifIFD:ExposureTime", "XMP-exif:ExposureTime"),
        (read.apex_time, "ExifIFD:ShutterSpeedValue", "XMP-exif:ShutterSpeedValue"),
    ),
    "iso": (
        (read.iso, "ExifIFD:ISO", "ExifIFD:RecommendedExposureIndex", "ExifIFD:ISOSpeed"),
        (read.iso, "XMP-exif:ISOSpeedRatings", "XMP-exifEX:PhotographicSensitivity"),
    ),
    "duration": ((read.positive, DURATION),),
    "live": ((read.positive, LIVE),),
    "flash": ((read.flash, "ExifIFD:Flash", "XMP-exif:FlashFired"),),
    "bits": ((read.iso, BITS),),
    "colour_space": (
        (read.text, PROFILE),
        (read.primaries, PRIMARIES),
        (read.exif_colours, "ExifIFD:ColorSpace"),
    ),
}
# The same for fields that people write, for which a side-car takes precedence over the file.
_TAGS_OF_PEOPLE: dict[str, tuple[Row, ...]] = {
    "rating": (
        (read.stars, "XMP-xmp:Rating"),
        (read.percent, "XMP-MicrosoftPhoto:Rating"),
        (read.stars, "IFD0:Rating"),
        (read.percent, "IFD0:RatingPercent"),
        (read.stars, "XMP-acdsee:rating", "Keys:UserRating", "UserData:UserRating"),
        (read.percent, "ItemList:RatingPercent", "Microsoft:SharedUserRating"),
    ),
    "label": ((read.text, "XMP-xmp:Label"),),
    "keywords": (
        (read.paths, "XMP-dc:Subject"),
        (read.words, "IPTC:Keywords"),
        (read.windows_words, "IFD0:XPKeywords"),
        (read.listed_words, "Keys:Keywords", "UserData:Keywords"),
    ),
    "title": (
        (read.text, "XMP-dc:title", "IPTC:ObjectName"),
        (read.windows_text, "IFD0:XPTitle"),
        (read.text, "Keys:Title", "UserData:Title"),
    ),
    "description": (
        (read.text, "Takeout:description", "XMP-dc:description", "IPTC:Caption-Abstract"),
        (read.description, "IFD0:ImageDescription"),
        (read.windows_text, "IFD0:XPComment"),
        (read.comment, "ExifIFD:UserComment", COMMENT),
        (read.comment, "Keys:Description", "UserData:Description", "Keys:Comment", "UserData:Comment"),
    ),
    "creator": ((read.text, "XMP-dc:creator", "IPTC:By-line", "IFD0:Artist"),),
    "copyright": ((read.text, "XMP-dc:rights", "IPTC:CopyrightNotice", "IFD0:Copyright"),),
}


def read_metadata(facts: Facts, beside: Facts) -> Metadata:
    """The metadata of a file from its own facts and those of side-cars `beside` it, by names of tags."""
    found = {field: _first(tags, facts, beside) for field, tags in _TAGS.items()}
    values = {field: value for field, (value, _) in found.items()}
    for field, tags in _TAGS_OF_PEOPLE.items():
        values[field], _ = _first(tags, beside, facts)
    local, offset, subsecond = values.pop("taken") or (None, None, None)
    lat, lon = values.pop("position") or (None, None)
    if lat is None:
        values["altitude"] = values["direction"] = None
    favourite = (_FAVOURITES,) if beside.get("Takeout:favorited") else ()
    values["live"] = bool(values["live"]) or None
    values["keywords"] = _keywords(facts, beside) + favourite
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


def _keywords(facts: Facts, beside: Facts) -> tuple[str, ...]:
    """The keywords of side-cars, or those of all tags of the file, then names of people; each once in its longest form.

    A side-car hides the file's, because its program may have removed some.
    """
    rows = _TAGS_OF_PEOPLE["keywords"]
    of_side_cars, _ = _first(rows, beside)
    found: dict[str, None] = dict.fromkeys(of_side_cars or ())
    for reader, *names in (_PEOPLE,) if of_side_cars else (*rows, _PEOPLE):
        for name in names:
            for source in (beside, facts):
                known = [part.casefold() for path in found for part in path.split("/")]
                for word in reader(source, name) or () if name in source else ():
                    short, is_cut = word.casefold(), len(word.encode()) >= _LONGEST_IPTC
                    if short not in known and not (is_cut and any(part.startswith(short) for part in known)):
                        found[word] = None
    return tuple(found)


def _first(rows: tuple[Row, ...], *sources: Facts) -> tuple[Any, str | None]:
    """The first value, and the tag that has it."""
    for reader, *names in rows:
        for name in names:
            for facts in sources:
                if name in facts and (value := reader(facts, name)) is not None:
                    return value, name
    return None, None
