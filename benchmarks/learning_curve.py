"""Is φ limited by training or by its size? The error of its moments after more frames, and with more residual blocks.

    python benchmarks/learning_curve.py           # twenty minutes; writes nbs/results/learning_curve.json, of which 08_eval draws a figure
    python benchmarks/learning_curve.py --quick   # two steps each, to see that everything runs; stores nothing

Networks for the paper's prior are trained from nothing, each with a learning rate that falls to zero at the end of its own run, and
held against reversible jump on frames that none has seen; beside them stands the shipped φ.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from smlm_ddpm.deepstorm import MomentNetwork, network_input, subtract_floor
from smlm_ddpm.eval import compare_posteriors, provenance
from smlm_ddpm.models import load_pretrained
from smlm_ddpm.likelihood import simulate
from smlm_ddpm.reversible_jump import reversible_jump
from smlm_ddpm.training import moment_objective, train

RESULT = Path(__file__).parents[1] / "nbs" / "results" / "learning_curve.json"
RUNS = ((10, 250), (10, 500), (10, 1000), (2, 1000), (5, 1000))  # residual blocks and steps
UNSEEN = 5  # seed of the frames on which networks are compared


def trained(preset, blocks: int, steps: int, folder: Path) -> MomentNetwork:
    "A network of so many blocks after so many steps."
    config = replace(preset.phi_training, steps=steps, warmup=steps // 10, n_draws=8, seed=30)
    torch.manual_seed(config.seed)
    network = MomentNetwork(preset.phi["width"], blocks)
    return train(network, moment_objective(preset.prior, config), config, folder / f"{blocks}-{steps}", resume=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two steps each, on two frames; stores nothing")
    parser.add_argument("--out", type=Path, help="folder for checkpoints, from which an interrupted run goes on; without it they are thrown away")
    arguments = parser.parse_args()
    shipped = load_pretrained("paper")
    preset, rows = shipped.preset, []
    frames = simulate(preset.prior, 2 if arguments.quick else 100, torch.Generator().manual_seed(UNSEEN))
    exact = reversible_jump(frames.adu, frames.camera, preset.prior, frames.sigma, steps=1000 if arguments.quick else 100_000,
                            workers=2)
    features = network_input(frames.camera.to_electrons(frames.adu), frames.sigma, frames.camera.read_variance_electrons)

    def measure(network, floor, seen, **about):
        "One row of the table."
        with torch.inference_mode():
            mean, sd, _ = network(features)
        row = {"blocks": len(network.blocks), "frames": seen} | about
        rows.append(row | compare_posteriors(mean, subtract_floor(sd, floor=floor), exact.mean, exact.sd))
        print(rows[-1], flush=True)

    with TemporaryDirectory() as scratch:
        for blocks, steps in RUNS:
            steps = 2 if arguments.quick else steps
            network = trained(preset, blocks, steps, arguments.out or Path(scratch))
            measure(network, preset.phi_training.floors[1], steps * preset.phi_training.batch)
    seen = sum(stage.steps * stage.batch for stage in (preset.phi_training, preset.refine_training))
    measure(shipped.phi, preset.floor, seen, shipped=True)
    if not arguments.quick:
        stored = {"made_with": provenance(shipped, networks=("phi",)), "exact frames": len(frames.adu), "converged": exact.converged.float().mean().item(), "rows": rows}
        RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
