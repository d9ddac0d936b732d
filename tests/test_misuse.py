"""What is easily given wrongly is either taken as it is meant or refused in one line."""

import math

import numpy as np
import pytest
import torch

from smlm_ddpm.exact_posterior import exact_posterior
from smlm_ddpm.files import read_draws, write_draws
from smlm_ddpm.jumps import frame_problems
from smlm_ddpm.likelihood import LEFT_OUT, Camera, Prior, simulate

PRIOR = Prior(count_distribution="poisson", count=None, emitter_density=(1e-3, 1e-2), placement="field", margin=3.0,
              photons=(500.0, 2000.0), background=(5.0, 5.0), read_variance=(4.0, 4.0), sigma=(1.1, 1.1), shape=(16, 18))  # fmt: skip


@pytest.fixture(scope="module")
def frames():
    return simulate(PRIOR, 2, torch.Generator().manual_seed(3))


def one_line(raised):
    message = str(raised.value)
    assert message and "\n" not in message
    return message


@pytest.mark.parametrize("shape", [(), (16, 18), (1, 16, 18), (1, 1, 16, 18), (2, 1, 16, 18)])
def test_cameras_maps_of_any_shape_give_the_same_posterior(frames, shape):
    adu, (offset, gain, variance) = frames.adu, (torch.full(shape, value, dtype=torch.float64) for value in (100.0, 1.0, 4.0))
    scalar, mapped = Camera(100.0, 1.0, 4.0), Camera(offset, gain, variance)
    for one, other in zip(frame_problems(adu, scalar, PRIOR, 1.1), frame_problems(adu, mapped, PRIOR, 1.1)):
        assert np.array_equal(one.counts, other.counts)
    expected = exact_posterior(adu, scalar, 1.1, PRIOR)
    found = exact_posterior(adu.numpy(), mapped, 1.1, PRIOR)
    assert torch.equal(torch.as_tensor(found.mean), torch.as_tensor(expected.mean))


def test_a_pixel_may_be_left_out_of_the_exact_posterior(frames):
    variance = torch.full((16, 18), 4.0)
    variance[3, 4] = LEFT_OUT
    hot = frames.adu.clone()
    hot[..., 3, 4] += 5000
    answer, wrong = (exact_posterior(hot, Camera(100.0, 1.0, read), 1.1, PRIOR) for read in (variance, 4.0))
    near = np.s_[:, :, 12:16, 16:20]
    assert torch.as_tensor(answer.mean)[near].max() < 0.2 < torch.as_tensor(wrong.mean)[near].max()


@pytest.mark.parametrize(("change", "name"), [
    (lambda adu, sigma: (adu[:0], sigma), "adu"), (lambda adu, sigma: (adu[:, 0], sigma), "adu"),
    (lambda adu, sigma: (adu, torch.ones(3)), "sigma"), (lambda adu, sigma: (adu, 9.0), "sigma"),
])  # fmt: skip
def test_frames_or_widths_that_do_not_fit_are_named(frames, change, name):
    adu, sigma = change(frames.adu, 1.1)
    with pytest.raises(ValueError) as raised:
        exact_posterior(adu, Camera(100.0, 1.0, 4.0), sigma, PRIOR)
    assert one_line(raised).startswith(name)


def test_the_frames_of_a_movie_can_be_gone_through(tmp_path):
    import tifffile

    from smlm_ddpm.files import read_movie

    tifffile.imwrite(tmp_path / "movie.tif", np.arange(5 * 16 * 16, dtype=np.uint16).reshape(5, 16, 16))
    lazy = read_movie(tmp_path / "movie.tif").frames
    assert len(list(lazy)) == len(lazy) == 5
    with pytest.raises(IndexError):
        lazy[5]
    assert np.array_equal(lazy[-1], lazy[4])


def test_other_tables_are_no_draws(tmp_path):
    (tmp_path / "localizations.csv").write_text('"frame","x [nm]","y [nm]","a","b","c","d","e","f","g"\n' + ",".join("1234567890") + "\n")
    with pytest.raises(ValueError) as raised:
        read_draws(tmp_path / "localizations.csv")
    assert "localizations.csv" in one_line(raised)
    rows = np.zeros(1, [("draw", int), ("frame", int), ("x", float), ("y", float), ("photons", float)])
    write_draws(tmp_path / "draws.csv", [rows], pixel_size=100.0)
    assert [len(draw) for draw in read_draws(tmp_path / "draws.csv", n_draws=3)] == [1, 0, 0]
    assert len(read_draws(tmp_path / "draws.csv")) == 1


@pytest.mark.parametrize("kind", ["plain", "relative"])
def test_a_pixel_that_is_left_out_looks_like_background_to_a_network(kind):
    from smlm_ddpm.deepstorm import input_of_kind

    electrons, variance = torch.full((1, 1, 16, 16), 20.0), torch.full((1, 1, 16, 16), 4.0)
    clean = input_of_kind(kind, electrons, 1.1, variance)
    electrons[..., 8, 8], variance[..., 8, 8] = 30_000.0, LEFT_OUT
    seen = input_of_kind(kind, electrons, 1.1, variance)
    used = [channel for channel in range(seen.shape[1]) if not (kind == "relative" and channel == 6)]  # which says what is used
    assert (seen - clean)[:, used].abs().max() < 1


@pytest.mark.parametrize(("table", "values", "name"), [
    ("prior", {"photons": 200.0}, "photons"), ("prior", {"photons": [0.0, 100.0]}, "photons"), ("prior", {"sigma": [2.0, 1.0]}, "sigma"),
    ("prior", {"background": [0.0, math.inf]}, "background"), ("phi_training", {"shapes": [20, 20]}, "shapes"),
    ("phi_training", {"floors": [0.1, 0.0]}, "floors"), ("phi_training", {"anneal": 0.0}, "anneal"), ("phi_training", 3, "phi_training"),
    ("phi", {"window": 16}, "window"), ("phi", 3, "phi"),
])  # fmt: skip
def test_what_is_wrong_in_a_configuration_is_named(table, values, name):
    from smlm_ddpm.models import preset_from_dict, untrained

    small = {"phi": {"width": 8, "blocks": 1}, "psi": {"features": 8, "width": 8, "context_blocks": 1, "blocks": 1}}
    given = {"name": "own", "pixel_size": 100.0, "prior": {}, **small}
    untrained(preset_from_dict(given))
    given[table] = values if not isinstance(values, dict) else given.get(table, {}) | values
    with pytest.raises((ValueError, TypeError)) as raised:
        untrained(preset_from_dict(given))
    assert name in one_line(raised)


def test_training_goes_on_only_with_what_it_was_begun_with(tmp_path):
    from smlm_ddpm.models import train_preset

    text = """name = "own"
pixel_size = 100.0
[prior]
photons = [200.0, 200.0]
[phi]
width = 8
blocks = 1
[psi]
features = 8
width = 8
context_blocks = 1
blocks = 1
[phi_training]
steps = 1
batch = 2
[psi_training]
steps = 0
"""
    (tmp_path / "own.toml").write_text(text)
    train_preset(tmp_path / "own.toml", tmp_path / "run", progress=False)
    train_preset(tmp_path / "own.toml", tmp_path / "run", resume=True, progress=False)
    (tmp_path / "own.toml").write_text(text.replace("200.0, 200.0", "500.0, 500.0"))
    with pytest.raises(ValueError) as raised:
        train_preset(tmp_path / "own.toml", tmp_path / "run", resume=True, progress=False)
    assert "another configuration" in one_line(raised)


def test_a_checkpoint_is_no_model(tmp_path):
    from smlm_ddpm.models import load_pretrained
    from smlm_ddpm.training import save_tensors

    save_tensors(tmp_path / "checkpoint.safetensors", {"model.a": torch.zeros(1)}, {"step": 3})
    with pytest.raises(ValueError) as raised:
        load_pretrained(str(tmp_path / "checkpoint.safetensors"))
    assert "checkpoint" in one_line(raised)


def test_a_chunk_that_ended_early_is_taken_up_where_it_ended():
    from smlm_ddpm.movies import _left

    assert _left(0, 500, {}) == (0, 500)
    assert _left(0, 500, {0: 237}) == (237, 500)
    assert _left(0, 500, {0: 237, 237: 500}) == (500, 500)


def test_the_table_of_an_evaluation_needs_a_file(tmp_path, capsys):
    from smlm_ddpm.command_line import main

    assert main(["evaluate", "paper", "--out", str(tmp_path)])
    assert "is a folder" in capsys.readouterr().err
