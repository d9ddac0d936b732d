"""The notebooks as nbdev prepares them for the site: what Quarto would be given is complete and its links lead somewhere."""

import re
from pathlib import Path

import pytest
import yaml
from nbdev.serve import proc_nbs
from project import NOTEBOOKS, ROOT, SETTINGS, cells, page_name

BASE = SETTINGS.doc_host + SETTINGS.doc_baseurl + "/"
each_notebook = pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS], ids=lambda name: name[:-6])


@pytest.fixture(scope="module")
def processed(tmp_path_factory) -> Path:
    "The folder of processed notebooks. Imports, exported cells and `show_doc` are executed on the way."
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return Path(proc_nbs(force=True, n_workers=0))


def prose(path: Path) -> str:
    "What Pandoc would read of a notebook: its markdown cells and markdown outputs, without code spans and blocks."
    parts = []
    for cell in cells(path):
        parts += [cell["source"]] if cell["cell_type"] == "markdown" else []
        parts += ["".join(output.get("data", {}).get("text/markdown", [])) for output in cell.get("outputs", [])]
    return re.sub(r"^```.*?^```|`[^`\n]*`", "`code`", "\n\n".join(parts), flags=re.DOTALL | re.MULTILINE)


def links(path: Path) -> list[str]:
    "The targets of a processed notebook's links."
    inline = re.findall(r"\]\(\s*<?([^)\s>]+)", prose(path))
    named = re.findall(r"^\[[^\]]+\]:\s*(\S+)", prose(path), re.MULTILINE)
    return inline + named + re.findall(r'(?:href|src)="([^"]+)"', prose(path))


def anchors(path: Path) -> set[str]:
    "The anchors of a page: explicit ones, and those that Pandoc makes from headings."
    text = "\n\n".join([cell["source"] for cell in cells(path) if cell["cell_type"] == "markdown"])
    text += "\n\n" + "\n\n".join(
        "".join(output.get("data", {}).get("text/markdown", []))
        for cell in cells(path)
        for output in cell.get("outputs", [])
    )
    explicit = re.findall(r"\{#([\w.:-]+)", text) + re.findall(r'\bid="([^"]+)"', text)
    labels = re.findall(r"^#\| label: (\S+)", "\n".join(cell["source"] for cell in cells(path)), re.MULTILINE)
    titles = [re.sub(r"[^\w\s.-]", "", title).strip() for title in re.findall(r"^#+ ([^\n{]+)", text, re.MULTILINE)]
    made = [re.sub(r"^[^a-z]+", "", re.sub(r"\s+", "-", title.lower())) for title in titles]
    return {*explicit, *labels, *made}


def resolves(link: str, page: Path, folder: Path) -> bool:
    "Whether a link leads to a page, a heading or a file that exists. Other sites are taken on trust."
    link = link.removeprefix(BASE)
    if re.match(r"[a-z]+:", link):
        return True
    name, _, anchor = link.partition("#")
    pages = {path.with_suffix(".ipynb").name: path for path in folder.glob("*.ipynb")}
    pages |= {page_name(path): path for path in folder.glob("*.ipynb")}
    target = pages.get(name, page if not name else None)
    if target is None:
        return (folder / name).exists() and not anchor
    return not anchor or anchor in anchors(target)


@each_notebook
def test_page_has_title_description_and_address(name, processed):
    first = cells(processed / name)[0]
    assert first["cell_type"] == "raw"
    front = yaml.safe_load(first["source"].strip().strip("-"))
    assert all(front.get(key) for key in ("title", "description", "output-file"))


@each_notebook
def test_links_lead_somewhere(name, processed):
    page = processed / name
    assert [link for link in links(page) if not resolves(link, page, processed)] == []


@each_notebook
def test_figure_references_have_one_figure(name):
    sources = "\n".join(cell["source"] for cell in cells(ROOT / "nbs" / name) if cell["cell_type"] == "code")
    labels = re.findall(r"^#\| label: (\S+)", sources, re.MULTILINE)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"@(fig-[\w-]*\w)", prose(ROOT / "nbs" / name))) <= set(labels)


def bibliography() -> dict[str, str]:
    "The entries of the BibTeX file, by key."
    text = (ROOT / "nbs" / "references.bib").read_text(encoding="utf-8")
    return dict(re.findall(r"^@\w+\{([\w-]+),\n(.*?)^\}", text, re.DOTALL | re.MULTILINE))


def test_citations_have_entries_and_entries_are_cited():
    "`@key` or `[@key; @other]`, as Pandoc reads them."
    pages = {path.name: prose(path) for path in NOTEBOOKS}
    cited = {key for page in pages.values() for key in re.findall(r"(?<![\w.])@(?!fig-)(\w+)", page)}
    assert cited == set(bibliography())


def test_bibliography_is_complete():
    wanting = [key for key, text in bibliography().items() for field in ("author", "title") if f"  {field} = {{" not in text]
    undated = [key for key, text in bibliography().items() if "  year = {" not in text and "note = {Preprint}" not in text]
    assert wanting == undated == []


@each_notebook
def test_divs_are_balanced(name, processed):
    fences = re.findall(r"^:{3,}(.*)$", prose(processed / name), re.MULTILINE)
    opened = sum(bool(rest.strip(" :")) for rest in fences)
    assert 2 * opened == len(fences)


def test_site_is_complete(processed):
    site = yaml.safe_load((processed / "_quarto.yml").read_text(encoding="utf-8"))
    assert site["project"] == {"type": "website", "output-dir": "_docs", "render": ["/*.ipynb"]}
    assert (processed / site["format"]["html"]["css"]).exists()
    assert (processed / site["bibliography"]).exists()
