"""Faces that a classifier recognises after a few answers."""

from __future__ import annotations

import numpy as np

from picsight_engine.people.likeness import recognised


def test_answers_teach_whom_a_face_shows():
    chance = np.random.default_rng(1)
    persons = chance.normal(0, 0.12, (40, 128))
    who = np.repeat(np.arange(40), 12)
    faces = (persons[who] + chance.normal(0, 0.02, (len(who), 128))).astype(np.float32)
    mine, others = np.flatnonzero(who == 7), np.flatnonzero(who == 8)
    found = recognised(faces, faces[mine[:4]], faces[others[:2]], faces)
    assert set(np.flatnonzero(found)) == set(mine)
