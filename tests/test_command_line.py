"""The command line end to end with a tiny untrained model: what it writes, and what it answers to bad input."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
import torch
from smlm_ddpm.command_line import main
from smlm_ddpm.ddpm import Denoiser
from smlm_ddpm.deepstorm import MomentNetwork
from smlm_ddpm.models import PosteriorModel, preset_from_dict, save_model
from smlm_ddpm.likelihood import DEFAULT_PRIOR, Prior, simulate

FILES = {"superres.tif", "sd.tif", "localizations.csv", "report.png", "protocol.json"}
CAMERA = ["--offset", "100", "--gain", "2", "--read-variance", "4", "--sigma", "1.1", "--pixel-size", "120"]
SCENE = Prior(
    count=None, emitter_density=(0.01, 0.01), placement="field", photons=(600, 3000), background=(5, 5),
    read_variance=(1, 1), sigma=(1.1, 1.1), offset=100.0, gain=2.0, shape=(32, 40),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    "A folder with a movie and the weights of a model that has learned nothing."
    folder = tmp_path_factory.mktemp("command-line")
    frames = simulate(SCENE, 6, torch.Generator().manual_seed(0)).adu[:, 0].round().clamp(min=0)
    tifffile.imwrite(folder / "movie.tif", frames.numpy().astype(np.uint16), photometric="minisblack")
    small = {"width": 8, "blocks": 1}
    preset = preset_from_dict({
        "name": "tiny", "pixel_size": 100.0, "prior": vars(DEFAULT_PRIOR),
        "phi": small, "psi": {"features": 8, "width": 8, "context_blocks": 1, "blocks": 1},
    })  # fmt: skip
    torch.manual_seed(0)
    model = PosteriorModel(preset, MomentNetwork(**preset.phi), Denoiser(**preset.psi))
    save_model(folder / "tiny.safetensors", model)
    return folder


@pytest.fixture
def run(place, monkeypatch, capsys):
    "Run `smlm-ddpm` in that folder: (status, what it printed, what it complained)."
    monkeypatch.chdir(place)

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        complaints = [line for line in said.err.splitlines() if line.startswith("smlm-ddpm:")]
        return status, said.out, "\n".join(complaints)

    return run


def reconstruct(*more, movie="movie.tif", out="out", model="tiny.safetensors"):
    return "reconstruct", movie, "--out", out, "--model", model, "--device", "cpu", *more


def calibrate(*more, model="tiny.safetensors", out="out"):
    return "calibrate", model, "--out", out, "--device", "cpu", *more


def left_behind(folder):
    return sorted(path.name for path in folder.glob("**/.smlm-ddpm-*"))


def test_reconstruct_writes_its_files(run, place):
    status, said, complaint = run(*reconstruct(*CAMERA, "--frames", "1:3", "--samples", "2", out="good"))
    assert (status, complaint) == (0, ""), complaint
    assert {path.name for path in (place / "good").iterdir()} == FILES
    assert "2 frames of 40×32 px" in said
    with tifffile.TiffFile(place / "good" / "superres.tif") as file:
        across, denominator = file.pages[0].tags["XResolution"].value
        assert file.asarray().shape == (128, 160) and abs(denominator / across - 3e-6) < 1e-10  # cm a pixel
    table = (place / "good" / "localizations.csv").read_text().splitlines()
    assert table[0].startswith('"id","frame","x [nm]","y [nm]","sigma [nm]","intensity [photon]"')
    frames = np.loadtxt(table[1:], delimiter=",", ndmin=2)[:, 1]
    assert frames.min() >= 2 and frames.max() <= 3  # counted from 1, in the file
    protocol = json.loads((place / "good" / "protocol.json").read_text())
    assert protocol["frames"] == 2 and protocol["first frame"] == 1 and protocol["camera"]["gain"] == 2.0


def test_the_same_seed_gives_the_same_files(run, place):
    for out in ("first", "second"):
        assert run(*reconstruct(*CAMERA, "--samples", "3", "--seed", "7", "--frames", "2:3", out=out))[0] == 0
    for name in ("superres.tif", "sd.tif", "localizations.csv"):
        assert (place / "first" / name).read_bytes() == (place / "second" / name).read_bytes()


def test_what_is_not_given_is_told(run):
    status, said, complaint = run(*reconstruct(*CAMERA[:4], "--frames", ":2", out="told"))
    assert (status, complaint) == (0, "")
    assert "read variance not given" in said and "sigma not given" in said and "pixel size not given" in said


def test_calibrate_writes_verdicts(run, place):
    status, said, complaint = run(*calibrate("--frames", "12", "--samples", "20", "--seed", "1", out="a"))
    assert (status, complaint) == (0, ""), complaint
    assert {path.name for path in (place / "a").iterdir()} == {"calibration.json", "calibration.png"}
    results = json.loads((place / "a" / "calibration.json").read_text())
    about = ("model", "frames", "n_samples", "seed")
    assert [results[name] for name in about] == ["tiny", 12, 20, 1] and len(results["by_truth"]) == 9
    assert not results["passed"] and results["checks"]["coverage"]["passed"] is False  # it has learned nothing
    for name, check in results["checks"].items():
        assert f"{name:14}" in said and check["verdict"] in said
    assert (place / "a" / "calibration.png").read_bytes().startswith(b"\x89PNG") and not left_behind(place)


def photons(place):
    tifffile.imwrite(place / "photons.tif", ((tifffile.imread(place / "movie.tif") - 100.0) / 2).astype("f4"),
                     photometric="minisblack")  # fmt: skip
    return reconstruct(movie="photons.tif")


def maps(place, **changes):
    values = {"offset": np.full((32, 40), 100.0), "gain": np.full((32, 40), 2.0), "read_variance": np.array(4.0)}
    np.savez(place / "maps.npz", **values | changes)
    return reconstruct("--camera", "maps.npz")


def truncated(place):
    (place / "cut.safetensors").write_bytes((place / "tiny.safetensors").read_bytes()[:-1000])
    return reconstruct(*CAMERA, model="cut.safetensors")


def written(place, name, content, **how):
    if isinstance(content, bytes):
        (place / name).write_bytes(content)
    else:
        tifffile.imwrite(place / name, content, **how)
    return reconstruct(*CAMERA, movie=name)


def not_a_number(place):
    frames = tifffile.imread(place / "movie.tif").astype("f4")
    frames[4, 3, 3] = np.nan
    return written(place, "nan.tif", frames, photometric="minisblack")


MISTAKES = {
    "missing file": (lambda place: reconstruct(movie="missing.tif"), "missing.tif: there is no such file"),
    "not a TIFF": (lambda place: written(place, "text.tif", b"x,y\n"), "text.tif: is not a TIFF file"),
    "empty file": (lambda place: written(place, "empty.tif", b""), "empty.tif: is empty"),
    "empty TIFF": (lambda place: written(place, "none.tif", b"II*\0\0\0\0\0"), "none.tif: the TIFF holds no images"),
    "colour": (lambda place: written(place, "rgb.tif", np.zeros((32, 32, 3), "u1"), photometric="rgb"), "colour (RGB)"),
    "small": (lambda place: written(place, "small.tif", np.zeros((5, 40, 12), "u2")), "at least 16×16 px"),
    "NaN": (not_a_number, "nan.tif: frame 4 (from 0) holds NaN"),
    "photons": (photons, "photons.tif: values are negative or have fractions"),
    "offset too high": (lambda place: reconstruct("--offset", "900", "--gain", "2"), "far below the offset of 900"),
    "transposed map": (lambda place: maps(place, gain=np.ones((40, 32))), "save its transpose"),
    "wrong map": (lambda place: maps(place, gain=np.ones((32, 32))), "maps.npz: its maps differ in shape"),
    "map with gain 0": (lambda place: maps(place, gain=np.zeros((32, 40))), "gain is 0 in 1280 of 1280 pixels"),
    "negative variance": (lambda place: maps(place, read_variance=np.array(-1.0)), "read_variance is -1"),
    "pickle": (lambda place: maps(place, offset=np.array([{}], dtype=object)), "plain arrays"),
    "gain 0": (lambda place: reconstruct("--gain", "0"), "--gain: '0' should be a number above 0"),
    "negative option": (lambda place: reconstruct("--read-variance", "-2"), "--read-variance: '-2' should be"),
    "frames": (lambda place: reconstruct("--frames", "4:9"), "4:9 can't be taken from 6 frames"),
    "sigma": (lambda place: reconstruct(*CAMERA[:6], "--sigma", "4"), "trained for 0.8 to 1.6 px"),
    "model": (lambda place: reconstruct(*CAMERA, model="defualt"), "defualt"),
    "weights": (truncated, "cut.safetensors"),
    "device": (lambda place: (*reconstruct(*CAMERA), "--device", "abacus"), "--device abacus"),
    "output is a file": (lambda place: reconstruct(*CAMERA, out="movie.tif"), "movie.tif: is a file"),
    "output in a device": (lambda place: reconstruct(*CAMERA, out="/dev/full/out"), "/dev/full"),
    "no configuration": (lambda place: ("train", "none.toml", "--out", "out"), "none.toml"),
    "evaluation's folder": (lambda place: ("evaluate", "paper", "--out", "no/x.json"), "no does not exist"),
    "calibration of nothing": (lambda place: calibrate("--frames", "9"), "--frames 9: too few to judge anything"),
    "calibration's samples": (lambda place: calibrate("--samples", "1"), "--samples 1: too few to judge anything"),
    "calibration's model": (lambda place: calibrate(model="missing.safetensors"), "no model named 'missing.safetensors'"),
    "calibration's folder": (lambda place: calibrate(out="movie.tif"), "movie.tif: is a file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_line(mistake, run, place):
    make, expected = MISTAKES[mistake]
    status, _, complaint = run(*make(place))
    assert status == 2 and expected in complaint and "\n" not in complaint and "internal error" not in complaint
    assert not (place / "out").exists() and not left_behind(place)


def started(place, *more, out, movie="movie.tif", **how):
    "`smlm-ddpm reconstruct` in a process of its own."
    arguments = list(reconstruct(*CAMERA, *more, movie=movie, out=out))
    code = f"import sys; from smlm_ddpm.command_line import main; sys.exit(main({arguments!r}))"
    return subprocess.Popen([sys.executable, "-c", code], cwd=place, stderr=subprocess.PIPE, text=True, **how,
                            env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip


def test_full_disk(place):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # noqa: E731
    process = started(place, "--frames", "0:1", out="full", preexec_fn=limit)
    complaint = process.communicate(timeout=120)[1].strip().splitlines()[-1]
    assert process.returncode == 2 and "full: no space left to write the results" in complaint
    assert not (place / "full").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_nothing(sent, place):
    long = np.tile(tifffile.imread(place / "movie.tif"), (300, 1, 1))
    tifffile.imwrite(place / "long.tif", long, photometric="minisblack")
    process = started(place, out="stopped", movie="long.tif")
    end = time.monotonic() + 100
    while not left_behind(place) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(sent)
    complaint = process.communicate(timeout=100)[1].strip().splitlines()[-1]
    assert process.returncode == 130 and complaint == "smlm-ddpm: interrupted; no result was left half-written"
    assert not (place / "stopped").exists()
