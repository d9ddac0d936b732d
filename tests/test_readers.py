"""Images are opened with the readers of other programs, where they are installed (pip install ome-types napari-tiff)."""

import numpy as np
import pytest
import tifffile
from smlm_ddpm.files import write_image


@pytest.fixture
def images(tmp_path):
    "A plain image and one with named parts, of pixels of 27.5 nm."
    image = np.random.default_rng(0).random((3, 40, 60)).astype(np.float32)
    write_image(tmp_path / "plain µ.tif", image[0], pixel_size=27.5)
    write_image(tmp_path / "parts.tif", image, pixel_size=27.5, names=["mean", "sd", "method"])
    return tmp_path, image


def test_fiji_reads_the_pixel_size(images):
    "Fiji opens OME-TIFF by Bio-Formats, and takes resolution and unit of a plain TIFF: both are there and say the same."
    folder, image = images
    with tifffile.TiffFile(folder / "plain µ.tif") as file:
        tags = file.pages[0].tags
        across, denominator = tags["XResolution"].value
        assert tags["ResolutionUnit"].value == 3 and abs(denominator / across * 1e7 - 27.5) < 1e-4  # pixels a centimetre
        assert 'PhysicalSizeX="0.0275"' in file.ome_metadata and 'PhysicalSizeXUnit="µm"' in file.ome_metadata


@pytest.mark.filterwarnings("ignore")  # of other packages
def test_ome_types_reads_pixels_and_names(images):
    ome_types = pytest.importorskip("ome_types")
    folder, image = images
    pixels = ome_types.from_tiff(folder / "parts.tif").images[0].pixels
    assert pixels.physical_size_x == pixels.physical_size_y == 0.0275 and pixels.physical_size_x_unit.value == "µm"
    assert [channel.name for channel in pixels.channels] == ["mean", "sd", "method"]
    assert (pixels.size_x, pixels.size_y, pixels.size_c) == (60, 40, 3)


@pytest.mark.filterwarnings("ignore")
def test_napari_reads_the_scale(images):
    "By the reader that napari uses for TIFF, without its window."
    napari_tiff = pytest.importorskip("napari_tiff")
    folder, image = images
    for name, known in (("plain µ.tif", image[0]), ("parts.tif", image)):
        layers = napari_tiff.napari_get_reader(str(folder / name))(str(folder / name))
        data, shown = layers[0][:2]
        assert (np.asarray(data).squeeze() == known).all()
        assert np.allclose(shown["scale"][-2:], 0.0275) and "µm" in str(shown.get("units", "µm"))
