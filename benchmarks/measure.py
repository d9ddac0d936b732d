"""What a row is, how it is measured, and how it becomes a line of a table."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

Measurement = Callable[[], float]  # does the work once and says how it went, in the row's unit


@dataclass(frozen=True)
class Row:
    "One thing to measure, and what it is measured against."

    what: str
    unit: str
    ours: Measurement
    others: dict[str, Measurement] = field(default_factory=dict)  # by description
    higher_is_better: bool = False
    target: float | None = None  # in the row's unit
    most_repeats: int | None = None  # for rows that take long
    warm_up: bool = True  # do everything once before


def seconds(work: Callable[[], object]) -> float:
    "How long `work` takes."
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def per_second(work: Callable[[], object], count: float) -> Measurement:
    "A measurement of work that does `count` things: how many a second."
    return lambda: count / seconds(work)


def time_each(work: Callable[[], object], count: float, unit: float = 1.0) -> Measurement:
    "A measurement of work that does `count` things: how long each takes, in units of `unit` seconds."
    return lambda: seconds(work) / count / unit


def summary(values: list[float]) -> dict:
    "What is stored of repeated measurements."
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}


def measure(row: Row, repeats: int) -> dict:
    "All sides in turn, A B A B …; ratios are between neighbours in time and above 1 where ours is better."
    sides = {"": row.ours, **row.others}
    repeats = min(repeats, row.most_repeats or repeats)
    rounds = [{label: side() for label, side in sides.items()} for _ in range(repeats + row.warm_up)][row.warm_up :]
    values = {label: [each[label] for each in rounds] for label in sides}
    compared = []
    for label in row.others:
        pairs = zip(values[""], values[label])
        ratios = [ours / other if row.higher_is_better else other / ours for ours, other in pairs]
        compared.append({"with": label, **summary(values[label]), "ratio": statistics.median(ratios), "ratios": ratios})
    return {"what": row.what, "unit": row.unit, "higher_is_better": row.higher_is_better, "target": row.target,
            "date": date.today().isoformat(), "repeats": repeats, **summary(values[""]), "compared": compared}


def number(value: float) -> str:
    "Three digits that mean something, thousands set apart."
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machines(results: dict) -> list[str]:
    "A line for each machine, with the names of its rows."
    found = {}
    for name, row in results["rows"].items():
        machine = row["machine"]
        line = (f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, Python {machine['python']}, "
                f"PyTorch {machine['torch']}, networks in {machine['precision']}")
        found.setdefault(line, []).append(f"`{name}`")
    return [f"- {line}: {', '.join(names)}" for line, names in found.items()]


def markdown(results: dict) -> str:
    "The table of the README: a line for each row and each thing it is compared with."
    lines = [*machines(results), "", "Median of the repeats (least to most); a ratio above 1 is in our favour.", "",
             "| | median | unit | target | compared with | its median | ratio |", "|---|---|---|---|---|---|---|"]
    for row in results["rows"].values():
        target = "" if row["target"] is None else f"{'≥' if row['higher_is_better'] else '≤'} {number(row['target'])}"
        spread = f"{number(row['median'])} ({number(row['min'])} to {number(row['max'])})"
        first = [row["what"], spread, row["unit"], target]
        for index, other in enumerate(row["compared"] or [None]):
            last = [other["with"], number(other["median"]), number(other["ratio"])] if other else [""] * 3
            lines.append("| " + " | ".join((first if index == 0 else [""] * 4) + last) + " |")
    return "\n".join(lines)
