"""Do the alarms on the data ring for faults, and only for them?

    python benchmarks/data_checks.py           # five minutes; writes nbs/results/data_checks.json, of which 11f_data_checks shows tables
    python benchmarks/data_checks.py --quick   # two movies and three faults; stores nothing

A hundred simulated movies that are what they are said to be, each of its own size, density, brightness, background and camera, are
localized and checked; then some that are not, each with one fault. `11f_data_checks` compares itself with two of the former.
"""

import argparse
import json
import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.special import j1
from smlm_ddpm.eval import provenance
from smlm_ddpm.data_checks import check_data
from smlm_ddpm.fast_localization import localize_frames
from smlm_ddpm.likelihood import Camera
from smlm_ddpm.psf import expected_photons, pixel_integral

UNSEEN = 1000  # seed of the first movie: those below 100 were looked at while the rules were made
RESULT = Path(__file__).parents[1] / "nbs" / "results" / "data_checks.json"


@dataclass(frozen=True)
class Movie:
    "Frames, and what is said of them."

    adu: np.ndarray  # (n, H, W) [ADU]
    offset: np.ndarray  # (H, W) [ADU]
    gain: np.ndarray  # (H, W) [ADU/e⁻]
    read_variance: np.ndarray  # (H, W) [ADU²]
    sigma: float  # [px]
    stated: float = 1.0  # factor on the standard deviations of the localizer


@dataclass(frozen=True)
class Kind:
    "What a movie is like."

    shape: tuple[int, int] = (64, 64)
    frames: int = 20
    emitter_density: float = 0.003  # [px⁻²]
    photons: float = 1000.0  # median [e⁻]
    spread: float = 0.3  # of the logarithm of photons
    background: float = 10.0  # [e⁻/px]
    sigma: float = 1.1  # [px]
    gain: float = 2.0  # [ADU/e⁻]
    read_variance: float = 2.0  # [e⁻²]
    maps: bool = False  # sCMOS: each pixel has an offset, a gain and a read variance of its own
    lifetime: float = 1.0  # mean number of frames that a molecule shines
    most: float = math.inf  # [ADU] the camera is saturated here


def gaussian(x, y, photons, shape, sigma):
    "The spot that the package assumes."
    positions = torch.tensor(np.column_stack([x, y]), dtype=torch.float64)[None]
    return expected_photons(positions, torch.tensor(photons)[None], shape, sigma)[0, 0].numpy()


def elliptical(x, y, photons, shape, sigma, ratio):
    "A Gaussian with two widths whose ratio is given."
    along_x = pixel_integral(torch.tensor(x), shape[1], sigma * ratio**0.5).numpy()
    along_y = pixel_integral(torch.tensor(y), shape[0], sigma / ratio**0.5).numpy()
    return (along_y * photons[:, None]).T @ along_x


def airy(distance, sigma):
    "The Airy pattern whose core is about that of the Gaussian [1/px²]."
    scale = 2 * math.pi * 0.21 / sigma
    argument = np.maximum(scale * distance, 1e-9)
    return (2 * j1(argument) / argument) ** 2 * scale**2 / (4 * math.pi)


def ring(distance, sigma):
    "A ring, as far out of focus [1/px²]."
    grid = np.arange(0, 12, 0.01) * sigma


    def profile(r):
        return np.exp(-((r / sigma - 1.6) ** 2) / (2 * 0.7**2))

    return profile(distance) / (2 * math.pi * grid * profile(grid) * 0.01 * sigma).sum()


def sampled(x, y, photons, shape, sigma, profile, fine=4):
    "Any round spot, summed over points of each pixel."
    image, reach = np.zeros(shape), math.ceil(9 * sigma)
    for centre_x, centre_y, brightness in zip(x, y, photons):
        (top, bottom), (left, right) = ((max(0, int(c) - reach), min(n, int(c) + reach + 1)) for c, n in zip((centre_y, centre_x), shape))
        rows, columns = ((np.arange((b - a) * fine) + 0.5) / fine + a - c for a, b, c in ((top, bottom, centre_y), (left, right, centre_x)))
        light = profile(np.hypot(rows[:, None], columns), sigma) / fine**2
        image[top:bottom, left:right] += brightness * light.reshape(bottom - top, fine, right - left, fine).sum((1, 3))
    return image


def molecules(kind: Kind, random) -> list[np.ndarray]:
    "For each frame x, y and photons of what shines in it."
    mean = kind.emitter_density * kind.shape[0] * kind.shape[1] / kind.lifetime  # that begin in a frame
    frames = [[] for _ in range(kind.frames)]
    for frame in range(-8 * math.ceil(kind.lifetime - 1), kind.frames):
        for _ in range(random.poisson(mean)):
            place = random.uniform(0, kind.shape[1]), random.uniform(0, kind.shape[0])
            for later in range(frame, frame + random.geometric(1 / kind.lifetime)):
                if 0 <= later < kind.frames:
                    frames[later].append((*place, kind.photons * math.exp(kind.spread * random.standard_normal())))
    return [np.array(found).reshape(-1, 3).T for found in frames]


def simulated(kind: Kind, seed: int, spot=gaussian) -> Movie:
    "A movie of this kind, as a camera that rounds stores it."
    random = np.random.default_rng(seed)
    own = random.standard_normal((3, *kind.shape)) if kind.maps else np.zeros((3, *kind.shape))
    offset, gain = 100 + 3 * kind.gain * own[0], kind.gain * (1 + 0.05 * own[1])
    read = kind.read_variance * np.exp(0.6 * own[2])
    adu = []
    for x, y, photons in molecules(kind, random):
        light = spot(x, y, photons, kind.shape, kind.sigma) + kind.background
        electrons = random.poisson(light) + np.sqrt(read) * random.standard_normal(kind.shape)
        adu.append(np.minimum(np.rint(offset + gain * electrons), kind.most))
    return Movie(np.array(adu), offset, gain, read * gain**2, kind.sigma)


def checks_of(movie: Movie) -> list:
    "Localize a movie with what is said of it, and check it."
    electrons, read = (movie.adu - movie.offset) / movie.gain, movie.read_variance / movie.gain**2
    emitters = localize_frames(electrons, movie.sigma, read)
    emitters["x_sd"] *= movie.stated
    emitters["y_sd"] *= movie.stated
    camera = Camera(*(torch.tensor(values) for values in (movie.offset, movie.gain, movie.read_variance)))
    return check_data(electrons, read, movie.sigma, emitters, adu=movie.adu, camera=camera)


def any_kind(seed: int) -> Kind:
    "A kind of movie drawn from all that are usual: about 400 emitters, in at least six frames."
    random = np.random.default_rng([1, seed])

    def between(low, high):
        return float(np.exp(random.uniform(math.log(low), math.log(high))))

    rows = int(random.choice([32, 64, 96, 128, 200]))
    shape, density = (rows, rows + int(random.integers(0, 30))), between(5e-4, 0.05)
    frames = int(np.clip(400 / (density * shape[0] * shape[1]), 6, 6 + 4e5 / rows**2))
    return Kind(shape, frames, density, between(300, 5000), float(random.choice([0.0, 0.5])), between(1, 300), random.uniform(0.9, 1.6),
                float(random.choice([0.5, 1, 2, 4])), between(0.5, 20), bool(random.integers(2)), float(random.choice([1.0, 3.0])))  # fmt: skip


def excess_noise(movie: Movie) -> dict:
    "The noise of the light once more, as the register of an EMCCD adds it."
    noise = np.sqrt(np.maximum((movie.adu - movie.offset) / movie.gain, 0)) * np.random.default_rng(2).standard_normal(movie.adu.shape)
    return {"adu": np.rint(movie.adu + movie.gain * noise)}


def smeared(movie: Movie) -> dict:
    "A seventh of each charge stays behind in the row, and the gain is that of single pixels."
    quieter = (6 / 7) ** 2 + (1 / 7) ** 2
    adu = np.rint(6 / 7 * movie.adu + np.roll(movie.adu, 1, axis=2) / 7)
    return {"adu": adu, "gain": quieter * movie.gain, "read_variance": quieter * movie.read_variance}


def turned(change, *names) -> dict:
    "The maps of a movie, changed."
    return lambda movie: {name: change(getattr(movie, name)) for name in names}


BASES = {
    "sparse, dim": Kind((64, 64), 70, 0.001, 800, background=3, read_variance=1),
    "sparse, bright": Kind((64, 64), 70, 0.001, 3000, background=30, read_variance=1),
    "usual": Kind((64, 64), 20, 0.004, 1000, background=10),
    "on a high background": Kind((64, 64), 20, 0.004, 2000, background=100),
    "crowded": Kind((64, 64), 12, 0.02, 1500, background=10),
}
CMOS, MAPS = {"maps": True, "read_variance": 20.0, "frames": 60}, ("offset", "gain", "read_variance")
FAULTS = {  # name: changes of the kind, the spot, changes of what is said, checks of which one should ring
    "gain × 3": ({}, gaussian, lambda m: {"gain": 3 * m.gain}, ("gain", "χ² elsewhere", "χ² near spots")),
    "gain ÷ 3": ({}, gaussian, lambda m: {"gain": m.gain / 3}, ("gain", "χ² elsewhere", "χ² near spots")),
    "offset 20 e⁻ too low": ({}, gaussian, lambda m: {"offset": m.offset - 20 * m.gain}, ("offset", "χ² elsewhere")),
    "offset 20 e⁻ too high": ({}, gaussian, lambda m: {"offset": m.offset + 20 * m.gain}, ("offset", "χ² elsewhere", "light below zero")),
    "sigma + 30 %": ({}, gaussian, lambda m: {"sigma": 1.3 * m.sigma}, ("sigma", "spots that don't fit")),
    "sigma − 30 %": ({}, gaussian, lambda m: {"sigma": 0.7 * m.sigma}, ("sigma",)),
    "all maps transposed": (CMOS, gaussian, turned(np.transpose, *MAPS), ("read-variance map", "fixed pattern")),
    "all maps moved by a pixel": (CMOS, gaussian, turned(lambda m: np.roll(m, 1, 0), *MAPS), ("read-variance map", "fixed pattern")),
    "read variance transposed": (CMOS, gaussian, turned(np.transpose, "read_variance"), ("read-variance map",)),
    "saturated": ({}, gaussian, lambda m: {"adu": np.minimum(m.adu, np.quantile(m.adu, 0.995))}, ("saturated",)),
    "clipped at the offset": ({}, gaussian, lambda m: {"adu": np.maximum(m.adu, np.quantile(m.adu, 0.1))}, ("clipped",)),
    "EMCCD, excess noise 2": ({}, gaussian, excess_noise, ("gain", "χ² elsewhere", "χ² near spots")),
    "smeared along rows": ({}, gaussian, smeared, ("gain", "χ² elsewhere", "χ² near spots")),
    "long over short axis 1.4": ({}, partial(elliptical, ratio=1.4), lambda m: {}, ("ellipticity", "spots that don't fit")),
    "Airy pattern": ({}, partial(sampled, profile=airy), lambda m: {}, ("shape of the spots",)),
    "defocused to a ring": ({}, partial(sampled, profile=ring), lambda m: {}, ("shape of the spots", "spots that don't fit")),
    "stated sd × 0.6": ({"lifetime": 3.0, "frames": 100}, gaussian, lambda m: {"stated": 0.6}, ("repeated positions",)),
}  # fmt: skip


def stored(checks) -> dict:
    "What is kept of a movie's checks: value, threshold and whether it passed, of those that could be measured."
    return {check.name: [float(f"{check.value:.4g}"), float(f"{check.threshold:.3g}"), check.passed] for check in checks if check.measured}


def false_alarms(number: int) -> dict:
    "Movies without a fault."
    movies, alarms = [], 0
    for seed in range(UNSEEN, UNSEEN + number):
        kind = any_kind(seed)
        checks = checks_of(simulated(kind, seed))
        rang = [check.name for check in checks if not check.passed]
        alarms += bool(rang)
        facts = ("shape", "frames", "emitter_density", "photons", "background", "sigma", "read_variance", "maps")
        movies.append({name: getattr(kind, name) for name in facts} | {"checks": stored(checks), "alarms": rang})
        print(f"{len(movies)} of {number} movies: {alarms} with an alarm {rang or ''}", flush=True)
    return {"movies": movies, "with an alarm": alarms}


def rings_for(fault: str, base: Kind, seed: int = 0) -> dict:
    "The checks of a movie with a fault."
    changes, spot, said, _ = FAULTS[fault]
    movie = simulated(replace(base, **changes), seed, spot)
    return stored(checks_of(replace(movie, **said(movie))))


def faults(names, bases) -> dict:
    "By fault and kind of movie, the checks; and which of them should ring."
    results = {}
    for name in names:
        results[name] = {"own": FAULTS[name][3], "movies": {}}
        for base in bases:
            found = results[name]["movies"][base] = rings_for(name, BASES[base])
            print(f"{name}, {base}: {', '.join(check for check in found if not found[check][2]) or 'nothing'}", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two movies and three faults; stores nothing")
    quick = parser.parse_args().quick
    results = {"made_with": provenance(), "quiet": false_alarms(2 if quick else 100),
               "faults": faults(list(FAULTS)[: 3 if quick else None], list(BASES)[2:3] if quick else BASES)}  # fmt: skip
    if not quick:
        RESULT.write_text(json.dumps(results, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
