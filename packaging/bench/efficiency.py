"""What reinforcement saves: a small student from scratch, plain CLIP against reinforced, each budget a complete schedule of its own.

Budgets are samples seen, as shares of N: twelve passes over all photos. The baseline is the paper's, plain CLIP on the first text
of each photo; `names` has labels and names of objects instead, and `plain` sees stored captions and searches, which are half of
reinforcement. Each arm is tuned by five trials on the halves by which settings are chosen; what is reported is of the other
halves. A point is a folder while it is computed and then a line of results.jsonl; points in that file are not computed again. So
the same command resumes a killed run, on another machine too with a copy of the file. When the hours are used up, the tables hold
the points that are known.

The factor at n samples is how many samples the baseline needs to find what reinforced training finds at n. The baseline's mean is
a parabola in log n, drawn only between its least and its largest budget. The interval draws every seed of both arms anew, from
the deviation between seeds that all lines share, so that no single seed counts as exact.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from report import machine, table
from subsets import count_photos, first_views, names_alone, quarter

from mctrain.atomic_files import open_atomic
from mctrain.data.reinforced.manifest import MANIFEST
from mctrain.evaluation.page import Point, factors, percent, scatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

PASSES = 12.0
SEEDS = (0, 1, 2)
# shares of N at which arms are tuned: points of the comparison, so that trials cost nothing beside it
TRIAL = {"plain-first": 1 / 4, "plain-names": 1 / 4, "plain": 1 / 4, "reinforced": 1 / 5}
RATES = ("0.0005", "0.001", "0.002")
GATE = 8.0  # R@10 of plain CLIP at N/4
FIGURES = {
    "dev R@10": ("flickr8k-dev", "text to image at 10"),
    "everyday-dev R@10": ("everyday-dev", "text to image at 10"),
    "Caltech-101": ("caltech101", "top-1"),
}
TASKS = """
[[retrieval]]
name = "flickr8k-dev"
shards = ["flickr8k-dev-*.tar"]
[[everyday]]
name = "everyday-dev"
[[zero_shot]]
name = "caltech101"
shards = ["caltech101-eval-*.tar"]
classes = "caltech101"
"""
RESULTS = "results.jsonl"
PLOTTED = "everyday-dev R@10"
PLOT = "everyday.svg"
Changes = dict[str, str]
Scores = dict[str, dict[str, float]]  # of a figure, by half
PLAIN: Changes = {"loss.distil": "0.0", "augmentation.views": "1", "augmentation.mirror": "false"}
FIRST: Changes = {"data.captions": '"first"', "data.synthetic": '""'}
STRENGTHS: dict[str, Changes] = {
    "whole": {"augmentation.kind": "none", "augmentation.least_area": "1.0"},
    "weak": {"augmentation.kind": "weak", "augmentation.least_area": "0.5"},
    "strong": {"augmentation.kind": "strong", "augmentation.least_area": "0.25"},
}
ABLATIONS: dict[str, Changes] = {
    "no distillation": {"loss.distil": "0.0", "loss.scales": "[]"},
    "teacher alone (λ = 1)": {"loss.distil": "1.0"},
    "captions alone": {"data.synthetic": '""'},
    "text bank of 256": {"data.bank": "256"},
}
# The title of each arm, and of each of its budgets how many seeds it has.
ARMS: dict[str, tuple[str, dict[float, int]]] = {
    "plain-first": ("plain, first text,", {1 / 5: 3, 1 / 4: 1, 1 / 2: 1, 1: 3, 4: 1}),
    "plain-names": ("plain, names alone,", {1 / 4: 1, 1 / 2: 1, 1: 1}),
    "plain": ("plain", {1 / 5: 3, 1 / 4: 1, 1 / 2: 1, 1: 3}),
    "reinforced": ("reinforced", {1 / 20: 3, 1 / 10: 3, 1 / 5: 3, 1: 1}),
}
# Views of the baseline at each budget, so that none holds it back: chosen at N/4 and at N, where weaker ones have learnt the texts
# by heart; at 4 N the strong ones, which alone gain from N/4 to N.
FIRST_VIEWS = {1 / 5: "weak", 1 / 4: "weak", 1 / 2: "whole", 1: "whole", 4: "strong"}
DRAWS = 2000  # of the seeds, for an interval


@dataclass(frozen=True)
class RunPoint:
    """One training run: an arm's changes to the recipe, a share of N, a seed, and the photos."""

    arm: str
    share: float
    seed: int
    changes: tuple[tuple[str, str], ...]
    photos: str = "all"

    @property
    def name(self) -> str:
        """The name of its folder."""
        values = "-".join(value.strip('"') or "none" for _, value in self.changes)
        return f"{self.arm}-{self.photos}-{self.share:.3f}-{self.seed}-{values}".replace("/", "_")


Arm: TypeAlias = "Callable[[float, int], RunPoint]"


@dataclass(frozen=True)
class Study:
    """The folders of the runs, the number of processes, and the time after which none begins; `known` holds results.jsonl."""

    folder: Path
    sets: dict[str, Callable[[], Path]]  # made where a point wants it
    data: Path
    processes: int
    until: float
    known: dict[str, Scores]

    def measure(self, points: Iterable[RunPoint]) -> None:
        """Computes the unknown points, several at a time, until the time is up."""
        wanted = [point for point in dict.fromkeys(points) if point.name not in self.known]
        if time.time() > self.until:
            return
        for photos in {point.photos for point in wanted}:
            self.sets[photos]()  # two runs would make it at once
        with ThreadPoolExecutor(self.processes) as pool:
            list(pool.map(self._train, wanted))

    def score(self, point: RunPoint, figure: str, half: str) -> float:
        """A figure of a known point, in percent, over the half `choosing` or `reporting`."""
        return self.known[point.name][figure][half]

    def _train(self, point: RunPoint) -> None:
        if time.time() > self.until:
            return
        run = self.folder / point.name
        passes = PASSES * point.share
        if point.photos == "names":  # fewer photos, as many samples
            passes *= count_photos(self.sets["all"]()) / count_photos(self.sets["names"]())
        changes = {
            "run.passes": f"{passes}",
            "run.seed": str(point.seed),
            **dict(point.changes),
        }
        settings = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
        cache = ["--cache", str(self.folder / "cache")]
        photos = ["--photos", str(self.sets[point.photos]())]
        self._call(["train", "efficiency", *photos, *settings, *cache, "-o", str(run)])
        asked = ["--data", str(self.data), "--tasks", str(self.folder / "tasks.toml"), "--json"]
        document = json.loads(self._call(["eval", str(run), *asked, *cache]))
        self.known[point.name] = {figure: _halves(document, *named) for figure, named in FIGURES.items()}
        self.known.update(read_results(self.folder / RESULTS))  # another may have added to it
        with open_atomic(self.folder / RESULTS) as file:
            lines = [json.dumps({"point": name, **scores}) for name, scores in sorted(self.known.items())]
            file.write("".join(f"{line}\n" for line in lines).encode())
        shutil.rmtree(run)
        print(f"{time.strftime('%H:%M')} {point.name}: {_line(self, point)}", flush=True)

    def _call(self, words: Sequence[str]) -> str:
        one = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "mctrain", *words]
        done = subprocess.run(command, env=one, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
        return done.stdout


def read_results(path: Path) -> dict[str, Scores]:
    """The known scores of each point, by its name."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {each.pop("point"): each for each in map(json.loads, lines)}


def _halves(document: dict[str, Any], task: str, name: str) -> dict[str, float]:
    """A figure of a task over both halves."""
    found = (each for result in document["tasks"] if result["task"] == task for each in result["figures"])
    each = next(each for each in found if each["name"] == name)
    return {half: each[half] for half in ("choosing", "reporting")}


def _line(study: Study, point: RunPoint) -> str:
    return ", ".join(f"{figure} {study.score(point, figure, 'choosing'):.1f}" for figure in FIGURES)


def main() -> None:
    """Computes what is missing, then prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--photos", type=Path, required=True, help="folder of the set of the recipe comparison"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--processes", type=int, default=2, help="runs at a time, of one core each")
    parser.add_argument("--hours", type=float, default=8.0, help="begin no run after this many hours")
    parser.add_argument(
        "--five",
        type=Path,
        help="folder of the same set with five strong views, where a quarter of it is wanted",
    )
    parser.add_argument(
        "--gates", action="store_true", help="only the runs that decide whether the rest is worthwhile"
    )
    arguments = parser.parse_args()
    folder = arguments.output
    if not (arguments.photos / MANIFEST).exists():
        sys.exit(f"There is no set in {arguments.photos}; mctrain reinforce --recipe comparison makes it.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tasks.toml").write_text(TASKS, encoding="utf-8")
    sets = {
        "all": lambda: arguments.photos,
        "quarter": lambda: quarter(arguments.photos, folder / "quarter"),
        "five": lambda: quarter(arguments.five, folder / "quarter-five"),
        "whole": lambda: first_views(arguments.photos, folder / "whole", 1),
        "names": lambda: names_alone(arguments.photos, folder / "names"),
    }
    until = time.time() + 3600 * arguments.hours
    study = Study(folder, sets, arguments.data, arguments.processes, until, read_results(folder / RESULTS))
    scale = json.loads((arguments.photos / MANIFEST).read_text())["teachers"][0]["scale"]
    print(f"{machine()}; N is {PASSES:.0f} passes\n")
    arms = tune_arms(study, scale)
    check_gates(study, arms["plain"], arms["reinforced"])
    if arguments.gates:
        return
    lines = planned_points(arms, scale, has_five=arguments.five is not None)
    in_turn = sorted(itertools.chain.from_iterable(lines.values()), key=lambda point: point.seed)
    study.measure(in_turn)  # every line once before one is repeated
    report(study, lines)


def arm(name: str, changes: Changes, photos: str = "all") -> Arm:
    """A function of (share of N, seed)."""
    return lambda share, seed: RunPoint(name, share, seed, tuple(sorted(changes.items())), photos)


def tune_arms(study: Study, scale: float) -> dict[str, Arm]:
    """Each arm by five trials: three rates, then two more strengths of views or scales of the teacher."""
    rows: dict[str, list[str]] = {}

    def best(kind: str, trials: dict[str, Arm]) -> str:
        points = {name: make(TRIAL[kind], 0) for name, make in trials.items()}
        _require(study, points.values())
        for name, point in points.items():
            found = [f"{study.score(point, figure, 'choosing'):.1f}" for figure in FIGURES]
            rows.setdefault(point.name, [f"{kind}, {name}", *found])
        return max(points, key=lambda name: _choice(study, points[name]))

    def tune(kind: str, first: Changes, forms: dict[str, Changes]) -> Arm:
        photos = "names" if kind == "plain-names" else "all"
        rates = {f"rate {rate}": arm(kind, first | {"optimizer.rate": rate}, photos) for rate in RATES}
        rate = {"optimizer.rate": best(kind, rates).removeprefix("rate ")}
        trials = {name: arm(kind, first | form | rate, photos) for name, form in forms.items()}
        return trials[best(kind, trials)]

    scales = {f"teacher's scale / {part}": {"loss.scales": f"[{scale / part:.2f}]"} for part in (2, 4)}
    weak = PLAIN | STRENGTHS["weak"]
    arms = {kind: tune(kind, weak | FIRST, STRENGTHS) for kind in ("plain-first", "plain-names")}
    arms["plain"] = tune("plain", weak, STRENGTHS)
    arms["reinforced"] = tune("reinforced", {}, {"teacher's own scale": {}, **scales})
    print(table(("trial, choosing halves", *FIGURES), list(rows.values())), "\n")
    return arms


def check_gates(study: Study, plain: Arm, reinforced: Arm) -> None:
    """Plain CLIP at N/4 must find something, and reinforced at N/5 must pass it."""
    found = study.score(plain(TRIAL["plain"], 0), "dev R@10", "choosing")
    means = [
        _choice(study, arm(TRIAL[kind], 0)) for kind, arm in (("plain", plain), ("reinforced", reinforced))
    ]
    print(
        f"gates: plain at N/4 dev R@10 {found:.1f} (must pass {GATE}); mean of the figures "
        f"{means[0]:.1f}, of reinforced at N/5 {means[1]:.1f} (must pass it)\n"
    )


def _require(study: Study, points: Iterable[RunPoint]) -> None:
    """Measures points that everything else depends on; exits if one is missing."""
    points = list(points)
    study.measure(points)
    if any(point.name not in study.known for point in points):
        sys.exit("The time is up; the same command resumes from here.")


def _choice(study: Study, point: RunPoint) -> float:
    return statistics.mean(study.score(point, figure, "choosing") for figure in FIGURES)


def planned_points(arms: dict[str, Arm], scale: float, *, has_five: bool) -> dict[str, list[RunPoint]]:
    """All lines of the tables."""
    plain, reinforced = arms["plain"], arms["reinforced"]
    lines: dict[str, list[RunPoint]] = {}
    for kind, (title, budgets) in ARMS.items():
        for share, seeds in budgets.items():
            make = arms[kind]
            if kind == "plain-first":
                make = _changed(make, STRENGTHS[FIRST_VIEWS[share]])
            lines[f"{title} N{_share(share)}"] = [make(share, seed) for seed in SEEDS[:seeds]]
    for name in ("weak", "strong"):
        lines[f"plain, first text, N, {name} views"] = [_changed(arms["plain-first"], STRENGTHS[name])(1, 0)]
    steps = {
        "first text": arms["plain-first"],
        "and synthetic captions": _changed(plain, {"data.synthetic": '"^syn_text(_class)?$"'}),
        "and searches": plain,
        "and stored views": _changed(reinforced, ABLATIONS["no distillation"]),
    }  # the teacher is the last step: reinforced N/5
    lines |= {f"N/5, {name}": [make(1 / 5, seed) for seed in SEEDS] for name, make in steps.items()}
    changes = ABLATIONS | {
        f"batch 256, teacher's scale / {part}": {"run.batch": "256", "loss.scales": f"[{scale / part:.2f}]"}
        for part in (1, 2, 4)
    }
    for name, changed in changes.items():
        lines.setdefault(f"reinforced N/5, {name}", [_changed(reinforced, changed)(1 / 5, 0)])
    lines["reinforced N/5, whole photos alone"] = [_changed(reinforced, {}, "whole")(1 / 5, 0)]
    # passes over a quarter of the photos: four times as many make as many steps
    for share in (1, 4, 16):
        title = f"plain, a quarter of the photos, steps of N{_share(share / 4)}"
        lines[title] = [_changed(plain, {}, "quarter")(share, 0)]
    for share in (1 / 5, 1):
        title = f"reinforced, a quarter of the photos, steps of N{_share(share / 4)}"
        lines[title] = [_changed(reinforced, {}, "quarter")(share, 0)]
    for share in (1, 4) if has_five else ():
        title = f"reinforced, a quarter of the photos, five strong views, steps of N{_share(share / 4)}"
        lines[title] = [_changed(reinforced, {}, "five")(share, 0)]
    return lines


def _changed(make: Arm, changes: Changes, photos: str = "all") -> Arm:
    """The same arm with other settings, or on other photos."""

    def point(share: float, seed: int) -> RunPoint:
        one = make(share, seed)
        return RunPoint(one.arm, share, seed, tuple(sorted((dict(one.changes) | changes).items())), photos)

    return point


def _share(share: float) -> str:
    if share >= 1:
        return "" if share == 1 else f" x {share:.0f}"
    return f"/{round(1 / share)}"


def report(study: Study, lines: dict[str, list[RunPoint]]) -> None:
    """Prints every known line, then the factors against each baseline."""
    points = {name: [each for each in line if each.name in study.known] for name, line in lines.items()}
    known = {name: line for name, line in points.items() if line}
    rows = [[name, *(_spread(study, line, figure) for figure in FIGURES)] for name, line in known.items()]
    print(table(("run, reporting halves", *FIGURES), rows), "\n")
    if missing := [name for name in lines if name not in known]:
        print(f"Not measured: {'; '.join(missing)}.\n")
    titles = [f"{title} N{_share(share)}" for title, budgets in (ARMS["reinforced"],) for share in budgets]
    (study.folder / PLOT).write_text(plot(study, known), encoding="utf-8")
    rows = [row for figure in FIGURES for row in _factors(study, known, figure)]
    print(table(("samples that plain training needs, as a factor", *titles), rows))
    print("\nThe paper claims at least 10. In brackets: 95 % of the draws of all seeds.")


def plot(study: Study, known: dict[str, list[RunPoint]]) -> str:
    """The mean of each budget of each arm against samples seen, as SVG; reinforced in the first colour."""
    marks = [
        Point(
            title.removesuffix(","),
            share,
            statistics.mean(_scores(study, line, PLOTTED)),
            rival=kind != "reinforced",
        )
        for kind, (title, budgets) in ARMS.items()
        for share in budgets
        if (line := known.get(f"{title} N{_share(share)}"))
    ]
    across = factors("samples seen, as a share of N", [mark.x for mark in marks])
    return scatter(marks, across, percent(f"{PLOTTED}, reporting half, %", [mark.y for mark in marks]))


def _scores(study: Study, line: Sequence[RunPoint], figure: str) -> list[float]:
    return [study.score(point, figure, "reporting") for point in line]


def _factors(study: Study, known: dict[str, list[RunPoint]], figure: str) -> list[list[str]]:
    """A row for each arm without a teacher that has at least three budgets."""
    deviation = seed_deviation([_scores(study, line, figure) for line in known.values()])
    arms = {
        title: {
            share: _scores(study, line, figure)
            for share in budgets
            if (line := known.get(f"{title} N{_share(share)}"))
        }
        for title, budgets in ARMS.values()
    }
    stored = arms.pop("reinforced")
    return [
        [
            f"{figure}, {title.removesuffix(',')}",
            *(_ranged(baseline, share, scores, deviation) for share, scores in stored.items()),
        ]
        for title, baseline in arms.items()
        if len(baseline) >= 3
    ]


def _spread(study: Study, line: Sequence[RunPoint], figure: str) -> str:
    values = _scores(study, line, figure)
    mean = statistics.mean(values)
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ({min(values):.1f} to {max(values):.1f})"


def seed_deviation(lines: Sequence[Sequence[float]]) -> float:
    """The standard deviation between seeds, pooled over all lines that have several."""
    several = [line for line in lines if len(line) > 1]
    freedom = sum(len(line) - 1 for line in several)
    return (sum(statistics.variance(line) * (len(line) - 1) for line in several) / freedom) ** 0.5


def factor(
    baseline: dict[float, list[float]], share: float, scores: Sequence[float], deviation: float
) -> tuple[float, float, float]:
    """How many times `share` of N the baseline needs to find the mean of `scores`, and the 95 % interval over seeds.

    `baseline` has at least three budgets with the scores of their seeds. Below its least budget the value is 0 and beyond its
    largest one infinite: nothing is read off where nothing was measured.
    """
    budgets = np.array(sorted(baseline))
    counts = np.array([len(baseline[each]) for each in budgets])
    means = np.array([statistics.fmean(baseline[each]) for each in budgets])
    noise = np.random.default_rng(0).normal(0, deviation, (DRAWS, len(budgets) + 1))
    noise[:, :-1] /= np.sqrt(counts)
    noise[:, -1] /= np.sqrt(len(scores))
    wanted = statistics.fmean(scores)
    grid = np.linspace(np.log(budgets[0]), np.log(budgets[-1]), 500)

    def needed(shift: NDArray[np.float64]) -> float:
        curve = np.polyval(np.polyfit(np.log(budgets), means + shift[:-1], 2, w=np.sqrt(counts)), grid)
        reached = np.flatnonzero(curve >= wanted + shift[-1])
        if not reached.size:
            return float("inf")
        return float(np.exp(grid[reached[0]]) / share) if reached[0] else 0.0

    drawn = sorted(map(needed, noise))
    low, high = (drawn[round(part * (DRAWS - 1))] for part in (0.025, 0.975))
    return needed(np.zeros(len(budgets) + 1)), low, high


def _ranged(
    baseline: dict[float, list[float]], share: float, scores: Sequence[float], deviation: float
) -> str:
    """A factor with its interval; "<" and ">" stand before the ends of what was measured."""
    least, most = (end / share for end in (min(baseline), max(baseline)))
    ends = {0.0: f"< {least:.3g}", float("inf"): f"> {most:.3g}"}
    value, low, high = (ends.get(each, f"{each:.1f}") for each in factor(baseline, share, scores, deviation))
    return f"{value} ({low} to {high})"


if __name__ == "__main__":
    main()
