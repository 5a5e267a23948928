"""The programs that open photos, read from entries as desktops install them."""

from __future__ import annotations

from pathlib import Path

import pytest

from picsight.window.actions.open_with import Program, programs_for

PHOTOS = [Path("/my photos/a.jpg"), Path("/my photos/b.jpg")]


@pytest.fixture
def desktop(tmp_path, monkeypatch):
    """Writes entries into a person's or the system's folder."""
    places = {"XDG_DATA_HOME": "user", "XDG_DATA_DIRS": "system", "XDG_CONFIG_HOME": "config"}
    for name, place in (places | {"XDG_CONFIG_DIRS": "config of the system"}).items():
        monkeypatch.setenv(name, str(tmp_path / place))

    def entry(place, file, **fields):
        path = tmp_path / place / "applications" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{key.replace('_de', '[de]')}={value}" for key, value in fields.items()]
        lines = ["[Desktop Entry]", "Type=Application", *lines, "[Desktop Action x]", "Exec=no"]
        path.write_text("\n".join(lines))

    entry.folder = tmp_path
    return entry


def names(*kinds, language="en_GB"):
    return [program.name for program in programs_for(kinds or ["image/jpeg"], language)]


def test_programs_that_open_the_kind_are_listed_the_default_one_first(desktop):
    for name in ("Gimp", "darktable", "Viewer"):
        desktop("system", f"{name}.desktop", Name=name, Exec="sh %U", MimeType="image/jpeg;image/png;")
    desktop("system", "text.desktop", Name="Text", Exec="sh %f", MimeType="text/plain;")
    assert names() == ["darktable", "Gimp", "Viewer"]
    (desktop.folder / "config").mkdir()
    defaults = desktop.folder / "config" / "mimeapps.list"
    defaults.write_text("[Default Applications]\nimage/jpeg=Viewer.desktop;\n")
    assert names() == ["Viewer", "darktable", "Gimp"]
    assert names("image/jpeg", "text/plain") == []


def test_hidden_missing_and_broken_programs_are_left_out_and_a_users_entry_overrides_the_systems(
    desktop,
):
    opens = {"Exec": "sh %F", "MimeType": "image/jpeg;"}
    desktop("system", "a.desktop", Name="A", **opens)
    desktop("user", "a.desktop", Name="My A", Name_de="Mein A", **opens)
    desktop("system", "b.desktop", Name="B", NoDisplay="true", **opens)
    desktop("system", "c.desktop", Name="C", Exec="there-is-no-such-program %f", MimeType="image/jpeg;")
    desktop("system", "d.desktop", Name="D", Exec='sh "%f', MimeType="image/jpeg;")
    (desktop.folder / "system" / "applications" / "e.desktop").write_bytes(b"\xff\xfe no entry")
    desktop("user", "f.desktop", Name="F", Hidden="true", **opens)
    desktop("system", "f.desktop", Name="F", **opens)
    assert names() == ["My A"]
    assert names(language="de_CH") == ["Mein A"]


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        ("edit --new %F", [["edit", "--new", "/my photos/a.jpg", "/my photos/b.jpg"]]),
        ("edit %U", [["edit", "file:///my%20photos/a.jpg", "file:///my%20photos/b.jpg"]]),
        ("edit 50%% %i %f", [["edit", "50%", "/my photos/a.jpg"], ["edit", "50%", "/my photos/b.jpg"]]),
        ("edit", [["edit", "/my photos/a.jpg"], ["edit", "/my photos/b.jpg"]]),
    ],
)
def test_files_stand_where_the_entry_wants_them(words, commands):
    assert Program("Edit", tuple(words.split())).commands(PHOTOS) == commands
