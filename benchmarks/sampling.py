"""Rows about posterior samples: few steps against a hundred, and memory."""

import math
import subprocess
import sys
from collections.abc import Callable

import torch
from common import paper_frames, pretrained, scene
from measure import Measurement, Row, time_each
from networks import parameters
from smlm_ddpm.ddpm import cosine_schedule
from smlm_ddpm.deepstorm import network_input
from smlm_ddpm.guided_sampling import sample_ancestral
from smlm_ddpm.likelihood import Simulation, prepare_frames
from smlm_ddpm.models import PosteriorModel

SAMPLES = 64


@torch.inference_mode()
def ancestral(model: PosteriorModel, shown: Simulation, samples: int) -> torch.Tensor:
    "Equation 8 with T = 100, a cosine schedule and the same Ψ, whose context is encoded once; standardised residuals."
    schedule, generator = cosine_schedule(100), torch.Generator().manual_seed(0)
    frames = prepare_frames(*scene(shown))
    with model.arithmetic():
        mean, sd, hidden = model.phi(network_input(frames.electrons, frames.sigma, frames.read_variance))
        context = model.psi.context(hidden, mean, sd).repeat_interleave(samples, dim=0)

    def predict_noise(noisy, step):
        gamma = schedule.gamma[step[0] - 1].item()
        level = math.sqrt((1 - gamma) / gamma)
        exploding = noisy / math.sqrt(gamma)
        with model.arithmetic():
            return (exploding - model.psi(exploding, torch.full((len(noisy),), level), context)) / level

    start = torch.randn(len(context), *mean.shape[1:], generator=generator)
    return sample_ancestral(predict_noise, start, schedule, generator=generator)


def per_frame(draw: Callable[[int], object], samples: int, frames: int) -> tuple[str, Measurement]:
    "How it is measured, in words, and the measurement: seconds a frame for 64 samples, scaled from `samples`."
    how = "" if samples == SAMPLES else f" ({samples} samples measured, times {SAMPLES // samples})"
    return how, time_each(lambda: draw(samples), frames * samples / SAMPLES)


def samples(quick: bool) -> Row:
    "64 samples of a frame: the shipped sampler, eight evaluations, T = 100 with the same network, and the paper's own recipe."
    model, shown = pretrained(), paper_frames(1 if quick else 8)
    _, ours = per_frame(lambda count: model.sample(*scene(shown), n_samples=count), 2 if quick else SAMPLES, len(shown.adu))
    _, eight = per_frame(lambda count: model.sample(*scene(shown), n_samples=count, sampler="multistep"), 2 if quick else SAMPLES, len(shown.adu))
    how, slow = per_frame(lambda count: ancestral(model, shown, count), 1 if quick else 16, len(shown.adu))
    others = {"8 evaluations of Ψ": eight, f"T = 100 ancestral, the same Ψ{how}": slow}
    if model.paper_recipe is not None:
        how, recipe = per_frame(lambda count: model.sample(*scene(shown), n_samples=count, sampler="paper_recipe"), 2, len(shown.adu))
        size = parameters(model.paper_recipe)
        others[f"T = 100 ancestral, the paper's recipe, a U-Net of {size:,} parameters on the 20×20 grid{how}"] = recipe
    return Row(f"{SAMPLES} samples of a 20×20 frame, in one pass each, {len(shown.adu)} frames a call", "s/frame", ours, others,
               target=0.06, most_repeats=3)


_PEAK = """
import re, sys
from pathlib import Path
from smlm_ddpm.models import load_pretrained
from smlm_ddpm.likelihood import PAPER_PRIOR, simulate
import torch
frames, samples, keep = map(int, sys.argv[1:])
model = load_pretrained("paper")
if samples:
    shown = simulate(PAPER_PRIOR, frames, torch.Generator().manual_seed(0))
    model.sample(shown.adu, shown.camera, shown.sigma, n_samples=samples, keep_samples=bool(keep))
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak_memory(frames: int, samples: int, keep: bool) -> float:
    "Most memory of a process that draws samples, by Linux's own count (`getrusage` would add the parent's) [GB]."
    command = [sys.executable, "-c", _PEAK, str(frames), str(samples), str(int(keep))]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(answer.split()[-1]) * 1024 / 1e9


def memory(quick: bool) -> Row:
    "Peak memory of the whole process."
    frames, many = (2, 4) if quick else (200, SAMPLES)
    return Row(
        f"peak memory of {many} samples of each of {frames} frames, all kept", "GB", lambda: peak_memory(frames, many, True),
        {"only the moments kept (`keep_samples=False`)": lambda: peak_memory(frames, many, False),
         "the model loaded, nothing drawn": lambda: peak_memory(frames, 0, False)},
        target=2, most_repeats=1, warm_up=False,
    )


ROWS = {"samples": samples, "memory": memory}
