"""The exact posterior of whole frames: seconds a frame, and how they grow with area, emitters and frames.

    python benchmarks/exact.py            # all of it, about ten minutes of two cores; writes exact.json beside this file
    python benchmarks/exact.py small      # one part; the others stay as they are stored
    python benchmarks/exact.py --quick    # small and few, nothing is written

Frames: σ 1.1 px, photons log-normal about 1,000 e⁻, background 10 e⁻/px, read variance 2 e⁻². The first call compiles and is not timed.
"""

import argparse
import json
import resource
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from run import whole_programs_machine
from smlm_ddpm.exact_posterior import exact_posterior
from smlm_ddpm.likelihood import Camera, Prior
from smlm_ddpm.psf import expected_photons
from smlm_ddpm.reversible_jump import reversible_jump

RESULT = Path(__file__).with_suffix(".json")
SIGMA, BACKGROUND, CAMERA = 1.1, 10.0, Camera(offset=100.0, gain=2.0, read_variance=8.0)


def movie(frames: int, size: int, emitters: float, seed: int) -> tuple[torch.Tensor, list[np.ndarray]]:
    "Frames [ADU] and the true emitters of each: x, y [px], photons [e⁻]."
    random, generator, truth, images = np.random.default_rng(seed), torch.Generator().manual_seed(seed), [], []
    for _ in range(frames):
        number = random.poisson(emitters)
        truth.append(np.column_stack([random.random((number, 2)) * size, 1000 * np.exp(0.5 * random.normal(size=number))]))
        known = torch.from_numpy(truth[-1])[None]
        images.append(expected_photons(known[..., :2], known[..., 2], (size, size), SIGMA, background=BACKGROUND))
    return CAMERA.expose(torch.cat(images).float(), generator), truth


def found(truth: list[np.ndarray], table: np.ndarray, reach: float = 2.5) -> dict[str, float]:
    "Jaccard index and error along an axis of the emitters that are more probable than not, matched one to one."
    from scipy.optimize import linear_sum_assignment

    table, right, errors, total = table[table["probability"] > 0.5], 0, [], 0
    for frame, emitters in enumerate(truth):
        rows = table[table["frame"] == frame]
        apart = np.hypot(emitters[:, None, 0] - rows["x"], emitters[:, None, 1] - rows["y"])
        pairs = linear_sum_assignment(np.where(apart < reach, apart, 1e6))
        near = apart[pairs] < reach
        right, total = right + near.sum(), total + len(emitters) + len(rows) - near.sum()
        errors += list(apart[pairs][near] ** 2 / 2)
    return {"jaccard": right / max(total, 1), "rmse": float(np.sqrt(np.mean(errors))) if errors else 0.0}


def timed(name: str, frames: int, size: int, emitters: float, target: float | None = None) -> dict:
    "One row: a movie, and how long its posterior takes."
    adu, truth = movie(frames, size, emitters, 31)
    start, cpu = time.perf_counter(), time.process_time()
    posterior = exact_posterior(adu, CAMERA, SIGMA)
    row = {"what": name, "frames": frames, "size": size, "emitters": emitters,
           "seconds_per_frame": (time.perf_counter() - start) / frames, "cpu_seconds_per_frame": (time.process_time() - cpu) / frames,
           "target": target, "regions": len(posterior.regions), "converged": float(posterior.regions["converged"].mean()),
           "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, **found(truth, posterior.emitters)}
    print(f"{name}: {row['seconds_per_frame']:.3g} s a frame ({row['cpu_seconds_per_frame']:.3g} of processors), "
          f"{row['converged']:.1%} of {row['regions']} regions converged, Jaccard {row['jaccard']:.3f}, RMSE {row['rmse']:.3f} px", flush=True)
    return row


def small_frames(frames: int = 40, size: int = 20, steps: int = 100_000) -> dict:
    "Seconds a frame beside reversible jump on the whole frame, and how far both are from a run of it ten times as long."
    prior = Prior(count_distribution="poisson", count=None, emitter_density=(1e-3, 0.03), placement="field", margin=3 * SIGMA,
                  photons=(100.0, 10_000.0), background=(0.0, 50.0), sigma=(SIGMA, SIGMA), shape=(size, size))
    adu, _ = movie(frames, size, 0.01 * size**2, 31)
    ways = {"exact_posterior": lambda: exact_posterior(adu, CAMERA, SIGMA, prior),
            "reversible_jump": lambda: reversible_jump(adu, CAMERA, SIGMA, prior, steps=steps, workers=2)}
    warnings.filterwarnings("ignore", "ChainPosterior")  # chains that have not converged are what is measured
    long = reversible_jump(adu, CAMERA, SIGMA, prior, steps=10 * steps, seed=1, workers=2).sd
    row = {"what": f"frames of {size}×{size}", "frames": frames, "size": size, "emitters": 0.01 * size**2, "steps": steps}
    for name, way in ways.items():
        start = time.perf_counter()
        found = way()
        row[name] = {"seconds_per_frame": (time.perf_counter() - start) / frames,
                     "l1": float((found.sd - long).abs().sum() / long.sum())}
    print(row, flush=True)
    return row


PARTS = {
    "targets": lambda: [timed("50 emitters", 12, 256, 50, 1.0), timed("300 emitters", 3, 256, 300, 10.0), timed("1,600 emitters", 1, 256, 1600, 90.0)],
    "area": lambda: [timed(f"area {size}²", 1, size, 0.0046 * size**2) for size in (32, 64, 128, 256, 400)],
    "emitters": lambda: [timed(f"{number} emitters in 256²", 1, 256, number) for number in (10, 30, 100, 300, 1000)],
    "frames": lambda: [timed(f"{frames} frames", frames, 64, 10) for frames in (1, 10, 100)],
    "small": lambda: [small_frames()],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}: only these; the others stay as they are stored")
    parser.add_argument("--quick", action="store_true", help="small and few, nothing is written")
    options = parser.parse_args()
    if set(options.parts) - set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}, not {' '.join(options.parts)}")
    exact_posterior(movie(1, 32, 4, 1)[0], CAMERA, SIGMA)
    if options.quick:
        timed("quick", 2, 48, 6)
        small_frames(2, steps=2_000)
        return
    here = whole_programs_machine()
    stored = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name in options.parts or PARTS:
        stored[name] = {"machine": here, "rows": PARTS[name]()}
        RESULT.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
