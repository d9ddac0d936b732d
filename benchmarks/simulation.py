"""Rows about simulated frames and about finding emitters in them."""

import math

import numpy as np
import torch
from common import paper_frames, pretrained, scene
from measure import Row, per_second
from scipy.special import erf
from smlm_ddpm.localization import localize_plain
from smlm_ddpm.kde import FACTOR, KERNEL_SIGMA, kernel_density, kernel_peak
from smlm_ddpm.likelihood import PAPER_PRIOR, prepare_frames, simulate


def spot(position: float, size: int, sigma: float) -> np.ndarray:
    "Fractions of the light in each pixel of one axis, (size,)."
    return np.diff(erf((np.arange(size + 1) - position) / (math.sqrt(2) * sigma))) / 2


def plain_frame(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    "One frame [ADU] and its density, one emitter after another."
    prior, (rows, columns) = PAPER_PRIOR, PAPER_PRIOR.shape
    expected, density = np.zeros((rows, columns)), np.zeros((FACTOR * rows, FACTOR * columns))
    for _ in range(random.integers(prior.count[0], prior.count[1], endpoint=True)):
        distance, angle = prior.radius * math.sqrt(random.random()), 2 * math.pi * random.random()
        x, y = columns / 2 + distance * math.cos(angle), rows / 2 + distance * math.sin(angle)
        expected += prior.photons[0] * np.outer(spot(y, rows, prior.sigma[0]), spot(x, columns, prior.sigma[0]))
        density += np.outer(spot(FACTOR * y, FACTOR * rows, KERNEL_SIGMA), spot(FACTOR * x, FACTOR * columns, KERNEL_SIGMA)) / kernel_peak()
    noise = random.normal(prior.offset, math.sqrt(prior.read_variance[0]), expected.shape)
    return random.poisson(expected) + noise, density


def simulator(quick: bool) -> Row:
    "Frames with their kernel densities, from the paper's prior."
    batch, few = (50, 5) if quick else (2000, 200)
    generator, random = torch.Generator().manual_seed(0), np.random.default_rng(0)

    def batched():
        frames = simulate(PAPER_PRIOR, batch, generator)
        kernel_density(frames.positions, PAPER_PRIOR.shape, frames.mask)

    return Row(
        "simulate 20×20 frames with their kernel densities", "frames/s",
        per_second(batched, batch),
        {"a numpy and scipy loop over frames and emitters": per_second(lambda: [plain_frame(random) for _ in range(few)], few)},
        higher_is_better=True, target=5000,
    )


def localize(quick: bool) -> Row:
    "Emitters of dense frames, fitted together, against the classic that fits each alone (and finds fewer)."
    shown = scene(paper_frames(4 if quick else 100, emitters=10))
    return Row(
        "localize ten emitters in 20×20 frames", "frames/s",
        per_second(lambda: pretrained().localize(*shown), len(shown[0])),
        {"maxima of a Laplacian of Gaussian, each fitted alone (`localize_plain`)":
         per_second(lambda: localize_plain(prepare_frames(*shown)), len(shown[0]))},
        higher_is_better=True, most_repeats=3,
    )


ROWS = {"simulator": simulator, "localize": localize}
