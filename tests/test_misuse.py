"""What is easily given wrongly is either taken as it is meant or refused in one line."""

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from smlm_ddpm.calibration import uniformity
from smlm_ddpm.camera import bin_camera, photon_transfer, read_calibration
from smlm_ddpm.command_line import main
from smlm_ddpm.drift import Drift
from smlm_ddpm.eval import compare_posteriors, coverage
from smlm_ddpm.exact_posterior import exact_posterior
from smlm_ddpm.fast_localization import LOCALIZATION_COLUMNS, localize_frames
from smlm_ddpm.files import Movie, read_draws, read_movie, write_draws
from smlm_ddpm.fisher import crlb
from smlm_ddpm.jumps import frame_problems, move_shares, run_chain
from smlm_ddpm.kde import kernel_density, kernel_peak
from smlm_ddpm.likelihood import (
    LEFT_OUT,
    Camera,
    Prior,
    log_likelihood_exact,
    log_likelihood_poisson,
    prepare_frames,
    simulate,
)  # fmt: skip
from smlm_ddpm.linking import MOLECULE_FIELDS, link
from smlm_ddpm.localization import fit_emitters
from smlm_ddpm.mcmc import convergence, metropolis_hastings, quadrature_posterior
from smlm_ddpm.models import load_pretrained
from smlm_ddpm.movies import reconstruct
from smlm_ddpm.opening import _counted
from smlm_ddpm.psf import expected_photons
from smlm_ddpm.result_files import check_out
from smlm_ddpm.reversible_jump import reversible_jump
from smlm_ddpm.tiers import Settings

PRIOR = Prior(count_distribution="poisson", count=None, emitter_density=(1e-3, 1e-2), placement="field", margin=3.0,
              photons=(500.0, 2000.0), background=(5.0, 5.0), read_variance=(4.0, 4.0), sigma=(1.1, 1.1), shape=(16, 18))  # fmt: skip


@pytest.fixture(scope="module")
def frames():
    return simulate(PRIOR, 2, torch.Generator().manual_seed(3))


def one_line(raised):
    message = str(raised.value)
    assert message and "\n" not in message
    return message


@pytest.mark.parametrize("sigma", [float("nan"), 0.0, -1.0])
def test_reversible_jump_refuses_widths_that_none_can_have(frames, sigma):
    with pytest.raises(ValueError) as raised:
        reversible_jump(frames.adu, Camera(100.0, 1.0, 4.0), sigma, PRIOR, steps=1000)
    assert one_line(raised).startswith("sigma")


def test_reversible_jump_refuses_what_is_no_number(frames):
    broken = frames.adu.clone()
    broken[1, 0, 3, 3] = math.nan
    for adu in (broken, frames.adu[:0]):
        with pytest.raises(ValueError) as raised:
            reversible_jump(adu, Camera(100.0, 1.0, 4.0), 1.1, PRIOR, steps=1000)
        assert one_line(raised).startswith("adu")


def test_a_prior_with_shades_is_warned_of(frames):
    with pytest.warns(UserWarning, match="background_slope"):
        reversible_jump(frames.adu[:1], Camera(100.0, 1.0, 4.0), 1.1, replace(PRIOR, background_slope=0.5), steps=500)


@pytest.mark.parametrize("sampler", (exact_posterior, reversible_jump, quadrature_posterior, partial(metropolis_hastings, start=torch.zeros(1, 1, 2))))
def test_prior_and_width_in_the_wrong_order_are_named(frames, sampler):
    with pytest.raises(ValueError) as raised:
        sampler(frames.adu, Camera(100.0, 1.0, 4.0), PRIOR, 1.1)
    assert one_line(raised).startswith("prior") and "the order is adu, camera, sigma, prior" in one_line(raised)


def test_whole_numbers_are_taken_as_numbers():
    whole, real = torch.tensor([[[10, 10]]]), torch.tensor([[[10.0, 10.0]]])
    assert torch.equal(crlb(whole, 200.0, (20, 20), 0.92, 0.0, 5.0)["x"], crlb(real, 200.0, (20, 20), 0.92, 0.0, 5.0)["x"])
    assert torch.equal(expected_photons(whole, 200.0, (20, 20), 0.92), expected_photons(real, 200.0, (20, 20), 0.92))


def test_a_map_is_no_list_of_numbers():
    places, shade = torch.full((20, 1, 2), 9.5), torch.arange(20.0).expand(20, 20)
    assert expected_photons(places, 200.0, (20, 20), 0.92, background=shade).shape == (20, 1, 20, 20)
    with pytest.raises(ValueError):
        expected_photons(places[:1], 200.0, (20, 20), 0.92, background=torch.ones(3))


@pytest.mark.parametrize("wrong", [{"gain": 0.0}, {"shape": (-3, 5)}, {"read_variance_spread": math.nan}, {"background_slope": -2.0}])
def test_priors_that_can_not_be_are_refused(wrong):
    with pytest.raises(ValueError) as raised:
        Prior(**wrong)
    assert next(iter(wrong)) in one_line(raised)


def test_frames_are_not_taken_by_a_single_number():
    prepared = prepare_frames(torch.full((2, 20, 20), 110.0), Camera(), 1.0)
    with pytest.raises(TypeError):
        prepared[0]
    with pytest.raises(ValueError):
        prepare_frames(torch.full((2, 20, 20), 110.0), Camera(), 1.0, emitter_density=0.0)


def test_chains_begin_where_the_prior_allows_it():
    prior = Prior(count=(1, 1))
    drawn = simulate(prior, 1, torch.Generator().manual_seed(3))
    for wrong in ({"start": torch.zeros(1, 1, 2)}, {"start": drawn.positions, "burn_in": 50}):
        with pytest.raises(ValueError) as raised:
            metropolis_hastings(drawn.adu, Camera(), 0.92, prior, **({"steps": 30, "burn_in": 5} | wrong))
        one_line(raised)


def test_empty_batches():
    assert simulate(PRIOR, 0).adu.shape == (0, 1, 16, 18)
    with pytest.raises(ValueError):
        quadrature_posterior(torch.zeros(0, 1, 20, 20), Camera(), 0.92, Prior(count=(1, 1)))
    with pytest.raises(ValueError):
        convergence(np.zeros((1, 1)))


def test_wide_spots_are_searched_within_memory():
    generator = torch.Generator().manual_seed(3)
    rate = expected_photons(96 * torch.rand((1, 6, 2), generator=generator), 20000.0, (96, 96), 8.0, background=10.0)
    found = localize_frames(torch.poisson(rate, generator=generator).numpy(), 8.0, 1.0)  # the search wrote past its memory above 5 px
    assert 3 <= len(found) <= 6


@pytest.mark.parametrize("shape", [(), (16, 18), (1, 16, 18), (1, 1, 16, 18), (2, 1, 16, 18)])
def test_cameras_maps_of_any_shape_give_the_same_posterior(frames, shape):
    adu, (offset, gain, variance) = frames.adu, (torch.full(shape, value, dtype=torch.float64) for value in (100.0, 1.0, 4.0))
    scalar, mapped = Camera(100.0, 1.0, 4.0), Camera(offset, gain, variance)
    for one, other in zip(frame_problems(adu, scalar, 1.1, PRIOR), frame_problems(adu, mapped, 1.1, PRIOR)):
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


def test_the_exact_likelihood_knows_pixels_that_are_left_out_and_hot_ones():
    prior = Prior(count=(1, 1), photons=(200.0, 200.0), read_variance=(5.0, 5.0), shape=(12, 12), radius=3.0)
    frame = simulate(prior, 1, torch.Generator().manual_seed(4))
    variance = torch.full((12, 12), 5.0)
    variance[0, 0], variance[11, 11] = LEFT_OUT, 2e3
    alone, beside = (frame_problems(frame.adu, Camera(100.0, 1.0, read), 0.92, prior, likelihood="exact")[0] for read in (5.0, variance))
    assert np.allclose(beside.table[5, 5], alone.table[5, 5]) and beside.table_step[5, 5] == alone.table_step[5, 5]
    assert (beside.table[0, 0] == 0).all() and np.isfinite(beside.table).all()
    for likelihood in (log_likelihood_poisson, log_likelihood_exact):
        assert likelihood(frame.adu, torch.full((1, 1, 12, 12), 3.0), Camera(100.0, 1.0, variance))[0, 0, 0, 0] == 0


@pytest.mark.parametrize("wrong", [{"betas": ()}, {"betas": (-1.0,)}, {"thinning": 0}, {"chains": 0}])
def test_chains_that_can_not_run_are_refused(frames, wrong):
    with pytest.raises(ValueError) as raised:
        reversible_jump(frames.adu, Camera(100.0, 1.0, 4.0), 1.1, PRIOR, steps=1000, **wrong)
    assert next(iter(wrong)) in one_line(raised)


def test_a_chain_does_not_start_with_more_emitters_than_there_may_be(frames):
    problem, too_many = frame_problems(frames.adu, Camera(100.0, 1.0, 4.0), 1.1, PRIOR)[0], np.full((500, 3), 5.0)
    with pytest.raises(ValueError) as raised:
        run_chain(problem, move_shares(PRIOR, (16, 18)), seed=0, length=(100, 50, 10), start=(too_many, 5.0, 0.01))
    assert one_line(raised).startswith("start")


def test_a_log_uniform_background_is_what_quadrature_takes_it_for(frames):
    prior = replace(PRIOR, count_distribution="uniform", count=(1, 1), background=(1.0, 9.0), background_distribution="log-uniform")
    nothing = Camera(100.0, 1.0, torch.full((16, 18), LEFT_OUT))  # frames that say nothing: the prior comes back
    for distribution, mean in (("log-uniform", 8 / math.log(9)), ("uniform", 5.0)):
        found = quadrature_posterior(frames.adu, nothing, 1.1, replace(prior, background_distribution=distribution))
        assert abs(found.background[:, 0] - mean).max() < 0.05 and found.log_evidence.abs().max() < 0.02


def test_a_frame_that_is_no_number_does_not_count_as_fitted(frames):
    electrons = frames.adu.clone() - 100
    electrons[0, 0, 3, 3] = math.nan
    fit = fit_emitters(electrons, torch.full((2, 1, 2), 8.0), 500.0, 5.0, 1.1, 4.0)
    assert not fit.converged[0]


def test_molecules_are_linked_in_order_only():
    rows = np.zeros(3, LOCALIZATION_COLUMNS)
    rows["x"], rows["y"], rows["crlb"], rows["sigma"], rows["frame"] = 5.0, 5.0, 0.1, 1.1, (1, 0, 2)
    with pytest.raises(ValueError) as raised:
        link(rows)
    assert "sort" in one_line(raised)
    assert len(link(np.sort(rows, order="frame"))) == 1


def test_files_are_taken_in_the_order_in_which_a_person_counts():
    names = ["run.10.tif", "run.2.ome.tif", "run.1.tif", "a_1.tif", "a.tif", "run.tif"]
    assert sorted(names, key=lambda name: _counted(Path(name))) == ["a.tif", "a_1.tif", "run.tif", "run.1.tif", "run.2.ome.tif", "run.10.tif"]


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
    write_draws(tmp_path / "draws.csv", [rows], pixel_size=100.0, camera=Camera())
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
    ("phi", {"window": 16}, "window"), ("phi", {"wide": 16}, "wide"), ("phi", {"inputs": "raw"}, "inputs"), ("phi", 3, "phi"),
    ("prior", {"count": [10, 1]}, "count"), ("prior", {"shape": [20]}, "shape"), ("prior", {"radius": -1.0}, "radius"),
    ("prior", {"hot_pixels": -1.0}, "hot_pixels"),
])  # fmt: skip
def test_what_is_wrong_in_a_configuration_is_named(table, values, name):
    from smlm_ddpm.models import preset_from_dict, untrained

    small = {"phi": {"width": 8, "blocks": 1}, "psi": {"features": 8, "width": 8, "context_blocks": 1, "blocks": 1}}
    given = {"name": "own", "pixel_size": 100.0, "prior": {}, **small}
    untrained(preset_from_dict(given))
    given[table] = values if not isinstance(values, dict) else given.get(table, {}) | values
    with pytest.raises(ValueError) as raised:
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
    with pytest.raises(ValueError) as raised:
        train_preset(tmp_path / "own.toml", tmp_path / "run", progress=False)
    assert "--resume" in one_line(raised)
    (tmp_path / "own.toml").write_text(text)
    train_preset(tmp_path / "own.toml", tmp_path / "run", resume=True, progress=False)  # what was refused has left no trace


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
    assert main(["evaluate", "paper", "--out", str(tmp_path)])
    assert "is a folder" in capsys.readouterr().err


def test_no_frames_of_a_tiff_of_more_axes_are_lost(tmp_path):
    counts = np.random.default_rng(0).integers(90, 110, (12, 16, 18)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "torch.tif", counts[:, None], photometric="minisblack")  # (n, 1, H, W)
    assert np.array_equal(read_movie(tmp_path / "torch.tif").read(0, 12)[:, 0].numpy(), counts)
    tifffile.imwrite(tmp_path / "planes.tif", counts.reshape(4, 3, 16, 18), photometric="minisblack")
    with pytest.raises(ValueError) as raised:
        read_movie(tmp_path / "planes.tif")
    assert "more than one axis" in one_line(raised)


@pytest.mark.parametrize(("wrong", "name"), [({"frames": (0, 5)}, "frames"), ({"roi": (0, 8, 0, 8)}, "roi"), ({"binning": 1.5}, "binning")])
def test_parts_of_a_movie_are_slices(tmp_path, wrong, name):
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((4, 32, 32), np.uint16) + 100)
    with pytest.raises(ValueError) as raised:
        read_movie(tmp_path / "movie.tif", **wrong)
    assert name in one_line(raised)


def recorded(light, frames=60, seed=0):
    random = np.random.default_rng(seed)
    return 100 + 2.0 * random.poisson(light, (frames, 20, 20)) + random.normal(0, 2, (frames, 20, 20))


def test_a_calibration_leaves_dropped_frames_out_and_refuses_saturated_ones():
    dark, bright = recorded(0), recorded(100, seed=1)
    dark[[3, 30]], bright[[7, 8]] = 0, 0
    found = photon_transfer(Movie(dark), [Movie(bright)])
    assert abs(np.median(found["gain"]) - 2) < 0.2 and abs(np.median(found["read_variance"]) - 4) < 0.6
    with pytest.raises(ValueError) as raised:
        photon_transfer(Movie(dark), [Movie(np.minimum(bright, 310))])
    assert "saturated at 310" in one_line(raised)


def test_results_take_the_place_of_earlier_results_only(tmp_path):
    check_out(tmp_path / "new")
    (tmp_path / "samples.tif").write_bytes(b"a movie")
    for inputs, said in (([tmp_path / "samples.tif"], "input"), ([], "no earlier result")):
        with pytest.raises(ValueError) as raised:
            check_out(tmp_path, inputs=inputs)
        assert said in one_line(raised)
    (tmp_path / "protocol.json").write_text("{}")
    assert check_out(tmp_path)


def test_all_tables_of_an_emccd_hold_photons_and_count_frames_from_one(tmp_path):
    generator = torch.Generator().manual_seed(5)
    light = expected_photons(torch.tensor([[[12.0, 12.5], [24.3, 20.1]]]), 900.0, (36, 36), 1.2, background=3.0).expand(6, 1, 36, 36)
    counts = 100 + 10 * torch.distributions.Gamma(torch.poisson(light, generator).clamp(min=1e-3), 1.0).sample()
    tifffile.imwrite(tmp_path / "movie.tif", counts[:, 0].round().numpy().astype(np.uint16))
    camera = ["--offset", "100", "--gain", "0.1", "--read-variance", "4", "--em-gain", "100", "--pixel-size", "100", "--sigma", "1.2"]
    assert main(["reconstruct", str(tmp_path / "movie.tif"), "--out", str(tmp_path / "out"), *camera]) == 0
    frames = np.genfromtxt(tmp_path / "out" / "frames.csv", delimiter=",", names=True)
    table = np.genfromtxt(tmp_path / "out" / "localizations.csv", delimiter=",", names=True, deletechars="")
    assert list(frames["frame"]) == [1, 2, 3, 4, 5, 6]
    summed = [table["intensity_[photon]"][table["frame"] == frame].sum() for frame in frames["frame"]]
    assert np.allclose(frames["photons"], summed, rtol=0.01) and 1000 < np.median(summed) < 2600


@pytest.mark.parametrize("known", ["--gain 0.01 --read-variance 4", "--gain 0.01", "--read-variance 4", "--camera {maps}"])
def test_however_an_emccd_is_given_its_tables_hold_photons(known, tmp_path):
    generator = torch.Generator().manual_seed(5)
    places = 8 + 48 * torch.rand((8, 6, 2), generator=generator)
    light = expected_photons(places, torch.full((8, 6), 2000.0), (64, 64), 1.1, background=10.0)
    counts = 100 + torch.distributions.Gamma(torch.poisson(light, generator).clamp(min=1e-3), 1.0).sample()  # 0.01 ADU/e⁻, a hundredfold
    tifffile.imwrite(tmp_path / "movie.tif", counts[:, 0].round().numpy().astype(np.uint16))
    np.savez(tmp_path / "maps.npz", offset=np.full((64, 64), 100.0), gain=np.full((64, 64), 0.01), read_variance=np.full((64, 64), 4.0))
    camera = known.format(maps=tmp_path / "maps.npz").split() + ["--offset", "100"] * ("--camera" not in known)
    more = ["--em-gain", "100", "--sigma", "1.1", "--pixel-size", "100", "--posterior", "fast"]
    assert main(["reconstruct", str(tmp_path / "movie.tif"), "--out", str(tmp_path / "out"), *camera, *more]) == 0
    table = np.genfromtxt(tmp_path / "out" / "localizations.csv", delimiter=",", names=True, deletechars="")
    assert abs(np.median(table["intensity_[photon]"]) / 2000 - 1) < 0.25 and protocol(tmp_path / "out")["camera"]["excess noise"] == 2


def test_a_camera_is_not_given_its_multiplication_alone():
    with pytest.raises(ValueError) as raised:
        Camera(100.0, 0.4, 4.0, em_gain=100.0)  # make_camera would put it into the gain
    assert "make_camera takes em_gain" in one_line(raised)


def test_a_wrong_offset_is_told_as_it_was_given(tmp_path, capsys):
    tifffile.imwrite(movie := tmp_path / "movie.tif", np.random.default_rng(0).poisson(110, (3, 40, 40)).astype(np.uint16), photometric="minisblack")
    camera = ["--sigma", "1.1", "--gain", "2", "--read-variance", "4", "--pixel-size", "108", "--binning", "2", "--posterior", "fast"]
    said = refused(capsys, "reconstruct", movie, "--out", tmp_path / "out", "--offset", "200", *camera)
    assert "far below the offset of 200 ADU" in said and "for each camera pixel" in said


def noise(shape=(40, 40)):
    return np.random.default_rng(0).poisson(110, (6, *shape)).astype(np.float32)


@pytest.mark.parametrize(("frames", "camera", "said"), [
    (noise() * (np.arange(40) < 15), "--offset 100 --gain 2 --read-variance 4", "hold exactly 0 ADU, as where a program has filled an empty part"),
    (noise((40, 80)) * (np.arange(80) < 50), "", "or leave an empty part of the field out"),
    (noise() / 200, "", "all values lie between 0 and 1"),
    (noise(), "--offset 100 --gain 25 --read-variance 4 --em-gain 300", "one photoelectron would be 7500 ADU"),
], ids=["half of it empty", "empty and no camera", "rescaled", "multiplied gain"])  # fmt: skip
def test_frames_that_a_program_has_changed_are_told_as_that(tmp_path, capsys, frames, camera, said):
    tifffile.imwrite(movie := tmp_path / "movie.tif", frames.astype(np.float32 if frames.max() < 2 else np.uint16), photometric="minisblack")
    assert said in refused(capsys, "reconstruct", movie, "--out", tmp_path / "out", "--sigma", "1.1", "--pixel-size", "108", *camera.split())


def test_light_from_outside_of_the_field_is_no_alarm(tmp_path, capsys):
    "Emitters up to 4 px outside of the frame shine in, and no emitter within explains them."
    prior = Prior(count_distribution="uniform", count=(2, 4), placement="field", margin=4.0, photons=(500.0, 2000.0), background=(5.0, 5.0),
                  read_variance=(4.0, 4.0), sigma=(1.2, 1.2), shape=(40, 40))  # fmt: skip
    drawn = simulate(prior, 60, torch.Generator().manual_seed(0))
    adu = (100 + 2 * drawn.camera.to_electrons(drawn.adu)).round()[:, 0].numpy()
    tifffile.imwrite(movie := tmp_path / "movie.tif", adu.astype(np.uint16), photometric="minisblack")
    camera = ["--offset", "100", "--gain", "2", "--read-variance", "16", "--sigma", "1.2", "--pixel-size", "108"]
    assert main(["reconstruct", str(movie), "--out", str(tmp_path / "out"), *camera]) == 0
    assert "no emitter explains" not in capsys.readouterr().out


def a_movie(path, frames=4, seed=0):
    "Of a few emitters, for the options KNOWN."
    generator = torch.Generator().manual_seed(seed)
    light = expected_photons(torch.tensor([[[8.0, 8.5], [20.3, 17.1]]]), 900.0, (28, 28), 1.1, background=3.0).expand(frames, 1, 28, 28)
    counts = 100 + 2 * torch.poisson(light, generator) + 2 * torch.randn(light.shape, generator=generator)
    tifffile.imwrite(path, counts[:, 0].round().clamp(min=0).numpy().astype(np.uint16), photometric="minisblack")
    return path


KNOWN = ["--sigma", "1.1", "--offset", "100", "--gain", "2", "--read-variance", "4", "--pixel-size", "108"]


def refused(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_folder_unfinished_of_the_users_own_is_not_deleted(tmp_path, capsys):
    (tmp_path / "unfinished").mkdir()
    movie = a_movie(tmp_path / "unfinished" / "movie.tif")
    for place in (movie, movie.parent):
        assert "lies in its folder unfinished" in refused(capsys, "reconstruct", place, "--out", tmp_path, *KNOWN)
    (movie.parent / "mine.safetensors").write_bytes(b"weights")
    other = ("--out", tmp_path, *KNOWN, "--model", movie.parent / "mine.safetensors")
    assert "lies in its folder unfinished" in refused(capsys, "reconstruct", a_movie(tmp_path / "other.tif"), *other)
    assert "no earlier run" in refused(capsys, "reconstruct", a_movie(tmp_path / "other.tif"), "--out", tmp_path, *KNOWN)
    assert {path.name for path in movie.parent.iterdir()} == {"movie.tif", "mine.safetensors"}


def test_results_do_not_go_into_a_movie_that_is_a_folder(tmp_path, capsys):
    (tmp_path / "movie").mkdir()
    a_movie(tmp_path / "movie" / "1.tif")
    assert "is itself an input" in refused(capsys, "reconstruct", tmp_path / "movie", "--out", tmp_path / "movie", *KNOWN)
    assert [path.name for path in (tmp_path / "movie").iterdir()] == ["1.tif"]


def test_an_evaluation_does_not_overwrite_weights(tmp_path, capsys):
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(b"weights")
    assert "mine.json" in refused(capsys, "evaluate", weights, "--out", weights) and weights.read_bytes() == b"weights"


@pytest.mark.parametrize(("line", "said"), [
    ("evaluate paper --strata 0", "--strata 0"),
    ("evaluate paper --strata 1 --frames 7", "leave one of them out"),
    ("reconstruct movie.tif --out out --device nonsense", "--device nonsense"),
])  # fmt: skip
def test_options_that_would_be_ignored_are_refused(tmp_path, capsys, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    a_movie(tmp_path / "movie.tif")
    more = KNOWN if line.startswith("reconstruct") else []
    assert said in refused(capsys, *line.split(), *more) and not (tmp_path / "out").exists()


def protocol(out):
    return json.loads((out / "protocol.json").read_text())


def test_a_run_does_not_go_on_with_other_files(tmp_path, capsys, monkeypatch):
    first, second, other = (a_movie(tmp_path / f"{name}.tif", seed=seed) for seed, name in enumerate("abc"))
    arguments = ["--out", tmp_path / "out", *KNOWN, "--resume"]
    assert main([str(argument) for argument in ("reconstruct", first, second, *arguments)]) == 0
    asked = protocol(tmp_path / "out")
    assert [line.split(",")[0] for line in asked["files"]] == [str(first), str(second)] and asked["channel"] is None
    monkeypatch.setattr("smlm_ddpm.result_files._write_files", lambda *all: 1 / 0)  # as if it were killed
    refused(capsys, "reconstruct", first, second, *arguments)
    assert "the earlier run had files" in refused(capsys, "reconstruct", first, other, *arguments)


def test_protocol_and_report_know_the_excess_noise(tmp_path, monkeypatch):
    movie, found = a_movie(tmp_path / "movie.tif", frames=1), {}
    monkeypatch.setattr("smlm_ddpm.result_files.write_report", lambda path, result, movie, settings, **how: found.update({path: settings.camera.excess_noise}))
    for name, camera in (("em", ["--gain", "0.01", "--em-gain", "100"]), ("plain", ["--gain", "2"])):
        optics = ["--sigma", "1.1", "--offset", "100", "--read-variance", "4", "--pixel-size", "108", "--posterior", "exact", "--budget", "0.01"]
        assert main(["reconstruct", str(movie), "--out", str(tmp_path / name), *camera, *optics]) == 0
    em, plain = protocol(tmp_path / "em"), protocol(tmp_path / "plain")
    assert em["camera"]["gain"] == plain["camera"]["gain"] == 2 and list(found.values()) == [2, 1]
    assert (em["camera"]["excess noise"], plain["camera"]["excess noise"]) == (2, 1)
    assert em["photons allowed [e-]"] == plain["photons allowed [e-]"] == [50, 50000]


def test_strict_tells_alarms_that_come_at_the_end_by_its_status(tmp_path, capsys, monkeypatch):
    movie, said = a_movie(tmp_path / "movie.tif", frames=2), iter([([], {}), (["gain: it changed"], {})])
    monkeypatch.setattr("smlm_ddpm.result_files.check_frames", lambda *all: next(said))
    assert "1 alarms" in refused(capsys, "reconstruct", movie, "--out", tmp_path / "out", "--strict", *KNOWN)
    assert (tmp_path / "out" / "localizations.csv").exists() and not (tmp_path / "out" / "unfinished").exists()


def test_a_calibration_says_what_is_wrong_with_its_maps(tmp_path):
    maps = {"offset": np.full((40, 36), 100.0), "gain": np.full((1, 40, 36), 2.0), "read_variance": np.array(4.0)}
    np.savez(tmp_path / "maps.npz", **maps)
    with pytest.raises(ValueError) as raised:
        read_calibration(tmp_path / "maps.npz")
    assert "gain has shape (1, 40, 36)" in one_line(raised) and "exchanged" not in str(raised.value)


@pytest.mark.filterwarnings("error")
def test_a_dead_pixel_of_a_calibration_does_not_warn():
    dark, bright = recorded(0), recorded(100, seed=1)
    dark[:, 3, 4], bright[:, 3, 4] = 100, 100
    assert photon_transfer(Movie(dark), [Movie(bright)])["gain"][3, 4] == 0


def test_a_result_without_its_declared_table_is_replaced(tmp_path):
    (tmp_path / "protocol.json").write_text("{}")  # Snakemake has removed localizations.csv
    (tmp_path / "report.html").write_text("")
    assert check_out(tmp_path)
    page = (Path(__file__).parents[1] / "nbs" / "12d_many_machines.ipynb").read_text(encoding="utf-8")
    assert "{name}/localizations.csv" in page and "{name}/protocol.json" not in page


def test_a_molecule_is_linked_over_frames_that_the_camera_dropped(tmp_path):
    movie = a_movie(tmp_path / "movie.tif", frames=9)
    frames = tifffile.imread(movie)
    frames[3:6] = 0
    tifffile.imwrite(movie, frames, photometric="minisblack")
    assert main(["reconstruct", str(movie), "--out", str(tmp_path / "out"), *KNOWN]) == 0
    molecules = np.genfromtxt(tmp_path / "out" / "molecules.csv", delimiter=",", names=True, deletechars="")
    assert len(molecules) == 2 and protocol(tmp_path / "out")["frames dropped by the camera"] == 3


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_whole_numbers_below_the_offset_are_negative_light(kind):
    "Unsigned numbers would wrap around to tens of thousands of photoelectrons."
    assert (Camera(100, 2, 8).to_electrons(np.full((2, 1, 8, 8), 98, kind)) == -1).all()


def test_maps_of_a_camera_may_be_arrays():
    shape = (20, 24)
    camera = Camera(np.full(shape, 100), np.full(shape, 2.0), np.full(shape, 8.0))
    assert all(isinstance(getattr(camera, name), torch.Tensor) for name in ("offset", "gain", "read_variance"))
    assert camera.expose(np.full((2, 1, *shape), 5)).shape == (2, 1, *shape)


@pytest.mark.parametrize("wrong", [(np.nan, 2, 8), (100, np.inf, 8), (100, 2, np.nan)])
def test_a_camera_of_no_numbers_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Camera(*wrong)


@pytest.mark.parametrize("name, value", [("background", -5.0), ("photons", -500.0), ("sigma", 0.0)])
def test_a_bound_for_what_cannot_be_is_refused(name, value):
    scene = {"photons": 500.0, "sigma": 1.2, "background": 5.0} | {name: value}
    with pytest.raises(ValueError, match=name):
        crlb(torch.tensor([[[5.0, 5.0]]]), scene["photons"], (20, 20), scene["sigma"], scene["background"], 1.0)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="mask is"):
        kernel_density(torch.rand(3, 2, 2) * 20, (20, 20), torch.ones(2, 3, dtype=torch.bool))


def test_places_that_are_no_numbers_are_not_linked():
    table = np.zeros(3, MOLECULE_FIELDS)
    table["frame"], table["x"], table["x_sd"], table["y_sd"], table["sigma"], table["probability"] = [0, 1, 2], [5, np.nan, 20], 0.05, 0.05, 1.0, 1.0
    with pytest.raises(ValueError, match="localization 1 "):
        link(table)


def test_ranks_that_are_nan_do_not_count():
    ranks = np.random.default_rng(0).random(200)
    held = np.where(np.arange(200) < 60, np.nan, ranks)
    assert uniformity(held)["p"] == uniformity(held[60:])["p"]
    with pytest.raises(ValueError, match="no ranks"):
        uniformity(np.full(3, np.nan))


def test_a_sampled_region_follows_a_drift_beyond_its_margin():
    "The light of what belongs to the region lies 30 px away from it."
    far = Drift(0, np.tile([0.0, 30.0], (2, 1)), np.zeros((2, 2)))
    camera, places = Camera(100.0, 2.0, 8.0), torch.tensor([[[14.0, 34.0]]]).expand(2, 1, 2)
    frames = camera.expose(expected_photons(places, 3000.0, (48, 32), 1.2, background=5.0), torch.Generator().manual_seed(0))[:, 0].numpy()
    settings = Settings(camera, 1.2, posterior="network", n_samples=4, drift=far, samples_roi=(slice(0, 9), slice(8, 20)))
    result = reconstruct(frames, settings, model=load_pretrained("default"))
    assert (result.samples.sum((1, 2)) * kernel_peak() > 1.5).all()


@pytest.mark.parametrize(("wrong", "said"), [
    (lambda: simulate(Prior(), -1), "batch is"),
    (lambda: simulate(Prior(), 2, shape=(20.5, 20)), "shape whole numbers"),
    (lambda: Settings(Camera(), None), "sigma is a number"),
    (lambda: Settings(Camera(), np.array([1.0, 2.0])), "sigma is a number"),
    (lambda: Settings(Camera(), 1.1, n_draws=2.5), "n_draws is a whole number"),
    (lambda: Settings(Camera(), 1.1, seed=-1), "seed is a whole number, 0 or more"),
    (lambda: Settings(Camera(), 1.1, margin=-3), "margin is a whole number"),
    (lambda: Settings(Camera(), 1.1, saturation="high"), "saturation is a number"),
    (lambda: Settings(Camera(), 1.1, drift="drift.csv"), "drift is a Drift"),
    (lambda: reconstruct(np.zeros((3, 20, 20)), Settings(Camera(), 1.1), chunk=1.5), "a whole number, are kept"),
    (lambda: Drift(1, np.zeros((10, 2)), np.zeros((10, 2))).of(np.arange(10)), "does it count from 1"),
    (lambda: bin_camera(Camera(), 0), "binning is"),
    (lambda: bin_camera(Camera(read_variance=torch.ones(2, 1, 8, 8)), 2), r"maps are \(H, W\)"),
    (lambda: load_pretrained("paper", device="abacus"), "device abacus"),
])  # fmt: skip
def test_what_is_no_number_or_no_device_is_told_in_one_line(wrong, said):
    with pytest.raises(ValueError, match=said) as refused:
        wrong()
    assert "\n" not in str(refused.value)


def test_arrays_do_where_tensors_do():
    random = np.random.default_rng(0)
    samples, truth = random.random((3, 4, 1, 8, 8)), random.random((3, 1, 8, 8))
    assert coverage(samples, truth) == coverage(torch.from_numpy(samples), torch.from_numpy(truth))
    assert compare_posteriors(truth, truth, truth, truth)["total_sd_ratio"] == 1
    places = np.full((1, 1, 2), 10.0)
    frame = expected_photons(places, 500.0, (20, 20), 1.2, background=2.0).numpy()
    assert abs(fit_emitters(frame, places + 0.3, 400.0, 2.0, 1.2, 1.0).positions - 10).max() < 0.01


def test_maps_with_leading_axes_are_binned():
    assert bin_camera(Camera(read_variance=torch.ones(1, 1, 8, 8)), 2).read_variance.shape == (4, 4)
