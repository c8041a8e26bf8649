"""The built pages in a browser: nothing hangs over, equations are there, search finds.

`bash scripts/docs.sh` builds them; the tests are skipped where it was not run.
"""

import functools
import http.server
import threading
from urllib.parse import quote

import pytest

from tests.browsing import look, serious
from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.slow, pytest.mark.precision("single")]

SITE = REPOSITORY / "docs" / "_build" / "html"
# Written by Sphinx, without contents of ours.
OTHERS = ("genindex.html", "search.html", "py-modindex.html")
PAGES = [path for path in sorted(SITE.rglob("*.html")) if path.name not in OTHERS]
SIZES = ((1280, 900), (400, 800))
# How far anything reaches over the right edge of the window, in pixels.
OVERHANG = "return document.documentElement.scrollWidth - window.innerWidth"

WIDTHS = """
const width = equation => equation.getBoundingClientRect().width;
return Array.from(document.querySelectorAll('math'), width);
"""
PROSE = """
const prose = document.querySelector('article').cloneNode(true);
prose.querySelectorAll('pre, code, math').forEach(element => element.remove());
return prose.textContent;
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that prints no line for each request."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    """Where the pages are served, as to readers: from a file the search may not read the others."""
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def site(browser):
    """The browser, where there are pages."""
    if not PAGES:
        pytest.skip("no pages here: bash scripts/docs.sh")
    # Axe takes a minute for the longest page where the machine is busy.
    browser.set_script_timeout(240)
    yield browser
    browser.set_script_timeout(30)


def test_no_page_is_wider_than_its_window(site):
    """On a screen and on a telephone."""
    over = {}
    for path in PAGES:
        site.get(path.as_uri())
        for size in SIZES:
            look(site, *size)
            if (wide := site.execute_script(OVERHANG)) > 0:
                over[path.relative_to(SITE).as_posix(), size[0]] = wide
    assert over == {}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_has_a_serious_barrier(site, dark):
    """By axe-core, contrast of the text among them."""
    look(site, *SIZES[0], dark)
    # Of the reference one page of each kind: they come from one template.
    api = [path for path in PAGES if path.parent.name == "api"]
    chosen = [path for path in PAGES if path not in api] + api[::12]
    found = {}
    for path in chosen:
        site.get(path.as_uri())
        if barriers := serious(site):
            found[path.relative_to(SITE).as_posix()] = barriers[:3]
    assert found == {}


def test_equations_are_drawn(site):
    """As MathML with a size, and no signs of TeX are left in the text."""
    count = 0
    for path in PAGES:
        site.get(path.as_uri())
        sizes = site.execute_script(WIDTHS)
        assert all(size > 0 for size in sizes), path
        count += len(sizes)
        text = site.execute_script(PROSE)
        assert "\\frac" not in text and "$$" not in text, path
    assert count > 30


@pytest.mark.parametrize("word", ["mask", "gradient", "PSF", "units", "lenstronomy"])
def test_search_finds(site, address, word):
    from selenium.webdriver.support.ui import WebDriverWait

    site.get_log("browser")  # what earlier pages wrote
    site.get(f"{address}search.html?q={quote(word)}")
    # The results come one by one.
    more = "return document.querySelectorAll('#search-results li a').length > 2"
    WebDriverWait(site, 60).until(lambda b: b.execute_script(more))
    assert [entry for entry in site.get_log("browser") if entry["level"] == "SEVERE"] == []
