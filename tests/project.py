"""What the tests know of the project's layout."""

import ast
import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from nbdev.config import get_config
from nbdev.process import extract_directives
from execnb.nbio import read_nb

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "smlm_ddpm"
SETTINGS = get_config(path=ROOT)
NOTEBOOKS = sorted((ROOT / "nbs").glob("[!.]*.ipynb"))
MODULES = sorted(path for path in (ROOT / PACKAGE).glob("*.py") if not path.name.startswith("_"))


@cache
def cells(path: Path) -> list[dict]:
    "The cells of a notebook, each source as one string."
    stored = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in stored]


def page_name(path: Path) -> str:
    "The page that nbdev makes of a notebook: its name without the number."
    return re.sub(r"^\d+[a-z]?_", "", path.stem) + ".html"


@cache
def directives(path: Path) -> dict[str, dict]:
    "The `#|` lines of each code cell, by the cell's id."
    code = [cell for cell in read_nb(path).cells if cell.cell_type == "code"]
    return {cell.id: extract_directives(cell, remove=False) for cell in code}


def source_notebook(module: Path) -> Path | None:
    "The notebook that a module says it was made from."
    found = re.search(r"File to edit: (\S+)\.$", module.read_text(encoding="utf-8"), re.MULTILINE)
    return (module.parent / found[1]).resolve() if found else None


def imports(module: Path, everywhere: bool) -> set[str]:
    "Full names that a module imports, at its top level or everywhere."
    tree = ast.parse(module.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [PACKAGE * bool(node.level), node.module]))
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def copy_project(folder: Path) -> Path:
    "A copy of everything that git keeps or would keep, links included."
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if os.path.lexists(ROOT / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    "The bytes of every file below a folder that matches."
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob(pattern))}
