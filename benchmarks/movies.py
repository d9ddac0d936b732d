"""Whole movies through the command line: `python benchmarks/movies.py`; writes benchmarks/movies.json.

    python benchmarks/movies.py                    # all parts: an hour, most of it the network's
    python benchmarks/movies.py fast network       # some parts; the others stay as they are stored
    python benchmarks/movies.py --quick            # a few frames, to see that everything runs; stores nothing

A movie of 256×256 px with 50 emitters a frame is written to a TIFF, chunk by chunk, and `smlm-ddpm reconstruct` is run on it as a
process of its own: seconds from start to end, with reading, tables, images and report, and the largest memory of the process and all
that it starts. Linux only, since memory is read from /proc.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from localization import GAIN, OFFSET, READ_VARIANCE, SIGMA, movie, score
from run import whole_programs_machine

RESULTS = Path(__file__).with_name("movies.json")
SIZE, EMITTERS, CHUNK = 256, 50, 250  # px, a frame, frames
CAMERA = [f"--offset={OFFSET:g}", f"--gain={GAIN:g}", f"--read-variance={READ_VARIANCE * GAIN**2:g}", f"--sigma={SIGMA:g}", "--pixel-size=100"]
FRAMES = {"fast": (1_000, 10_000), "network": (1_000, 5_000), "resume-fast": (2_000,), "resume-network": (80,), "dask-fast": (1_000, 5_000),
          "dask-network": (40, 200)}  # fmt: skip
QUICK = {part: (16,) if part.startswith("resume") else (4, 8) for part in FRAMES}


class Scene:
    "A movie as a file, and its truth; longer ones begin as shorter ones do."

    def __init__(self, folder: Path):
        self.folder, self.truth = folder, []

    def path(self, frames: int) -> Path:
        "A TIFF with so many frames."
        path = self.folder / f"movie_{frames}.tif"
        if not path.exists():
            truth = []
            with tifffile.TiffWriter(path, bigtiff=True) as file:
                for start in range(0, frames, CHUNK):
                    adu, positions = movie(CHUNK, SIZE, EMITTERS / SIZE**2, seed=start)
                    truth += positions
                    for frame in adu[: frames - start]:
                        file.write(frame, photometric="minisblack", contiguous=True)
            self.truth = max(self.truth, truth, key=len)
        return path


def tree(process: int) -> list[int]:
    "This process and all that it started."
    found = [process]
    for each in found:
        for thread in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += [int(child) for child in thread.read_text().split()]
            except OSError:  # has ended meanwhile
                pass
    return found


def memory(process: int, field: str = "VmRSS") -> int:
    "Bytes of one process."
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), 0)


def watched(command: list, threads: int | None = None, until=lambda: False) -> dict:
    "Run a command to its end, or kill it -9 as soon as `until` holds; seconds, the largest memory, and whether it was killed."
    one = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads)) if threads else {}
    start, peak, killed, errors = time.perf_counter(), 0, False, tempfile.TemporaryFile("w+")
    running = subprocess.Popen([str(each) for each in command], env=os.environ | one, stdout=errors, stderr=errors)
    while running.poll() is None:
        peak = max(peak, memory(running.pid, "VmHWM"), sum(map(memory, tree(running.pid))))
        if not killed and until():
            running.send_signal(signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    if running.returncode and not killed:
        errors.seek(0)
        raise SystemExit(f"{' '.join(map(str, command))}\n{errors.read()[-2000:]}")
    return {"seconds": time.perf_counter() - start, "peak_memory": peak, "killed": killed}


def reconstruct(path: Path, out: Path, posterior: str, *options: str, **how) -> dict:
    "Our program on a movie; an earlier result is deleted unless it is gone on with."
    if "--resume" not in options:
        shutil.rmtree(out, ignore_errors=True)
    return watched([shutil.which("smlm-ddpm"), "reconstruct", path, "--out", out, "--posterior", posterior, *CAMERA, *options], **how)


def scored(frame, x, y, truth, frames: int) -> dict:
    "Jaccard and root mean square error of a table, positions in pixels from the corner."
    found = score(np.asarray(frame), np.asarray(x), np.asarray(y), truth[:frames])
    return {name: found[name] for name in ("jaccard", "rmse")}


def whole_movies(scene: Scene, posterior: str, lengths) -> list[dict]:
    "A short and a long movie."
    rows = []
    for frames in lengths:
        path, out = scene.path(frames), scene.folder / posterior
        row = {"program": "smlm-ddpm", "posterior": posterior, "frames": frames, **reconstruct(path, out, posterior)}
        table = np.genfromtxt(out / "localizations.csv", delimiter=",", skip_header=1, usecols=range(4))
        row |= scored(table[:, 1].astype(int) - 1, table[:, 2] / 100, table[:, 3] / 100, scene.truth, frames)
        rows.append(row | {"frames_per_second": frames / row["seconds"]})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def of_picasso(scene: Scene, lengths) -> list[dict]:
    "Picasso's own command on the same files."
    import h5py

    rows = []
    for frames in lengths:
        path = scene.path(frames)
        command = [sys.executable, "-m", "picasso", "localize", path, "-b", 7, "-a", "mle", "-g", 400, "-bl", int(OFFSET), "-s", 1 / GAIN, "-ga", 1,
                   "-qe", 1, "-px", 100, "-d", 0]  # fmt: skip
        row = {"program": "picasso", "posterior": "mle", "frames": frames, **watched(command)}
        with h5py.File(path.with_name(f"{path.stem}_locs.hdf5")) as file:
            table = file["locs"][:]
        row |= scored(table["frame"].astype(int), table["x"] + 0.5, table["y"] + 0.5, scene.truth, frames)
        rows.append(row | {"frames_per_second": frames / row["seconds"]})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def digests(folder: Path) -> dict[str, str]:
    "Each file of a result; the command itself, which the report repeats, is left out."
    return {path.name: hashlib.sha256(re.sub(rb"<pre>smlm-ddpm .*", b"", path.read_bytes())).hexdigest() for path in sorted(folder.iterdir())}


def resumed(scene: Scene, posterior: str, frames: int) -> dict:
    "A run that is killed half way and gone on with, beside one that is not."
    path, whole, broken = scene.path(frames), scene.folder / "whole", scene.folder / "broken"
    step = f"--checkpoint={frames // 8}"
    reconstruct(path, whole, posterior, step)
    kept = broken / "unfinished"
    first = reconstruct(path, broken, posterior, step, until=lambda: len(list(kept.glob("frames-*.npy"))) >= 4)
    left = len(list(kept.glob("frames-*.npy"))) * frames // 8
    second = reconstruct(path, broken, posterior, step, "--resume")
    one, other = digests(whole), digests(broken)
    differ = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return {"posterior": posterior, "frames": frames, "killed": first["killed"], "frames_kept": left, "seconds_to_finish": second["seconds"], "files": len(one), "files_that_differ": differ}


def on_dask(scene: Scene, posterior: str, lengths) -> list[dict]:
    "One Dask worker and two, each with one thread; a short run gives the time to start."
    rows = []
    for workers in (1, 2):
        for frames in lengths:
            step = f"--checkpoint={max(4, frames // 20)}"
            how = reconstruct(scene.path(frames), scene.folder / "dask", posterior, "--dask=local", f"--workers={workers}", step, threads=1)
            rows.append({"posterior": posterior, "workers": workers, "frames": frames, **how})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def run_part(scene: Scene, part: str, lengths) -> dict | list[dict]:
    "One part of the results."
    if part.startswith("resume"):
        return resumed(scene, part.removeprefix("resume-"), *lengths)
    if part.startswith("dask"):
        return on_dask(scene, part.removeprefix("dask-"), lengths)
    return whole_movies(scene, part, lengths) + (of_picasso(scene, lengths) if part == "fast" else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*FRAMES, []], help=f"of {', '.join(FRAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="a few frames, to see that everything runs; nothing is stored")
    parser.add_argument("--frames", type=int, nargs="+", help="lengths in place of the usual ones")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() and not options.quick else {}
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        reconstruct(scene.path(4), Path(folder) / "first", "fast")  # compiles
        for part in options.parts or FRAMES:
            lengths = options.frames or (QUICK if options.quick else FRAMES)[part]
            here = whole_programs_machine()
            results[part] = {"machine": here, "rows": run_part(scene, part, lengths)}
            if not options.quick:
                RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
