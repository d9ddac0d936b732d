"""The rendered site, page by page in a browser: no console error, no missing picture, no dead link."""

import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest
from project import NOTEBOOKS, copy_project, page_name

PAGES = [page_name(path) for path in NOTEBOOKS]
LINKS = "return [...document.querySelectorAll('a[href]')].map(link => link.href)"
ANCHORS = "return [...document.querySelectorAll('[id]')].map(element => element.id)"
MISSING = "return [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src)"


class Quiet(SimpleHTTPRequestHandler):
    "Serves files, and says nothing."

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    "A function from a folder to the address that serves it."
    servers = []

    def start(folder: Path) -> str:
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()


def faults(browser, address: str, folder: Path, pages: list[str]) -> list[str]:
    "What is wrong with some pages of a site."
    anchors, links, found = {}, {}, []
    for page in pages:
        browser.get_log("browser")  # forget the page before
        browser.get(address + page)
        found += [f"{page}: {entry['message']}" for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        found += [f"{page}: picture {source[:80]}" for source in browser.execute_script(MISSING)]
        anchors[page], links[page] = set(browser.execute_script(ANCHORS)), browser.execute_script(LINKS)
    for page, addresses in links.items():
        for link in {link for link in addresses if link.startswith(address)}:
            target, anchor = urldefrag(link)
            name = unquote(urlparse(target).path).lstrip("/") or "index.html"
            if not (folder / name).exists() or (anchor and unquote(anchor) not in anchors.get(name, {unquote(anchor)})):
                found.append(f"{page}: link to {link.removeprefix(address)}")
    return found


def test_faults_are_found(browser, serve, tmp_path):
    "The check itself, on a page with one fault of each kind and a sound one."
    (tmp_path / "other.html").write_text('<!doctype html><link rel="icon" href="data:,"><title>other</title><h1 id="here">Here</h1>')
    (tmp_path / "index.html").write_text(
        '<!doctype html><link rel="icon" href="data:,"><title>page</title><a href="other.html#here">good</a>'
        '<a href="other.html#there">no such anchor</a><a href="nowhere.html">no such page</a><script>nonsense()</script>'
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">'
    )
    found = faults(browser, serve(tmp_path), tmp_path, ["index.html", "other.html"])
    assert sorted(fault.split()[1] for fault in found if "nonsense" not in fault) == ["link", "link", "picture"]
    assert sum("nonsense" in fault for fault in found) == 1


@pytest.mark.skipif(not shutil.which("quarto"), reason='needs Quarto (pip install -e ".[docs]")')
def test_quarto_renders_every_page(browser, serve, tmp_path):
    "`nbdev_docs` in a copy of the project: no warning, and no fault on any page."
    project = copy_project(tmp_path)
    done = subprocess.run(["nbdev_docs"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in (done.stdout + done.stderr).splitlines() if "WARN" in line] == []
    site = project / "_docs"
    assert sorted(path.name for path in site.glob("*.html")) == sorted(PAGES)
    assert faults(browser, serve(site), site, PAGES) == []
