"""The interactive figures as a reader of the site has them: in a browser, without a kernel and without network."""

import json
from html import unescape
from urllib.parse import quote

import pytest
from project import NOTEBOOKS, ROOT, cells
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By


def stored_books(path) -> list[str]:
    "The HTML of every flip-book stored in a notebook."
    outputs = [output.get("data", {}) for cell in cells(path) for output in cell.get("outputs", [])]
    stored = ["".join(data.get("text/html", [])) for data in outputs]
    return [html for html in stored if 'class="flipbook"' in html]


BOOKS = {path.stem: stored_books(path) for path in NOTEBOOKS}
CASES = [(stem, index) for stem, books in BOOKS.items() for index in range(len(books))]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def book(request, browser, tmp_path):
    "One stored flip-book on a page of its own, opened from disk."
    stem, index = request.param
    style = (ROOT / "nbs" / "styles.css").read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><style>{style}</style>'
        f"<title>{stem}</title>{BOOKS[stem][index]}",
        encoding="utf-8",
    )
    browser.get_log("performance")  # forget the previous page
    browser.get(page.as_uri())
    return browser.find_element(By.CLASS_NAME, "flipbook")


def shown(book) -> tuple[str, str, str]:
    "Picture, its alternative text and caption, as they are now."
    picture = book.find_element(By.TAG_NAME, "img")
    caption = book.find_element(By.TAG_NAME, "figcaption").get_property("textContent")
    return picture.get_property("src"), picture.get_property("alt"), caption


def frame(book, positions: list[int]) -> tuple[str, str, str]:
    "What should be shown with the sliders at these positions: frames are stored in row order."
    at = 0
    for slider, position in zip(book.find_elements(By.TAG_NAME, "input"), positions, strict=True):
        at = at * (int(slider.get_attribute("max")) + 1) + position
    source, text = json.loads(unescape(book.get_attribute("data-frames")))[at]
    return source, text, text


def requested(browser) -> list[str]:
    "Every address that the page asked for."
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def test_there_is_something_to_test():
    assert BOOKS["explorers"]


def test_keyboard_moves_the_picture(book, browser):
    sliders = book.find_elements(By.TAG_NAME, "input")
    positions = [0] * len(sliders)
    assert shown(book) == frame(book, positions)
    for index, slider in enumerate(sliders):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        assert browser.switch_to.active_element == slider, "the Tab key does not reach the slider"
        ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
        positions[index] = 1
        assert shown(book) == frame(book, positions)
        assert slider.get_attribute("aria-valuetext") == json.loads(slider.get_attribute("data-stops"))[1]
        assert slider.accessible_name, "the slider has no label"


def test_mouse_moves_the_picture(book, browser):
    sliders = book.find_elements(By.TAG_NAME, "input")
    positions = [0] * len(sliders)
    for index, slider in enumerate(sliders):
        end = slider.size["width"] // 2 - 3
        ActionChains(browser).move_to_element_with_offset(slider, end, 0).click().perform()
        positions[index] = int(slider.get_attribute("max"))
        assert shown(book) == frame(book, positions)


def test_nothing_is_loaded(book, browser):
    for slider in book.find_elements(By.TAG_NAME, "input"):
        slider.send_keys(Keys.END)
    addresses = requested(browser)
    assert addresses and {address.split(":")[0] for address in addresses} <= {"file", "data"}
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_caption_is_readable(book, browser, scheme):
    "The contrast of caption and labels with the page, by the formula of WCAG 2 (4.5 is its limit for text)."
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    ground = browser.execute_script(
        "document.body.style.backgroundColor = 'Canvas'; return getComputedStyle(document.body).backgroundColor"
    )
    assert luminance(ground) > 0.9 if scheme == "light" else luminance(ground) < 0.1
    for part in book.find_elements(By.CSS_SELECTOR, "figcaption, label"):
        text = luminance(part.value_of_css_property("color"))
        light, dark = sorted([text, luminance(ground)], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    "Relative luminance of a CSS rgb() or rgba() colour, 0 black to 1 white."
    channels = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen(book, browser, width, scheme):
    "On a desktop and on a phone: nothing to scroll sideways, and pictures in their own proportions."
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        shown, natural = browser.execute_script(PROPORTIONS)
        assert shown == pytest.approx(natural, rel=0.02)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


PROPORTIONS = "const i = document.images[0]; return [i.clientWidth / i.clientHeight, i.naturalWidth / i.naturalHeight]"


def test_figures_keep_their_proportions(browser, tmp_path):
    "Quarto gives a picture the width and height that the notebook stored: on a phone only the width may give way."
    style = (ROOT / "nbs" / "styles.css").read_text(encoding="utf-8")
    picture = "data:image/svg+xml," + quote('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="300"/>')
    page = tmp_path / "page.html"
    page.write_text(
        f'<!doctype html><title>figure</title><style>{style}</style><main><div style="width: 300px" class="cell-output">'
        f'<p><img src="{picture}" width="900" height="300" alt=""></p></div><p style="width: 200px"><code>{"long_name." * 20}</code></p></main>',
        encoding="utf-8",
    )
    browser.get(page.as_uri())
    shown, natural = browser.execute_script(PROPORTIONS)
    assert shown == pytest.approx(natural, rel=0.02)
    assert browser.execute_script("return document.querySelector('code').getBoundingClientRect().width <= 200")
