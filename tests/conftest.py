"""The option `--slow`, and a browser without a network."""

import shutil

import pytest
from selenium import webdriver


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the cells of notebooks marked `#| slow`")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    "Chromium without a window, which reaches this machine and files, and nothing else."
    names, driver = ("chromium", "chromium-browser", "google-chrome"), shutil.which("chromedriver")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if not (chromium and driver):
        pytest.skip("needs chromium and chromedriver (Debian: apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    profile = tmp_path_factory.mktemp("profile")
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "window-size=1280,1000",
        f"user-data-dir={profile}",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "proxy-server=127.0.0.1:9",  # nothing listens there; this machine's own addresses go without it
    ):
        options.add_argument("--" + argument)
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    yield window
    window.quit()
