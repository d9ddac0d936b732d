"""Is φ limited by training or by its size? The error of its moments after more frames, and with more residual blocks.

    python benchmarks/learning_curve.py                   # twenty minutes; writes nbs/results/learning_curve.json, of which 08_eval draws a figure
    python benchmarks/learning_curve.py --model default   # a quarter of an hour; sizes for `default`, of which 08a_strata shows a table
    python benchmarks/learning_curve.py --shipped         # the row of the shipped φ anew (add --model default); the others keep what is stored
    python benchmarks/learning_curve.py --quick           # two steps each, to see that everything runs; stores nothing

Networks for the prior of a model are trained from nothing, each with a learning rate that falls to zero at the end of its own run, and
held against reversible jump on frames that none has seen; beside them stands the shipped φ.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from smlm_ddpm.conditional_intensity import smoothed_moments
from smlm_ddpm.deepstorm import MomentNetwork, input_of_kind, subtract_floor
from smlm_ddpm.eval import compare_posteriors, provenance
from smlm_ddpm.models import load_pretrained
from smlm_ddpm.likelihood import simulate
from smlm_ddpm.reversible_jump import reversible_jump
from smlm_ddpm.training import moment_objective, train

RESULTS = Path(__file__).parents[1] / "nbs" / "results"
RUNS = {  # residual blocks and steps
    "paper": ((10, 250), (10, 500), (10, 1000), (2, 1000), (5, 1000)),
    "default": ((2, 500), (5, 500), (10, 500), (15, 500)),
}
CHANGES = {  # of the configuration, for runs this short
    "paper": {"n_draws": 8},
    "default": {"shapes": ((20, 20),), "learning_rate": 2e-3, "floors": (0.2, 0.005)},
}
SEEN = {"paper": 828_800, "default": 3_079_000}  # frames that the shipped φ learned from, those before its configuration's stages too
UNSEEN = 5  # seed of the frames on which networks are compared


def reference(preset, quick: bool):
    "Unseen frames with an even background, and mean and sd of their exact posterior; with it, which share of the chains converged."
    flat = replace(preset.prior, background_slope=0.0, background_blobs=0.0)  # as the chains take it
    frames = simulate(flat, 2 if quick else 100, torch.Generator().manual_seed(UNSEEN))
    poisson = preset.prior.count_distribution == "poisson"
    steps = 1000 if quick else 400_000 if poisson else 100_000
    exact = reversible_jump(frames.adu, frames.camera, frames.sigma, flat, steps=steps, keep_draws=poisson, workers=2)
    moments = exact.mean, exact.sd
    if poisson:  # rare emitters are too rare in chains
        n_draws = min(400, exact.count[0].numel())
        moments = smoothed_moments(exact, frames.adu, frames.camera, frames.sigma, flat, n_draws=n_draws, workers=2)
    return frames, *moments, exact.converged.float().mean().item()


def trained(preset, blocks: int, steps: int, folder: Path) -> MomentNetwork:
    "A network of so many blocks after so many steps."
    config = replace(preset.phi_training, steps=steps, warmup=steps // 10, seed=30, **CHANGES[preset.name])
    torch.manual_seed(config.seed)
    network = MomentNetwork(**preset.phi | {"blocks": blocks})
    return train(network, moment_objective(preset.prior, config), config, folder / f"{blocks}-{steps}", resume=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=list(RUNS), default="paper")
    parser.add_argument("--shipped", action="store_true", help="only the row of the shipped weights; the others do not depend on them")
    parser.add_argument("--quick", action="store_true", help="two steps each, on two frames; stores nothing")
    parser.add_argument("--out", type=Path, help="folder for checkpoints, from which an interrupted run goes on; without it they are thrown away")
    arguments = parser.parse_args()
    shipped = load_pretrained(arguments.model)
    result = RESULTS / ("learning_curve" + ("" if arguments.model == "paper" else f"_{arguments.model}") + ".json")
    preset, rows = shipped.preset, []
    if arguments.shipped:
        rows = [row for row in json.loads(result.read_text(encoding="utf-8"))["rows"] if not row.get("shipped")]
    frames, exact_mean, exact_sd, converged = reference(preset, arguments.quick)
    camera = frames.camera
    features = input_of_kind(shipped.phi.inputs, camera.to_electrons(frames.adu), frames.sigma, camera.read_variance_electrons)

    def measure(network, floor, seen, **about):
        "One row of the table."
        with torch.inference_mode():
            mean, sd, _ = network(features)
        sd = subtract_floor(sd, floor=floor)
        by_frame = (sd - exact_sd).abs().sum((1, 2, 3)) / exact_sd.sum((1, 2, 3))
        row = {"blocks": len(network.blocks), "frames": seen} | about
        rows.append(row | compare_posteriors(mean, sd, exact_mean, exact_sd) | {"median_l1_of_a_frame": by_frame.median().item()})
        print(rows[-1], flush=True)

    with TemporaryDirectory() as scratch:
        for blocks, steps in () if arguments.shipped else RUNS[arguments.model]:
            steps = 2 if arguments.quick else steps
            network = trained(preset, blocks, steps, arguments.out or Path(scratch))
            measure(network, CHANGES[preset.name].get("floors", preset.phi_training.floors)[1], steps * preset.phi_training.batch)
    measure(shipped.phi, preset.floor, SEEN[preset.name], shipped=True)
    if not arguments.quick:
        made_with = provenance(shipped, networks=("phi",))
        stored = {"made_with": made_with, "exact frames": len(frames.adu), "converged": converged, "rows": rows}
        result.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
