"""Tables are opened with Picasso itself, where it is installed (pip install picassosr)."""

import numpy as np
import pytest
from smlm_ddpm.command_line import main
from smlm_ddpm.files import PicassoWriter, sample_movie, write_localizations
from smlm_ddpm.likelihood import Camera
from smlm_ddpm.movies import reconstruct
from smlm_ddpm.tiers import Settings

pytestmark = pytest.mark.filterwarnings("ignore")  # Picasso's own
picasso = pytest.importorskip("picasso.io", exc_type=ImportError)


@pytest.fixture
def found() -> np.ndarray:
    "Three localizations, one a frame."
    rows = np.zeros(3, [("frame", int)] + [(name, float) for name in ("x", "y", "photons", "background", "sigma", "x_sd", "y_sd")])
    rows["frame"], rows["x"], rows["y"] = [0, 1, 2], [1.25, 30.5, 50.0], [20.0, 21.0, 22.5]
    rows["photons"], rows["background"], rows["sigma"], rows["x_sd"], rows["y_sd"] = 500.0, 7.0, 1.1, [0.1, 0.2, 0.3], 0.25
    return rows


def test_picasso_opens_its_own_format(found, tmp_path):
    with PicassoWriter(tmp_path / "table.hdf5", pixel_size=108.0, shape=(64, 64), frames=10, camera=Camera(100.0, 2.0, 4.0)) as writer:
        writer(found)
    table, information = picasso.load_locs(str(tmp_path / "table.hdf5"))
    assert np.allclose(table["x"], found["x"] - 0.5) and np.allclose(table["y"], found["y"] - 0.5)  # centres of pixels at integers
    assert np.allclose(table["lpx"], found["x_sd"]) and np.allclose(table["lpy"], found["y_sd"]) and np.allclose(table["bg"], 7)
    assert {"Width": 64, "Height": 64, "Frames": 10, "Pixelsize": 108.0}.items() <= information[0].items()


def test_picasso_imports_a_thunderstorm_table(found, tmp_path):
    write_localizations(tmp_path / "table.csv", found, pixel_size=108.0, camera=Camera(100.0, 2.0, 4.0))
    table, _ = picasso.import_ts(str(tmp_path / "table.csv"), 108.0)
    assert np.allclose(table["x"], found["x"], atol=1e-4) and np.allclose(table["photons"], 500)
    assert np.allclose(table["lpx"], np.sqrt((found["x_sd"] ** 2 + found["y_sd"] ** 2) / 2), atol=1e-4)


def test_picasso_opens_what_reconstruct_writes(tmp_path):
    "A real movie through the command; lpx and lpy are the errors of the fit, and the probability comes along."
    sample = sample_movie("dstorm")
    arguments = ["reconstruct", str(sample.path), "--out", str(tmp_path / "out"), "--offset", "463", "--gain", "9", "--read-variance", "40",
                 "--sigma", "1.05", "--pixel-size", "133"]  # fmt: skip
    assert main(arguments) == 0
    table, information = picasso.load_locs(str(tmp_path / "out" / "localizations.hdf5"))
    found = reconstruct(sample.frames, Settings(Camera(463.0, 9.0, 40.0), 1.05, pixel_size=133.0)).localizations
    assert len(table) == len(found) > 15 and np.allclose(table["x"], found["x"] - 0.5, atol=1e-4)
    assert np.allclose(table["lpx"], found["x_sd"], rtol=1e-4) and np.allclose(table["lpy"], found["y_sd"], rtol=1e-4)
    assert np.allclose(table["probability"], found["probability"], atol=1e-6)
    assert {"Width": 128, "Height": 128, "Frames": 5, "Pixelsize": 133.0}.items() <= information[0].items()
    imported, _ = picasso.import_ts(str(tmp_path / "out" / "localizations.csv"), 133.0)
    assert len(imported) == len(found)
