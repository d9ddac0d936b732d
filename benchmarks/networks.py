"""Rows about one pass of the networks, against the U-Net of diffusers with as many parameters."""

from collections.abc import Callable
from itertools import product

import torch
from common import paper_frames, pretrained, scene
from diffusers import UNet2DModel
from exact import CAMERA, SIGMA, movie
from measure import Row, per_second, time_each
from smlm_ddpm.deepstorm import network_input
from smlm_ddpm.kde import FACTOR
from smlm_ddpm.likelihood import PAPER_PRIOR
from smlm_ddpm.models import load_pretrained
from smlm_ddpm.tiers import Settings, process_frames

MILLISECOND = 1e-3
SIDE = PAPER_PRIOR.shape[0]


def parameters(*modules: torch.nn.Module) -> int:
    "How many."
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def unet(inputs: int, widths: tuple[int, int]) -> UNet2DModel:
    "The U-Net of diffusers with two levels and no attention."
    return UNet2DModel(
        sample_size=SIDE, in_channels=inputs, out_channels=FACTOR**2, block_out_channels=widths, norm_num_groups=4,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, add_attention=False,
    )


def unet_of_size(inputs: int, wanted: int) -> UNet2DModel:
    "The one whose parameters come nearest to `wanted`, at the camera's 20×20 grid."
    def size(widths):
        with torch.device("meta"):
            return parameters(unet(inputs, widths))

    choices = [(first, second) for first, second in product(range(16, 65, 8), range(24, 97, 4)) if first < second <= 2 * first]
    nearest = min(choices, key=lambda widths: abs(size(widths) - wanted))
    return unet(inputs, nearest).to(memory_format=torch.channels_last).eval()


def forward(network: Callable, *inputs: torch.Tensor, dtype: torch.dtype) -> Callable[[], object]:
    "One pass, as the package runs it."
    @torch.inference_mode()
    def work():
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            network(*inputs)

    return work


def against_unet(what: str, unit: str, network: Callable, inputs: list[torch.Tensor], seen: torch.Tensor, size: int) -> Row:
    "A network of `size` parameters, with and without its lower precision, and a U-Net that sees `seen`."
    dtype, batch = pretrained().dtype, len(seen)
    rival, levels = unet_of_size(seen.shape[1], size), torch.ones(batch)
    others = {f"diffusers UNet2DModel, {parameters(rival):,} parameters, same grid and precision":
              time_each(forward(rival, seen, levels, dtype=dtype), batch, MILLISECOND)}
    if dtype != torch.float32:
        others["the same in float32"] = time_each(forward(network, *inputs, dtype=torch.float32), batch, MILLISECOND)
    return Row(f"{what}, {size:,} parameters", unit, time_each(forward(network, *inputs, dtype=dtype), batch, MILLISECOND), others)


def phi(quick: bool) -> Row:
    "φ, from its input to mean, sd and features."
    frames = paper_frames(4 if quick else 128)
    photons, variance = frames.camera.to_electrons(frames.adu), frames.camera.read_variance_electrons
    seen = network_input(photons, frames.sigma, variance).contiguous(memory_format=torch.channels_last)
    network = pretrained().phi
    return against_unet("φ, one pass", "ms/frame", network, [seen], seen, parameters(network))


def psi(quick: bool) -> Row:
    "Ψ, one noise level; its context encoder runs once a frame and is not counted."
    batch, network = (4 if quick else 128), pretrained().psi
    generator = torch.Generator().manual_seed(0)
    noisy = torch.randn(batch, 1, FACTOR * SIDE, FACTOR * SIDE, generator=generator)
    context = torch.randn(batch, network.width, SIDE, SIDE, generator=generator).to(pretrained().dtype)
    folded = torch.nn.functional.pixel_unshuffle(noisy, FACTOR).contiguous(memory_format=torch.channels_last)
    inputs = [noisy, torch.ones(batch), context.contiguous(memory_format=torch.channels_last)]
    size = parameters(network) - parameters(network.encoder)
    return against_unet("Ψ, one pass", "ms/sample", network, inputs, folded, size)


def moments(quick: bool) -> Row:
    "From raw frames to mean and standard deviation."
    shown = paper_frames(4 if quick else 128)
    count, few = len(shown.adu), range(len(shown.adu) // 4)
    return Row(
        "`moments`, raw frame to mean and sd", "ms/frame",
        time_each(lambda: pretrained().moments(*scene(shown)), count, MILLISECOND),
        {"the same, one frame a call":
         time_each(lambda: [pretrained().moments(*scene(shown[i : i + 1])) for i in few], len(few), MILLISECOND)},
        target=5,
    )


def whole_frames(quick: bool) -> Row:
    "A movie's frames: φ's moments, and all that the tier `network` does with a frame."
    model, adu = load_pretrained("default"), movie(2 if quick else 8, 64 if quick else 256, 300, 1)[0]
    settings = Settings(CAMERA, SIGMA, posterior="network")
    return Row(
        "`moments` of frames of 256×256 px", "frames/s", per_second(lambda: model.moments(adu, CAMERA, SIGMA), len(adu)),
        {"the tier `network`: moments, fit and sums": per_second(lambda: process_frames(adu, settings, model=model), len(adu))},
        higher_is_better=True, target=4,
    )


ROWS = {"phi": phi, "moments": moments, "whole_frames": whole_frames, "psi": psi}
