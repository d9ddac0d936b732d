"""Files and movies of the kinds that people report trouble with: what is right for each, a test for each row of field/README.md."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from smlm_ddpm.camera import left_out, make_camera, read_camera
from smlm_ddpm.camera_estimate import (
    check_offset, dropped_frames, estimate_camera, estimate_sigma, find_clipping, find_hot_pixels, leave_out_hot, leave_out_saturated,
)  # fmt: skip
from smlm_ddpm.command_line import main
from smlm_ddpm.fast_localization import localize_frames
from smlm_ddpm.files import read_movie
from smlm_ddpm.likelihood import Camera
from smlm_ddpm.result_files import check_frames
from smlm_ddpm.tiers import Settings

FIELD = Path(__file__).parent / "field"
CAMERA = Camera(100.0, 2.0, 4.0)


def frames_of(name, **part) -> np.ndarray:
    movie = read_movie(FIELD / name, **part)
    return movie.read(0, len(movie))[:, 0].numpy()


BASE = frames_of("base.tif")


def scores(movie, camera, sigma=1.1, saturation=None, scale=1.0) -> tuple[float, float, float]:
    """Recall and precision within 3 px, and the spread of errors over stated standard deviations, against the movie's truth.

    The spread is that of emitters without a neighbour within 5 px: where two are fitted as one, the error is not noise."""
    adu = movie.read(0, len(movie))
    adu, camera = (adu, camera) if saturation is None else leave_out_saturated(adu, camera, level=saturation)
    whole = ~dropped_frames(adu)
    variance = torch.as_tensor(camera.read_variance_electrons, dtype=torch.float32).expand(adu.shape)
    rows = localize_frames(camera.to_electrons(adu)[whole], sigma, variance[whole])
    truth, matched, scaled = np.load(movie.name.replace(".tif", "_truth.npy")), 0, []
    for place, number in enumerate(np.flatnonzero(whole.numpy())):
        known, found = truth[truth[:, 0] == number], rows[rows["frame"] == place]
        apart = np.hypot(scale * found["x"][:, None] - known[:, 1], scale * found["y"][:, None] - known[:, 2])
        one, other = linear_sum_assignment(np.where(apart < 3, apart, 1e3))
        one, other = one[apart[one, other] < 3], other[apart[one, other] < 3]
        matched += len(one)
        near = np.hypot(known[:, None, 1] - known[:, 1], known[:, None, 2] - known[:, 2]) < 5
        alone = near[other].sum(1) == 1
        one, other = one[alone], other[alone]
        for axis, column in (("x", 1), ("y", 2)):
            scaled += list((scale * found[axis][one] - known[other, column]) / (scale * found[f"{axis}_sd"][one]))
    there = np.isin(truth[:, 0], np.flatnonzero(whole.numpy())).sum()
    return matched / there, matched / max(len(rows), 1), float(np.std(scaled))


@pytest.mark.parametrize("name", ["t.npy", "t.dax", "t.raw", "t_ome.zarr", "single_frames", "t_lzw.tif", "t_zstd.tif", "mms_two", "ndtiff"])
def test_one_movie_in_many_formats(name):
    assert (frames_of(name) == BASE).all()
    assert (frames_of(name, frames=slice(2, 5), roi=(slice(8, 40), slice(16, 64))) == BASE[2:5, 8:40, 16:]).all()


@pytest.mark.parametrize(("name", "whole", "said"), [
    ("mm_first_only/m_MMStack_Pos0.ome.tif", 6, "announces 10 frames, 6 are there (0:6); m_MMStack_Pos0_1.ome.tif is missing beside it"),
    ("mm_stopped/m_MMStack_Pos0.ome.tif", 10, "announces 30 frames, 10 are there (0:10); the acquisition stopped early"),
    ("mms_first/m_MMStack_Pos0.ome.tif", 6, "the index announces 10 frames, 6 are there"),
    ("t_pages_trunc.tif", 5, "5 are there (0:5); it was cut off"),
    ("t_trunc.tif", 5, "announces 10 frames, 5 are there (0:5); it was cut off"),
])  # fmt: skip
def test_what_is_missing_is_said_when_opened(name, whole, said):
    movie = read_movie(FIELD / name)
    assert said in "; ".join(movie.notes) and len(movie) == whole
    assert (movie.read(0, whole)[:, 0].numpy() == BASE[:whole]).all()
    with pytest.raises(ValueError, match=f"0:{whole + 1} can't be taken"):
        read_movie(FIELD / name, frames=slice(0, whole + 1))


@pytest.mark.parametrize("name", ["mms_two", "mms_two/m_MMStack_Pos0.ome.tif", "mms_two/m_MMStack_Pos0_1.ome.tif", "base.tif"])
def test_whole_movies_are_quiet(name, caplog, recwarn):
    movie = read_movie(FIELD / name)
    assert (movie.read(0, 10)[:, 0].numpy() == BASE).all()
    assert not movie.notes and not caplog.records and not recwarn.list


@pytest.mark.parametrize("name", ["ndtiff", "ndtiff/m_NDTiffStack.tif"])
def test_an_index_of_zeros_is_said(name):
    movie = read_movie(FIELD / name)
    assert len(movie) == 10 and "NDTiff.index can't be read" in movie.notes[0]


def test_two_channels_are_chosen_from():
    with pytest.raises(ValueError, match="2 channels; choose one of 0 to 1"):
        read_movie(FIELD / "t_ome_2c.ome.tif")
    assert (frames_of("t_ome_2c.ome.tif", channel=0) == BASE).all()


def test_values_cut_off_at_zero_are_not_taken_for_noise():
    with pytest.raises(ValueError, match="52% of the values are cut off at 0 ADU, so the noise can't be estimated"):
        estimate_camera(read_movie(FIELD / "t_clip0.tif"))


def test_maps_of_the_whole_chip():
    movie = read_movie(FIELD / "base.tif")
    camera, notes = read_camera(FIELD / "cam_fullchip.npz", movie, roi_offset=(64, 128))
    assert camera.gain.shape == (64, 64) and not notes
    camera, notes = read_camera(FIELD / "cam_fullchip.npz", movie)  # the same everywhere: any place is right
    assert camera.gain.shape == (64, 64) and "the maps are the same everywhere" in notes[0]


def test_a_dead_pixel_is_left_out():
    camera, notes = read_camera(FIELD / "cam_dead.npz", read_movie(FIELD / "base.tif"))
    assert notes == ["1 pixel is dead in the calibration and left out"] and left_out(camera).sum() == 1


def test_nothing_wrong():
    movie = read_movie(FIELD / "p_plain.tif")
    found = estimate_camera(movie)
    assert abs(found.camera.gain / 2 - 1) < 0.1 and found.hot == 0 and find_clipping(movie.frames[:]) == (None, None)
    recall, precision, spread = scores(movie, CAMERA)
    assert recall >= 0.95 and precision >= 0.95 and 0.85 < spread < 1.15


def test_hot_pixels_are_found_and_left_out():
    movie, known = read_movie(FIELD / "p_hot.tif"), np.load(FIELD / "p_hot_px.npy").astype(int)
    hot = find_hot_pixels(movie.frames[:])
    assert hot[known[:, 0], known[:, 1]].all() and hot.sum() == len(known)
    found = estimate_camera(movie)
    assert abs(found.camera.gain / 2 - 1) < 0.1 and found.hot == 30
    camera, number = leave_out_hot(CAMERA, movie)
    recall, precision, _ = scores(movie, camera)
    assert number == 30 and recall >= 0.95 and precision >= 0.95


@pytest.mark.parametrize("name", ["p_bg300.tif", "p_bgmap.tif"])
def test_background(name):
    recall, precision, _ = scores(read_movie(FIELD / name), CAMERA)
    assert recall >= 0.95 and precision >= 0.95


def test_saturated_pixels_are_left_out():
    movie = read_movie(FIELD / "p_sat.tif")
    assert find_clipping(movie.frames[:]) == (None, 300.0)
    assert abs(estimate_camera(movie).camera.gain / 2 - 1) < 0.1
    before, after = scores(movie, CAMERA), scores(movie, CAMERA, saturation=300.0)
    assert after[0] >= 0.95 and after[1] >= 0.95 > before[1]


def test_electron_multiplication():
    movie = read_movie(FIELD / "p_em.tif")
    recall, precision, spread = scores(movie, make_camera(100.0, 0.4, 400.0, em_gain=100.0))
    assert precision >= 0.95 and recall >= 0.95 and 0.9 < spread < 1.1
    assert scores(movie, Camera(100.0, 40.0, 400.0))[1] < 0.8  # what the option is for


def test_dropped_frames_are_skipped():
    movie = read_movie(FIELD / "p_zero.tif")
    adu = movie.read(0, 10)
    assert np.flatnonzero(dropped_frames(adu).numpy()).tolist() == [0, 7]
    check_offset(adu[:1], CAMERA)  # says nothing of a frame that was dropped
    assert abs(estimate_camera(movie).camera.gain / 2 - 1) < 0.1
    recall, precision, _ = scores(movie, CAMERA)
    assert recall >= 0.95 and precision >= 0.95


def run(*arguments, out, capsys) -> tuple[int, str, str]:
    "`smlm-ddpm reconstruct` with the camera that is known: status, output, complaint."
    camera = ["--offset", "100", "--gain", "2", "--read-variance", "4"]
    status = main(["reconstruct", *map(str, arguments), "--out", str(out), *camera, "--pixel-size", "100", "--posterior", "fast"])
    said = capsys.readouterr()
    return status, said.out, said.err


def table(folder) -> np.ndarray:
    return np.loadtxt(folder / "localizations.csv", delimiter=",", skiprows=1, ndmin=2)


def test_wide_spots_are_measured_and_fitted(tmp_path, capsys):
    wide = read_movie(FIELD / "p_sig20.tif")
    assert abs(estimate_sigma(wide) / 2.0 - 1) < 0.05
    status, said, complaint = run(FIELD / "p_sig20.tif", out=tmp_path / "out", capsys=capsys)
    assert status == 0, complaint
    assert "measured from bright single spots: 2.0" in said and 28 <= len(table(tmp_path / "out")) <= 32  # 10 in each of 3 frames
    assert abs(estimate_sigma(read_movie(FIELD / "p_sig20.tif", binning=2)) / 1.0 - 1) < 0.05


def test_a_network_that_was_not_trained_for_wide_spots_offers_binning(tmp_path, capsys):
    arguments = ["reconstruct", str(FIELD / "p_sig20.tif"), "--out", str(tmp_path / "out"), "--offset", "100", "--gain", "2",
                 "--read-variance", "4", "--posterior", "network"]  # fmt: skip
    assert main([*arguments, "--sigma", "2.6"]) == 2 and "with --binning 2, --sigma 1.30" in capsys.readouterr().err


def test_saturation_is_said_and_pixels_are_left_out(tmp_path, capsys):
    status, said, complaint = run(FIELD / "p_sat.tif", "--sigma", "1.1", out=tmp_path / "out", capsys=capsys)
    assert status == 0, complaint
    assert "pixels are saturated at 300 ADU" in said and 95 <= len(table(tmp_path / "out")) <= 105


def test_dropped_frames_do_not_stop_a_run(tmp_path, capsys):
    status, said, complaint = run(FIELD / "p_zero.tif", "--sigma", "1.1", out=tmp_path / "out", capsys=capsys)
    assert status == 0, complaint
    assert "are skipped: 0, 7" in said and not {1, 8} & set(table(tmp_path / "out")[:, 1])


def alarms(name, camera=CAMERA, sigma=1.1, **how) -> set[str]:
    "Names of the alarms on a movie, with what is said of it."
    movie = read_movie(FIELD / name)
    found, _ = check_frames(movie, Settings(camera, sigma, **how), None, [(0, len(movie))])
    return {line.partition(":")[0] for line in found}


@pytest.mark.parametrize("name", ["p_plain.tif", "p_bg300.tif", "p_bgmap.tif", "p_zero.tif"])
def test_right_numbers_are_quiet(name):
    assert alarms(name) == set()


@pytest.mark.parametrize(("camera", "sigma", "alarm"), [
    (Camera(100.0, 0.5, 4.0), 1.1, "gain"), (Camera(100.0, 6.0, 4.0), 1.1, "gain"), (CAMERA, 0.8, "sigma"), (CAMERA, 1.5, "sigma"),
    (Camera(0.0, 2.0, 4.0), 1.1, "offset"),
])  # fmt: skip
def test_each_wrong_number_is_named(camera, sigma, alarm):
    assert alarm in alarms("p_plain.tif", camera, sigma)


def test_spots_that_do_not_fit_are_named():
    assert {"ellipticity", "spots that don't fit"} <= alarms("p_astig.tif")
    assert "saturated" in alarms("p_sat.tif")
    assert alarms("p_sat.tif", saturation=300.0) == {"saturated"}  # the rest fits, once those pixels are left out


def test_an_emccd_without_its_excess_noise_is_named():
    assert "gain" in alarms("p_em.tif", Camera(100.0, 40.0, 400.0))
    assert alarms("p_em.tif", make_camera(100.0, 1.0, 400.0, em_gain=40.0)) == set()


@pytest.mark.parametrize(("name", "known", "option", "wrong", "right"), [
    ("p_plain.tif", "--binning 2 --sigma 0.55 --gain 2 --read-variance 4", "offset", 112.0, 100.0),
    ("p_em.tif", "--em-gain 100 --sigma 1.1 --offset 100 --read-variance 400", "gain", 1.0, 0.4),
])  # fmt: skip
def test_what_an_alarm_says_can_be_given(name, known, option, wrong, right, tmp_path, capsys):
    asked = ["reconstruct", str(FIELD / name), "--out", str(tmp_path / "out"), *known.split(), "--pixel-size", "100", "--posterior", "fast", "--strict"]
    assert main([*asked, f"--{option}", str(wrong)]) == 2
    said = re.search(rf"it would be with .*?{option} ([\d.]+)", capsys.readouterr().out)[1]
    assert abs(float(said) / right - 1) < 0.2
    assert main([*asked, f"--{option}", said]) == 0, capsys.readouterr().err
