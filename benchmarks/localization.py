"""Localization of whole frames beside Picasso: `python benchmarks/localization.py`; writes benchmarks/localization.json."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
import torch
from run import whole_programs_machine
from scipy.optimize import linear_sum_assignment
from smlm_ddpm.fast_localization import localize_frames
from smlm_ddpm.psf import expected_photons

RESULTS = Path(__file__).with_name("localization.json")
SIGMA, BACKGROUND, READ_VARIANCE, GAIN, OFFSET = 1.1, 10.0, 2.0, 2.0, 100.0  # px, e⁻/px, e⁻², ADU/e⁻, ADU
TOLERANCE = 2.5  # a found emitter belongs to a true one within this distance [px]
# emitters/px²: frames of 256×256, and the least net gradient that suits Picasso there
DENSITIES = {0.0005: (200, 500), 0.00076: (400, 500), 0.0015: (200, 600), 0.0046: (200, 800), 0.01: (40, 800), 0.02: (12, 800)}
SIZES = (64, 128, 256, 512, 1024)  # px, at 0.0046 emitters/px²: two and a half decades of area and of emitters


def movie(frames: int, size: int, emitter_density: float, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    "A movie in ADU, and the positions of each frame: emitters are a Poisson process, about 1,000 photons each, log-normal."
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    adu, truth = np.empty((frames, size, size), np.uint16), []
    for frame in range(frames):
        count = random.poisson(emitter_density * size * size)
        positions, photons = size * random.random((count, 2)), 1000 * np.exp(0.5 * random.standard_normal(count))
        sets = torch.as_tensor(positions, dtype=torch.float32)[None], torch.as_tensor(photons, dtype=torch.float32)[None]
        expected = expected_photons(*sets, (size, size), SIGMA, background=BACKGROUND)[0, 0]
        electrons = torch.poisson(expected.clamp(min=0), generator=generator)
        electrons += READ_VARIANCE**0.5 * torch.randn(electrons.shape, generator=generator)
        adu[frame] = (GAIN * electrons + OFFSET).round().clamp(0, 65535).numpy().astype(np.uint16)
        truth.append(positions)
    return adu, truth


def score(frame: np.ndarray, x: np.ndarray, y: np.ndarray, truth: list[np.ndarray], sd: np.ndarray | None = None) -> dict:
    "One to one: Jaccard, root mean square error along an axis, and the errors in units of what is stated."
    pairs, errors, units = 0, [], []
    for number, true in enumerate(truth):
        mine = np.flatnonzero(frame == number)
        distance = np.hypot(x[mine, None] - true[:, 0], y[mine, None] - true[:, 1])
        i, j = linear_sum_assignment(np.where(distance <= TOLERANCE, distance, 1e6))
        i, j = i[distance[i, j] <= TOLERANCE], j[distance[i, j] <= TOLERANCE]
        error = np.stack([x[mine[i]], y[mine[i]]], 1) - true[j]
        pairs += len(i)
        errors.append(error)
        units += [] if sd is None else [error / sd[mine[i], None]]
    found, true = len(x), sum(map(len, truth))
    result = {"precision": pairs / max(found, 1), "recall": pairs / max(true, 1), "jaccard": pairs / max(found + true - pairs, 1),
              "rmse": float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))}
    if units:
        units = np.abs(np.concatenate(units))
        result |= {"robust_sd_of_z": float(1.4826 * np.median(units)), "beyond_4": float((units > 4).mean())}
    return result


def timed(work, frames: int) -> tuple:
    "What `work` gives, and its speed; processor time, of all threads and children, says the same on a machine that is busy otherwise."
    before, start = os.times(), time.perf_counter()
    result = work()
    seconds, after = time.perf_counter() - start, os.times()
    return result, {"frames_per_second": frames / seconds, "processor_seconds_per_frame": (sum(after[:4]) - sum(before[:4])) / frames}


def ours(adu: np.ndarray, truth: list[np.ndarray]) -> dict:
    "From ADU to the table."
    table, speed = timed(lambda: localize_frames((adu - np.float32(OFFSET)) / np.float32(GAIN), SIGMA, READ_VARIANCE), len(adu))
    return {**speed, **score(table["frame"], table["x"], table["y"], truth, table["crlb"])}


def of_picasso(adu: np.ndarray, truth: list[np.ndarray], gradient: float, method: str) -> dict:
    "The same with Picasso, whose pixels have their centres at integers."
    import picasso.io
    import picasso.localize as rival

    camera = {"Baseline": OFFSET, "Sensitivity": 1 / GAIN, "Gain": 1, "Qe": 1.0, "Pixelsize": 100}
    settings = {"camera_info": camera, "identification_parameters": {"Min. Net Gradient": gradient, "Box Size": 7},
                "fitting_method": method, "return_info": False}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # Picasso reads movies from files only
        tifffile.imwrite(Path(folder) / "movie.tif", adu, photometric="minisblack")
        loaded, settings["movie_info"] = picasso.io.load_movie(str(Path(folder) / "movie.tif"))
        rival.localize(loaded, frame_bounds=(0, 2), **settings)
        found, speed = timed(lambda: rival.localize(loaded, **settings), len(adu))
    return {**speed, **score(found.frame.to_numpy(), found.x.to_numpy() + 0.5, found.y.to_numpy() + 0.5, truth)}


def density_row(emitter_density: float, frames: int, gradient: float) -> dict:
    "Both, one after the other."
    adu, truth = movie(frames, 256, emitter_density, seed=31)
    row = {"emitter_density": emitter_density, "frames": frames, "size": 256, "ours": ours(adu, truth)}
    try:
        row["picasso"] = {method: of_picasso(adu, truth, gradient, method) for method in ("gausslq", "gaussmle")}
    except ModuleNotFoundError:
        print("Picasso is not installed: pip install picassosr", file=sys.stderr)
    return row


def size_row(size: int, frames: int) -> dict:
    "Seconds a frame and an emitter as a frame grows."
    adu, truth = movie(frames, size, 0.0046, seed=7)
    row = ours(adu, truth)
    return {"size": size, "frames": frames, "emitters": float(np.mean([len(true) for true in truth])),
            "seconds_per_frame": 1 / row["frames_per_second"], "processor_seconds_per_frame": row["processor_seconds_per_frame"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few frames, to see that everything runs; nothing is stored")
    quick = parser.parse_args().quick
    ours(*movie(2, 64, 0.005, seed=1))  # compiles
    results = {"machine": whole_programs_machine()}
    results["by_density"] = [density_row(density, min(frames, 4) if quick else frames, gradient)
                             for density, (frames, gradient) in DENSITIES.items()]  # fmt: skip
    results["by_size"] = [size_row(size, 2 if quick else max(4, 200 * 64**2 // size**2 * 4)) for size in SIZES[: 3 if quick else None]]
    print(json.dumps(results, indent=1))
    if not quick:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
