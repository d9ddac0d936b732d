"""The command line end to end with a tiny untrained model: what it writes, and what it answers to bad input."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import tifffile
import torch
from smlm_ddpm.command_line import main
from smlm_ddpm.ddpm import Denoiser
from smlm_ddpm.deepstorm import MomentNetwork
from smlm_ddpm.models import PosteriorModel, preset_from_dict, save_model
from smlm_ddpm.likelihood import Prior, simulate

FILES = {"superres.tif", "sd.tif", "merged.tif", "maps.tif", "localizations.csv", "molecules.csv", "frames.csv", "report.html",
         "protocol.json"}  # fmt: skip
FILES |= {"localizations.hdf5", "localizations.yaml"} if find_spec("h5py") else set()
CAMERA = ["--offset", "100", "--gain", "2", "--read-variance", "4", "--sigma", "1.1", "--pixel-size", "120"]
KNOWN = Prior(count=None, placement="field", photons=(100, 5000), background=(0, 50), read_variance=(0, 30), sigma=(0.8, 1.6))  # to the tiny model
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
        "name": "tiny", "pixel_size": 100.0, "prior": vars(KNOWN),
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


def fast(*more, movie="movie.tif", out="out"):
    return "reconstruct", movie, "--out", out, *CAMERA, "--posterior", "fast", *more


def calibrate(*more, model="tiny.safetensors", out="out"):
    return "calibrate", model, "--out", out, "--device", "cpu", *more


def content(path):
    "Of a file, without the number that an OME-TIFF is given when it is written."
    return re.sub(rb"urn:uuid:[0-9a-f-]{36}", b"", path.read_bytes())


def left_behind(folder):
    return sorted(path.name for pattern in ("**/.*", "**/unfinished", "**/*.part") for path in folder.glob(pattern))


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
        assert content(place / "first" / name) == content(place / "second" / name)


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


def lying(place, kind):
    "Weights whose header says another shape, or a size that no machine has, for one of the tensors."
    whole = (place / "tiny.safetensors").read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    name = next(name for name, entry in header.items() if name != "__metadata__" and len(entry["shape"]) == 4)
    header[name]["shape"] = header[name]["shape"][::-1] if kind == "turned" else [2**40, *header[name]["shape"][1:]]
    if kind == "turned":
        assert header[name]["shape"] != json.loads(whole[8 : 8 + size])[name]["shape"]
    changed = json.dumps(header).encode()
    (place / "lying.safetensors").write_bytes(len(changed).to_bytes(8, "little") + changed + whole[8 + size :])
    return reconstruct(*CAMERA, model="lying.safetensors")


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
    "NaN": (lambda place: (*not_a_number(place), "--frames", "4:"), "nan.tif: frame 4 (from 0) holds NaN"),
    "fast with a model": (lambda place: reconstruct("--posterior", "fast"), "--posterior fast needs no network"),
    "exact with samples": (lambda place: fast("--posterior", "exact", "--samples", "4"), "--posterior exact needs no network"),
    "photons of the fit": (lambda place: fast("--photons", "100:5000"), "--photons is of --posterior exact, not of fast"),
    "photons upside down": (lambda place: fast("--photons", "5000:100"), "'5000:100' should be LOW:HIGH in photoelectrons"),
    "budget of the fit": (lambda place: fast("--budget", "3"), "--budget is of --posterior exact, not of fast"),
    "region without samples": (lambda place: fast("--samples-roi", "0:9,0:9"), "--samples-roi needs --samples S"),
    "region outside": (lambda place: reconstruct(*CAMERA, "--samples", "2", "--samples-roi", "0:9,30:90"), "the region for samples 30:90"),
    "checkpoint": (lambda place: fast("--checkpoint", "0"), "--checkpoint: '0' should be a whole number above 0"),
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
    "weights of another shape": (lambda place: lying(place, "turned"), "lying.safetensors"),
    "weights without end": (lambda place: lying(place, "huge"), "lying.safetensors"),
    "output that can't be written": (lambda place: fast(out="/sys/out"), "no permission"),
    "output beside nothing": (lambda place: fast(out="/proc/self/out"), "/proc/self/out"),
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


def test_a_bad_frame_keeps_what_was_before_it(run, place):
    not_a_number(place)
    status, said, complaint = run(*fast(movie="nan.tif", out="before"))
    assert status == 2 and complaint.endswith("frame 4 (from 0) holds NaN or infinite values; camera counts are finite;"
                                              " before holds the result of the 4 frames before it")  # fmt: skip
    assert run(*fast("--frames", ":4", movie="nan.tif", out="asked"))[0] == 0
    assert {path.name for path in (place / "before").iterdir()} == FILES
    for name in ("superres.tif", "sd.tif", "localizations.csv", "molecules.csv", "merged.tif"):
        assert content(place / "before" / name) == content(place / "asked" / name)


def test_alarms_are_told_and_strict_stops(run, place):
    right = ("--gain", "2", "--read-variance", "4", "--sigma", "1.1", "--pixel-size", "120", "--offset", "100")
    many = simulate(replace(SCENE, shape=(64, 64)), 24, torch.Generator().manual_seed(1)).adu[:, 0].round().clamp(min=0)
    tifffile.imwrite(place / "many.tif", many.numpy().astype(np.uint16), photometric="minisblack")
    status, said, _ = run("reconstruct", "many.tif", "--out", "quiet", *right, "--strict")
    assert status == 0 and "ALARM" not in said, said
    wrong = ("--gain", "6", *right[2:])
    status, said, _ = run("reconstruct", "many.tif", "--out", "loud", *wrong)
    checks = json.loads((place / "loud" / "protocol.json").read_text())["checks"]
    assert status == 0 and "ALARM: gain" in said and not checks["gain"]["passed"]
    assert 'class="alarm">gain' in (place / "loud" / "report.html").read_text(encoding="utf-8")
    status, _, complaint = run("reconstruct", "many.tif", "--out", "strict", *wrong, "--strict")
    assert status == 2 and "--strict was given" in complaint and not (place / "strict").exists()


@pytest.mark.parametrize("name", ["af647", "dstorm"])
def test_demo_rings_no_alarm_and_tells_of_smeared_noise(name, place, run):
    status, said, complaint = run("demo", "--data", name, "--posterior", "fast", "--out", f"demo {name}", "--strict")
    assert (status, complaint) == (0, "") and "ALARM" not in said, said + complaint
    notes = json.loads((place / f"demo {name}" / "protocol.json").read_text())["notes"]
    assert len(notes) == 1 and "neighbours along a row go together" in notes[0]
    assert "neighbours along a row go together" in (place / f"demo {name}" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def crop(place):
    "Four frames of 20×24 px, small enough for chains."
    tifffile.imwrite(place / "crop.tif", tifffile.imread(place / "movie.tif")[:4, :20, :24], photometric="minisblack")
    return place


def exact(*more, out):
    return "reconstruct", "crop.tif", "--out", out, *CAMERA, "--posterior", "exact", *more


def test_exact_posterior_is_written_and_resumed_byte_for_byte(crop, run):
    status, said, complaint = run(*exact("--draws", "5", "--checkpoint", "4", out="exact"))
    assert (status, complaint) == (0, ""), complaint
    assert {path.name for path in (crop / "exact").iterdir()} == FILES | {"draws.csv"} and "note" not in said.replace("notes", "")
    maps = tifffile.imread(crop / "exact" / "maps.tif")
    assert (maps[3] == 4).all() and maps[0].sum() > 5  # the method of every pixel; expected numbers
    protocol = json.loads((crop / "exact" / "protocol.json").read_text())
    assert protocol["posterior"] == "exact" and protocol["regions not converged"] == 0 < protocol["regions"]
    frames = np.loadtxt(crop / "exact" / "frames.csv", delimiter=",", skiprows=1)
    assert frames[:, 6].sum() == protocol["regions"] and (frames[:, 7] == 0).all()
    process = started(crop, *exact("--draws", "5", "--checkpoint", "1", "--workers", "1", out="killed"))
    wait_for(crop / "killed" / "unfinished" / "draws-000000000.npy", process)
    process.kill()
    process.communicate(timeout=200)
    assert run(*exact("--draws", "5", "--checkpoint", "1", "--resume", out="killed"))[0] == 0
    for name in FILES - {"report.html", "protocol.json"} | {"draws.csv"}:
        assert content(crop / "killed" / name) == content(crop / "exact" / name), name


def test_regions_without_time_are_counted(crop, run):
    status, said, complaint = run(*exact("--budget", "0.000001", out="hurried"))
    assert (status, complaint) == (0, ""), complaint
    protocol = json.loads((crop / "hurried" / "protocol.json").read_text())
    assert protocol["regions not converged"] > 0 and protocol["budget a frame [s]"] == 1e-6
    assert "the chains have not converged" in said and "the chains have not converged" in (crop / "hurried" / "report.html").read_text(encoding="utf-8")
    assert (tifffile.imread(crop / "hurried" / "maps.tif")[3].astype(int) & 8).any()


def test_photons_that_are_not_allowed_are_not_found(crop, run):
    status, said, complaint = run(*exact("--photons", "300:20000", "--draws", "5", out="bright"))
    assert (status, complaint) == (0, ""), complaint
    assert json.loads((crop / "bright" / "protocol.json").read_text())["photons allowed [e-]"] == [300, 20000]
    draws = np.loadtxt(crop / "bright" / "draws.csv", delimiter=",", skiprows=1)
    names = (crop / "bright" / "draws.csv").read_text().partition("\n")[0].replace('"', "").split(",")
    assert len(draws) > 5 and draws[:, names.index("intensity [photon]")].min() >= 299


def test_draws_and_samples_of_a_region(place, run):
    from smlm_ddpm.files import read_draws
    from smlm_ddpm.linking import with_error

    assert run(*fast("--draws", "30", out="drawn"))[0] == 0
    table = np.loadtxt(place / "drawn" / "localizations.csv", delimiter=",", skiprows=1)
    draws = read_draws(place / "drawn" / "draws.csv")
    mean, error = with_error(lambda drawn: drawn["x_nm"].mean(), draws)
    assert len(draws) == 30 and abs(mean - table[:, 2].mean()) < 5 * error + 1
    status, _, complaint = run(*reconstruct(*CAMERA, "--samples", "3", "--samples-roi", "4:12,8:20", out="region"))
    assert (status, complaint) == (0, ""), complaint
    samples, mean = (tifffile.imread(place / "region" / f"{name}.tif") for name in ("samples", "superres"))
    assert samples.shape == (3, 32, 48) and np.allclose(samples.mean(0), mean[16:48, 32:80], atol=1e-4)
    assert {path.name for path in (place / "region").iterdir()} == FILES | {"samples.tif"}


def test_drift_is_taken_off_and_must_cover_the_movie(run, place):
    for name, count in (("good.txt", 6), ("short.txt", 5)):
        np.savetxt(place / name, np.full((count, 2), 0.5))
    assert run(*fast(out="still"))[0] == 0 and run(*fast("--drift", "good.txt", out="moved"))[0] == 0
    still, moved = (np.loadtxt(place / name / "localizations.csv", delimiter=",", skiprows=1)[:, 2:4] for name in ("still", "moved"))
    assert np.allclose(still - moved, 60, atol=2e-3)  # half a pixel [nm]
    images = [tifffile.imread(place / name / "superres.tif") for name in ("still", "moved")]
    assert np.abs(images[0][8:120, 8:150] - images[1][6:118, 6:148]).max() < 1e-3
    status, _, complaint = run(*fast("--drift", "short.txt", out="out"))
    assert status == 2 and "the drift table has frames 0:5" in complaint and not (place / "out").exists()


def started(place, *arguments, **how):
    "`smlm-ddpm` in a process of its own."
    code = f"import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from smlm_ddpm.command_line import main; sys.exit(main({list(arguments)!r}))"
    return subprocess.Popen([sys.executable, "-c", code], cwd=place, stderr=subprocess.PIPE, text=True, **how,
                            env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip


def test_full_disk(place):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # noqa: E731
    process = started(place, *reconstruct(*CAMERA, "--frames", "0:1", out="full"), preexec_fn=limit)
    complaint = process.communicate(timeout=200)[1].strip().splitlines()[-1]
    assert process.returncode == 2 and "full: no space left to write the results" in complaint
    assert not (place / "full").exists()


@pytest.fixture(scope="module")
def long(place):
    "The movie many times over."
    tifffile.imwrite(place / "long.tif", np.tile(tifffile.imread(place / "movie.tif"), (300, 1, 1)), photometric="minisblack")
    return place


def test_a_disk_that_fills_up_keeps_what_was_computed(long, run):
    "There is room for the chunks and not for the table at the end; with more room the run is finished from there."
    arguments = fast("--frames", ":1200", "--checkpoint", "100", movie="long.tif", out="filled")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))  # noqa: E731
    process = started(long, *arguments, preexec_fn=limit)
    complaint = process.communicate(timeout=200)[1].strip().splitlines()[-1]
    assert process.returncode == 2 and "filled: no space left" in complaint and "--resume goes on with what was computed" in complaint
    assert len(list((long / "filled" / "unfinished").glob("localizations-*.npy"))) == 12 and not (long / "filled" / "superres.tif").exists()
    status, _, complaint = run(*arguments, "--resume")
    assert (status, complaint) == (0, "") and {path.name for path in (long / "filled").iterdir()} == FILES


def wait_for(path, process):
    end = time.monotonic() + 200
    while not path.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert path.exists() and process.poll() is None


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interruption_before_anything_is_done_leaves_nothing(sent, long):
    process = started(long, *reconstruct(*CAMERA, "--checkpoint", "1800", movie="long.tif", out="stopped"))
    wait_for(long / "stopped" / "unfinished" / "run.json", process)
    process.send_signal(sent)
    told = process.communicate(timeout=200)[1].splitlines()  # a bar that was interrupted while it was made may complain after this line
    assert process.returncode == 130 and "smlm-ddpm: interrupted; no result was left half-written" in told
    assert not (long / "stopped").exists()


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_resumed_is_uninterrupted(sent, long, run):
    if not (long / "whole").exists():
        assert run(*fast("--checkpoint", "200", movie="long.tif", out="whole"))[0] == 0
    cut = f"cut {sent.name} µ"  # a space and a letter that is not ASCII
    process = started(long, *fast("--checkpoint", "50", movie="long.tif", out=cut))
    wait_for(long / cut / "unfinished" / "localizations-000000300.npy", process)
    status, _, complaint = run(*fast("--checkpoint", "50", movie="long.tif", out=cut))
    assert status == 2 and "another run is writing there (process" in complaint
    process.send_signal(sent)
    complaint = process.communicate(timeout=200)[1]
    assert "--resume goes on" in complaint or sent == signal.SIGKILL
    assert "--resume goes on with it" in run(*fast("--checkpoint", "50", movie="long.tif", out=cut))[2]
    assert "had sigma [px] 1.1, not 1.2" in run(*fast("--checkpoint", "50", "--resume", "--sigma", "1.2", movie="long.tif", out=cut))[2]
    assert run(*fast("--checkpoint", "50", "--resume", movie="long.tif", out=cut))[0] == 0
    assert {path.name for path in (long / cut).iterdir()} == FILES and not left_behind(long / cut)
    for name in FILES - {"report.html", "protocol.json"}:
        assert content(long / cut / name) == content(long / "whole" / name), name
