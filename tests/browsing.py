"""A browser without a screen, driven as a person would."""

import shutil
from pathlib import Path

import pytest

# What a page must be free of, by axe-core's own measure.
GRAVE = ("serious", "critical")


@pytest.fixture(scope="session")
def browser():
    """Chromium; the tests that need it are skipped where there is none."""
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed (the test extra)"
    )
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driven = webdriver.Chrome(options, webdriver.ChromeService(driver))
    driven.set_script_timeout(30)
    yield driven
    driven.quit()


def look(browser, width, height, dark=False):
    """Change the size of the window, and light and dark."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def serious(browser):
    """What axe-core finds serious or worse in the page as it stands: (rule, element) of each."""
    import axe_core_python

    if not browser.execute_script("return window.axe !== undefined"):
        browser.execute_script(
            (Path(axe_core_python.__file__).parent / "axe.min.js").read_text("utf-8")
        )
    run = "axe.run(document, {resultTypes: ['violations']}).then(arguments[0])"
    found = browser.execute_async_script(run)["violations"]
    return [
        (rule["id"], node["html"][:120])
        for rule in found
        for node in rule["nodes"]
        if rule["impact"] in GRAVE
    ]
