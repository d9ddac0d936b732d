"""The notebooks as nbdev prepares them for the site: what Quarto would be given is complete and its links lead somewhere."""

import re
from pathlib import Path

import nbdev.quarto
import pytest
import yaml
from nbdev.serve import proc_nbs
from project import NOTEBOOKS, ROOT, SETTINGS, cells, page_name

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
    undated = [key for key, text in bibliography().items() if "  year = {" not in text]  # "n.d."; a word such as preprint will do
    assert wanting == undated == []


@each_notebook
def test_divs_are_balanced(name, processed):
    fences = re.findall(r"^:{3,}(.*)$", prose(processed / name), re.MULTILINE)
    opened = sum(bool(rest.strip(" :")) for rest in fences)
    assert 2 * opened == len(fences)


def quarto() -> dict:
    "The configuration of the site."
    return yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))


def test_site_is_complete(processed):
    site = yaml.safe_load((processed / "_quarto.yml").read_text(encoding="utf-8"))
    assert site["project"] == {"type": "website", "output-dir": "_docs", "render": ["/*.ipynb"]}
    own = [name for themes in site["format"]["html"]["theme"].values() for name in themes if name.endswith(".scss")]
    assert len(own) == 2
    for name in [*own, site["format"]["html"]["css"], site["bibliography"], site["website"]["favicon"]]:
        assert (processed / name).exists(), name


def test_readers_find_their_way():
    "Long lines of code wrap; a page leads to the next; search has a name; dark where the reader's system is dark."
    site = quarto()
    assert site["format"]["html"]["code-overflow"] == "wrap"
    assert site["format"]["html"]["respect-user-color-scheme"] and site["format"]["html"]["toc"]
    assert site["website"]["page-navigation"] and site["website"]["search"]["type"] == "textbox"


def test_address_is_written_once(processed):
    "In settings.ini: nbdev hands it to Quarto, and pages lead to each other without it."
    assert quarto()["metadata-files"] == ["nbdev.yml"]
    for folder in (ROOT / "nbs", processed):
        for path in folder.glob("[!.]*.ipynb"):
            assert SETTINGS.doc_host not in "\n".join(prose(path) + cell["source"] for cell in cells(path)), path.name


@each_notebook
def test_page_asks_no_other_server(name, processed):
    "By one output of these types Quarto makes a page load scripts from elsewhere."
    types = {kind for cell in cells(processed / name) for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert types.isdisjoint({"text/html", "application/javascript", "application/vnd.jupyter.widget-view+json"})


@each_notebook
def test_no_link_inside_a_link_or_code(name, processed):
    "nbdev links every public name between backticks, wherever it stands: within a link both would show as brackets."
    written = "\n\n".join(written_by(cell) for cell in cells(processed / name))
    assert re.findall(r"\[[^\[\]\n]*\[`[^`\n]*`\]\([^)\n]*\)[^\[\]\n]*\]\([^)\n]*\)", written) == []
    blocks = re.findall(r"^```(.*?)^```", written, re.DOTALL | re.MULTILINE)
    assert [line for block in blocks for line in block.splitlines() if re.search(r"\[`[^`]+`\]\(", line)] == []


def written_by(cell: dict) -> str:
    "Prose of a cell, and the Markdown that its code wrote."
    outputs = ["".join(output.get("data", {}).get("text/markdown", "")) for output in cell.get("outputs", [])]
    return "\n\n".join([cell["source"]] * (cell["cell_type"] == "markdown") + outputs)


def sass(name: str) -> dict[str, str]:
    "The variables that one of our themes sets."
    return dict(re.findall(r"^\$([\w-]+): ([^;]+);", (ROOT / "nbs" / name).read_text(encoding="utf-8"), re.MULTILINE))


def luminance(colour: str) -> float:
    "Relative luminance of #rrggbb, by WCAG 2."
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("name", "page", "link"), [("light.scss", "#ffffff", "#2761e3"), ("dark.scss", "#222222", "#00bc8c")])
def test_code_can_be_read_and_fonts_are_at_hand(name, page, link):
    "Inline code, and a link that is code, on their ground and the page's: a contrast of 4.5. `link` is the theme's own colour."
    ours = sass(name)
    assert ours["web-font-path"] == "false"
    for text in (ours["code-color"], ours.get("link-color", link)):
        for ground in (ours["code-bg"], page):
            dark, light = sorted([luminance(text), luminance(ground)])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_nbdev_leaves_the_readme_alone(monkeypatch):
    "`nbdev_docs` would write one with every picture inlined, if it found ours to be older than the index."
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(nbdev.quarto, "proc_nbs", lambda *arguments: pytest.fail("nbdev would write README.md"))
    nbdev.quarto.nbdev_readme.__wrapped__(path=ROOT / "nbs", chk_time=True)


def test_quarto_is_pinned_alike():
    "In the workflow that publishes and in the extra for one's own machine."
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f"version: {SETTINGS.docs_requirements.removeprefix('quarto-cli==')}" in workflow


def test_home_links_every_chapter():
    "Each numbered notebook has a row that leads to it, with its number."
    home = "\n".join(cell["source"] for cell in cells(ROOT / "nbs" / "index.ipynb"))
    rows = re.findall(r"^\| \[(\d+[a-z]? \w+)\]\((\w+\.ipynb)\) \|", home, re.MULTILINE)
    numbered = [path.name for path in NOTEBOOKS if path.name[0].isdigit()]
    assert [f"{name.replace(' ', '_', 1)}.ipynb" for name, _ in rows] == [target for _, target in rows] == numbered


def test_home_takes_thirty_seconds():
    "A sentence without symbols, the slider, how to get it, a picture, three ways on, in this order; few tables."
    home = cells(ROOT / "nbs" / "index.ipynb")
    first = [cell["id"] for cell in home if "#| hide" not in cell["source"]][:6]
    assert first == ["title", "claim", "slider", "run", "picture", "cards"]
    claim, ways = (next(cell["source"] for cell in home if cell["id"] == name) for name in ("claim", "cards"))
    assert len(claim.split()) <= 60 and not re.search(r"[φΨŷσ$*]|posterior|prior", claim)
    assert len(re.findall(r"^- \*\*\[", ways, re.MULTILINE)) == 3
    assert sum(written_by(cell).count("|--") > 0 for cell in home if not cell["id"].startswith("map")) <= 2  # besides the contents


def test_reference_has_the_face_first_and_both_lists_have_contents(processed):
    "The calls that do the work stand in full before the tables; headings written by a cell count for the table of contents only if it is `asis`."
    text = "\n".join(written_by(cell) for cell in cells(processed / "reference.ipynb"))
    places = [text.index(name) for name in ("### load_pretrained", "### PosteriorModel.sample", "### reconstruct", "## smlm_ddpm.psf")]
    assert places == sorted(places)
    for name in ("reference.ipynb", "changelog.ipynb"):
        for cell in cells(processed / name):
            if cell["cell_type"] == "code" and re.search(r"^## ", written_by(cell), re.MULTILINE):
                assert "#| output: asis" in cell["source"], cell["id"]


def test_sidebar_numbers_chapters():
    "With the number of the notebook and the title of its page."
    shown = {entry["href"]: entry["text"] for section in quarto()["website"]["sidebar"]["contents"] if isinstance(section, dict)
             for entry in section["contents"] if isinstance(entry, dict)}  # fmt: skip
    titles = {path.name: cells(path)[0]["source"].partition("\n")[0].removeprefix("# ") for path in NOTEBOOKS if path.name[0].isdigit()}
    assert shown == {name: f"{name.partition('_')[0]} {title}" for name, title in titles.items()}


@each_notebook
def test_prose_announces_what_is_there(name):
    "A cell that ends in a colon or in dots goes on in the next one: the site leaves out cells marked `export` or `hide`."
    page = cells(ROOT / "nbs" / name)
    for here, following in zip(page, page[1:]):
        if here["cell_type"] == "markdown" and here["source"].rstrip().endswith((":", "...")):
            assert not re.match(r"#\| (export\n|hide)", following["source"]), here["id"]


@each_notebook
def test_next_and_last_chapters_are_neighbours(name):
    "A chapter that came between two others makes these words lead astray."
    numbered = [path.name for path in NOTEBOOKS if path.name[0].isdigit()]
    said = re.findall(r"\b(next|last|previous) chapter\]\((\w+\.ipynb)\)", prose(ROOT / "nbs" / name))
    steps = {"next": 1, "last": -1, "previous": -1}
    assert [(which, target) for which, target in said if numbered.index(target) != numbered.index(name) + steps[which]] == []


@each_notebook
def test_exported_cells_define_one_public_name(name):
    "nbdev documents those of a cell from the last to the first."
    for cell in cells(ROOT / "nbs" / name):
        if re.match(r"#\| exports?\n", cell["source"]):
            assert len(re.findall(r"^(?:def|class) [a-zA-Z]", cell["source"], re.MULTILINE)) <= 1, cell["id"]


@each_notebook
def test_source_of_functions_starts_folded(name, processed):
    assert not any(re.search(r"^#\| code-fold: show", cell["source"], re.MULTILINE) for cell in cells(processed / name))
