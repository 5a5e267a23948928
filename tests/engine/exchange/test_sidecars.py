"""Side-cars beside real files are written whole or not at all, and photos are never touched."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.engine.kennel import OF_ALL

from picsight_engine.exchange.exiftool_table import export_table
from picsight_engine.exchange.replacement import ChangedMeanwhileError, exchange, write_export
from picsight_engine.exchange.sidecar_reading import read_sidecars
from picsight_engine.exchange.sidecar_writing import Exported, export_sidecars
from picsight_engine.exchange.tagged_photo import TaggedPhoto
from picsight_engine.exchange.xmp_writing import SidecarContent, update_packet
from picsight_engine.foundation.errors import RequestError, StorageError
from picsight_engine.photos.identity import bytes_hash, fingerprint
from picsight_engine.photos.metadata.keyword_lists import HIERARCHICAL, SUBJECT, TAGS_LIST
from picsight_engine.photos.metadata.sidecars import companions, read_companions
from picsight_engine.photos.metadata.xmp import read_packet
from picsight_engine.photos.metadata.xmp_tree import items, parse

PACKETS = Path(__file__).parent.parent / "photos" / "packets"
HASH = bytes(range(16))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "album" / "photo.jpg"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xd8\xff a photo")
    return path


def beside(photo, ending=".xmp"):
    return photo.with_name(photo.name + ending)


def tags(sidecar):
    return ["/".join(keyword) for keyword in read_packet(sidecar.read_bytes()).keywords]


def sidecar_values(place):
    """The values of side-cars, without the times at which they were written."""
    found = list(read_sidecars(place, []))
    assert not any(each.packet.gone for each in found)
    return {
        (each.photo, tuple(map("/".join, each.packet.keywords)), each.packet.rating, each.packet.original)
        for each in found
    }


def outcome(photos):
    """The result of an export."""
    *_, exported = export_sidecars(photos)
    return exported


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_side_car_is_named_after_the_whole_file_name_and_the_photo_is_unchanged(photo):
    content, info = photo.read_bytes(), photo.stat()
    assert outcome([TaggedPhoto(photo, ("Birds/Waders",), 4, HASH)]) == Exported(1, 0)
    assert names(photo.parent) == ["photo.jpg", "photo.jpg.xmp"]
    assert tags(beside(photo)) == ["Birds/Waders"]
    assert (photo.read_bytes(), photo.stat().st_mtime_ns) == (content, info.st_mtime_ns)
    assert beside(photo).stat().st_mode & 0o777 == 0o666 & ~umask()
    before = beside(photo).stat()
    assert outcome([TaggedPhoto(photo, ("Birds/Waders",), 4, HASH)]) == Exported(0, 1)
    assert beside(photo).stat() == before
    assert outcome([TaggedPhoto(photo)]) == Exported(0, 1)
    assert outcome([TaggedPhoto(photo, history=OF_ALL)]) == Exported(1, 0)
    assert tags(beside(photo)) == []
    beside(photo).write_bytes(b"")  # a kill of another program left it empty
    assert outcome([TaggedPhoto(photo, ("Sea",), 4, HASH)]) == Exported(1, 0)
    assert tags(beside(photo)) == ["Sea"]


def umask():
    current = os.umask(0)
    os.umask(current)
    return current


def test_a_photo_whose_caption_was_edited_is_still_the_one_that_was_indexed(photo):
    Image.new("RGB", (8, 8), "red").save(photo)
    indexed = photo.read_bytes()
    tagged = TaggedPhoto(
        photo, ("Sea",), None, bytes_hash(indexed), fingerprint=fingerprint(indexed), seen=(1, 2)
    )
    Image.open(photo).save(photo, quality="keep", comment=b"low tide")
    assert photo.read_bytes() != indexed
    assert outcome([tagged]) == Exported(1, 0)
    assert read_packet(beside(photo).read_bytes()).original == fingerprint(indexed)
    Image.new("RGB", (8, 8), "blue").save(photo)
    undone = replace(tagged, tags=(), history=OF_ALL, path=photo.rename(photo.with_name("b.jpg")))
    assert outcome([undone]) == Exported(0, 1)  # nothing had to be written
    undone.path.rename(photo)
    sentence = str(*outcome([replace(tagged, tags=("Lake",))]).left_alone)
    assert sentence.startswith(f"{photo} changed since it was indexed")
    with pytest.raises(RequestError, match=r"photo\.jpg changed since it was indexed"):
        export_table([tagged], photo.with_name("tags.csv"))
    assert tags(beside(photo)) == ["Sea"]


def test_a_short_side_car_is_copied_into_the_long_one_and_stays(photo):
    short = photo.with_suffix(".xmp")
    shutil.copy(PACKETS / "digikam.xmp", short)
    outcome([TaggedPhoto(photo, ("Sea",))])
    assert short.read_bytes() == (PACKETS / "digikam.xmp").read_bytes()
    assert tags(beside(photo)) == ["Birds/Waders", "Family", "Places/Åland/Käringsund", "Sea"]
    assert read_packet(beside(photo).read_bytes()).description == "Curlews & godwits at low tide"


def by_lightroom(photo, *keywords, rating=None, written="2024-02-12T20:15:02+01:00", **others):
    """Writes the short side-car of a photo as Lightroom does."""
    lists = {"lr:hierarchicalSubject": [path.replace("/", "|") for path in keywords]}
    lists["dc:subject"] = [path.rpartition("/")[2] for path in keywords]
    known = {"xmp:MetadataDate": written, "xmp:Rating": rating, "crs:Version": "16.1"} | others
    attributes = " ".join(f'{name}="{value}"' for name, value in known.items() if value is not None)
    elements = "".join(
        f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{text}</rdf:li>' for text in texts)}</rdf:Bag></{name}>"
        for name, texts in lists.items()
        if texts
    )
    photo.with_suffix(".xmp").write_text(LIGHTROOM.format(attributes, elements), "utf-8")


LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" {}>{}</rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
NEXT_DAY = "2024-02-13T20:15:02+01:00"


def lists_in(sidecar):
    tree = parse(sidecar.read_bytes())
    return [sorted(items(tree, name)) for name in (SUBJECT, HIERARCHICAL, TAGS_LIST)]


def read_beside(photo):
    """The keywords and stars that the library shows, and those that an import reads."""
    facts = read_companions(photo, companions(names(photo.parent))[photo.name], {HASH})
    (found,) = {
        (each.packet.keywords, each.packet.rating, each.packet.gone)
        for each in read_sidecars(photo.parent, [])
    }
    keywords, gone = (sorted(map("/".join, found[part])) for part in (0, 2))
    return sorted(facts.get("XMP-dc:Subject", ())), facts.get("XMP-xmp:Rating"), keywords, found[1], gone


def test_later_changes_of_a_copied_short_side_car_replace_its_keywords_and_stars(photo):
    by_lightroom(photo, "Birds/Waders", "Lake", rating=4)
    outcome([TaggedPhoto(photo, ("Sea",), None, HASH)])
    assert read_beside(photo) == (["Birds/Waders", "Lake"], 4, ["Birds/Waders", "Lake", "Sea"], 4, [])
    by_lightroom(photo, "Lake", "Trip/Harbour", rating=5, written=NEXT_DAY)
    os.utime(photo.with_suffix(".xmp"), (1, 1))  # as after a copy of the folder
    theirs = photo.with_suffix(".xmp").read_bytes()
    expected = ["Lake", "Trip/Harbour"], 5, ["Lake", "Sea", "Trip/Harbour"], 5
    assert read_beside(photo) == (*expected, ["Birds/Waders"])
    assert outcome([TaggedPhoto(photo, ("Sea",), None, HASH)]) == Exported(1, 0)
    assert read_beside(photo) == (*expected, [])
    assert lists_in(beside(photo)) == [
        ["Harbour", "Lake", "Sea"], ["Lake", "Sea", "Trip|Harbour"], ["Lake", "Sea", "Trip/Harbour"],
    ]  # fmt: skip
    assert outcome([TaggedPhoto(photo, ("Sea",), None, HASH)]) == Exported(0, 1)
    assert photo.with_suffix(".xmp").read_bytes() == theirs
    by_lightroom(photo)
    os.utime(photo.with_suffix(".xmp"), (9e9, 9e9))
    assert read_beside(photo)[:2] == (["Lake", "Trip/Harbour"], 5)  # an older state, as of a backup
    by_lightroom(photo, written="2024-02-14T00:00:00Z")
    assert read_beside(photo) == ([], None, ["Sea"], None, ["Lake", "Trip/Harbour"])
    outcome([TaggedPhoto(photo, ("Sea",), None, HASH)])
    assert lists_in(beside(photo)) == [["Sea"], ["Sea"], ["Sea"]]
    outcome([TaggedPhoto(photo, history=OF_ALL)])
    assert tags(beside(photo)) == []


def test_a_tag_that_lightroom_has_as_a_keyword_too_stays_until_it_is_removed_there(photo):
    outcome([TaggedPhoto(photo, ("Sea",), None, HASH)])
    by_lightroom(photo, "Sea", "Lake")
    os.utime(photo.with_suffix(".xmp"), (9e9, 9e9))
    outcome([TaggedPhoto(photo, ("Sea",), None, HASH)])
    outcome([TaggedPhoto(photo, ("Mine",), None, HASH, history=OF_ALL)])
    assert sorted(tags(beside(photo))) == ["Lake", "Mine", "Sea"]
    by_lightroom(photo, "Lake", written=NEXT_DAY)
    assert read_beside(photo)[4] == ["Sea"]


@pytest.mark.parametrize("is_later", [True, False])
def test_of_two_side_cars_the_newer_one_decides_and_what_only_one_of_them_holds_stays(photo, is_later):
    shutil.copy(PACKETS / "digikam.xmp", beside(photo))
    before = [sorted(each) for each in lists_in(beside(photo))]
    by_lightroom(photo, rating=2, **{"crs:Exposure2012": "+0.35"})
    os.utime(photo.with_suffix(".xmp"), (9e9, 9e9) if is_later else (1, 1))
    for written in (1, 0):
        assert outcome([TaggedPhoto(photo, ("Sea",), None, HASH)]).written == written
        packet = read_packet(beside(photo).read_bytes())
        assert packet.rating == (2 if is_later else 4)
        assert packet.description == "Curlews & godwits at low tide"
        assert (b"Exposure2012" in beside(photo).read_bytes()) == is_later
        assert all(set(old) < set(new) for old, new in zip(before, lists_in(beside(photo)), strict=True))
    by_lightroom(photo, "Lake", written=NEXT_DAY)
    os.utime(photo.with_suffix(".xmp"), (9e9, 9e9) if is_later else (1, 1))
    outcome([TaggedPhoto(photo, ("Sea",), None, HASH)])
    assert (lists_in(beside(photo)) == [["Lake", "Sea"]] * 3) == is_later
    assert read_packet(beside(photo).read_bytes()).rating == (2 if is_later else 4)


def test_a_short_side_car_is_read_in_any_case(photo):
    shutil.copy(PACKETS / "digikam.xmp", photo.with_suffix(".Xmp"))
    facts = read_companions(photo, companions(names(photo.parent))[photo.name], {HASH})
    assert facts["XMP-xmp:Rating"] == 4
    assert [rating for _, _, rating, _ in sidecar_values(photo.parent)] == [4]


def test_a_short_side_car_of_the_raw_file_beside_is_not_copied(photo):
    shutil.copy(PACKETS / "lightroom.xmp", photo.with_suffix(".xmp"))
    outcome([TaggedPhoto(photo, ("Sea",))])
    assert b"camera-raw-settings" not in beside(photo).read_bytes()
    assert tags(beside(photo)) == ["Sea"]


def test_a_short_side_car_that_names_another_picture_is_not_copied(photo):
    outcome([TaggedPhoto(photo, ("Old",), 4, HASH)])
    beside(photo).rename(photo.with_suffix(".xmp"))
    another = bytes(reversed(HASH))
    outcome([TaggedPhoto(photo, ("Sea",), None, another)])
    assert (tags(beside(photo)), read_packet(beside(photo).read_bytes()).rating) == (["Sea"], None)


@pytest.mark.parametrize("ending", [".xmp", ".XMP"])
@pytest.mark.parametrize("content", [None, "digikam"])
def test_an_export_follows_no_link(photo, tmp_path, ending, content):
    outside = tmp_path / "outside.xmp"
    if content is not None:
        shutil.copy(PACKETS / f"{content}.xmp", outside)
    before = outside.read_bytes() if content else None
    beside(photo, ending).symlink_to(outside)
    sentence = str(*outcome([TaggedPhoto(photo, ("Sea",))]).left_alone)
    assert sentence.startswith(f"{beside(photo, ending)} is a link")
    assert (outside.read_bytes() if outside.exists() else None) == before
    assert names(photo.parent) == ["photo.jpg", f"photo.jpg{ending}"]


def test_bad_photos_are_reported_and_the_others_are_written(photo):
    folder = photo.parent
    photos = [
        folder / name
        for name in ("gone1.jpg", "gone2.jpg", "bad.jpg", "folder.jpg", "long" + "x" * 245 + ".jpg")
    ]
    for path in photos[2:]:
        path.write_bytes(b"photo")
    beside(photos[2]).write_bytes(b"<broken")
    beside(photos[3]).mkdir()
    done = outcome([TaggedPhoto(path, ("Sea",)) for path in (*photos, photo)])
    assert (done.written, done.unchanged, len(done.left_alone)) == (1, 0, 4)
    assert str(done.left_alone[0]).startswith(
        f"2 photos in {folder} could not be found, so nothing was written."
    )
    assert str(done.left_alone[1]).startswith(
        f"{beside(photos[2])} was left as it is: it is not well-formed XML"
    )
    assert str(done.left_alone[2]).startswith(f"{beside(photos[3])} was left as it is: it is not a file.")
    assert "longxxx" in str(done.left_alone[3])
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in map(str, done.left_alone))
    assert beside(photos[2]).read_bytes() == b"<broken"
    assert not list(folder.glob(".*"))


AS_NOBODY = """
import os, sys
from pathlib import Path
from picsight_engine.exchange.sidecar_writing import export_sidecars
from picsight_engine.exchange.tagged_photo import TaggedPhoto
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
*_, done = export_sidecars([TaggedPhoto(Path(name), ("Sea",)) for name in sys.argv[1:]])
print(done.written, *done.left_alone, sep="\\n")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise there")
def test_missing_permission_is_reported_once_a_folder(reachable):
    folders = [reachable / name for name in ("read only", "closed")]
    photos = [folder / name for folder in folders for name in ("a.jpg", "b.jpg", "locked.jpg")]
    for photo in photos:
        photo.parent.mkdir(exist_ok=True)
        photo.write_bytes(b"photo")
    shutil.copy(PACKETS / "digikam.xmp", beside(photos[2]))
    beside(photos[2]).chmod(0o444)
    for folder, mode in zip(folders, (0o555, 0o000), strict=True):
        folder.chmod(mode)
    command = [sys.executable, "-c", AS_NOBODY, *photos]
    child = subprocess.run(command, check=True, capture_output=True, text=True)
    for folder in folders:
        folder.chmod(0o755)
    written, *sentences = child.stdout.splitlines()
    assert written == "0"
    assert len(sentences) == 3
    assert sentences[0].startswith(f"2 photos in {folders[0]} got no side-car: nothing may be written")
    assert sentences[1].startswith(f"{beside(photos[2])} may not be changed")
    assert sentences[2].startswith(f"3 photos in {folders[1]} got no side-car")


def test_a_side_car_that_another_program_changed_meanwhile_is_left_alone(photo):
    sidecar = beside(photo)
    for before, there in ((None, b"theirs"), (b"read", b"theirs")):
        sidecar.write_bytes(there)
        with pytest.raises(ChangedMeanwhileError):
            exchange(sidecar, before, b"ours")
        assert sidecar.read_bytes() == b"theirs"
    sidecar.unlink()
    with pytest.raises(ChangedMeanwhileError):
        exchange(sidecar, b"read", b"ours")
    assert names(photo.parent) == ["photo.jpg"]


KILLED = """
import os, sys
from pathlib import Path
from picsight_engine.exchange.sidecar_writing import export_sidecars
from picsight_engine.exchange.tagged_photo import TaggedPhoto
photo, sidecar = map(Path, sys.argv[1:])
before = sidecar.read_bytes() if sidecar.exists() else None
step = 0
while True:
    step += 1
    child = os.fork()
    if not child:
        count = 0
        def kill(event, arguments):
            global count
            count += 1
            if count == step:
                os.kill(os.getpid(), 9)
        photos = [TaggedPhoto(photo, ("Gulls",), 4)]
        sys.addaudithook(kill)
        list(export_sidecars(photos))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(sidecar.read_bytes().hex() if sidecar.exists() else None)
    if status == 0:
        break
    if before is None:
        sidecar.unlink(missing_ok=True)
    else:
        sidecar.write_bytes(before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("program", [pytest.param(None, marks=pytest.mark.soak), "digikam"])
def test_a_kill_at_any_step_leaves_the_old_side_car_or_the_new_one(photo, program):
    before = None
    if program:
        before = (PACKETS / f"{program}.xmp").read_bytes()
        beside(photo).write_bytes(before)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, photo, beside(photo)],
        capture_output=True,
        text=True,
        check=True,
    )
    after = update_packet(before, SidecarContent(("Gulls",), 4, None))
    seen = [None if line == "None" else bytes.fromhex(line) for line in done.stdout.split()]
    assert set(seen) == {before, after}
    assert seen[-1] == after
    drafts = list(photo.parent.glob(".picsight-*.part"))
    assert drafts
    for draft in drafts[1:]:
        os.utime(draft, (0, 0))
    outcome([TaggedPhoto(photo, ("Gulls",), 4)])
    assert (
        list(photo.parent.glob(".picsight-*.part")) == drafts[:1]
    )  # another process may still write that one


KILLED_MOVING = """
import os, sys
from pathlib import Path
from picsight_engine.exchange.sidecar_writing import export_sidecars
from picsight_engine.exchange.tagged_photo import TaggedPhoto
new, moved = (TaggedPhoto(Path(name), (name[-5],), 4, bytes([number] * 16)) for number, name in enumerate(sys.argv[1:]))
paths = [photo.path.with_name(photo.path.name + ".xmp") for photo in (new, moved)]
content, step, status = paths[0].read_bytes(), 0, 9
while status:
    step += 1
    paths[0].write_bytes(content)
    paths[1].unlink(missing_ok=True)
    child = os.fork()
    if not child:
        count = 0
        def kill(event, arguments):
            global count
            count += 1
            if count == step:
                os.kill(os.getpid(), 9)
        sys.addaudithook(kill)
        list(export_sidecars([new, moved], lambda *_: [moved]))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(*(path.read_bytes().hex() if path.exists() else "" for path in paths), sep=",")
"""


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_kill_at_any_step_leaves_a_moved_pictures_side_car_at_its_old_or_new_place(photo):
    Image.new("RGB", (8, 8), "red").save(photo)
    moved = shutil.copy(photo, photo.with_name("moved.jpg"))
    theirs = update_packet((PACKETS / "digikam.xmp").read_bytes(), SidecarContent(("d",), 2, bytes([1] * 16)))
    beside(photo).write_bytes(theirs)
    command = [sys.executable, "-c", KILLED_MOVING, photo, moved]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seen = {tuple(map(bytes.fromhex, line.split(","))) for line in done.stdout.split()}
    assert len(seen) > 3
    for old, new in seen:
        assert old == theirs or b"godwits" in new
        assert old == theirs or b"godwits" not in old


def test_an_interrupted_export_leaves_whole_files_and_nothing_else(photo):
    def interrupted():
        yield b"half"
        raise KeyboardInterrupt

    beside(photo).write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write_export(beside(photo), interrupted(), lambda _: None, replace=True)
    assert beside(photo).read_text() == "before"
    assert names(photo.parent) == ["photo.jpg", "photo.jpg.xmp"]


def test_the_table_holds_a_line_for_each_photo_with_tags_or_stars(photo, tmp_path):
    odd = (
        photo.with_name(os.fsdecode(b'\xe4,"\n.jpg')) if sys.platform == "linux" else photo.with_name("b.jpg")
    )
    photos = [
        TaggedPhoto(photo, ("Birds/Waders", "Other/Waders"), 3),
        TaggedPhoto(odd, ("A|B",)),
        TaggedPhoto(photo.with_name("c.jpg")),
    ]
    assert export_table(photos, tmp_path / "tags.csv") == 2
    text = (tmp_path / "tags.csv").read_bytes().decode("utf-8", "surrogateescape")
    assert list(csv.DictReader(text.splitlines(keepends=True))) == [
        {
            "SourceFile": str(photo),
            "Subject": "Waders",
            "HierarchicalSubject": "Birds|Waders/|/Other|Waders",
            "TagsList": "Birds/Waders/|/Other/Waders",
            "Rating": "3",
            "Picsight": "",
        },
        {
            "SourceFile": str(odd),
            "Subject": "A|B",
            "HierarchicalSubject": "A/B",
            "TagsList": "A|B",
            "Rating": "",
            "Picsight": "",
        },
    ]
    with pytest.raises(StorageError, match="could not be written"):
        export_table(photos, tmp_path / "missing" / "tags.csv")


def test_a_folder_of_side_cars_is_read_with_its_subfolders(photo):
    root = photo.parent
    (root / "below").mkdir()
    for name in ("pair.jpg", "pair.png", "both names.jpg", "below/low.jpg", "below/renamed.jpg"):
        (root / name).write_bytes(b"photo")
    shutil.copy(PACKETS / "immich.xmp", root / "photo.jpg.xmp")
    shutil.copy(PACKETS / "darktable.xmp", root / "below" / "low.jpg.XMP")
    shutil.copy(PACKETS / "darktable.xmp", root / "below" / "low_01.jpg.xmp")  # its second version
    shutil.copy(PACKETS / "windows.xmp", root / "both names.jpg.xmp")
    shutil.copy(PACKETS / "lightroom.xmp", root / "both names.xmp")
    for name in ("clip.jpg.png", "raw.nef.jpg", "pair.jpeg", "both.jpg"):
        (root / name).write_bytes(b"photo")
    for name in ("clip.jpg.xmp", "raw.nef.xmp"):  # the whole names of other photos
        (root / name).write_bytes(update_packet(None, SidecarContent(("Whole name",), None, None)))
    lightroom_of_a_jpeg = (PACKETS / "lightroom.xmp").read_bytes().replace(b"NEF", b"JPEG")
    (root / "pair.xmp").write_bytes(lightroom_of_a_jpeg)
    shutil.copy(PACKETS / "lightroom.xmp", root / "both.xmp")  # which speaks of both.NEF
    (root / "below" / "old name.jpg.xmp").write_bytes(update_packet(None, SidecarContent(("Sea",), 0, HASH)))
    (root / "below" / "film.xmp").write_bytes(update_packet(None, SidecarContent(("Film",), None, None)))
    (root / "below" / "bad.xmp").write_bytes(b"<x")
    (root / "below" / "loop").symlink_to(root, target_is_directory=True)
    birds, harbour = "Birds/Waders", "Places/Ports|Docks/Harbour"
    assert sidecar_values(root) == {
        (root / "photo.jpg", (birds, "AC|DC"), 3, None),
        (root / "pair.jpeg", (birds, "Family", harbour), 5, None),
        (root / "clip.jpg", ("Whole name",), None, None),
        (root / "raw.nef", ("Whole name",), None, None),
        (root / "both names.jpg", (birds, "Ebbe & Flut"), 5, None),
        (root / "below/low.jpg", (birds, "seaside"), -1, None),
        (root / "below/old name.jpg", ("Sea",), 0, HASH),
        (root / "below/film", ("Film",), None, None),
    }
    faults = []
    list(read_sidecars(root, faults))
    fault = str(*faults)
    assert fault.startswith(f"{root / 'below/bad.xmp'} was left out: it is not well-formed XML")
    for place in ("below/low.jpg.XMP", "below/low.jpg"):
        assert sidecar_values(root / place) == {(root / "below/low.jpg", (birds, "seaside"), -1, None)}
    assert sidecar_values(root / "photo.jpg") == {(root / "photo.jpg", (birds, "AC|DC"), 3, None)}


def test_hidden_side_cars_and_those_in_bins_are_skipped_unless_named(photo):
    root = photo.parent
    packet = update_packet(None, SidecarContent(("Sea",), None, HASH))
    left_out = ("._photo.jpg.xmp", ".Trash/a.jpg.xmp", "$RECYCLE.BIN/S-1/b.jpg.xmp", "trip/@eaDir/c.jpg.xmp")
    for name in left_out:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(packet)
    assert sidecar_values(root) == set()
    for place in (root / left_out[0], root / ".Trash", root / "$RECYCLE.BIN"):
        assert len(sidecar_values(place)) == 1


def test_nothing_is_written_into_a_package_of_another_program(photo, tmp_path):
    package = tmp_path / "Photos.photoslibrary"
    inside = package / "originals" / "3" / "3A1B.jpg"
    inside.parent.mkdir(parents=True)
    shutil.copyfile(photo, inside)
    linked = tmp_path / "link"
    linked.symlink_to(inside.parent)
    tagged = [TaggedPhoto(path, ("Sea",), None, HASH) for path in (inside, linked / "3A1B.jpg", photo)]
    exported = outcome([*tagged, TaggedPhoto(inside.with_name("gone.jpg"))])
    assert (exported.written, len(exported.left_alone)) == (1, 1)
    assert str(exported.left_alone[0]).startswith(f"2 photos in {package} got no side-car: ")
    assert export_table(tagged, tmp_path / "tags.csv") == 1
    with pytest.raises(RequestError, match="belongs to another program"):
        export_table(tagged, inside.with_name("tags.csv"))
    assert names(inside.parent) == ["3A1B.jpg"]


@pytest.mark.parametrize("name", ["nothing.xmp", "nothing.jpg", "nothing"])
def test_a_path_that_is_neither_folder_nor_side_car_is_refused(photo, name):
    with pytest.raises(RequestError, match=r"no folder, photo or \.xmp file"):
        sidecar_values(photo.parent / name)
