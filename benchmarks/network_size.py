"""How close φ comes to the exact moments with more frames and with more blocks, on the prior of the preset `paper`.

    python benchmarks/network_size.py        # about half an hour on two cores; writes nbs/results/network_size.json

Every network begins from nothing and sees the same frames in the same order, each with twenty draws of the exact posterior;
its learning rate falls to zero by its own last step. `08_eval` draws the figure.
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch

from smlm_ddpm.deepstorm import MomentNetwork, TrainingConfig, load_tensors, moment_objective, network_input, train
from smlm_ddpm.eval import compare_posteriors
from smlm_ddpm.likelihood import PAPER_PRIOR, simulate
from smlm_ddpm.mcmc import reversible_jump

STORED = Path(__file__).resolve().parents[1] / "nbs" / "results" / "network_size.json"
CASES = [(10, 125), (10, 250), (2, 500), (5, 500), (10, 500), (20, 500)]  # residual blocks, steps of 64 frames
FRAMES = 100  # to measure on


def trained(blocks: int, steps: int, folder: str) -> MomentNetwork:
    "A network with averaged weights."
    config = TrainingConfig(steps=steps, batch=64, warmup=50, ema=0.99, draws=20, apart=100, seed=5)
    torch.manual_seed(0)
    network = MomentNetwork(blocks=blocks)
    train(network, moment_objective(PAPER_PRIOR, config), config, folder)
    tensors, _ = load_tensors(Path(folder) / "checkpoint.safetensors")
    averaged = {name.removeprefix("average."): value for name, value in tensors.items() if name.startswith("average.")}
    network.load_state_dict(averaged)
    return network.eval()


def measured(network: MomentNetwork, frames, exact) -> dict:
    "Its moments against the exact ones."
    photons = frames.camera.to_photons(frames.adu)
    with torch.no_grad():
        mean, sd, _ = network(network_input(photons, frames.sigma, frames.camera.read_variance_photons))
    return compare_posteriors(mean, sd, exact.mean, exact.sd)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    frames = simulate(PAPER_PRIOR, FRAMES, torch.Generator().manual_seed(99))
    exact = reversible_jump(frames.adu, frames.camera, PAPER_PRIOR, frames.sigma, workers=torch.get_num_threads())
    rows = []
    for blocks, steps in CASES:
        with tempfile.TemporaryDirectory() as folder:
            network = trained(blocks, steps, folder)
        size = sum(parameter.numel() for parameter in network.parameters())
        rows.append({"blocks": blocks, "parameters": size, "frames": 64 * steps, **measured(network, frames, exact)})
        print(rows[-1], flush=True)
        STORED.write_text(json.dumps({"measured_on": FRAMES, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
