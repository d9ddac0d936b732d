"""Write README.md from nbs/index.ipynb: prose, visible code, and what its cells printed or showed.

Pictures of labelled figures are written to nbs/images/, and links to notebooks become links to the site.
"""

import configparser
import json
import re
from base64 import b64decode
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = "nbs/images"


def site() -> str:
    "The address of the site, from the one place where it is written."
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    return settings["DEFAULT"]["doc_host"] + settings["DEFAULT"]["doc_baseurl"]


def to_the_site(source: str) -> str:
    "Links to notebooks, as links to their pages."
    return re.sub(r"\]\((?:\d+[a-z]?_)?(\w+)\.ipynb(#[\w-]+)?\)", rf"]({site()}/\1.html\2)", source)


def option(source: str, name: str) -> str:
    "The value of a `#|` line of a cell."
    found = re.search(rf"^#\| {name}: (.*)$", source, re.MULTILINE)
    return found[1].strip('"') if found else ""


def output_text(output: dict, source: str) -> str:
    "One output of a cell as Markdown."
    data = output.get("data", {})
    if "text/markdown" in data:
        return "".join(data["text/markdown"])
    if "text/html" in data:
        return ""  # a slider: for the page only
    if "image/png" in data:
        name = option(source, "label")
        return f"![{option(source, 'fig-alt')}]({IMAGES}/{name}.png)\n\n*{option(source, 'fig-cap')}*"
    text = "".join(output.get("text", data.get("text/plain", "")))
    return "\n".join("    " + line for line in text.splitlines())


def cell_text(cell: dict) -> list[str]:
    "A cell as Markdown: prose as it is; code only where the site shows it too."
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [to_the_site(source)]
    outputs = [output_text(output, source) for output in cell.get("outputs", [])]
    hidden = source.startswith(("#| hide", "#| echo: false"))
    return outputs if hidden else [f"```python\n{source}\n```", *outputs]


def index_cells() -> list[dict]:
    "The cells of the home page."
    return json.loads((ROOT / "nbs" / "index.ipynb").read_text(encoding="utf-8"))["cells"]


def readme() -> str:
    "The whole README."
    note = "<!-- Made from nbs/index.ipynb by tools/make_readme.py; edit it there. -->"
    return "\n\n".join([note, *(part for cell in index_cells() for part in cell_text(cell) if part)]) + "\n"


def pictures() -> dict[Path, bytes]:
    "The files of the README's pictures."
    found = {}
    for cell in index_cells():
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                name = option("".join(cell["source"]), "label")
                found[ROOT / IMAGES / f"{name}.png"] = b64decode("".join(output["data"]["image/png"]))
    return found


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
    for path, content in pictures().items():
        path.write_bytes(content)
