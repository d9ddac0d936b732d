"""What φ should learn from: how far the mean of a few smoothed draws lies from the exact one, and what the draws cost.

    python benchmarks/training_targets.py           # three minutes; writes nbs/results/training_targets.json, of which 05a_training draws a figure
    python benchmarks/training_targets.py --quick   # short chains, to see that everything runs; stores nothing
"""

import argparse
import json
import time
from pathlib import Path

import torch
from smlm_ddpm.conditional_intensity import smoothed_targets, smoothed_truth
from smlm_ddpm.eval import provenance
from smlm_ddpm.likelihood import simulate
from smlm_ddpm.models import load_pretrained
from smlm_ddpm.training import _UNDECIDED

RESULT = Path(__file__).parents[1] / "nbs" / "results" / "training_targets.json"
GROUPS = {"1–2 emitters": (1, 2), "3–7 emitters": (3, 7), "8–19 emitters": (8, 19), "20 and more": (20, 10**6)}
TARGETS = ((1, 0), (3, 240), (3, 1000), (3, 5000), (6, 1000), (12, 240), (12, 1000), (24, 1000))  # draws of a frame, steps between them; 0: the truth
FLOOR = 0.01  # least sd that errors are compared with [density]


def frames_of_groups(prior, each: int):
    "So many frames of every group, and the group of each."
    drawn = simulate(prior, 40 * each, torch.Generator().manual_seed(77))
    number, picked, groups = drawn.mask.sum(1), [], []
    for group, (fewest, most) in GROUPS.items():
        where = torch.nonzero((number >= fewest) & (number <= most))[:each, 0]
        picked.append(where)
        groups += [group] * len(where)
    return drawn[torch.cat(picked)], groups


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="four frames and short chains; stores nothing")
    quick = parser.parse_args().quick
    prior, workers = load_pretrained("default").preset.prior, torch.get_num_threads()
    frames, groups = frames_of_groups(prior, 1 if quick else 30)
    told = torch.zeros(len(groups), dtype=torch.bool)  # nowhere

    def targets(n_draws, thinning, seed):
        "E[y] and E[y²], and milliseconds for a frame."
        start = time.perf_counter()
        if thinning:
            mean, square = smoothed_targets(frames, prior, told=told, n_draws=n_draws, thinning=thinning, seed=seed, workers=workers)
        else:
            mean, square = smoothed_truth(frames, prior, told=told, generator=torch.Generator().manual_seed(seed))
        return mean, square, 1000 * (time.perf_counter() - start) / len(groups)

    exact, square, _ = targets(10 if quick else 100, 100 if quick else 8000, 1)
    variance = (square - exact**2).clamp(min=0)
    weight = variance / (variance + _UNDECIDED**2)
    targets(1, 0, 2), targets(1, 100, 2)  # what is compiled is compiled now
    rows = []
    for n_draws, thinning in TARGETS:
        mean, _, milliseconds = targets(n_draws, thinning, 5)
        error = (weight * (mean - exact).square() / (variance + FLOOR**2)).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp(min=1e-3)
        noise = {group: error[[one == group for one in groups]].median().item() for group in GROUPS}
        rows.append({"n_draws": n_draws, "thinning": thinning, "milliseconds": milliseconds, "noise": noise})
        print(n_draws, thinning, f"{milliseconds:.1f} ms", {group: round(value, 4) for group, value in noise.items()}, flush=True)
    if not quick:
        table = {"made_with": provenance(), "frames of a group": 30, "rows": rows}
        RESULT.write_text(json.dumps(table, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
