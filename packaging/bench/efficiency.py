"""What reinforcement saves: a small student from scratch, plain CLIP against reinforced, each budget a complete schedule of its own.

Budgets are passes over the photos; N is twelve of them. Over a quarter of the photos these are a quarter of the steps, and
what they find is to be compared with that many steps on all of them. Both arms see one caption and one synthetic text of a photo a step.
Both are tuned by as many trials, plain at N/4 and reinforced at N/5, on the halves by which settings are chosen; everything
that is told is of the other halves. Every point is a folder while it is computed and then a line of results.jsonl, and what
stands there is not computed again: a run that was killed goes on with the same command, and one on another machine with a
copy of that file. When the hours are used up, the tables hold what is known.

The factor is N over the least budget at which the reinforced arm's mean over seeds reaches the best mean of the plain arm at
any budget; between two budgets it is interpolated in log N. Its interval is that of all ways to draw the seeds anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from report import machine, table
from subsets import first_views, quarter

from mctrain.data.reinforced.manifest import MANIFEST
from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PASSES = 12.0
SEEDS = (0, 1, 2)
TRIAL = {
    "plain": 1 / 4,
    "reinforced": 1 / 5,
}  # points of the comparison, so that trials cost nothing beside it
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
Changes = dict[str, str]
Scores = dict[str, dict[str, float]]  # of a figure, by half
PLAIN: Changes = {"loss.distil": "0.0", "augmentation.views": "1", "augmentation.mirror": "false"}
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


@dataclass(frozen=True)
class Point:
    """One training run: an arm's changes of the recipe, a share of N, a seed, and the photos."""

    arm: str
    share: float
    seed: int
    changes: tuple[tuple[str, str], ...]
    photos: str = "all"

    @property
    def name(self) -> str:
        """Of its folder."""
        told = "-".join(value.strip('"') or "none" for _, value in self.changes)
        return f"{self.arm}-{self.photos}-{self.share:.3f}-{self.seed}-{told}".replace("/", "_")


Arm: TypeAlias = "Callable[[float, int], Point]"


@dataclass(frozen=True)
class Lab:
    """Where runs lie, who computes them, and until when one may begin; `known` is what results.jsonl says."""

    folder: Path
    sets: dict[str, Callable[[], Path]]  # made where a point wants it
    data: Path
    processes: int
    until: float
    known: dict[str, Scores]

    def measure(self, points: Iterable[Point]) -> None:
        """Computes those that are not known, some at a time, as long as there is time."""
        wanted = [point for point in dict.fromkeys(points) if point.name not in self.known]
        if time.time() > self.until:
            return
        for photos in {point.photos for point in wanted}:
            self.sets[photos]()  # two runs would make it at once
        with ThreadPoolExecutor(self.processes) as pool:
            list(pool.map(self._one, wanted))

    def score(self, point: Point, figure: str, half: str) -> float:
        """A figure of a known point, in percent, over the half `choosing` or `reporting`."""
        return self.known[point.name][figure][half]

    def _one(self, point: Point) -> None:
        if time.time() > self.until:
            return
        run = self.folder / point.name
        changes = {
            "run.passes": f"{PASSES * point.share}",
            "run.seed": str(point.seed),
            **dict(point.changes),
        }
        settings = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
        cache = ["--cache", str(self.folder / "cache")]
        photos = ["--photos", str(self.sets[point.photos]())]
        self._call(["train", "efficiency", *photos, *settings, *cache, "-o", str(run)])
        asked = ["--data", str(self.data), "--tasks", str(self.folder / "tasks.toml"), "--json"]
        told = json.loads(self._call(["eval", str(run), *asked, *cache]))
        self.known[point.name] = {figure: _halves(told, *whose) for figure, whose in FIGURES.items()}
        self.known.update(read_results(self.folder / RESULTS))  # another may have added to it
        with write_whole(self.folder / RESULTS) as file:
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
    """What is known of each point, by its name."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    told = map(json.loads, lines)
    return {own.pop("point"): own for own in told}


def _halves(told: dict[str, Any], task: str, name: str) -> dict[str, float]:
    """A figure of a task over both halves."""
    found = (own for result in told["tasks"] if result["task"] == task for own in result["figures"])
    own = next(own for own in found if own["name"] == name)
    return {half: own[half] for half in ("choosing", "reporting")}


def _line(lab: Lab, point: Point) -> str:
    return ", ".join(f"{figure} {lab.score(point, figure, 'choosing'):.1f}" for figure in FIGURES)


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
    parser.add_argument("--hours", type=float, default=8.0, help="begin no run later than so long from now")
    parser.add_argument("--gates", action="store_true", help="only what says whether the rest is worth while")
    arguments = parser.parse_args()
    folder = arguments.output
    if not (arguments.photos / MANIFEST).exists():
        sys.exit(f"There is no set in {arguments.photos}; mctrain reinforce --recipe comparison makes it.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tasks.toml").write_text(TASKS, encoding="utf-8")
    sets = {
        "all": lambda: arguments.photos,
        "quarter": lambda: quarter(arguments.photos, folder / "quarter"),
        "whole": lambda: first_views(arguments.photos, folder / "whole", 1),
    }
    until = time.time() + 3600 * arguments.hours
    lab = Lab(folder, sets, arguments.data, arguments.processes, until, read_results(folder / RESULTS))
    scale = json.loads((arguments.photos / MANIFEST).read_text())["teachers"][0]["scale"]
    print(f"{machine()}; N is {PASSES:.0f} passes\n")
    plain, reinforced = tuned(lab, scale)
    gates(lab, plain, reinforced)
    if arguments.gates:
        return
    points = planned(plain, reinforced)
    in_turn = sorted(itertools.chain.from_iterable(points.values()), key=lambda point: point.seed)
    lab.measure(in_turn)  # every line once before one is repeated
    report(lab, {name: [own for own in line if own.name in lab.known] for name, line in points.items()})


def arm(name: str, changes: Changes, photos: str = "all") -> Arm:
    """A function of (share of N, seed)."""
    return lambda share, seed: Point(name, share, seed, tuple(sorted(changes.items())), photos)


def tuned(lab: Lab, scale: float) -> tuple[Arm, Arm]:
    """Both arms by five trials each: three rates, then two more of what is their own."""
    rows: dict[str, list[str]] = {}

    def best(kind: str, trials: dict[str, Arm]) -> str:
        points = {name: make(TRIAL[kind], 0) for name, make in trials.items()}
        _demand(lab, points.values())
        for name, point in points.items():
            told = [f"{lab.score(point, figure, 'choosing'):.1f}" for figure in FIGURES]
            rows.setdefault(point.name, [f"{kind}, {name}", *told])
        return max(points, key=lambda name: _choice(lab, points[name]))

    def rated(kind: str, changes: Changes) -> Changes:
        trials = {f"rate {rate}": arm(kind, changes | {"optimizer.rate": rate}) for rate in RATES}
        return changes | {"optimizer.rate": best(kind, trials).removeprefix("rate ")}

    plain = rated("plain", PLAIN | STRENGTHS["weak"])
    others = {own: arm("plain", plain | STRENGTHS[own]) for own in STRENGTHS}
    drawn = best("plain", others)
    reinforced = rated("reinforced", {})
    forms = {
        f"teacher's scale / {part}": arm("reinforced", reinforced | {"loss.scales": f"[{scale / part:.2f}]"})
        for part in (2, 4)
    }
    forms["teacher's own scale"] = arm("reinforced", reinforced)
    form = best("reinforced", forms)
    print(table(("trial, choosing halves", *FIGURES), list(rows.values())), "\n")
    print(
        f"tuned: plain {plain['optimizer.rate']}, {drawn}; reinforced {reinforced['optimizer.rate']}, {form}\n"
    )
    return others[drawn], forms[form]


def gates(lab: Lab, plain: Arm, reinforced: Arm) -> None:
    """Plain CLIP at N/4 must find something, and reinforced at N/5 must pass it."""
    found = lab.score(plain(TRIAL["plain"], 0), "dev R@10", "choosing")
    means = [
        _choice(lab, arm(TRIAL[kind], 0)) for kind, arm in (("plain", plain), ("reinforced", reinforced))
    ]
    print(
        f"gates: plain at N/4 dev R@10 {found:.1f} (must pass {GATE}); mean of the figures "
        f"{means[0]:.1f}, of reinforced at N/5 {means[1]:.1f} (must pass it)\n"
    )


def _demand(lab: Lab, points: Iterable[Point]) -> None:
    """Measures what nothing can be said without."""
    points = list(points)
    lab.measure(points)
    if any(point.name not in lab.known for point in points):
        sys.exit("The hours are used up; the same command goes on from here.")


def _choice(lab: Lab, point: Point) -> float:
    return statistics.mean(lab.score(point, figure, "choosing") for figure in FIGURES)


def planned(plain: Arm, reinforced: Arm) -> dict[str, list[Point]]:
    """All lines of the tables."""

    def on(make: Arm, photos: str, share: float, seed: int = 0) -> Point:
        own = make(share, seed)
        return Point(own.arm, own.share, own.seed, own.changes, photos)

    def changed(changes: Changes) -> Point:
        own = reinforced(1 / 5, 0)
        return Point(
            own.arm, own.share, own.seed, tuple(sorted((dict(own.changes) | changes).items())), own.photos
        )

    first = {"data.captions": '"first"', "data.synthetic": '""'}
    one = plain(1 / 4, 0)  # where the arm was tuned
    lines = {
        f"plain N{_share(share)}": [plain(share, seed) for seed in (SEEDS if share == 1 else (0,))]
        for share in (1, 1 / 2, 1 / 4)
    }
    lines["plain N/4, first text alone"] = [
        Point("plain-first", one.share, 0, tuple(sorted((dict(one.changes) | first).items())))
    ]
    for share in (1 / 20, 1 / 10, 1 / 5, 1):
        lines[f"reinforced N{_share(share)}"] = [
            reinforced(share, seed) for seed in (SEEDS if share < 1 else (0,))
        ]
    lines["plain, a quarter of the photos, steps of N/4"] = [on(plain, "quarter", 1)]
    for share in (1 / 5, 1):
        steps = _share(share / 4)  # as many passes over a quarter of the photos
        lines[f"reinforced, a quarter of the photos, steps of N{steps}"] = [on(reinforced, "quarter", share)]
    lines |= {f"reinforced N/5, {name}": [changed(changes)] for name, changes in ABLATIONS.items()}
    lines["reinforced N/5, whole photos alone"] = [on(reinforced, "whole", 1 / 5)]
    return lines


def _share(share: float) -> str:
    return "" if share == 1 else f"/{round(1 / share)}"


def report(lab: Lab, points: dict[str, list[Point]]) -> None:
    """Prints every line that is known, then the factors."""
    told = {name: line for name, line in points.items() if line}
    rows = [[name, *(_spread(lab, line, figure) for figure in FIGURES)] for name, line in told.items()]
    print(table(("run, reporting halves", *FIGURES), rows), "\n")
    if missing := [name for name, line in points.items() if not line]:
        print(f"Not measured: {'; '.join(missing)}.\n")
    headings = ("figure", "best of plain", "factor", "interval over seeds")
    print(table(headings, [_factors(lab, told, figure) for figure in FIGURES]))
    print("\nThe paper claims at least 10. Differences below the spread of seeds are noise.")


def _scores(lab: Lab, line: Sequence[Point], figure: str) -> list[float]:
    return [lab.score(point, figure, "reporting") for point in line]


def _spread(lab: Lab, line: Sequence[Point], figure: str) -> str:
    values = _scores(lab, line, figure)
    mean = statistics.mean(values)
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ({min(values):.1f} to {max(values):.1f})"


def _factors(lab: Lab, lines: dict[str, list[Point]], figure: str) -> list[str]:
    plain = [_scores(lab, line, figure) for name, line in lines.items() if name.startswith("plain N")]
    stored = [line for name, line in lines.items() if name.startswith("reinforced N") and "," not in name]
    budgets = [line[0].share for line in stored]
    known = [*plain, *(_scores(lab, line, figure) for line in stored)]

    def read_off(means: Sequence[float]) -> float:
        return factor(max(means[: len(plain)]), dict(zip(budgets, means[len(plain) :], strict=True)))

    spread: Counter[float] = Counter()
    for drawn in itertools.product(*(_anew(own).items() for own in known)):
        spread[read_off([mean for mean, _ in drawn])] += math.prod(ways for _, ways in drawn)
    low, high = (_quantile(spread, share) for share in (0.025, 0.975))
    best = max(map(statistics.mean, plain))
    found = read_off([statistics.mean(own) for own in known])
    return [figure, f"{best:.1f}", _told(found), f"{_told(low)} to {_told(high)}"]


def _anew(values: Sequence[float]) -> Counter[float]:
    """The means of as many values drawn anew, and in how many ways each comes about."""
    return Counter(map(statistics.fmean, itertools.product(values, repeat=len(values))))


def _quantile(spread: Counter[float], share: float) -> float:
    """The least value that a share of all ways does not pass."""
    values = sorted(spread)
    passed = itertools.accumulate(spread[value] for value in values)
    return next(value for value, ways in zip(values, passed, strict=True) if ways >= share * spread.total())


def factor(wanted: float, means: dict[float, float]) -> float:
    """N over the least budget that reaches what is wanted; 0 where none does."""
    before: tuple[float, float] | None = None
    for share, mean in sorted(means.items()):
        if mean >= wanted:
            if before is None or mean == before[1]:
                return 1 / share
            part = (wanted - before[1]) / (mean - before[1])
            return 1 / math.exp(
                math.log(before[0]) + max(0.0, part) * (math.log(share) - math.log(before[0]))
            )
        before = share, mean
    return 0.0


def _told(value: float) -> str:
    return f"{value:.1f}" if value else "not reached"


if __name__ == "__main__":
    main()
