"""Write README.md from nbs/index.ipynb: prose, visible code, and the text its cells printed or showed."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output_text(output: dict) -> str:
    "One output as Markdown."
    data = output.get("data", {})
    if "text/markdown" in data:
        return "".join(data["text/markdown"])
    if "text/html" in data:
        return ""  # a slider: for the page only
    text = "".join(output.get("text", data.get("text/plain", "")))
    return "\n".join("    " + line for line in text.splitlines())


def cell_text(cell: dict) -> list[str]:
    "A cell as Markdown: prose as it is; code only where the site shows it too."
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [re.sub(r"\]\(images/", "](nbs/images/", source)]
    outputs = [output_text(output) for output in cell.get("outputs", [])]
    hidden = source.startswith(("#| hide", "#| echo: false"))
    return outputs if hidden else [f"```python\n{source}\n```", *outputs]


def readme() -> str:
    "The whole README."
    cells = json.loads((ROOT / "nbs" / "index.ipynb").read_text(encoding="utf-8"))["cells"]
    note = "<!-- Made from nbs/index.ipynb by tools/make_readme.py; edit it there. -->"
    return "\n\n".join([note, *(part for cell in cells for part in cell_text(cell) if part)]) + "\n"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
