"""The house rules: package and notebooks agree, and the notebooks are fit to read and to review."""

import ast
import io
import json
import re
import runpy
import subprocess
import sys
import tokenize

import nbformat
import pytest
import yaml
from project import (
    MODULES,
    NOTEBOOKS,
    PACKAGE,
    ROOT,
    cells,
    contents,
    copy_project,
    directives,
    imports,
    source_notebook,
)

SIZE_LIMIT = 500_000  # bytes of a notebook with its outputs
LINE_LIMIT = 45  # lines of a cell: a screenful
ROOM_LIMIT = 600  # lines of a module
LARGE = {"jumps"}  # modules that are longer
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)


def number(module) -> tuple[float, str]:
    "The number and letter of a module's notebook, such as (3, 'a'); one without a number comes after all others."
    found = re.match(r"(\d+)([a-z]?)_", source_notebook(module).name)
    return (int(found[1]), found[2]) if found else (float("inf"), "")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    "A copy of the project."
    return copy_project(tmp_path_factory.mktemp("tree"))


def changed_by(command: str, tree, pattern: str) -> list[str]:
    "The files that an nbdev command changes, adds or removes."
    before = contents(tree, pattern)
    subprocess.run([sys.executable, "-c", command], cwd=tree, check=True)
    after = contents(tree, pattern)
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def test_exporting_changes_nothing(tree):
    assert changed_by("from nbdev.doclinks import nbdev_export; nbdev_export()", tree, "*.py") == []


def test_notebooks_are_clean(tree):
    assert changed_by("from nbdev.clean import nbdev_clean; nbdev_clean()", tree, "*.ipynb") == []


@each_module
def test_module_has_its_notebook(module):
    notebook = source_notebook(module)
    assert notebook in NOTEBOOKS, f"{module.name} was made from {notebook}, which is gone: delete the module"


def test_contributing_names_notebooks_that_exist():
    "The table that says where is what."
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Where is what")[2].partition("\n## ")[0]
    named = re.findall(r"`(\d\d[a-z]?(?:_\w+)?)`", text)
    assert len(named) > 15 and [name for name in named if not any(path.stem.startswith(name) for path in NOTEBOOKS)] == []


@each_module
def test_module_is_a_room(module):
    "Of one subject, which takes no more than 600 lines; what is larger is listed, and the list only shrinks."
    assert (len(module.read_text(encoding="utf-8").splitlines()) > ROOM_LIMIT) == (module.stem in LARGE)


@each_module
def test_module_imports_only_lower_numbers(module):
    stems = {other.stem: number(other) for other in MODULES}
    own = {name.split(".")[1] for name in imports(module, everywhere=True) if name.startswith(PACKAGE + ".")}
    assert {name for name in own if name in stems and stems[name] >= number(module)} == set()


@each_module
def test_module_imports_no_stars_and_no_plotting(module):
    assert not any(name.endswith(".*") for name in imports(module, everywhere=True))
    if number(module)[0] < float("inf"):
        top = {name.split(".")[0] for name in imports(module, everywhere=False)}
        assert top.isdisjoint({"matplotlib", "ipywidgets"})


@each_module
def test_public_names_are_words(module):
    "Names that another module would import have more than one letter."
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            assert len(node.name) > 1, f"{module.name}: {node.name}"


@each_module
def test_comments_of_arguments_have_no_backticks(module):
    "The documentation shows signatures as code, where a link that nbdev makes of a name between backticks is raw Markdown."
    text = module.read_text(encoding="utf-8")
    comments = {token.start[0]: token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT}
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    lines = {line for node in functions for line in range(node.lineno, node.body[0].lineno)}
    assert {line: comments[line] for line in sorted(lines & comments.keys()) if "`" in comments[line]} == {}


def test_light_import():
    heavy = {"matplotlib", "ipywidgets", "numba"}
    code = f"import sys, {PACKAGE}.models; print(*sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


def test_explorers_without_widgets_says_what_to_install():
    code = f"import sys; sys.modules['ipywidgets'] = None; import {PACKAGE}.explorers"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "pip install" in done.stderr.splitlines()[-1]


@each_notebook
def test_notebook_is_valid(path):
    "By Jupyter's own schema, and with the three kinds of cell that exist: anything else stops Quarto."
    nbformat.validate(json.loads(path.read_text(encoding="utf-8")))
    assert {cell["cell_type"] for cell in cells(path)} <= {"code", "markdown", "raw"}


@each_notebook
def test_title_and_description(path):
    first = cells(path)[0]
    assert first["cell_type"] == "markdown"
    assert re.match(r"# \S.*\n\n?> \S.*(\n|$)", first["source"]), "needs '# Title', an empty line, '> description'"


@each_notebook
def test_cells_are_short(path):
    assert {c["id"]: c["source"].count("\n") + 1 for c in cells(path) if c["source"].count("\n") >= LINE_LIMIT} == {}


@each_notebook
def test_cell_ids_are_readable(path):
    ids = [cell["id"] for cell in cells(path)]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?", name)] == []


def shows_picture(cell: dict) -> bool:
    "Whether a cell's stored outputs hold a picture or a slider with pictures."
    stored = [output.get("data", {}) for output in cell.get("outputs", [])]
    return any("image/png" in data or 'class="flipbook"' in "".join(data.get("text/html", [])) for data in stored)


@each_notebook
def test_figures_are_described(path):
    pictures = {cell["id"] for cell in cells(path) if shows_picture(cell)}
    labelled = {name for name, found in directives(path).items() if found.get("label:", [""])[0].startswith("fig-")}
    described = {name for name, found in directives(path).items() if {"fig-cap:", "fig-alt:"} <= found.keys()}
    assert pictures <= labelled <= described


@each_notebook
def test_figures_can_be_read(path):
    "The text of the site is 678 px wide. Figures of at most 7.3 inches at 100 dots an inch or more keep letters as large as the text's."
    for cell in cells(path):
        if cell["cell_type"] == "code" and not cell["source"].startswith("#| export"):
            widths = [float(width) for width in re.findall(r"\b(?:fig)?size=\((\d+\.?\d*), ", cell["source"])]
            resolutions = [int(dots) for dots in re.findall(r"\b(?:set_)?dpi(?:=|\()(\d+)", cell["source"])]
            assert max(widths, default=0) <= 7.3 and min(resolutions, default=100) >= 100, cell["id"]


@each_notebook
def test_hidden_cells_only_import(path):
    for cell in cells(path):
        if "hide" in directives(path).get(cell["id"], {}):
            kinds = {type(node) for node in ast.parse(cell["source"]).body}
            assert kinds <= {ast.Import, ast.ImportFrom}, f"{cell['id']} hides more than imports"


@each_notebook
def test_no_widget_state(path):
    assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]
    outputs = [output.get("data", {}) for cell in cells(path) for output in cell.get("outputs", [])]
    assert not any(WIDGET_VIEW in data for data in outputs), "run tools/execute_notebooks.py"


@each_notebook
def test_stored_outputs_are_presentable(path):
    "No error, no warning and no folder of somebody's machine in what the site shows."
    for cell in cells(path):
        for output in cell.get("outputs", []):
            text = "".join(output.get("text", [])) + "".join(output.get("data", {}).get("text/plain", []))
            assert output["output_type"] != "error" and output.get("name") != "stderr", f"{cell['id']}: {text[:200]}"
            assert not re.search(r"/(root|home|tmp|Users)/|site-packages", text), f"{cell['id']}: {text[:200]}"
            assert not re.search(r"<matplotlib|Text\(", text), f"{cell['id']}: end its last line with a semicolon"


@each_notebook
def test_notebook_is_small(path):
    assert path.stat().st_size < SIZE_LIMIT


def test_readme_is_made_from_the_index():
    made = runpy.run_path(str(ROOT / "tools" / "make_readme.py"))
    assert (ROOT / "README.md").read_text(encoding="utf-8") == made["readme"](), "run python tools/make_readme.py"
    assert all(path.read_bytes() == content for path, content in made["pictures"]().items()), "run python tools/make_readme.py"


def listed(contents) -> list[str]:
    "The notebooks of a sidebar, whatever its nesting."
    if isinstance(contents, dict):
        return listed(contents.get("contents", [])) + listed(contents.get("href", []))
    return [contents] if isinstance(contents, str) else [name for entry in contents for name in listed(entry)]


def sidebar() -> list[str]:
    return listed(yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))["website"]["sidebar"]["contents"])


@each_notebook
def test_sidebar_lists_each_notebook_once(path):
    assert sidebar().count(path.name) == 1


def test_sidebar_lists_nothing_else():
    assert set(sidebar()) <= {path.name for path in NOTEBOOKS}


def test_site_configuration_is_linked():
    link = ROOT / "nbs" / "_quarto.yml"
    assert link.is_symlink() and link.resolve() == ROOT / "_quarto.yml"


def functions_of(module) -> list[tuple[ast.FunctionDef, str]]:
    "Functions of a module and their decorators."
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    return [(node, " ".join(map(ast.unparse, node.decorator_list))) for node in nodes if isinstance(node, ast.FunctionDef)]


def without_wrapper(module) -> bool:
    "Whether a module's `_JIT` leaves out what Python needs to call a compiled function, of itself or taken from a lower module."
    text = module.read_text(encoding="utf-8")
    return "no_cpython_wrapper" in text or re.search(r"^from (?:\.|smlm_ddpm\.)(jumps|scene) import [^)]*\b_JIT\b", text, re.MULTILINE) is not None


def test_inner_compiled_functions_are_called_by_compiled_ones_only():
    "A call from Python is a crash, not an error."
    inner = {module: {function.name for function, decorators in functions_of(module) if re.search(r"\*\*_(JIT|INLINE)\b", decorators)}
             for module in MODULES if without_wrapper(module)}  # fmt: skip
    assert sum(map(len, inner.values())) > 100
    wrong = []
    for module, own in inner.items():
        imported = {alias.name for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)
                    for other in inner if (node.module or "").split(".")[-1] == other.stem for alias in node.names if alias.name in inner[other]}
        for function, decorators in functions_of(module):
            calls = {node.func.id for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
            wrong += [f"{module.stem}.{function.name} calls {name}" for name in calls & (own | imported) if "njit" not in decorators]
    assert wrong == []
