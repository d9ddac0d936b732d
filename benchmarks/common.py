"""What several rows need: the shipped model and frames to show it."""

from dataclasses import replace
from functools import cache

import torch
from smlm_ddpm.models import PosteriorModel, load_pretrained
from smlm_ddpm.likelihood import PAPER_PRIOR, Prior, Simulation, simulate


@cache
def pretrained() -> PosteriorModel:
    "The model that is shipped for the paper's prior."
    return load_pretrained("paper")


def paper_prior(emitters: int | None = None) -> Prior:
    "The paper's prior, with a given number of emitters in every frame or any."
    return PAPER_PRIOR if emitters is None else replace(PAPER_PRIOR, count=(emitters, emitters))


def paper_frames(count: int, emitters: int | None = None, seed: int = 0) -> Simulation:
    "Frames of 20×20 from the paper's prior."
    return simulate(paper_prior(emitters), count, torch.Generator().manual_seed(seed))


def scene(frames: Simulation) -> tuple:
    "What a model is shown of simulated frames."
    return frames.adu, frames.camera, frames.sigma
