"""The plan of a run: what to read, what moved and what is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight_engine.foundation.errors import Message
from picsight_engine.indexing.absence import FolderView
from picsight_engine.indexing.plan import make_plan
from picsight_engine.indexing.scan import DirectoryListing, SeenFile, SeenFolder, SeenProblem
from picsight_engine.photos.formats import can_read_films
from picsight_engine.store.files import StoredFile
from picsight_engine.store.folders import Folder
from picsight_engine.store.overview.problems import Problem

TRIPS = Folder(1, Path("/photos/Trips"), "watching")
DISK = Folder(2, Path("/media/Disk"), "watching")


DEVICE, OTHER_DEVICE = 7, 8


def stored(
    number: int, *, folder=TRIPS, name=None, mtime=None, present=True, device=DEVICE, rule=1, beside=None
) -> StoredFile:
    return StoredFile(
        id=folder.id * 10_000 + number,
        folder_id=folder.id,
        name=name or b"%d.jpg" % number,
        size=number,
        mtime_ns=number if mtime is None else mtime,
        device=device,
        bytes_hash=b"%016d" % number,
        photo_id=number,
        metadata_rule=rule,
        beside=beside,
        present=present,
    )


def seen(number: int, *, name: bytes | None = None, size=None, mtime=None, device=DEVICE) -> SeenFile:
    size, mtime = number if size is None else size, number if mtime is None else mtime
    return SeenFile(name or b"%d.jpg" % number, size, mtime, device)


def problem(number: int, code="damaged", *, size=None, mtime=None, name: bytes | None = None) -> Problem:
    path = TRIPS.path / f"{number}.jpg"
    size, mtime = number if size is None else size, number if mtime is None else mtime
    return Problem(
        1, name or b"%d.jpg" % number, path, code, Message("It is."), size, mtime, 1.0, 1.0, 1, ignored=False
    )


def seen_folder(name: bytes = b"", *, device=DEVICE, empty=False) -> SeenFolder:
    return SeenFolder(name, device, empty)


def view(
    stored_files=(), seen_files=(), *, folder=TRIPS, problems=(), folders=None, links=(), unreadable=()
) -> FolderView:
    closed = any(not each.name for each in unreadable)
    folders = folders or (() if closed else (seen_folder(),))
    listings = [DirectoryListing(files=[*seen_files], problems=[*unreadable], broken=[*links])]
    listings += [DirectoryListing(each) for each in folders]
    return FolderView(folder, tuple(stored_files), tuple(problems), listings)


def plan_views(*views: FolderView, complete=range(10_000)):
    return make_plan(views, frozenset(complete), 1)


def plan_folder(*files, complete=range(10_000), **options):
    """The plan for one folder: its stored files, its seen files, and further arguments of `view`."""
    return plan_views(view(*files, **options), complete=complete)


def task_names(plan) -> list[bytes]:
    return [task.file.name for task in plan.tasks]


def test_a_file_that_did_not_change_needs_nothing():
    plan = plan_folder([stored(1)], [seen(1)])
    assert (plan.unchanged, plan.tasks, plan.gone) == (1, [], [])


def test_new_files_are_read_newest_first_and_by_name_among_equals():
    plan = plan_folder([], [seen(1), seen(3), seen(2), seen(4, mtime=2)])
    assert task_names(plan) == [b"3.jpg", b"2.jpg", b"4.jpg", b"1.jpg"]


@pytest.mark.parametrize("change", [{"size": 99}, {"mtime": 99}])
def test_a_file_of_another_size_or_time_is_read_again(change):
    plan = plan_folder([stored(1)], [seen(1, **change)])
    assert [task.stored for task in plan.tasks] == [stored(1)]


def test_a_photo_without_a_vector_or_thumbnail_is_read_again():
    assert task_names(plan_folder([stored(1), stored(2)], [seen(1), seen(2)], complete={1})) == [b"2.jpg"]


def test_a_file_that_is_not_seen_is_gone():
    plan = plan_folder([stored(1), stored(2)], [seen(1)])
    assert (plan.gone, plan.offline) == ([stored(2)], [])


def test_a_missing_file_that_is_seen_as_it_was_has_returned():
    back = stored(1, present=False)
    plan = plan_folder([back], [seen(1)])
    assert (plan.returned, plan.tasks, plan.unchanged) == ([back], [], 1)


def test_a_file_missing_here_and_a_new_one_of_its_size_there_may_have_moved_and_comes_first():
    plan = plan_views(
        view([stored(1), stored(2), stored(3)], [seen(3), seen(9, mtime=99)]),
        view([], [seen(1, name=b"new.jpg")], folder=DISK),
    )
    assert (plan.moving, plan.gone) == ([stored(1)], [stored(2)])
    assert task_names(plan) == [b"new.jpg", b"9.jpg"]


def test_a_known_bad_file_is_left_alone_until_it_changes_or_a_person_asks():
    bad = problem(1)
    assert plan_folder([], [seen(1)], problems=[bad]).tasks == []
    assert task_names(plan_folder([], [seen(1, mtime=7)], problems=[bad])) == [b"1.jpg"]
    retried = replace(bad, size=None, mtime_ns=None)
    assert task_names(plan_folder([], [seen(1)], problems=[retried])) == [b"1.jpg"]


def test_a_file_that_showed_a_picture_once_is_tried_again_each_time():
    plan = plan_folder([stored(1)], [seen(1)], problems=[problem(1)])
    assert [task.stored for task in plan.tasks] == [stored(1)]


@pytest.mark.parametrize("code", ["no_permission", "vanished"])
def test_problems_that_heal_without_a_new_time_are_always_tried_again(code):
    assert task_names(plan_folder([], [seen(1)], problems=[problem(1, code)])) == [b"1.jpg"]


@pytest.mark.parametrize("code", ["timeout", "crashed"])
def test_problems_that_a_busy_machine_may_cause_are_tried_in_three_runs(code):
    bad = problem(1, code)
    assert task_names(plan_folder([], [seen(1)], problems=[bad])) == [b"1.jpg"]
    assert plan_folder([], [seen(1)], problems=[replace(bad, tries=3)]).tasks == []


def test_problems_of_files_that_are_gone_are_healed_and_those_not_seen_behind_a_locked_door_stay():
    gone, hidden = problem(1), problem(2, name=b"locked/2.jpg")
    locked = SeenProblem(b"locked", "no_permission", Message("The folder is locked."))
    behind, beside = stored(9, name=b"locked/9.jpg"), stored(8, name=b"locked2.jpg")
    known = [gone, hidden, problem(3, name=b"locked")]
    plan = plan_folder([behind, beside], [], problems=known, unreadable=[locked])
    assert (plan.healed, plan.gone) == ([gone], [beside])
    assert plan.unreadable == [(TRIPS, locked)]


@pytest.mark.parametrize(("code", "state"), [("vanished", "offline"), ("no_permission", "denied")])
def test_a_folder_that_cannot_be_opened_keeps_everything_however_small_it_is(code, state):
    plan = plan_folder(
        [stored(1)], [], unreadable=[SeenProblem(b"", code, Message("The folder is not there."))]
    )
    assert plan.gone == []
    assert [(each.folder, each.state, len(each.files)) for each in plan.offline] == [(TRIPS, state, 1)]


@pytest.mark.parametrize(
    ("files", "left", "offline"), [(50, 40, True), (50, 41, False), (49, 0, False), (50, 0, True)]
)
def test_a_folder_of_fifty_files_that_is_a_fifth_emptier_is_offline(files, left, offline):
    plan = plan_folder([stored(n) for n in range(files)], [seen(n) for n in range(left)])
    assert bool(plan.offline) is offline
    assert len(plan.gone) == (0 if offline else files - left)


def test_files_that_a_newer_version_skips_leave_at_once():
    originals = [stored(n, name=b"A.photoslibrary/originals/%d.jpg" % n) for n in range(20)]
    previews = [stored(n, name=b"A.photoslibrary/resources/%d.jpg" % n) for n in range(20, 80)]
    plan = plan_folder([*originals, *previews], [seen(n, name=file.name) for n, file in enumerate(originals)])
    assert (plan.gone, plan.offline) == (previews, [])


def test_pictures_that_all_gave_way_to_others_may_lie_on_a_disk_whose_place_another_has_taken():
    """All cards in one reader have the same device number and label."""
    card = [stored(n, name=b"card/DCIM/%d.jpg" % n) for n in range(1, 4)]
    other = [seen(n, name=b"card/DCIM/%d.jpg" % n) for n in range(11, 13)]
    folders = (seen_folder(), seen_folder(b"card"), seen_folder(b"card/DCIM"))
    plan = plan_folder([stored(9), *card], [seen(9), *other], folders=folders)
    assert (plan.gone, away(plan)) == ([], [(b"card/DCIM", "watching", 3)])
    plan = plan_folder([stored(9), *card], [seen(9), *other, seen(1, name=card[0].name)], folders=folders)
    assert (plan.gone, away(plan)) == (card[1:], [])  # one that is known proves the disk


def test_a_folder_stays_offline_until_its_files_are_back():
    files = [stored(n) for n in range(100)]
    offline = Folder(1, TRIPS.path, "offline")
    arrivals = [seen(n) for n in range(50)] + [seen(n) for n in range(200, 300)]
    plan = plan_folder(files, arrivals, folder=offline)
    assert (len(plan.offline), plan.gone, plan.online) == (1, [], [])
    plan = plan_folder(files, [seen(n) for n in range(100)], folder=offline)
    assert (plan.offline, plan.online) == ([], [offline])


def away(plan) -> list[tuple[bytes, str, int]]:
    return [(each.place, each.state, len(each.files)) for each in plan.offline]


def test_an_emptied_folder_is_offline_however_few_files_it_held():
    plan = plan_folder([stored(1), stored(2, name=b"sub/2.jpg")], [], folders=(seen_folder(empty=True),))
    assert (plan.gone, away(plan)) == ([], [(b"", "offline", 2)])


def test_an_emptied_subfolder_is_away_and_what_went_beside_it_is_gone():
    files = [stored(1), stored(2), stored(3, name=b"disk/3.jpg"), stored(4, name=b"disk/deep/4.jpg")]
    plan = plan_folder(files, [seen(1)], folders=(seen_folder(), seen_folder(b"disk", empty=True)))
    assert (plan.gone, away(plan)) == ([stored(2)], [(b"disk", "watching", 2)])


def test_a_subfolder_that_is_gone_itself_is_deleted_like_single_files():
    files = [stored(1), stored(2, name=b"old/2.jpg"), stored(3, name=b"old/deep/3.jpg")]
    plan = plan_folder(files, [seen(1)])
    assert (plan.gone, away(plan)) == (files[1:], [])


def test_an_absence_on_another_device_is_not_believed():
    """The mount point of a missing disk may hold any files."""
    files = [stored(1), stored(2, name=b"disk/2.jpg", device=OTHER_DEVICE)]
    covered = seen(9, name=b"disk/covered.jpg")
    plan = plan_folder(files, [seen(1), covered], folders=(seen_folder(), seen_folder(b"disk")))
    assert (plan.gone, away(plan), plan.devices) == ([], [(b"disk", "watching", 1)], [])
    plan = plan_folder(files, [seen(1)])  # the mount point went with its disk
    assert (plan.gone, away(plan)) == ([], [(b"", "watching", 1)])


def test_a_person_is_asked_about_an_emptied_directory_and_not_about_a_disk_beside_or_below_it():
    files = [stored(1), stored(2, name=b"a/2.jpg"), stored(3, name=b"usb/3.jpg", device=OTHER_DEVICE)]
    folders = (seen_folder(), seen_folder(b"a", empty=True), seen_folder(b"usb", empty=True))
    plan = plan_folder(files, [seen(1)], folders=folders)
    assert [(each.place, each.may_be_gone) for each in plan.offline] == [(b"a", True), (b"usb", False)]
    below = stored(3, name=b"a/usb/3.jpg", device=OTHER_DEVICE)
    replaced = [seen(8, name=b"a/8.jpg"), seen(9, name=b"a/9.jpg")]
    lost = [stored(4, name=b"a/4.jpg"), stored(5, name=b"a/5.jpg"), below]
    plan = plan_folder(
        [stored(1), *lost],
        [seen(1), *replaced],
        folders=(seen_folder(), seen_folder(b"a"), seen_folder(b"a/usb", empty=True)),
    )
    assert [(each.place, each.may_be_gone) for each in plan.offline] == [(b"a", False), (b"a/usb", False)]


def test_a_disk_with_another_number_after_a_restart_is_the_same_disk():
    files = [stored(n, device=OTHER_DEVICE) for n in range(1, 5)]
    plan = plan_folder(files, [seen(1), seen(2), seen(3)])
    assert (plan.unchanged, plan.gone, away(plan)) == (3, [], [(b"", "watching", 1)])
    assert sorted(plan.devices) == [(file.id, DEVICE) for file in files]  # so that the next run believes it
    plan = plan_folder(files, [seen(1)])  # one copy in the mount point proves nothing about three others
    assert plan.devices == [(files[0].id, DEVICE)]


def test_a_broken_link_hides_its_files():
    files = [stored(1), stored(2, name=b"link.jpg"), stored(3, name=b"disk/3.jpg")]
    links = (b"link.jpg", b"disk")
    plan = plan_folder(files, [seen(1)], links=links)
    assert (plan.gone, away(plan)) == ([], [(b"", "watching", 2)])


def test_a_file_moved_out_of_an_emptied_folder_may_have_moved_and_is_kept():
    files = [stored(1), stored(2, name=b"in/2.jpg"), stored(3, name=b"in/3.jpg")]
    plan = plan_folder(
        files,
        [seen(1), seen(2, name=b"out/2.jpg")],
        folders=(seen_folder(), seen_folder(b"in", empty=True), seen_folder(b"out")),
    )
    assert (plan.moving, plan.gone, plan.kept) == ([files[1]], [], {files[1].id, files[2].id})
    assert away(plan) == [(b"in", "watching", 2)]


def test_files_whose_metadata_were_read_by_an_older_rule_are_read_again():
    assert task_names(plan_folder([stored(1), stored(2, rule=0)], [seen(1), seen(2)])) == [b"2.jpg"]


def test_a_file_is_read_again_when_a_side_car_comes_changes_or_goes():
    known = [stored(1), stored(2, beside=7), stored(3, beside=7), stored(4, beside=7)]
    now = [replace(seen(1), beside=7), replace(seen(2), beside=8), seen(3), replace(seen(4), beside=7)]
    plan = plan_folder(known, now)
    assert (sorted(task_names(plan)), plan.unchanged) == ([b"1.jpg", b"2.jpg", b"3.jpg"], 1)


def test_problems_in_a_folder_that_is_away_stay_and_those_of_a_folder_of_bad_files_alone_are_over():
    folders = (seen_folder(), seen_folder(b"disk", empty=True), seen_folder(b"bad", empty=True))
    here, over = problem(1, name=b"disk/1.jpg"), problem(2, name=b"bad/2.jpg")
    plan = plan_folder([stored(3, name=b"disk/3.jpg")], [], folders=folders, problems=[here, over])
    assert plan.healed == [over]


@settings(max_examples=30)
@given(st.sets(st.integers(0, 120)), st.sets(st.integers(0, 120)), st.sets(st.integers(0, 120)))
def test_every_seen_file_is_unchanged_or_read_and_every_lost_one_is_accounted_for(known, there, complete):
    plan = plan_folder(
        [stored(n) for n in sorted(known)], [seen(n) for n in sorted(there)], complete=complete
    )
    assert plan.unchanged + len(plan.tasks) == len(there)
    lost = known - there
    moving = {file.id for file in plan.moving} - plan.kept
    assert len(plan.gone) + len(moving) + len(plan.kept) == len(lost)


def films_tried() -> list[bytes]:
    """Which of two unread films are tried again; the second one may belong to a photo."""
    alone, beside = (problem(number, "not_read", name=b"%d.mov" % number) for number in (1, 2))
    may_belong = replace(seen(2, name=b"2.mov"), companions=(b"2.jpg",))
    return task_names(plan_folder([], [seen(1, name=b"1.mov"), may_belong], problems=[alone, beside]))


def test_a_film_that_was_not_read_is_tried_again_beside_a_photo_that_may_be_its_own(no_video):
    assert films_tried() == [b"2.mov"]


def test_every_film_that_was_not_read_is_tried_again_with_the_extra_video():
    if not can_read_films():
        pytest.skip("needs the extra video")
    assert films_tried() == [b"2.mov", b"1.mov"]
