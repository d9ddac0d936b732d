"""What a user receives: the wheel holds the modules, the weights and the data, and nothing of the notebooks."""

import configparser
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from zipfile import ZipFile

import pytest
from project import MODULES, PACKAGE, ROOT, SETTINGS, copy_project, imports


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> ZipFile:
    tree, target = copy_project(tmp_path_factory.mktemp("tree")), tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", target, tree]
    subprocess.run(command, check=True)
    return ZipFile(next(target.glob("*.whl")))


def test_wheel_holds_the_package(wheel):
    held = {name for name in wheel.namelist() if name.startswith(PACKAGE + "/")}
    tree = {
        f"{PACKAGE}/{path.relative_to(ROOT / PACKAGE)}"
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == tree


def test_wheel_holds_nothing_else(wheel):
    folders = {name.split("/")[0] for name in wheel.namelist()}
    assert folders == {PACKAGE, f"{PACKAGE}-{SETTINGS.version}.dist-info"}


def test_wheel_describes_itself(wheel):
    information = f"{PACKAGE}-{SETTINGS.version}.dist-info"
    metadata = wheel.read(f"{information}/METADATA").decode()
    assert "License-Expression: BSD-3-Clause" in metadata or "License: BSD-3-Clause" in metadata
    assert all(f"Provides-Extra: {extra}" in metadata for extra in ("notebooks", "formats", "dask", "nd2", "czi", "dev", "benchmarks", "docs"))
    entries = configparser.ConfigParser(delimiters=["="])
    entries.read_string(wheel.read(f"{information}/entry_points.txt").decode())
    assert entries["console_scripts"]["smlm-ddpm"] == f"{PACKAGE}.command_line:main"


def test_wheel_is_light(wheel):
    assert sum(entry.compress_size for entry in wheel.infolist()) < 100e6


def test_configuration_files_parse(wheel):
    for name in wheel.namelist():
        if name.endswith(".toml"):
            tomllib.loads(wheel.read(name).decode())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_imports_are_required(module):
    "What a module imports is installed with the package, or by the extra that its notebook names."
    required = SETTINGS.requirements + (" " + SETTINGS.notebooks_requirements) * (module.stem == "explorers")
    required = {re.split(r"[<>=!~\[]", name)[0].lower() for name in required.split()}
    own = {PACKAGE, *sys.stdlib_module_names}
    names = {name.split(".")[0] for name in imports(module, everywhere=True)} - own
    providers = packages_distributions()
    assert {name for name in names if required.isdisjoint(p.lower() for p in providers.get(name, []))} == set()


def test_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {SETTINGS.version}\n" in citation and f"\nrepository-code: {SETTINGS.git_url}\n" in citation
