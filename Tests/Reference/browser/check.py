"""Looks at report.html in Chromium as its readers do. usage: check.py PVBENCH RUN.JSON [IMAGES]

IMAGES is a folder for screenshots: light, dark, on paper, and 390 pixels wide.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import runs

FAILED = []


def main(program, run, images=None):
    original = json.loads(pathlib.Path(run).read_text())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        page = render(program, runs.wide(original), folder / "wide")
        with Browser() as browser:
            silent(browser, page)
            charts(browser, page)
            controls(browser, page)
            keyboard(browser, page)
            accessible(browser, page)
            narrow(browser, page)
            if images:
                pictures(browser, page, pathlib.Path(images))
        with Browser(script=False) as browser:
            scriptless(browser, page)
        large(program, runs.large(original), folder / "large")
    if FAILED:
        sys.exit(f"{len(FAILED)} failed: " + "; ".join(FAILED))


def expect(holds, what):
    print(("ok      " if holds else "FAILED  ") + what)
    if not holds:
        FAILED.append(what)


def render(program, run, folder):
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(run))
    subprocess.run([program, "report", folder, "--format", "html"], check=True, stdout=subprocess.DEVNULL)
    return folder / "report.html"


class Browser:
    """A headless Chromium that logs its console and every request."""

    def __init__(self, script=True, width=1200):
        options = webdriver.ChromeOptions()
        for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},1000"]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        service = webdriver.ChromeService(executable_path="/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)

    def __enter__(self):
        return self.driver

    def __exit__(self, *_):
        self.driver.quit()


def open_page(browser, page):
    browser.get(page.as_uri())
    return browser


# No errors, no requests


def silent(browser, page):
    open_page(browser, page)
    time.sleep(0.5)
    errors = [line["message"] for line in browser.get_log("browser")]
    expect(errors == [], f"the console is empty {errors}")
    sent = []
    for line in browser.get_log("performance"):
        message = json.loads(line["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            sent.append(message["params"]["request"]["url"])
    outside = [url for url in sent if not url.startswith((page.as_uri(), "data:"))]
    expect(outside == [], f"nothing is fetched from anywhere {outside}")


# Charts


def charts(browser, page):
    """Every number that a chart shows stands in a table of the chart's own section."""
    open_page(browser, page)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    found = browser.execute_script(
        """
        return [...document.querySelectorAll("main svg[role=img]")].map((svg) => {
          const home = svg.closest("article, section");
          const words = [...svg.querySelectorAll("text.value, path title, rect title")].map((t) => t.textContent);
          const tables = [...home.querySelectorAll("table")].map((t) => t.innerText).join(" ");
          return { title: svg.querySelector("title").textContent, desc: svg.querySelector("desc").textContent, words, tables };
        });
        """
    )
    expect(len(found) > 8, f"{len(found)} charts")
    for chart in found:
        expect(bool(chart["title"] and chart["desc"]), f"a chart has a title and a description: {chart['title']}")
        known = quantities(chart["tables"])
        shown = [value for words in chart["words"] for value in quantities(words)]
        lost = [value for value in shown if not any(abs(value - k) <= 0.006 * abs(k) for k in known)]
        expect(lost == [], f"{chart['title']}: {len(shown)} numbers stand in its table {lost[:3]}")


UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "%": 1}


def quantities(text):
    """Every number of a text; times as seconds, and also as the bare number, for tables that name their unit once."""
    text = text.replace("\u202f", "").replace("−", "-")
    values = []
    for number, unit in re.findall(r"(-?\d[\d.]*(?:e[+-]\d+)?)([a-zµ%]*)", text):
        value = float(number.rstrip("."))
        values.append(value * UNITS.get(unit, 1))
        if unit == "":
            values += [value * scale for scale in (1e-9, 1e-6, 1e-3)]
    return values


# Controls


def visible(browser, selector):
    return [e for e in browser.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()]


def controls(browser, page):
    open_page(browser, page)
    suites = {a.get_attribute("data-suite") for a in visible(browser, "article")}
    Select(browser.find_element(By.ID, "suite")).select_by_value("network")
    shown = {a.get_attribute("data-suite") for a in visible(browser, "article")}
    expect(len(suites) == 4 and shown == {"network"}, f"one suite of {sorted(suites)} is shown when it is chosen")
    rows = [r.text for r in visible(browser, "#capacity tbody tr th") if "KiB" in r.text]
    expect(rows == [], "the rows of other suites are hidden in tables of all")
    Select(browser.find_element(By.ID, "suite")).select_by_value("")
    expect(len(visible(browser, "article")) == len(browser.find_elements(By.CSS_SELECTOR, "article")), "and all again")

    table = browser.find_element(By.CSS_SELECTOR, "table.capacity")
    buttons = table.find_elements(By.CSS_SELECTOR, "button.sort")
    buttons[1].click()
    first = prices(table)
    buttons[1].click()
    second = prices(table)
    expect(first == sorted(first) and second == sorted(first, reverse=True), f"prices sort up and down {first}")
    header = buttons[1].find_element(By.XPATH, "./..")
    expect(header.get_attribute("aria-sort") == "descending", "a sorted column says so to a screen reader")

    figure = browser.find_element(By.CSS_SELECTOR, "#curves figure")
    figure.find_element(By.CSS_SELECTOR, "button.scale").click()
    scales = {s.get_attribute("data-scale"): s.is_displayed() for s in figure.find_elements(By.CSS_SELECTOR, "[data-scale]")}
    expect(scales == {"logarithmic": False, "linear": True}, f"a chart changes its scale {scales}")

    cell = browser.find_element(By.CSS_SELECTOR, "td[data-price]")
    price = float(cell.get_attribute("data-price"))
    for name, text in [("rate", "250000"), ("processors", "64")]:
        field = browser.find_element(By.ID, name)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)
    taken, share = [float(v.replace(",", "")) for v in re.findall(r"[\d.,]+", cell.text)]
    exact = price * 250000
    holds = abs(taken - exact) < 0.006 * exact and abs(share - 100 * exact / 64) < 0.6 * exact / 64
    expect(holds, f"250,000 operations a second on 64 CPUs take {cell.text}")
    browser.find_element(By.ID, "rate").send_keys(Keys.CONTROL, "a", Keys.BACKSPACE)
    expect("NaN" not in browser.find_element(By.TAG_NAME, "body").text, "an empty input changes nothing into nonsense")


def prices(table):
    cells = table.find_elements(By.CSS_SELECTOR, "tbody tr td:nth-child(2)")
    return [float(c.get_attribute("data-sort")) for c in cells if c.get_attribute("data-sort")]


def keyboard(browser, page):
    open_page(browser, page)
    wanted = browser.execute_script(
        """
        return [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
          .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("details:not([open]) > :not(summary)"))
          .length;
        """
    )
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.NULL)
    browser.execute_script("window.reached = new Set(); addEventListener('focusin', (e) => window.reached.add(e.target));")
    for _ in range(wanted + 2):
        browser.switch_to.active_element.send_keys(Keys.TAB)
    reached = browser.execute_script("return window.reached.size")
    expect(reached >= wanted, f"the tab key reaches {reached} of {wanted} links, controls and scrolling regions")


def accessible(browser, page):
    for scheme in ["light", "dark"]:
        media(browser, prefers_color_scheme=scheme)
        open_page(browser, page)
        browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        found = Axe().run(browser)["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        names = [(v["id"], len(v["nodes"]), v["nodes"][0]["html"][:90]) for v in serious]
        expect(serious == [], f"axe finds nothing serious in {scheme} {names}")
    media(browser, prefers_color_scheme="light")


def media(browser, medium="", **features):
    values = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": values})


def narrow(browser, page):
    size(browser, 390, 844)
    open_page(browser, page)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    expect(width <= 390, f"a telephone need not scroll sideways ({width} pixels)")
    size(browser, 1200, 1000)


def size(browser, width, height):
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def pictures(browser, page, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, scheme, medium in [
        ("light", 1200, "light", ""),
        ("dark", 1200, "dark", ""),
        ("narrow", 390, "light", ""),
        ("print", 800, "light", "print"),
    ]:
        size(browser, width, 1000)
        media(browser, medium, prefers_color_scheme=scheme)
        open_page(browser, page)
        height = min(browser.execute_script("return document.documentElement.scrollHeight"), 3200)
        size(browser, width, height)
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        (folder / f"report-{name}.png").write_bytes(base64.b64decode(shot["data"]))
    media(browser)


# Without a script


def scriptless(browser, page):
    open_page(browser, page)
    expect(len(visible(browser, "main table")) > 8, "every table is there without a script")
    expect(visible(browser, "form, button") == [], "and nothing that needs one")
    expect(any(e.text for e in visible(browser, "td[data-price]")), "and a load's price at the assumed rate")


# Large runs


def large(program, run, folder):
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(run))
    began = time.monotonic()
    subprocess.run([program, "report", folder, "--format", "html"], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    page = folder / "report.html"
    size = page.stat().st_size / 2**20
    expect(size <= 5, f"500 cells of 20 repetitions are {size:.2f} MiB")
    with Browser() as browser:
        open_page(browser, page)
        timing = browser.execute_script(
            "const t = performance.getEntriesByType('navigation')[0]; return t.domContentLoadedEventEnd - t.startTime;"
        )
    print(f"measured: written in {seconds:.2f} s, DOMContentLoaded after {timing / 1000:.2f} s")


main(*sys.argv[1:])
