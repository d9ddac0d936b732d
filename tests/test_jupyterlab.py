"""In JupyterLab a notebook opens, runs from top to bottom, and its sliders ask the kernel for a new picture."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from project import ROOT
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

RUN_ALL = "window.ran = false; window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ran = true })"
CONNECTED = (
    "const panel = [...(window.jupyterapp?.shell.widgets('main') ?? [])][0];"
    "return panel?.sessionContext?.session?.kernel?.connectionStatus === 'connected'"
)
UNTIL_RUN, UNTIL_REDRAWN = 180, 30  # seconds to wait at most


def free_port() -> int:
    "A port that nobody listens on."
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    "The address of a JupyterLab that serves a copy of the notebook on explorers."
    home = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "nbs" / "explorers.ipynb", home)
    settings = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}))  # cells out of sight exist too
    places = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
    environment = os.environ | {name: str(home / folder) for name, folder in places.items()}
    port, token = free_port(), "for-this-test"
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={token}",
               "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={home}"]
    with (home / "log.txt").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", server, home / "log.txt")
        yield f"http://127.0.0.1:{port}/doc/tree/explorers.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(address: str, server, log) -> None:
    "Until a server answers."
    for _ in range(120):
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.URLError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
    pytest.fail(f"no answer from JupyterLab: {log.read_text()}")


@pytest.fixture(scope="module")
def notebook(lab, browser):
    "The notebook after all its cells have run."
    browser.get(lab)
    WebDriverWait(browser, UNTIL_RUN).until(lambda page: page.execute_script(CONNECTED))  # before, Lab would ask for a kernel
    browser.execute_script(RUN_ALL)
    WebDriverWait(browser, UNTIL_RUN).until(lambda page: page.execute_script("return window.ran"))
    return browser


def test_every_cell_runs(notebook):
    errors = notebook.find_elements(By.CSS_SELECTOR, "[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedText[data-mime-type*='error']")
    assert [error.text for error in errors] == []
    prompts = [prompt.get_property("textContent") for prompt in notebook.find_elements(By.CSS_SELECTOR, ".jp-CodeCell .jp-InputPrompt")]
    assert prompts == [f"[{number}]:" for number in range(1, len(prompts) + 1)]


def test_live_slider_redraws(notebook):
    "The arrow key moves the slider; the kernel draws; picture and caption follow."
    picture, handle = (notebook.find_element(By.CSS_SELECTOR, f".jp-OutputArea {part}") for part in ("img.widget-image", ".noUi-handle"))
    output = handle.find_element(By.XPATH, "ancestor::div[contains(@class, 'widget-vbox')][1]")
    before, told = picture.get_property("src"), output.text
    notebook.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    handle.send_keys(Keys.ARROW_RIGHT)
    WebDriverWait(notebook, UNTIL_REDRAWN).until(lambda page: picture.get_property("src") != before and output.text != told)
    assert notebook.execute_script("return arguments[0].complete && arguments[0].naturalWidth > 0", picture)
