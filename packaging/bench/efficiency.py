"""What reinforcement saves: a small student from scratch, plain CLIP against reinforced, each budget a complete schedule of its own.

Budgets are passes over the photos; N is twelve of them. Both arms see one caption and one synthetic text of a photo a step.
Both are tuned alike at N/4 on the halves by which settings are chosen; everything that is told is of the other halves. Every
point is a folder, and what is there is not computed again: a run that was killed goes on with the same command, and a file
of results beside them says what is known.

The factor is N over the least budget at which the reinforced arm's mean over seeds reaches the best mean of the plain arm at
any budget; between two budgets it is interpolated in log N. Its interval is that of all ways to draw the seeds anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from report import machine, table
from subsets import first_views, quarter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PASSES = 12.0
SEEDS = (0, 1, 2)
RATES = (5e-4, 1e-3, 2e-3)
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
Changes = dict[str, str]
PLAIN: Changes = {"loss.distil": "0.0", "augmentation.views": "1", "augmentation.mirror": "false"}
STRENGTHS: dict[str, Changes] = {
    "whole": {"augmentation.kind": "none", "augmentation.least_area": "1.0"},
    "weak": {"augmentation.kind": "weak", "augmentation.least_area": "0.5"},
    "strong": {"augmentation.kind": "strong", "augmentation.least_area": "0.25"},
}
ABLATIONS: dict[str, Changes] = {
    "no distillation": {"loss.distil": "0.0"},
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


@dataclass(frozen=True)
class Lab:
    """Where runs lie, and who computes them."""

    folder: Path
    sets: dict[str, Path]
    data: Path
    processes: int
    until: float

    def measure(self, points: Iterable[Point]) -> None:
        """Computes those that are not known, some at a time."""
        with ThreadPoolExecutor(self.processes) as pool:
            list(pool.map(self._one, points))

    def score(self, point: Point, figure: str, half: str) -> float:
        """A figure of a point, in percent, over the half `choosing` or `reporting`."""
        task, name = FIGURES[figure]
        told = json.loads(self._result(point).read_text(encoding="utf-8"))
        return next(
            own[half]
            for result in told["tasks"]
            for own in result["figures"]
            if (result["task"], own["name"]) == (task, name)
        )

    def _result(self, point: Point) -> Path:
        return self.folder / f"{point.name}.json"

    def _one(self, point: Point) -> None:
        if self._result(point).exists():
            return
        if time.time() > self.until:
            sys.exit("The hours are used up; the same command goes on from here.")
        run = self.folder / point.name
        changes = {
            "run.passes": f"{PASSES * point.share}",
            "run.seed": str(point.seed),
            **dict(point.changes),
        }
        settings = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
        cache = ["--cache", str(self.folder / "cache")]
        photos = ["--photos", str(self.sets[point.photos])]
        self._call(["train", "efficiency", *photos, *settings, *cache, "-o", str(run)])
        tasks = self.folder / "tasks.toml"
        asked = ["--data", str(self.data), "--tasks", str(tasks), "--json"]
        told = self._call(["eval", str(run), *asked, *cache])
        self._result(point).write_text(told, encoding="utf-8")
        for state in run.glob("step-*.pt"):
            state.unlink()
        print(f"{time.strftime('%H:%M')} {point.name}: {_line(self, point)}", flush=True)

    def _call(self, words: Sequence[str]) -> str:
        one = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "mctrain", *words]
        done = subprocess.run(command, env=one, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
        return done.stdout


def _line(lab: Lab, point: Point) -> str:
    return ", ".join(f"{figure} {lab.score(point, figure, 'choosing'):.1f}" for figure in FIGURES)


def main() -> None:
    """Computes what is missing, then prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of the set of the recipe everyday")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--processes", type=int, default=2, help="runs at a time, of one core each")
    parser.add_argument("--hours", type=float, default=8.0, help="stop before a run that would begin later")
    parser.add_argument("--gates", action="store_true", help="only what says whether the rest is worth while")
    arguments = parser.parse_args()
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tasks.toml").write_text(TASKS, encoding="utf-8")
    sets = {
        "all": arguments.photos,
        "quarter": quarter(arguments.photos, folder / "quarter"),
        "whole": first_views(arguments.photos, folder / "whole", 1),
    }
    until = time.time() + 3600 * arguments.hours
    lab = Lab(folder, sets, arguments.data, arguments.processes, until)
    scale = json.loads((arguments.photos / "manifest.json").read_text())["teachers"][0]["scale"]
    print(f"{machine()}; N is {PASSES:.0f} passes\n")
    gates(lab)
    if arguments.gates:
        return
    plain, reinforced = tuned(lab, scale)
    points = planned(plain, reinforced)
    lab.measure(itertools.chain.from_iterable(points.values()))
    report(lab, points)


def arm(name: str, changes: Changes, photos: str = "all") -> Callable[[float, int], Point]:
    """A function of (share of N, seed)."""
    return lambda share, seed: Point(name, share, seed, tuple(sorted(changes.items())), photos)


def gates(lab: Lab) -> None:
    """Plain CLIP at N/4 must find something, and reinforced at N/5 must pass it with one strength of views."""
    plain = arm("plain", PLAIN | STRENGTHS["weak"])(1 / 4, 0)
    stored = [arm("reinforced", {}, photos)(1 / 5, 0) for photos in ("all", "whole")]
    lab.measure([plain, *stored])
    found = lab.score(plain, "dev R@10", "choosing")
    best = max(lab.score(own, "dev R@10", "choosing") for own in stored)
    print(
        f"gates: plain at N/4 {found:.1f} (must pass {GATE}), reinforced at N/5 {best:.1f} (must pass plain)\n"
    )


def tuned(lab: Lab, scale: float) -> tuple[Callable[[float, int], Point], Callable[[float, int], Point]]:
    """Both arms by five trials each at N/4: three rates, then two more of what is their own."""

    def best(trials: dict[str, Callable[[float, int], Point]]) -> str:
        lab.measure(make(1 / 4, 0) for make in trials.values())
        return max(trials, key=lambda name: _choice(lab, trials[name](1 / 4, 0)))

    def rated(name: str, changes: Changes, photos: str = "all") -> Changes:
        trials = {f"{rate:g}": arm(name, changes | {"optimizer.rate": f"{rate:g}"}, photos) for rate in RATES}
        return changes | {"optimizer.rate": best(trials)}

    plain = rated("plain", PLAIN | STRENGTHS["weak"])
    others = {own: arm("plain", plain | STRENGTHS[own]) for own in STRENGTHS}
    reinforced = rated("reinforced", {})
    forms = {
        "as they are": arm("reinforced", reinforced),
        "whole": arm("reinforced", reinforced, "whole"),
        "half the scale": arm("reinforced", reinforced | {"loss.scales": f"[{scale / 2:.2f}]"}),
    }
    chosen = best(others), best(forms)
    print(
        f"tuned: plain {plain['optimizer.rate']}, {chosen[0]}; reinforced {reinforced['optimizer.rate']}, {chosen[1]}\n"
    )
    return others[chosen[0]], forms[chosen[1]]


def _choice(lab: Lab, point: Point) -> float:
    return statistics.mean(lab.score(point, figure, "choosing") for figure in FIGURES)


def planned(
    plain: Callable[[float, int], Point], reinforced: Callable[[float, int], Point]
) -> dict[str, list[Point]]:
    """All lines of the tables."""

    def on(make: Callable[[float, int], Point], photos: str, share: float, seed: int = 0) -> Point:
        own = make(share, seed)
        return Point(own.arm, own.share, own.seed, own.changes, photos)

    def changed(changes: Changes) -> Point:
        own = reinforced(1 / 5, 0)
        return Point(
            own.arm, own.share, own.seed, tuple(sorted((dict(own.changes) | changes).items())), own.photos
        )

    first = {"data.captions": '"first"', "data.synthetic": '""'}
    least = plain(1, 0)
    lines = {
        f"plain N{_share(share)}": [plain(share, seed) for seed in (SEEDS if share == 1 else (0,))]
        for share in (1, 1 / 2, 1 / 4)
    }
    lines["plain N, first text alone"] = [
        Point("plain-first", 1, 0, tuple(sorted((dict(least.changes) | first).items())))
    ]
    for share in (1 / 20, 1 / 10, 1 / 5, 1):
        lines[f"reinforced N{_share(share)}"] = [
            reinforced(share, seed) for seed in (SEEDS if share < 1 else (0,))
        ]
    lines["quarter of the photos, plain N"] = [on(plain, "quarter", 1)]
    for share in (1 / 5, 1):
        lines[f"quarter of the photos, reinforced N{_share(share)}"] = [on(reinforced, "quarter", share)]
    lines |= {f"reinforced N/5, {name}": [changed(changes)] for name, changes in ABLATIONS.items()}
    lines["reinforced N/5, whole photos alone"] = [on(reinforced, "whole", 1 / 5)]
    return lines


def _share(share: float) -> str:
    return "" if share == 1 else f"/{round(1 / share)}"


def report(lab: Lab, points: dict[str, list[Point]]) -> None:
    """Prints every line, then the factors."""
    rows = []
    for name, line in points.items():
        told = [[lab.score(point, figure, "reporting") for point in line] for figure in FIGURES]
        rows.append([name, *(_spread(own) for own in told)])
    print(table(("run", *FIGURES), rows), "\n")
    print(
        table(
            ("figure", "factor", "interval over seeds"), [_factors(lab, points, figure) for figure in FIGURES]
        )
    )
    print("\nThe paper claims at least 10. Differences below the spread of seeds are noise.")


def _spread(values: Sequence[float]) -> str:
    mean = statistics.mean(values)
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ({min(values):.1f} to {max(values):.1f})"


def _factors(lab: Lab, points: dict[str, list[Point]], figure: str) -> list[str]:
    plain = [line for name, line in points.items() if name.startswith("plain N") and "first" not in name]
    budgets = {1 / 20: [], 1 / 10: [], 1 / 5: [], 1.0: []}  # type: dict[float, list[float]]
    for share in budgets:
        line = points[f"reinforced N{_share(share)}"]
        budgets[share] = [lab.score(point, figure, "reporting") for point in line]
    known = [[lab.score(point, figure, "reporting") for point in line] for line in plain]
    found = factor(
        max(map(statistics.mean, known)), {share: statistics.mean(own) for share, own in budgets.items()}
    )
    spread = sorted(
        factor(
            max(map(statistics.mean, drawn[: len(known)])),
            dict(zip(budgets, map(statistics.mean, drawn[len(known) :]), strict=True)),
        )
        for drawn in itertools.product(*(map(list, map(partial(_anew), [*known, *budgets.values()]))))
    )
    low, high = spread[len(spread) // 40], spread[-1 - len(spread) // 40]
    return [figure, _told(found), f"{_told(low)} to {_told(high)}"]


def _anew(values: Sequence[float]) -> list[tuple[float, ...]]:
    """All ways to draw as many again, each once whatever its order."""
    return list(itertools.combinations_with_replacement(values, len(values)))


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
