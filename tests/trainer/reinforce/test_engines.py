"""Workers of a Ray cluster make the same bytes as one process, and no kill costs a shard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from itertools import islice
from types import SimpleNamespace

import pytest
from tests.trainer.conftest import contents_of, run_mctrain, write_photos

from mctrain.data.shards import samples
from mctrain.errors import DataError, TrainerError
from mctrain.research.ray_cluster import _answer, too_narrow

FEW = ["--captions", "2", "--tokens", "8"]


@pytest.fixture(scope="module")
def sources(photo_sets, tmp_path_factory):
    """Some shards of a few photos each."""
    folder = tmp_path_factory.mktemp("plain")
    stream = samples(photo_sets / "flickr8k-train-000000.tar")
    for number in range(12):
        write_photos(folder / f"{number:06}.tar", islice(stream, 2), b"{}")
    return folder


def words(coca, sources, count, output):
    """The command."""
    names = [str(sources / f"{number:06}.tar") for number in range(count)]
    return ["caption", *names, "--captioner", coca[0], *FEW, "-o", str(output)]


@pytest.fixture(scope="module")
def alone(coca, sources, tmp_path_factory):
    """The files that one process makes of all shards."""
    folder = tmp_path_factory.mktemp("alone")
    run_mctrain(*words(coca, sources, 12, folder))
    return contents_of(folder)


# Runs the command with a nightly build of Ray, which reports usage unless disabled, and prints what the cluster knows of its
# user: more than three versions if it means to report.
WATCHED = """
import sys
import ray
from ray._common.usage import usage_lib
from mctrain.cli.command import mctrain
usage_lib.is_nightly_wheel = lambda: True
end = ray.shutdown
def shutdown(*given, **named):
    if ray.is_initialized():
        print("known:", sorted(usage_lib.get_cluster_metadata(ray._private.worker.global_worker.gcs_client)))
    end(*given, **named)
ray.shutdown = shutdown
mctrain.main(sys.argv[1:], standalone_mode=False)
"""


@pytest.mark.soak
def test_workers_make_the_same_bytes_as_one_process_and_report_to_nobody(coca, sources, alone, tmp_path):
    given = [*words(coca, sources, 3, tmp_path), "--engine", "ray"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    clean["RAY_ADDRESS"] = "127.0.0.1:9"  # of a cluster that --address does not name
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *given], env=clean, capture_output=True, text=True, check=True
    )
    assert "3 shards to make with Ray" in done.stderr
    assert "6 samples in 3 shards" in done.stdout
    assert "known: ['python_version', 'ray_init_cluster', 'ray_version']" in done.stdout
    made = contents_of(tmp_path)
    assert made == {name: alone[name] for name in made}
    assert len(made) == 7


def test_a_worker_too_large_for_every_machine_is_refused():
    machines = [
        {"Alive": True, "Resources": {"CPU": 2.0}},
        {"Alive": False, "Resources": {"CPU": 64.0}},
        {"Alive": True, "Resources": {"memory": 1e9}},
    ]
    assert too_narrow(machines, 2) == ""
    assert "needs 3 processors, and no machine has more than 2;" in too_narrow(machines, 3)


class Lost:
    """The part of Ray that returns results."""

    exceptions = SimpleNamespace(RayTaskError=KeyError, RayError=OSError)

    def get(self, answer):
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_lost_task_is_reported_and_a_failed_one_keeps_its_message():
    refusal = KeyError()
    refusal.cause = DataError("The shard is damaged.")
    assert _answer(Lost(), 5) == 5
    with pytest.raises(TrainerError, match="keep dying, as happens when memory is full"):
        _answer(Lost(), OSError())
    with pytest.raises(DataError, match="The shard is damaged"):
        _answer(Lost(), refusal)


@pytest.mark.soak
def test_killed_workers_and_lost_machines_cost_no_shard(coca, sources, alone, tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    machines = [cluster.add_node(num_cpus=1) for _ in range(2)]
    monkeypatch.chdir(tmp_path.parent)  # the machines were begun in another folder
    given = [*words(coca, sources, 12, tmp_path.name), "--engine", "ray", "--address", cluster.address]
    script = "from mctrain.cli.command import mctrain; mctrain()"
    try:
        with subprocess.Popen(
            [sys.executable, "-c", script, *given], stdout=subprocess.PIPE, text=True
        ) as job:
            await_shards(job, tmp_path, 2)
            parents = ",".join(str(machine.all_processes["raylet"][0].process.pid) for machine in machines)
            victims = subprocess.run(
                ["pgrep", "-f", "ray::_make", "-P", parents], capture_output=True, text=True, check=True
            )
            os.kill(int(victims.stdout.split()[0]), signal.SIGKILL)
            await_shards(job, tmp_path, 4)
            cluster.remove_node(machines[0], allow_graceful=False)
            await_shards(job, tmp_path, 6)
            cluster.add_node(num_cpus=1)
            output = job.communicate()[0]
        assert job.returncode == 0
    finally:
        cluster.shutdown()
    assert "24 samples in 12 shards" in output
    assert contents_of(tmp_path) == alone


def await_shards(job, folder, count):
    """Waits until so many shards are made, or the job has ended."""
    while job.poll() is None and len(list(folder.glob("*.report.json"))) < count:
        threading.Event().wait(0.02)
