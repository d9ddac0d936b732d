"""Measure the rows, print them as a table, and keep them in results.json: `python benchmarks/run.py`."""

import argparse
import json
import os
import platform
import sys
from datetime import date
from pathlib import Path

import torch
from measure import markdown, measure, number

RESULTS = Path(__file__).with_name("results.json")


def processor() -> str:
    "Its name."
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def whole_programs_machine() -> dict:
    "What the speed of whole programs depends on, and how idle the machine was."
    return {"processor": processor(), "cores": os.cpu_count(), "load_average": os.getloadavg()[0], "date": date.today().isoformat()}


def machine() -> dict:
    "What the numbers depend on."
    from common import pretrained

    return {"processor": processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__,
            "python": platform.python_version(), "precision": str(pretrained().dtype).removeprefix("torch.")}


def all_rows() -> dict:
    "By name, what makes each row."
    try:
        import chains
        import networks
        import sampling
        import simulation
        import startup
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: install the rivals with  pip install 'smlm_ddpm[benchmarks]'")
    return {name: row for module in (simulation, networks, sampling, chains, startup) for name, row in module.ROWS.items()}


def stored() -> dict:
    "Earlier results, or none."
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {"rows": {}}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these rows; the others are kept as they were")
    parser.add_argument("--repeats", type=int, default=5, help="of each row (default 5; slow rows have fewer)")
    parser.add_argument("--threads", type=int, help="of torch (default: its own choice)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, once, to see that everything runs; nothing is stored")
    parser.add_argument("--table", action="store_true", help="only print the stored results")
    parser.add_argument("--list", action="store_true", help="only print the names of the rows")
    return parser.parse_args()


def run(names: list[str], rows: dict, repeats: int, quick: bool) -> dict:
    "Measure, storing after each row; every row says on which machine, since its rivals were measured on the same."
    here, before = machine(), stored()
    results = {"rows": {} if quick else before["rows"]}
    for name in names:
        print(f"{name} …", end=" ", file=sys.stderr, flush=True)
        row = results["rows"][name] = {"machine": here} | measure(rows[name](quick), repeats)
        print(f"{number(row['median'])} {row['unit']}", file=sys.stderr)
        results["rows"] = {key: results["rows"][key] for key in rows if key in results["rows"]}
        if not quick:
            RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return results


def main() -> None:
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.table:
        return print(markdown(stored()) if RESULTS.is_file() else f"there is no {RESULTS.name} yet")
    rows = all_rows()
    if options.list:
        return print("\n".join(rows))
    unknown = set(options.only or []) - set(rows)
    if unknown or options.repeats < 1:
        sys.exit(f"no row named {', '.join(sorted(unknown))}: see --list" if unknown else "--repeats must be at least 1")
    print(markdown(run(options.only or list(rows), rows, 1 if options.quick else options.repeats, options.quick)))


if __name__ == "__main__":
    main()
