"""Every command's JSON document: its keys in their order, their types, and what they say about 40 real photos."""

from __future__ import annotations

import io
import os
import stat
import subprocess
from pathlib import Path

import pytest
from PIL import Image

SUMMARY = ["found", "indexed", "unchanged", "moved", "missing", "problems", "seconds", "photos_per_second"]
ANSWER = ["query", "space", "photos", "milliseconds", "results", "filters", "undated", "faults"]
RESULT = ["id", "path", "score", "match", "taken", "place", "camera", "stack", "found_by"]
MATCHES = ("strong", "weaker", "none")
PHOTO = [
    "id", "paths", "width", "height", "taken", "taken_from", "lat", "lon", "place", "camera", "lens",
    "rating", "subsecond", "altitude", "direction", "focal_length", "focal_length_35mm", "aperture",
    "exposure_time", "iso", "flash", "label", "title", "description", "creator", "copyright", "bit_depth",
    "colour_space", "edited", "keywords", "file_time", "bytes", "tags", "problem",
]  # fmt: skip
STATUS = ["library", "folders", "photos", "files", "problems", "space", "model", "bytes"]


def test_index_tells_what_it_did_and_then_that_nothing_is_left(fresh, few_photos) -> None:
    first = fresh.json("index", few_photos)
    assert list(first) == SUMMARY
    assert first["seconds"] > 0
    assert first["photos_per_second"] > 0
    assert {key: first[key] for key in SUMMARY[:6]} == {
        "found": 5, "indexed": 5, "unchanged": 0, "moved": 0, "missing": 0, "problems": 0,
    }  # fmt: skip
    (few_photos / "moved").mkdir()
    photos = sorted(few_photos.glob("*.jpg"))
    photos[0].rename(few_photos / "moved" / photos[0].name)
    photos[1].unlink()
    again = fresh.json("index")
    assert {key: again[key] for key in SUMMARY[:6]} == {
        "found": 4, "indexed": 0, "unchanged": 3, "moved": 1, "missing": 1, "problems": 0,
    }  # fmt: skip
    found = fresh.json("search", "dog", "--min", "all")["results"]
    assert str(few_photos / "moved" / photos[0].name) in [result["path"] for result in found]
    assert str(photos[1]) not in [result["path"] for result in found]


def test_search_gives_the_best_photos_first(indexed, photos) -> None:
    answer = indexed.json("search", "a", "dog", "runs", "-n", "7", "--min", "all")
    assert list(answer) == ANSWER
    assert answer["query"] == "a dog runs"
    assert answer["photos"] == 40
    assert answer["milliseconds"] > 0
    results = answer["results"]
    assert len(results) == 7
    assert all(list(result) == RESULT for result in results)
    assert all(isinstance(result["id"], int) and result["match"] in MATCHES for result in results)
    assert all(Path(result["path"]).parent == photos for result in results)
    scores = [result["score"] for result in results]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1


def test_search_gives_20_results_unless_said(indexed) -> None:
    assert len(indexed.json("search", "dog", "--min", "all")["results"]) == 20
    assert len(indexed.json("search", "dog", "-n", "100", "--min", "all")["results"]) == 40


def test_search_leaves_out_what_matches_less_than_was_asked_for(indexed) -> None:
    everything = indexed.json("search", "dog", "-n", "100", "--min", "all")["results"]
    for least, kept in (("strong", MATCHES[:1]), ("weaker", MATCHES[:2])):
        found = indexed.json("search", "dog", "-n", "100", "--min", least)["results"]
        assert found == [result for result in everything if result["match"] in kept]


def test_words_with_a_dash_want_less_of_something(indexed) -> None:
    for words in (["dog", "-snow"], ["beach", "-night"], ["-n5"]):
        assert indexed.json("search", *words)["query"] == " ".join(words)
    with_dogs = [
        result["path"] for result in indexed.json("search", "dog | grass", "--min", "all")["results"]
    ]
    without = [
        result["path"] for result in indexed.json("search", "grass", "-dog", "--min", "all")["results"]
    ]
    assert with_dogs != without


def test_search_reads_queries_from_stdin_and_answers_each_in_a_line(indexed) -> None:
    done = indexed(
        "search", "--stdin", "--json", "-n", "3", "--min", "all", stdin="dog\n\n  \nKühe | -n\n".encode()
    )
    assert done.code == 0
    answers = done.documents
    assert [answer["query"] for answer in answers] == ["dog", "", "  ", "Kühe | -n"]
    assert [len(answer["results"]) for answer in answers] == [3, 0, 0, 3]
    assert all(list(answer) == ANSWER for answer in answers)
    assert answers[0]["results"] == indexed.json("search", "dog", "-n", "3", "--min", "all")["results"]


def test_similar_starts_from_a_photo_and_leaves_it_out(indexed, photos) -> None:
    photo = min(photos.glob("[0-9]*.jpg"))
    answer = indexed.json("similar", os.path.relpath(photo))
    assert list(answer) == ANSWER
    assert answer["query"] == str(photo)
    assert len(answer["results"]) == 20
    assert str(photo) not in [result["path"] for result in answer["results"]]


def test_show_tells_what_is_known_of_a_photo(indexed, photos) -> None:
    shown = indexed.json("show", photos / "google_pixel8pro_offset.jpg")
    assert list(shown) == PHOTO
    assert shown["paths"] == [str(photos / "google_pixel8pro_offset.jpg")]
    assert (shown["width"], shown["height"]) == (8, 8)
    assert shown["taken"] == "2023-10-06T22:53:51+02:00"
    assert isinstance(shown["taken_from"], str)
    assert shown["keywords"] == shown["tags"] == []
    assert (shown["lat"], shown["lon"]) == pytest.approx((40.400069, -3.714647), abs=1e-5)
    told = {
        "camera": "Google Pixel 8 Pro", "lens": "Pixel 8 Pro back camera 6.9mm f/1.68", "subsecond": "724",
        "bit_depth": 8, "edited": False, "rating": None, "label": None, "problem": None,
    }  # fmt: skip
    assert {key: shown[key] for key in told} == told
    found = indexed.json("search", "dog", "-n", "40", "--min", "all")["results"]
    assert {"id": shown["id"], "taken": shown["taken"]} in [
        {"id": result["id"], "taken": result["taken"]} for result in found
    ]


def test_show_writes_the_thumbnail(indexed, photos, tmp_path) -> None:
    photo = photos / "canon_40d.jpg"
    assert indexed("show", photo, "--thumbnail", tmp_path / "small.jpg").code == 0
    with Image.open(tmp_path / "small.jpg") as thumbnail:
        assert thumbnail.format == "JPEG"
        assert max(thumbnail.size) <= 256


def test_a_thumbnail_is_never_written_over_anything(indexed, photos, tmp_path) -> None:
    photo, other = photos / "canon_40d.jpg", photos / "nikon_d70.jpg"
    before = other.read_bytes()
    (tmp_path / "hard link.jpg").hardlink_to(other)
    (tmp_path / "link.jpg").symlink_to(other)
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "not there.jpg")
    (tmp_path / "picture.jpg").write_bytes(b"another picture")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    for taken in (*tmp_path.iterdir(), other, Path(os.devnull)):
        done = indexed("show", photo, "--thumbnail", taken, "--json")
        assert (done.code, done.out) == (1, "")
        assert done.err == f"{taken} is there already and is not written over; choose another name.\n"
    assert other.read_bytes() == before
    assert (tmp_path / "picture.jpg").read_bytes() == b"another picture"
    assert not (tmp_path / "not there.jpg").exists()


def test_a_thumbnail_can_be_read_by_whom_the_umask_lets(indexed, photos, tmp_path) -> None:
    command = indexed.command("show", photos / "canon_40d.jpg", "--thumbnail", tmp_path / "small.jpg")
    subprocess.run(command, env=indexed.environment, umask=0o027, check=True, timeout=60)
    assert stat.S_IMODE((tmp_path / "small.jpg").stat().st_mode) == 0o640


def test_show_of_a_path_that_is_no_photo_says_so_and_ends_with_1(indexed, tmp_path) -> None:
    done = indexed("show", tmp_path / "never.jpg", "--json")
    assert done.code == 1
    assert list(done.document.items()) == [
        ("path", str(tmp_path / "never.jpg")), ("problem", None), ("id", None),
    ]  # fmt: skip


def test_show_reads_paths_from_stdin_and_ends_with_1_after_the_last(indexed, photos) -> None:
    known = [photos / "canon_40d.jpg", photos / "nikon_d70.jpg"]
    lines = "\n".join([str(known[0]), "/never/there.jpg", "", str(known[1])])
    done = indexed("show", "--stdin", "--json", stdin=lines.encode())
    assert done.code == 1
    documents = done.documents
    assert [document["id"] is None for document in documents] == [False, True, True, False]
    assert documents[1] == {"path": "/never/there.jpg", "problem": None, "id": None}
    assert indexed("show", "--stdin", "--json", stdin=str(known[0]).encode()).code == 0


def test_a_path_by_way_of_a_link_is_the_photo(indexed, photos, tmp_path) -> None:
    photo = next(iter(sorted(photos.glob("*.jpg"))))
    (tmp_path / "file.jpg").symlink_to(photo)
    (tmp_path / "folder").symlink_to(photos)
    for path in (tmp_path / "file.jpg", tmp_path / "folder" / photo.name):
        assert indexed.json("show", path)["paths"] == [str(photo)]
        assert indexed.json("similar", path, "-n", "1")["query"] == str(path)


def test_lines_of_stdin_may_end_as_on_windows(indexed, photos) -> None:
    done = indexed("search", "--stdin", "--json", stdin=b"dog\r\n\r\n")
    assert [document["query"] for document in done.documents] == ["dog", ""]
    photo = next(iter(sorted(photos.glob("*.jpg"))))
    done = indexed("show", "--stdin", "--json", stdin=f"{photo}\r\n".encode())
    assert done.code == 0
    assert done.document["paths"] == [str(photo)]


def test_a_thumbnail_that_cannot_be_written_leaves_no_document(indexed, photos, tmp_path) -> None:
    photo = next(iter(sorted(photos.glob("*.jpg"))))
    done = indexed("show", photo, "--thumbnail", tmp_path / "none" / "t.jpg", "--json")
    assert (done.code, done.out) == (1, "")
    assert "t.jpg" in done.err


def test_status_counts(indexed) -> None:
    status = indexed.json("status")
    assert list(status) == STATUS
    assert status["library"] == str(indexed.library)
    assert [status[key] for key in ("folders", "photos", "files", "problems")] == [1, 40, 40, 0]
    assert status["space"] == indexed.json("search", "dog")["space"]
    assert isinstance(status["model"], str)
    assert status["bytes"] > 10_000


def test_problems_of_a_sound_library_are_none(indexed) -> None:
    assert indexed.json("problems") == {"problems": []}


def test_doctor_finds_a_sound_library_sound(indexed) -> None:
    health = indexed.json("doctor")
    assert list(health) == ["ok", "checks"]
    assert health["ok"] is True
    assert all(list(check) == ["name", "ok", "message", "repaired"] for check in health["checks"])
    assert not any(check["repaired"] for check in health["checks"])


def test_doctor_forgets_photos_whose_files_are_gone(fresh, few_photos) -> None:
    fresh.json("index", few_photos)
    next(iter(few_photos.glob("*.jpg"))).unlink()
    fresh.json("index")
    assert fresh.json("doctor", "--forget")["ok"]
    status = fresh.json("status")
    assert (status["photos"], status["files"]) == (4, 4)


def test_global_options_are_taken_before_and_after_the_command(indexed, tmp_path) -> None:
    elsewhere = indexed.on(tmp_path / "none")
    after = elsewhere.json("status", "--library", indexed.library, "--quiet", "--verbose")
    assert after["photos"] == 40
    before = indexed("--json", "--quiet", "--verbose", "status")
    assert before.document == after


def test_a_library_that_is_not_there_reads_like_an_empty_one(fresh) -> None:
    done = fresh("search", "dog", "--json")
    assert done.code == 0
    assert list(done.document) == ANSWER
    assert (done.document["query"], done.document["photos"], done.document["results"]) == ("dog", 0, [])
    assert "picsight index FOLDER" in done.err
    status = fresh.json("status")
    assert list(status) == STATUS
    assert [status[key] for key in ("folders", "photos", "files", "problems", "bytes")] == [0] * 5
    assert status["space"] == done.document["space"]
    assert fresh.json("problems") == {"problems": []}
    assert fresh("show", "/a.jpg", "--json").document == {"path": "/a.jpg", "problem": None, "id": None}
    assert not fresh.library.exists()


def test_stdout_holds_json_alone_whatever_is_told_besides(fresh, few_photos) -> None:
    done = fresh("index", few_photos, "--json", "--verbose")
    assert list(done.document) == SUMMARY
    assert "Library" in done.err
    quiet = fresh("index", "--json", "--quiet")
    assert quiet.document["unchanged"] == 5
    assert quiet.err == ""


def test_the_thumbnail_of_a_photo_is_upright(fresh, shared, tmp_path) -> None:
    (tmp_path / "turned").mkdir()
    (tmp_path / "turned" / "a.jpg").write_bytes((shared / "formats" / "orient6.jpg").read_bytes())
    fresh.json("index", tmp_path / "turned")
    assert fresh("show", tmp_path / "turned" / "a.jpg", "--thumbnail", tmp_path / "t.jpg").code == 0
    with Image.open(io.BytesIO((tmp_path / "t.jpg").read_bytes())) as thumbnail:
        assert thumbnail.width > thumbnail.height  # 240 by 160 upright
