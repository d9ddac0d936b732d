"""Images are opened with the readers of other programs, where they are installed: pip install ome-types napari napari-tiff, apt install libij-java default-jdk-headless."""

import os
import shutil
import subprocess
from pathlib import Path

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


IMAGEJ = Path(os.environ.get("IMAGEJ_JAR", "/usr/share/java/ij.jar"))
READ = """
import ij.*; import ij.io.*;
public class Read { public static void main(String[] names) { for (String name : names) {
  ImagePlus image = new Opener().openImage(name); ij.measure.Calibration size = image.getCalibration();
  for (int k = 1; k <= image.getStackSize(); k++)
    System.out.println(size.pixelWidth + " " + size.pixelHeight + " " + size.getUnit() + " " + image.getStack().getProcessor(k).getf(5, 7)); } } }
"""


@pytest.mark.skipif(not IMAGEJ.exists() or not shutil.which("javac"), reason="ImageJ and a Java compiler are needed (IMAGEJ_JAR: where)")
def test_imagej_reads_the_pixel_size(images):
    "By ImageJ's own opener, without its window."
    folder, image = images
    (folder / "Read.java").write_text(READ)
    command = ["java", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8", "-cp", IMAGEJ, "Read.java", "parts.tif"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=100, check=True).stdout.split()
    for plane, (width, height, unit, value) in zip(image, zip(*[iter(said)] * 4), strict=True):
        assert (width, height, unit) == ("0.0275", "0.0275", "µm") and abs(float(value) - plane[7, 5]) < 1e-6


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


@pytest.mark.filterwarnings("ignore")
def test_napari_shows_micrometres(images):
    "A viewer without its window. The reader that napari itself brings knows no scale at all; napari-tiff does."
    napari = pytest.importorskip("napari.components")
    pytest.importorskip("napari_tiff")
    pytest.importorskip("npe2").PluginManager.instance().discover()
    folder, image = images
    viewer = napari.ViewerModel()
    layers = viewer.open(str(folder / "parts.tif"), plugin="napari-tiff")
    assert [layer.name for layer in layers] == ["mean", "sd", "method"]
    for layer, plane in zip(layers, image, strict=True):
        assert np.allclose(layer.scale, 0.0275) and {str(unit) for unit in layer.units} == {"micrometer"} and (np.asarray(layer.data) == plane).all()
