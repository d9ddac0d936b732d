"""What each estimator costs and how far off it is, from lonely emitters to crowds: when does a network pay?

    python benchmarks/when_networks_pay.py            # about a quarter of an hour of two cores; writes nbs/results/when_networks_pay.json
    python benchmarks/when_networks_pay.py --quick    # two densities, few frames, nothing is written

Frames of 40×40 px, σ 1.1 px, background 10 e⁻/px, read variance 2 e⁻², emitters uniform and within a factor of two of 500 or 3,000 e⁻.
All are asked the same question: the posterior under the prior of `default`, the density of emitters unknown. The reference is the
average of two runs of `exact_posterior`, other ones than those that are measured; chains that have not converged after 30 s
a frame are stopped, and the table says which share has converged.
"""

import argparse
import json
import math
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from smlm_ddpm.eval import provenance, score_samples
from smlm_ddpm.exact_posterior import exact_posterior
from smlm_ddpm.fast_localization import localize_frames
from smlm_ddpm.kde import kernel_density
from smlm_ddpm.likelihood import Camera, Prior, prepare_frames, simulate
from smlm_ddpm.models import load_pretrained
from smlm_ddpm.sums import density_of_emitters

RESULT = Path(__file__).parents[1] / "nbs" / "results" / "when_networks_pay.json"
SIDE, SIGMA, BACKGROUND, CAMERA = 40, 1.1, 10.0, Camera(offset=100.0, gain=2.0, read_variance=8.0)
DENSITIES = {0.0005: 16, 0.0015: 16, 0.005: 8, 0.015: 4, 0.05: 1, 0.15: 1}  # [px⁻²]: frames
BRIGHTNESSES = (500.0, 3000.0)  # [e⁻]
SHARES = (1 / 64, 1 / 16, 1 / 4)  # of the time that the exact posterior takes
MOST = 30.0  # for chains that do not converge [s a frame]
N_SAMPLES = 64


def frames_of(emitter_density: float, photons: float, frames: int):
    "Simulated frames and their true density."
    prior = Prior(shape=(SIDE, SIDE), count_distribution="poisson", count=None, emitter_density=(emitter_density, emitter_density),
                  placement="field", photons=(photons / 2, photons * 2), background=(BACKGROUND, BACKGROUND), sigma=(SIGMA, SIGMA))
    generator = torch.Generator().manual_seed(round(1e6 * emitter_density + photons))
    drawn = simulate(prior, frames, generator)
    return CAMERA.expose(drawn.expected, generator), kernel_density(drawn.positions, prior.shape, drawn.mask)


def fit(adu) -> tuple:
    "Maximum likelihood and Laplace's approximation."
    frames = prepare_frames(adu, CAMERA, SIGMA)
    table = localize_frames(frames.electrons, frames.sigma, frames.read_variance)
    images = [density_of_emitters(table[table["frame"] == frame], adu.shape[-2:]) for frame in range(len(adu))]
    mean, sd = (torch.from_numpy(np.stack(part))[:, None] for part in zip(*images))
    return mean, sd, None


def exact(adu, prior, seed: int, budget: float = math.inf) -> tuple:
    "Chains until they converge or the time is over."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they did not converge is what is measured
        posterior = exact_posterior(adu, CAMERA, SIGMA, prior, n_draws=N_SAMPLES, seed=seed, budget=min(budget, MOST * len(adu)))
    draws = posterior.draws
    return posterior.mean, posterior.sd, kernel_density(draws.positions, adu.shape[-2:], draws.mask), posterior.regions["converged"].mean() if len(posterior.regions) else 1.0


def compared(answer: tuple, reference: tuple, truth) -> dict[str, float]:
    "Distance from the reference where that leaves something open, and the energy score of the samples if there are any."
    (mean, sd, samples, *_), open_ = answer, reference[1] > 0.02
    row = {
        "l1": ((sd - reference[1])[open_].abs().sum() / reference[1][open_].sum()).item(),
        "mean_error_in_sd": ((mean - reference[0])[open_] / reference[1][open_]).square().mean().sqrt().item(),
    }
    return row if samples is None else row | {"energy_score": score_samples(samples, truth, open_)["energy_score"]}


def timed(work) -> tuple[tuple, float]:
    "What it gives and the seconds it takes."
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def reference_of(adu, prior) -> tuple:
    "Mean and sd of two runs."
    one, two = (exact(adu, prior, seed) for seed in (101, 102))
    mean = (one[0] + two[0]) / 2
    return mean, ((one[1] ** 2 + two[1] ** 2) / 2 + ((one[0] - two[0]) / 2) ** 2).sqrt()


def seconds_to(error: float, curve: list[dict], key: str) -> float | None:
    "When the chains are as near, by a straight line between logarithms; None if never."
    for before, after in zip(curve, curve[1:]):
        if before[key] <= error:
            return before["seconds"]
        if after[key] <= error:
            share = math.log(before[key] / error) / math.log(before[key] / after[key])
            return before["seconds"] * (after["seconds"] / before["seconds"]) ** share
    return curve[-1]["seconds"] if curve[-1][key] <= error else None


def row(model, emitter_density: float, photons: float, frames: int) -> dict:
    "One density at one brightness."
    adu, truth = frames_of(emitter_density, photons, frames)
    plain = {"background_slope": 0.0, "background_blobs": 0.0, "hot_pixels": 0.0, "dead_pixels": 0.0}
    prior = replace(model.preset.prior, shape=(SIDE, SIDE), sigma=(SIGMA, SIGMA), **plain)
    reference = reference_of(adu, prior)
    parts = lambda posterior: (posterior.mean, posterior.sd, posterior.samples)
    sampled = lambda sampler: parts(model.sample(adu, CAMERA, SIGMA, n_samples=N_SAMPLES, sampler=sampler))
    methods = {
        "fit": lambda: fit(adu),
        "φ": lambda: parts(model.moments(adu, CAMERA, SIGMA)),
        "Ψ, one pass": lambda: sampled("one_pass"),
        "Ψ, 8 levels": lambda: sampled("multistep"),
    }
    result = {"emitter_density": emitter_density, "photons": photons, "frames": frames, "methods": {}}
    for name, method in methods.items():
        answer, seconds = timed(method)
        result["methods"][name] = compared(answer, reference, truth) | {"seconds": seconds / frames}
    answer, seconds = timed(lambda: exact(adu, prior, 7))
    converged = compared(answer, reference, truth) | {"seconds": seconds / frames, "converged": float(answer[3])}
    curve = []
    for share in SHARES:
        answer, spent = timed(lambda: exact(adu, prior, 7, share * seconds))
        curve.append(compared(answer, reference, truth) | {"seconds": spent / frames})
    curve.append(converged)
    result["methods"]["exact"], result["exact_by_time"] = converged, curve
    result["exact_as_good_as"] = {name: seconds_to(result["methods"][name]["l1"], curve, "l1") for name in methods}
    result["draws_as_good_as"] = {name: seconds_to(result["methods"][name]["energy_score"], curve, "energy_score")
                                  for name in ("Ψ, one pass", "Ψ, 8 levels")}
    return result


def told(result: dict) -> str:
    "One line."
    parts = [f"{result['emitter_density']:g}/px², {result['photons']:g} e⁻"]
    parts += [f"{name} {m['seconds']:.3g} s L1 {m['l1']:.2f}" + (f" ES {m['energy_score']:.2f}" if "energy_score" in m else "") for name, m in result["methods"].items()]
    return "; ".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two densities, few frames, nothing is written")
    quick, model, rows = parser.parse_args().quick, load_pretrained("default"), []
    row(model, 0.002, 1000.0, 1)  # compiles
    for photons in BRIGHTNESSES[:1] if quick else BRIGHTNESSES:
        for emitter_density, frames in list(DENSITIES.items())[2:4] if quick else DENSITIES.items():
            rows.append(row(model, emitter_density, photons, 2 if quick else frames))
            print(told(rows[-1]), rows[-1]["exact_as_good_as"], flush=True)
    if not quick:
        RESULT.write_text(json.dumps({"made_with": provenance(model), "n_samples": N_SAMPLES, "side": SIDE, "rows": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
