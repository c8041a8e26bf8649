"""The report page: what it says, that nothing in it can do harm, and that a reader at a browser
gets along with it.
"""

import json
import re
import time
import zlib
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy import units
from astropy.table import MaskedColumn, QTable, Table

import jaxmetal as jm
from jaxmetal.view import pack
from jaxmetal.view.report import survey_page
from jaxmetal.view.save import save_page
from tests.browsing import look, serious
from tests.report_scenes import GRADIENT, HOSTILE, survey_galaxies, survey_table

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

ABOUT = {"jaxmetal": "0.1.0", "seed": 3, "configuration": f"priors:\n  # {HOSTILE}\n"}


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of its scripts by id."""

    def __init__(self, page):
        super().__init__()
        self.found, self.scripts, self._script = [], {}, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._script = dict(attrs).get("id", "program") if tag == "script" else None

    def handle_endtag(self, tag):
        self._script = None

    def handle_data(self, data):
        if self._script:
            self.scripts[self._script] = data


def small_table():
    table = survey_table(12)
    for column in ("id", "message"):
        table[column] = table[column].astype("U200")
        table[column][3] = HOSTILE
    table[HOSTILE] = 1.0
    table[HOSTILE].unit = "km"
    return table


@pytest.fixture(scope="module")
def table():
    return small_table()


@pytest.fixture(scope="module")
def page(table):
    return survey_page(table, dict(survey_galaxies(table, size=16)), f"Survey {HOSTILE}", ABOUT)


@pytest.fixture(scope="module")
def elements(page):
    return Elements(page)


def column(elements, name):
    return next(c for c in json.loads(elements.scripts["table"])["columns"] if c["name"] == name)


def test_strings_stay_strings(page, elements):
    """Ids, messages, names of columns, title and provenance hold markup.

    Not one element comes of it.
    """
    assert HOSTILE not in page
    kinds = [attributes.get("type") for tag, attributes in elements.found if tag == "script"]
    assert kinds == ["application/json"] * (1 + 11) + [None]
    assert "img" not in {tag for tag, _ in elements.found}
    assert column(elements, "id")["values"][3] == HOSTILE
    assert column(elements, HOSTILE)["unit"] == "km"


def test_the_page_needs_nothing_but_itself(page, elements):
    assert not [a for _, a in elements.found if {"src", "href", "srcset", "action"} & set(a)]
    assert not re.search(r"https?://|//cdn|@import|url\(", page)
    policy = next(
        a["content"]
        for tag, a in elements.found
        if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert (
        policy.startswith("default-src 'none'")
        and "'unsafe-inline'" not in policy.split("script-src")[1]
    )


def test_what_has_no_value_is_null(table, elements):
    assert column(elements, f"{GRADIENT}.q50")["values"][7] is None
    assert column(elements, "converged") == {
        "name": "converged",
        "unit": "",
        "kind": "flag",
        "values": [i != 7 for i in range(12)],
    }
    x = MaskedColumn([1.5, 2.5], mask=[True, False])
    odd = Table(
        {
            "id": [1, 1237648720693755918],
            "x": x,
            "y": [np.inf, 3.0],
            "z": [b"a", b"\xff"],
            "cube": np.ones((2, 3)),
        }
    )
    found = {c["name"]: c["values"] for c in pack.columns(odd)}
    assert found == {
        "id": ["1", "1237648720693755918"],
        "x": [None, 2.5],
        "y": [None, 3],
        "z": ["a", "\ufffd"],
    }
    assert pack.columns(QTable({"v": [1.0] * units.km / units.s})) == [
        {"name": "v", "unit": "km/s", "kind": "number", "values": [1]}
    ]


@pytest.mark.parametrize("light", [False, True])
def test_a_byte_a_pixel_holds_a_map(light):
    """Values come back to half a level, NaN as nothing, an outlier as beyond the end, the
    residual to half a tenth.
    """
    rng = np.random.default_rng(0)
    model = (
        np.geomspace(1, 1000, 30 * 40).reshape(30, 40)
        if light
        else np.linspace(8, 9, 30 * 40).reshape(30, 40)
    )
    sigma = 1.0 if light else 0.02
    data = model + sigma * rng.normal(size=model.shape)
    data[3, 4], data[5, 6] = np.nan, 1e9
    packed = pack.galaxy(
        {
            "maps": {"z": {"data": data, "sigma": sigma, "model": model, "light": light}},
            "pixel_scale": 0.2,
        },
        "x",
    )
    described = packed["maps"][0]
    planes = np.frombuffer(zlib.decompress(b64decode(packed["pixels"])), np.uint8).reshape(
        3, 30, 40
    )
    found = {}
    for (kind, panel), plane in zip(described["panels"].items(), planes, strict=True):
        low, high = panel["ends"]
        values = low + (plane - 1.0) / pack.LEVELS * (high - low)
        found[kind] = values, 0.51 * (high - low) / pack.LEVELS
        assert np.array_equal(plane == pack.NOTHING, np.isnan(data))
    assert planes[0, 5, 6] == planes[2, 5, 6] == pack.ABOVE
    good = np.isfinite(data) & (data < 1e8)
    stretched = (lambda v: np.arcsinh(v / described["width"])) if light else (lambda v: v)
    for kind, image in {
        "data": stretched(data),
        "model": stretched(model),
        "residual": (data - model) / sigma,
    }.items():
        values, step = found[kind]
        assert np.abs(values - image)[good].max() < step
    assert step == pytest.approx(0.051)
    assert described["scale"] == 0.2 and described["shape"] == [30, 40]


def test_an_empty_border_is_not_shown():
    """As wide on all sides, so that the middle stays where it is.

    A pixel of it is left, and a model cannot fill it.
    """
    data = np.full((12, 14), np.nan)
    data[4:9, 3:9] = np.arange(30.0).reshape(5, 6)
    packed = pack.galaxy(
        {
            "maps": {"z": {"data": data, "model": np.ones((12, 14)), "sigma": np.ones((12, 14))}},
            "pixel_scale": 0.5,
        },
        "x",
    )
    described = packed["maps"][0]
    assert described["shape"] == [8, 10] and described["scale"] == 0.5
    planes = np.frombuffer(zlib.decompress(b64decode(packed["pixels"])), np.uint8).reshape(3, 8, 10)
    for plane in planes:
        assert np.array_equal(plane != pack.NOTHING, np.isfinite(data)[2:-2, 2:-2])


def test_what_is_missing_is_left_out():
    image = np.ones((3, 4))

    def kinds(content):
        return [list(m["panels"]) for m in pack.galaxy({"maps": {"z": content}}, "x")["maps"]]

    assert kinds({"data": image}) == [["data"]]
    assert kinds({"model": image}) == [["model"]]
    assert kinds({"data": image, "model": image}) == [["data", "model"]]
    assert kinds({"data": image, "model": image, "sigma": 0.0 * image}) == [["data", "model"]]
    assert kinds({"data": np.nan * image, "model": image, "sigma": 1.0}) == [
        ["data", "model", "residual"]
    ]
    assert pack.galaxy({}, "x")["maps"] == []


def test_broken_maps_touch_nothing_else():
    """Infinities, absurd numbers, empty and constant maps and errors of any size.

    Each becomes a picture or a dash.
    """
    rng = np.random.default_rng(3)
    odd = [0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-300, 1e300, 1e29, -1e29, 8.5]
    for _ in range(150):
        image, model, sigma = (
            rng.choice(rng.choice(odd, rng.integers(1, 4)), (5, 4)) for _ in range(3)
        )
        packed = pack.galaxy(
            {
                "maps": {
                    "z": {
                        "data": image,
                        "model": model,
                        "sigma": sigma,
                        "light": bool(rng.integers(2)),
                    }
                }
            },
            "x",
        )
        planes = np.frombuffer(zlib.decompress(b64decode(packed["pixels"])), np.uint8).reshape(
            -1, 5, 4
        )
        assert np.array_equal(planes[0] == pack.NOTHING, ~(np.abs(image) < 1e30))
        assert json.loads(pack.inert(packed))["maps"][0]["shape"] == [5, 4]


def test_large_maps_are_averaged_in_blocks():
    image = np.arange(300.0 * 200).reshape(300, 200)
    image[:3, :3] = np.nan
    described = pack.galaxy({"maps": {"z": {"data": image}}, "pixel_scale": 0.1}, "x")["maps"][0]
    assert described["shape"] == [100, 67] and described["scale"] == pytest.approx(0.3)
    small = pack.smaller(image, 3)
    assert np.isnan(small[0, 0]) and small[1, 1] == image[4, 4]
    assert small[1, 66] == image[3:6, 198:].mean()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"data": np.ones(3)}, r"galaxy 'b': map 'z': expected an image"),
        ({}, r"galaxy 'b': map 'z': expected an image"),
        ({"data": np.ones((3, 3)), "model": np.ones((3, 4))}, "different shapes"),
        ({"data": np.ones((3, 3)), "sigma": np.ones(3)}, "different shapes"),
    ],
)
def test_maps_that_are_none_are_named(content, text):
    with pytest.raises(jm.InputError, match=text):
        survey_page(Table({"id": ["a", "b"]}), {"b": {"maps": {"z": content}}}, "s", {})


def test_galaxies_and_table_must_belong_together():
    with pytest.raises(jm.InputError, match=r"more than one row with id 'a'"):
        survey_page(Table({"id": ["a", "b", "a"]}), {}, "s", {})
    with pytest.raises(jm.InputError, match=r"needs a column 'id'; it has x"):
        survey_page(Table({"x": [1]}), {}, "s", {})
    with pytest.raises(jm.InputError, match=r"galaxy 'c' has no row"):
        survey_page(Table({"id": ["a"]}), {"c": {}}, "s", {})


# What a person does at a browser.

MANY = 1000
BIG, LITTLE = "survey.html", "little.html"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, page):
    """A page of 1,000 galaxies with three maps each, and the page with the hostile names."""
    folder, many = tmp_path_factory.mktemp("report"), survey_table(MANY)
    # A few galaxies lend their pictures to all.
    contents = [content for _, content in survey_galaxies(survey_table(20))]
    galaxies = ((name, contents[i % len(contents)]) for i, name in enumerate(many["id"]))
    save_page(survey_page(many, galaxies, "Survey", ABOUT), folder / BIG)
    save_page(page, folder / LITTLE)
    return folder


@pytest.fixture(scope="module")
def opened(browser, folder):
    """Opens a page afresh."""

    def opened(name=BIG, width=1366, height=768, dark=False):
        look(browser, width, height, dark)
        browser.get_log("browser")  # what other pages wrote
        browser.get((folder / name).as_uri())
        return browser

    return opened


def names(browser):
    """The galaxies in the rows that are there, from the top."""
    return browser.execute_script(
        "return [...document.querySelectorAll('.open')].map(b => b.textContent)"
    )


def cells(browser, column):
    """What stands in a column of the rows that are there."""
    at = browser.execute_script(
        "return [...document.querySelectorAll('#heads .label')].map(x => x.textContent)"
    ).index(column)
    return browser.execute_script(
        f"return [...document.querySelectorAll('#rows tr')].map(row => "
        f"row.children[{at}].textContent)"
    )


def find(browser, css):
    return browser.find_element("css selector", css)


def wait(browser, script):
    """Until a script is true; fails after a minute, which a busy machine may need."""
    end = time.perf_counter() + 60
    while not browser.execute_script(f"return {script}"):
        assert time.perf_counter() < end, script
        time.sleep(0.02)


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(browser).send_keys(*(getattr(Keys, key, key) for key in keys)).perform()


def typed(browser, label, text):
    field = find(browser, f"input[aria-label='{label}']")
    field.clear()
    field.send_keys(text)
    return field


def head(browser, label):
    return next(
        h
        for h in browser.find_elements("css selector", "#heads button")
        if label in h.text.splitlines()
    )


@pytest.mark.slow
def test_a_thousand_galaxies_open_and_sort_quickly(opened):
    """The fastest of three, since other programs may be running.

    All 30 columns are shown when sorting.
    """
    times = []
    for _ in range(3):
        browser = opened()
        times.append(
            browser.execute_script(
                "return performance.getEntriesByType('navigation')[0].loadEventEnd"
            )
        )
    assert len(names(browser)) > 15
    find(browser, "#chooser summary").click()
    browser.execute_script(
        "for (const box of document.querySelectorAll('#choices input:not(:checked)')) box.click()"
    )
    assert len(browser.find_elements("css selector", "#heads th")) == 30
    sort = """const done = arguments[1], begin = performance.now();
        document.querySelectorAll('#heads button')[arguments[0]].click();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));"""
    sorts = [browser.execute_async_script(sort, at) for at in (1, 4, 0, 5, 29, 2)]
    print(f"opened in {[round(t) for t in times]} ms, sorted in {[round(t) for t in sorts]} ms")
    assert min(times) < 2000
    assert min(sorts) < 200


@pytest.mark.slow
def test_a_click_on_a_heading_sorts_and_says_so(opened):
    browser = opened()
    table = survey_table(MANY)
    gradients = dict(zip(table["id"], table[f"{GRADIENT}.q50"], strict=True))
    for sign, word in ((1, "ascending"), (-1, "descending")):
        head(browser, "gradient").click()
        assert (
            head(browser, "gradient").find_element("xpath", "..").get_attribute("aria-sort") == word
        )
        expected = sorted(
            (name for name, value in gradients.items() if np.isfinite(value)),
            key=lambda name: sign * gradients[name],
        )
        assert names(browser)[:15] == expected[:15]
    # Galaxies without a value come last, whichever way round.
    browser.execute_script(
        "const s = document.querySelector('#scroller'); s.scrollTop = s.scrollHeight"
    )
    wait(browser, "document.querySelector('#rows tr:last-child').dataset.place === '999'")
    assert cells(browser, "gradient")[-1] == "–" and set(cells(browser, "converged")[-20:]) == {
        "no"
    }


@pytest.mark.slow
def test_filters_narrow_the_table_and_can_be_cleared(opened):
    browser, table = opened(), survey_table(MANY)
    status = lambda: find(browser, "#status").text  # noqa: E731
    assert status() == "1,000 galaxies, 20 not converged"
    typed(browser, f"Filter {GRADIENT}", "> -0.02")
    steep = np.nan_to_num(table[f"{GRADIENT}.q50"], nan=-1) > -0.02
    assert status() == f"{steep.sum()} of 1,000 galaxies"
    typed(browser, "Filter resolved", "= true")
    assert status() == f"{(steep & table['resolved']).sum()} of 1,000 galaxies"
    assert typed(browser, "Filter resolved", "maybe").get_attribute("aria-invalid") == "true"
    assert status() == f"{steep.sum()} of 1,000 galaxies"
    find(browser, "#clear").click()
    assert status().startswith("1,000 galaxies")
    typed(browser, "Filter converged", "= false")
    assert status() == "20 of 1,000 galaxies"
    typed(browser, f"Filter {GRADIENT}", "-0.05 .. 0")
    assert status() == "0 of 1,000 galaxies" and find(browser, "#none").is_displayed()
    find(browser, "#clear").click()
    typed(browser, "Search names and messages", "8004 FINITE")
    assert names(browser) == ["8004-12710"] and cells(browser, "converged") == ["no"]


@pytest.mark.slow
def test_a_galaxy_opens_by_keyboard_and_gives_the_focus_back(opened):
    browser = opened()
    browser.execute_script("document.querySelector(\".open[tabindex='0']\").focus()")
    press(browser, "ARROW_DOWN", "ARROW_DOWN", "ENTER")
    title = lambda: find(browser, "#galaxy-name").text  # noqa: E731
    assert title() == "8000-12703"
    wait(browser, "document.querySelectorAll('#maps .panel canvas').length === 9")
    shades = """return [...document.querySelectorAll('#maps .panel canvas')].map(
        canvas => new Set(canvas.getContext('2d').getImageData(0, 0, 64, 64).data).size)"""
    assert min(browser.execute_script(shades)) > 50
    assert (
        find(browser, "#maps canvas")
        .get_attribute("aria-label")
        .startswith("metallicity, data: from ")
    )
    press(browser, "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_LEFT")
    assert title() == "8000-12704"
    press(browser, "ESCAPE")
    assert not find(browser, "#galaxy").is_displayed()
    assert browser.switch_to.active_element.text == "8000-12704"


@pytest.mark.slow
def test_the_value_under_the_pointer_is_told(opened):
    from selenium.webdriver.common.action_chains import ActionChains

    browser = opened()
    find(browser, ".open").click()
    wait(browser, "document.querySelectorAll('#maps .panel canvas').length === 9")
    ActionChains(browser).move_to_element_with_offset(
        find(browser, "#maps canvas"), 1, -1
    ).perform()
    content = next(survey_galaxies(survey_table(20)))[1]["maps"]["metallicity"]
    said = find(browser, "#readout").text
    found = re.fullmatch(
        r"metallicity at x 0\.25″, y 0\.25″: +data (\S+) dex, +model (\S+) dex, +residual (\S+) σ",
        said,
    )
    assert found, said
    shown = [float(number.replace("−", "-")) for number in found.groups()]
    data, model, sigma = (content[key][32, 32] for key in ("data", "model", "sigma"))
    assert shown == pytest.approx([data, model, (data - model) / sigma], abs=0.06)


@pytest.mark.slow
def test_the_profile_of_an_open_galaxy_follows_light_and_dark(opened):
    browser = opened(LITTLE)
    find(browser, ".open").click()
    wait(browser, "document.querySelectorAll('#maps .panel canvas').length === 9")
    browser.execute_script("window.light = document.querySelector('#profile canvas').toDataURL()")
    look(browser, 1366, 768, dark=True)
    wait(browser, "document.querySelector('#profile canvas').toDataURL() !== window.light")
    look(browser, 1366, 768)
    wait(browser, "document.querySelector('#profile canvas').toDataURL() === window.light")


@pytest.mark.slow
def test_a_click_on_a_point_of_the_plot_opens_its_galaxy(opened):
    from selenium.webdriver.common.action_chains import ActionChains

    browser = opened(LITTLE)
    assert "Scatter plot of 11 galaxies" in find(browser, "#scatter").get_attribute("aria-label")
    canvas, at = find(browser, "#scatter"), None
    # Somewhere along the middle there is a point.
    for x, y in ((x, y) for y in range(-60, 61, 20) for x in range(-120, 121, 16)):
        ActionChains(browser, 0).move_to_element_with_offset(canvas, x, y).perform()
        if find(browser, "#tip").is_displayed():
            at = find(browser, "#tip").text.rpartition(": ")[0]
            break
    assert at
    ActionChains(browser).click().perform()
    assert find(browser, "#galaxy-name").text == at


@pytest.mark.slow
def test_nothing_that_the_data_say_is_run(opened):
    browser = opened(LITTLE)
    assert browser.title == f"Survey {HOSTILE}"
    find(browser, "#rows tr:nth-child(4) .open").click()
    wait(browser, "document.querySelectorAll('#maps .panel canvas').length === 9")
    assert find(browser, "#galaxy-name").text == HOSTILE
    assert (
        browser.execute_script(
            "return document.querySelectorAll('img').length + document.scripts.length"
        )
        == 1 + 1 + 11
    )
    press(browser, "ESCAPE")
    find(browser, "#about-open").click()
    assert HOSTILE in find(browser, "#about").text
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(1366, False), (1366, True), (400, False)])
def test_nobody_is_left_out(opened, width, dark):
    """axe-core finds nothing serious in the table, an open galaxy, the provenance and the list
    of columns.
    """
    browser = opened(LITTLE, width, 768, dark)
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    typed(browser, "Filter resolved", "perhaps")
    assert serious(browser) == []
    find(browser, "#clear").click()
    find(browser, "#chooser summary").click()
    assert serious(browser) == []
    press(browser, "ESCAPE")
    find(browser, "#about-open").click()
    assert serious(browser) == []
    press(browser, "ESCAPE")
    find(browser, ".open").click()
    wait(browser, "document.querySelectorAll('#maps .panel canvas').length === 9")
    assert serious(browser) == []
