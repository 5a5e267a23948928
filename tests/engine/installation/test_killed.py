"""A kill while models come and go: the next call goes on, nothing is fetched twice, and no half model is visible."""

from __future__ import annotations

import pickle
import random
import signal
import subprocess
import sys

import pytest

from picsight_engine.foundation.errors import RequestError
from picsight_engine.installation.download import RetryPolicy
from picsight_engine.installation.install import install
from picsight_engine.installation.local_model import open_local_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is for POSIX")

# Ends itself, as if killed, before the nth thing that it does to a file of the models.
CHILD = """
import os, pickle, signal, sys
from pathlib import Path
from picsight_engine.bundles import tokenizer
from picsight_engine.runtime import self_test, text_embedder
from picsight_engine.installation.install import install
from picsight_engine.installation.local_model import open_local_model
models, action, what, last = pickle.loads(sys.stdin.buffer.read())
steps = 0
def watch(event, arguments):
    global steps
    ours = event in ("open", "os.rename", "os.mkdir") and str(models.folder) in str(arguments[0])
    if ours or event in ("os.remove", "os.rmdir"):  # whole trees are removed by relative names
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
sys.addaudithook(watch)
if action == "fetch":
    list(install(what, models))
elif action == "install":
    with open_local_model(what) as model:
        list(model.install(models))
else:
    models.remove(what)
last = -1
print(steps)
"""


def run(models, action, what, last=-1):
    """How many steps the child has made; None if it was killed before that."""
    given = pickle.dumps((models, action, what, last))
    done = subprocess.run([sys.executable, "-c", CHILD], input=given, capture_output=True, check=False)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout)


def chosen(steps, all_of_them):
    return range(steps) if all_of_them else sorted(random.Random(steps).sample(range(steps), 2))


def visible(models):
    """The names of the models that a person sees; each of them is whole."""
    for model in models.all():
        models.verify(model.name)
    return {model.name for model in models.all() if not model.shipped}


def litter(models):
    return {path.name for path in models.folder.iterdir() if path.name.startswith(".")} - {".install.lock"}


FULL = [False, pytest.param(True, marks=pytest.mark.soak)]


@pytest.mark.parametrize("all_of_them", FULL)
def test_a_killed_download_is_taken_up(server, models, offer, tiny_files, all_of_them) -> None:
    served, _ = server
    list(install(offer, models))
    models.remove("tiny")
    steps = run(models, "fetch", offer)
    for last in chosen(steps, all_of_them):
        models.remove("tiny")
        served.requests.clear()
        assert run(models, "fetch", offer, last) is None
        assert visible(models) <= {"tiny"}
        incoming = models.incoming("tiny")
        arrived = {
            name
            for name, path in tiny_files.items()
            if path.stat().st_size
            in {each.stat().st_size for each in (incoming / name, incoming / f"{name}.part") if each.exists()}
        }
        asked = len(served.requests)
        list(install(offer, models, retries=RetryPolicy(pause=0.0)))
        again = {path.rpartition("/")[2] for path, _ in served.requests[asked:]}
        assert not again & arrived, last
        assert visible(models) == {"tiny"}
        assert litter(models) == set()


@pytest.mark.parametrize("all_of_them", FULL)
@pytest.mark.parametrize("there", [pytest.param(False, marks=pytest.mark.soak), True])
def test_a_killed_side_loading_leaves_the_old_model_or_none(models, make_bundle, there, all_of_them) -> None:
    old, new = make_bundle("old", title="Old"), make_bundle("new", title="New")

    def prepare():
        if there:
            load(old)
        elif (models.folder / "tiny").exists():
            models.remove("tiny")

    def load(bundle):
        with open_local_model(bundle.folder) as model:
            list(model.install(models))

    load(new)
    prepare()
    steps = run(models, "install", new.folder)
    for last in chosen(steps, all_of_them):
        prepare()
        assert run(models, "install", new.folder, last) is None
        try:
            assert models.find("tiny").manifest.title in {"Old", "New"}
        except RequestError:
            assert not there, last
        visible(models)
        load(new)
        assert models.verify("tiny").manifest.title == "New"
        assert litter(models) == set()
