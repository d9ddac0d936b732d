"""Execute notebooks in place and store their outputs.

    python tools/execute_notebooks.py                      # all of them, except slow and gpu cells
    python tools/execute_notebooks.py nbs/02_kde.ipynb     # only this one
    python tools/execute_notebooks.py --flags slow         # the slow cells too

A cell that is not run (`#| eval: false`, or a flag of `tst_flags` that was not asked for) keeps the outputs stored
with it. Running twice gives the same bytes.
"""

import argparse
import os
import sys
import time
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path

from execnb.nbio import write_nb
from execnb.shell import CaptureShell
from fastcore.xtras import working_directory
from nbdev.clean import clean_nb
from nbdev.config import get_config
from nbdev.process import NBProcessor
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def skipped(cell, skip_flags: set[str]) -> bool:
    "Whether a cell keeps the outputs that it has."
    directives = getattr(cell, "directives_", None) or {}
    not_evaluated = directives.get("eval:", [""])[:1] == ["false"]
    return cell.cell_type != "code" or not_evaluated or bool(skip_flags & directives.keys())


def smaller(picture: str) -> str:
    "A PNG, in base64, with a table of 256 colours: less than half the size, and it looks the same."
    image, stored = Image.open(BytesIO(b64decode(picture))), BytesIO()
    image.convert("RGB").quantize(256, kmeans=2).save(stored, format="png", optimize=True, dpi=image.info.get("dpi", (100, 100)))
    return b64encode(stored.getvalue()).decode()


def tidy(cell) -> None:
    "Drop what only a running kernel can show, where there is a static picture of it; make pictures smaller."
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/html" in data:
            data.pop(WIDGET_VIEW, None)
        if "image/png" in data:
            data["image/png"] = smaller("".join(data["image/png"]))


def execute(path: Path, skip_flags: set[str]) -> float:
    "Run one notebook in its own folder, write it back, and return the seconds it took."
    start, shell = time.perf_counter(), CaptureShell(path)
    nb = NBProcessor(path, rm_directives=False, process=True).nb

    def keep(cell) -> bool:
        if skipped(cell, skip_flags):
            return True
        cell.outputs = []  # execnb leaves old outputs in a cell that now prints nothing
        return False

    try:
        with working_directory(path.parent):
            shell.run_all(nb, exc_stop=True, preproc=keep, postproc=tidy)
    except Exception:
        sys.exit(shell.prettytb(fname=path))
    clean_nb(nb)
    nb.metadata.pop("widgets", None)
    write_nb(nb, path)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook in nbs/")
    parser.add_argument("--flags", default="", help="flags of settings.ini's tst_flags to run too, e.g. 'slow gpu'")
    arguments = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "agg")
    sys.path.insert(0, str(ROOT))
    skip_flags = set(get_config(path=ROOT).tst_flags.split()) - set(arguments.flags.split())
    for path in arguments.notebooks or sorted((ROOT / "nbs").glob("[!.]*.ipynb")):
        print(f"{path.name}: {execute(path.resolve(), skip_flags):.1f} s", flush=True)


if __name__ == "__main__":
    main()
