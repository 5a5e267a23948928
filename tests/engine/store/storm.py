"""Random changes of files and folders: they come, move, go, come back and are forgotten."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picsight_engine.foundation.metadata import Metadata
from picsight_engine.store.files import files_of, forget_missing, move_file, put_metadata
from picsight_engine.store.folders import add_folder, all_folders, remove_folder
from picsight_engine.store.tagging.pairs import mark_missing, mark_returned

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.engine.store.conftest import Shelf


def change(shelf: Shelf, outer: Path, chance: random.Random) -> None:
    """Makes one random change; `outer` is a folder that contains all the others."""
    name = os.fsencode(
        "/".join(chance.choices(["Été", "sea", "Oscar", "caf\udce9"], k=chance.randrange(1, 4)))
    )
    name += b"%d.%b" % (chance.randrange(3), chance.choice([b"jpg", b"JPG", b"png"]))
    folder = chance.choice(all_folders(shelf.db))
    files = files_of(shelf.db, folder.id)
    action = chance.choice(
        ["put", "put", "describe", "missing", "returned", "move", "forget", "outer", "remove"]
    )
    if action == "put" or not files:
        shelf.put(name, chance.randrange(1, 9), folder_id=folder.id, vector=False)
    elif action == "outer" and chance.random() < 0.1:
        add_folder(shelf.db, outer)
    elif action == "remove" and len(all_folders(shelf.db)) > 1:
        remove_folder(shelf.db, folder.id)
    else:
        file = chance.choice(files)
        with shelf.db.writer() as connection:
            if action == "describe":
                put_metadata(connection, folder.id, file.name, random_metadata(chance), rule=1)
            elif action == "missing":
                mark_missing(connection, [file.id], 10.0)
            elif action == "returned":
                mark_returned(connection, [file.id])
            elif action == "move":
                move_file(connection, file.id, chance.choice(all_folders(shelf.db)).id, name)
            elif action == "forget" and chance.random() < 0.2:
                forget_missing(connection, 0)


def random_metadata(chance: random.Random) -> Metadata:
    taken = chance.choice([None, "2019-07-18T10:00:00", "2020-12-31T23:59:59", "2020-12-01T00:00:00"])
    camera = chance.choice([None, "Canon EOS R5", "iPhone 12"])
    keywords = tuple(chance.sample(["Oscar", "Meer", "été"], chance.randrange(3)))
    place = chance.choice([None, "Nice, Alpes-Maritimes, France", "Monaco"])
    lens = chance.choice([None, "EF50mm f/1.8"])
    return Metadata(taken, camera=camera, keywords=keywords, place=place, lens=lens)
