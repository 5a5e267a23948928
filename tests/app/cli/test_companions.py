"""A RAW file beside its JPEG: what the commands show, and the side-cars of both."""

from __future__ import annotations

import shutil

from picsight_engine.photos.identity import fingerprint
from picsight_engine.photos.metadata.xmp import read_packet

LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="4" photoshop:SidecarForExtension="DNG">
<dc:subject><rdf:Bag><rdf:li>meadow</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_a_raw_file_is_the_companion_of_its_jpeg_in_answers_side_cars_and_counts(fresh, shared, tmp_path):
    jpeg, raw = (tmp_path / "photos" / name for name in ("IMG_4711.JPG", "IMG_4711.DNG"))
    jpeg.parent.mkdir()
    for file in (jpeg, raw):
        shutil.copyfile(shared / "camera" / file.name, file)
    lightroom = jpeg.with_suffix(".xmp")  # stars for the RAW
    lightroom.write_text(LIGHTROOM)
    fresh.json("index", jpeg.parent)

    shown = fresh.json("show", raw)
    assert (shown["paths"], shown["companions"]) == ([str(jpeg)], [str(raw)])
    assert (fresh.json("show", jpeg)["rating"], fresh.json("show", jpeg)["keywords"]) == (4, ["meadow"])
    assert f"path: {jpeg}\nwith it: {raw} (RAW)\n" in fresh("show", jpeg).out

    fresh.json("tags", "new", "Sea", "--album")
    fresh.json("tags", "accept", "Sea", jpeg)
    sidecars = {file: file.with_name(f"{file.name}.xmp") for file in (jpeg, raw)}
    assert fresh.json("export", "sidecars", "--no-companions")["written"] == 1
    assert (sidecars[jpeg].exists(), sidecars[raw].exists()) == (True, False)
    assert fresh.json("export", "sidecars")["written"] == 1
    for file, sidecar in sidecars.items():  # each describes the picture of its file
        assert read_packet(sidecar.read_bytes()).original == fingerprint(file.read_bytes())

    for file in (jpeg, raw, lightroom):
        file.unlink()
    checks = fresh.json("doctor", "--forget", jpeg.parent)["checks"]
    assert "1 photo of missing files forgotten." in [check["message"] for check in checks]
