"""The page of a comparison as a browser shows it: headless Chromium, driven by Selenium, from a file."""

import json
import shutil

import numpy as np
import pytest
from synthetic_comparison import EEG
from written_page import comparison, drawings, write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
WIDE, NARROW, HEIGHT = 1280, 400, 900

CONTRASTS = """
const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const over = (top, below) => [0, 1, 2].map((at) => top[3] * top[at] + (1 - top[3]) * below[at]);
const linear = (one) => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4;
const light = (colour) => colour.map((one) => linear(one / 255))
  .reduce((sum, one, at) => sum + one * [.2126, .7152, .0722][at], 0);
const ground = (element) => {
  if (!element) return [255, 255, 255];
  const colour = rgba(getComputedStyle(element).backgroundColor);
  return colour[3] === 1 ? colour.slice(0, 3) : over(colour, ground(element.parentElement));
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("").trim();
  if (!text || !element.checkVisibility() || element.closest("script, style, noscript, title")) continue;
  const style = getComputedStyle(element);
  const below = ground(element);
  const [a, b] = [over(rgba(element.closest("svg") ? style.fill : style.color), below), below].map(light);
  found.push([text.slice(0, 40), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]);
}
return found;
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    compared = comparison(baselines=("sim-cornet-s-narrow", "sim-realnet-eeg-beta0"))
    path, _ = write(tmp_path_factory.mktemp("page with spaces"), compared, drawings())
    return path.as_uri(), compared, path


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (extra `test`)")
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, written):
    """Open the page anew: wide, light, with scripts."""
    emulate(browser)
    browser.get(written[0])
    return browser


def emulate(browser, width=WIDE, theme="light", motion="reduce"):
    size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = {"prefers-color-scheme": theme, "prefers-reduced-motion": motion}
    media = {"media": "", "features": [{"name": name, "value": value} for name, value in features.items()]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def press(browser, *names):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    for name in names:
        ActionChains(browser, duration=0).send_keys(getattr(Keys, name, name)).perform()


def one(browser, selector):
    return browser.find_element("css selector", selector)


def every(browser, selector):
    return browser.find_elements("css selector", selector)


def focused(browser):
    return browser.switch_to.active_element


def column(browser, place, table="families"):
    script = """return [...document.querySelectorAll(`#table-${arguments[0]} tbody tr`)]
        .map((row) => row.cells[arguments[1]].textContent.trim())"""
    return browser.execute_script(script, table, place)


def readings(browser):
    """What the chart says of each family: name to text."""
    script = """return [...document.querySelectorAll(".readings button")].map((button) =>
        [button.querySelector(".name").textContent, button.querySelector(".value").textContent])"""
    return dict(browser.execute_script(script))


def test_page_opens_without_complaints_and_without_any_request_outwards(opened):
    assert opened.title.startswith("SIMULATED: sim-realnet-eeg compared with")
    assert opened.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert any(address.startswith("file:") for address in asked)
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []


def test_banner_stays_in_view(opened):
    banner = one(opened, ".banner")
    opened.execute_script("scrollTo(0, 1500)")
    top, height = opened.execute_script(
        "const b = arguments[0].getBoundingClientRect(); return [b.top, b.height]", banner
    )
    assert (top, banner.is_displayed()) == (0, True)
    assert height > 20
    assert "SIMULATED" in banner.text


def test_click_on_a_heading_sorts_and_a_second_turns_it_round(opened):
    heading = one(opened, "#table-families thead th:nth-child(5)")
    before = column(opened, 4)
    heading.find_element("tag name", "button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    falling = [float(text) for text in column(opened, 4)]
    assert column(opened, 4) != before
    assert falling == sorted(falling, reverse=True)
    heading.find_element("tag name", "button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [float(text) for text in column(opened, 4)] == sorted(falling)
    one(opened, "#table-families thead th:nth-child(2) button").click()
    assert len(every(opened, "#table-families [aria-sort]")) == 1
    names = column(opened, 1)
    assert names == sorted(names)


def test_cells_without_a_value_come_last_both_ways(opened):
    button = one(opened, "#table-families thead th:nth-child(10) button")
    for _ in range(2):
        button.click()
        missing = [text == "–" for text in column(opened, 9)]
        assert missing == sorted(missing)
        assert any(missing)
        assert not all(missing)


def test_everything_can_be_reached_and_used_by_keyboard_alone(opened):
    press(opened, "TAB")
    assert focused(opened).text == "Skip to the summary"
    press(opened, "ENTER")
    assert focused(opened).get_attribute("id") == "main"
    reached, places = [], []
    for _ in range(200):
        press(opened, "TAB")
        element = focused(opened)
        if element.tag_name == "body":
            break
        places.append(element.id)
        reached.append(opened.execute_script("return arguments[0].outerHTML.slice(0, 60)", element))
    else:
        pytest.fail("focus never leaves the page")
    assert len(places) == len(set(places)) > 30
    for part in ("<summary", 'class="plot"', "Enlarge: Picture 3", "results.json", ">Raw"):
        assert any(part in text for text in reached), part


@pytest.mark.parametrize(("table", "label"), [("families", "p"), ("models", "Error")])
def test_lowest_probability_and_error_come_first(opened, table, label):
    opened.execute_script("document.querySelectorAll('details').forEach((one) => one.open = true)")
    headings = [heading.text.strip() for heading in every(opened, f"#table-{table} thead th")]
    place = headings.index(label)
    every(opened, f"#table-{table} thead th button")[place].click()
    order = (
        f"return [...document.querySelectorAll('#table-{table} tbody tr')].map((r) => r.cells[{place}].dataset.order)"
    )
    values = [float(value) for value in opened.execute_script(order) if value is not None]
    assert len(values) > 1
    assert values == sorted(values)
    assert every(opened, f"#table-{table} thead th")[place].get_attribute("aria-sort") == "ascending"


def test_keyboard_sorts(opened):
    opened.execute_script("arguments[0].focus()", one(opened, "#table-families thead th:nth-child(4) button"))
    press(opened, "ENTER")
    scores = [float(text) for text in column(opened, 3)]
    assert scores == sorted(scores, reverse=True)
    press(opened, "SPACE")
    assert [float(text) for text in column(opened, 3)] == sorted(scores)


def test_focus_can_be_seen(opened):
    press(opened, "TAB", "TAB")
    style = "const s = getComputedStyle(arguments[0]); return [s.outlineStyle, parseFloat(s.outlineWidth)]"
    assert opened.execute_script(style, focused(opened)) == ["solid", 2]


def test_figures_enlarge_step_and_close_by_keyboard_and_focus_returns(opened):
    dialog, opener = one(opened, "dialog"), every(opened, "figure button")[0]
    opened.execute_script("arguments[0].focus()", opener)
    assert not dialog.is_displayed()
    press(opened, "ENTER")
    assert dialog.is_displayed()
    assert "Picture 1" in dialog.text
    assert "Line 1, n = 6 & more." in dialog.text
    press(opened, "ARROW_RIGHT")
    assert "Picture 2" in dialog.text
    press(opened, "ARROW_LEFT", "ARROW_LEFT")
    assert "Picture 3" in dialog.text
    source = "return arguments[0].querySelector('img').src"
    assert opened.execute_script(source, dialog) == opened.execute_script(source, every(opened, "figure")[2])
    assert "SIMULATED" in dialog.text
    press(opened, "ESCAPE")
    assert not dialog.is_displayed()
    assert focused(opened) == opener


def test_figures_enlarge_by_click_and_close_by_button(opened):
    every(opened, "figure button")[1].click()
    assert "Picture 2" in one(opened, "dialog").text
    one(opened, "dialog [data-close]").click()
    assert not one(opened, "dialog").is_displayed()


def test_click_on_the_margin_of_an_enlarged_figure_keeps_it_and_one_beside_it_closes_it(opened):
    from selenium.webdriver import ActionChains

    def click(x, y):
        actions = ActionChains(opened, duration=0)
        actions.w3c_actions.pointer_action.move_to_location(round(x), round(y)).click()
        actions.perform()

    every(opened, "figure button")[0].click()
    dialog = one(opened, "dialog")
    box = opened.execute_script("return arguments[0].getBoundingClientRect().toJSON()", dialog)
    click(box["left"] + 5, box["top"] + 5)
    assert dialog.is_displayed()
    click(box["left"] - 5, box["top"] + 5)
    assert not dialog.is_displayed()


def test_enlarged_figure_scrolls_by_keyboard_where_it_is_wider_than_the_page(opened):
    from selenium.webdriver.support.wait import WebDriverWait

    emulate(opened, NARROW)
    every(opened, "figure button")[0].click()
    opened.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    paper = one(opened, "dialog .paper")
    for _ in range(6):
        press(opened, "TAB")
        if focused(opened) == paper:
            break
    assert focused(opened) == paper
    press(opened, *["ARROW_RIGHT"] * 3)
    WebDriverWait(opened, 5).until(lambda _: opened.execute_script("return arguments[0].scrollLeft", paper) > 0)
    assert "Picture 1" in one(opened, "dialog").text


def test_number_of_subjects_is_in_view(opened):
    inside = """const box = document.querySelector("#table-families").closest(".wide").getBoundingClientRect();
        const cell = document.querySelector("#table-families tbody tr").lastElementChild.getBoundingClientRect();
        return [cell.right, box.right]"""
    right, edge = opened.execute_script(inside)
    assert right <= edge + 1


def test_marks_stand_below_the_name_of_their_baseline_in_the_colour_of_their_family(opened, written):
    names = [text.text for text in every(opened, ".plot .against")]
    assert names == [f"against {family.name}" for family in written[1].baselines]
    colours = (
        """return [...document.querySelectorAll(".plot .marks circle")].map((one) => one.getAttribute("stroke"))"""
    )
    assert set(opened.execute_script(colours)) == {"var(--model-0)"}
    below = """return [...document.querySelectorAll(".plot .against, .plot .marks")]
        .map((one) => [one.tagName, one.getBoundingClientRect().top])"""
    order = opened.execute_script(below)
    assert [name for name, _ in order] == ["text", "g", "text", "g"]
    assert [top for _, top in order] == sorted(top for _, top in order)


def test_window_is_drawn_from_its_first_to_its_last_time(opened):
    edges = (
        """const box = document.querySelector(".plot .window").getBoundingClientRect(); return [box.left, box.right]"""
    )
    left, right = opened.execute_script(edges)
    crosses = []
    for milliseconds in ("50 ms", "200 ms"):
        opened.execute_script("arguments[0].focus()", one(opened, ".plot"))
        press(opened, "HOME")
        for _ in range(100):
            if one(opened, ".when").text == milliseconds:
                break
            press(opened, "ARROW_RIGHT")
        assert one(opened, ".when").text == milliseconds
        crosses.append(opened.execute_script("return document.querySelector('.cross').getBoundingClientRect().left"))
    np.testing.assert_allclose([left, right], crosses, atol=1)


@pytest.mark.parametrize("width", [320, NARROW, WIDE])
def test_no_label_of_a_chart_runs_out(opened, width):
    emulate(opened, width)
    opened.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    outside = """const box = document.querySelector(".plot").getBoundingClientRect();
        return [...document.querySelectorAll(".plot text")].filter((one) => {
            const { left, right } = one.getBoundingClientRect();
            return left < box.left - 1 || right > box.right + 1;
        }).map((one) => one.textContent)"""
    assert opened.execute_script(outside) == []


def test_hover_shows_the_values_of_the_data(opened, written):
    from selenium.webdriver import ActionChains

    compared = written[1]
    measured = compared.benchmark(EEG)
    every(opened, ".areas button")[measured.areas.index("V4")].click()
    plot = one(opened, ".plot")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", plot)
    seen = set()
    for fraction in (-0.2, 0.0, 0.15):
        ActionChains(opened, duration=0).move_to_element_with_offset(
            plot, round(fraction * plot.size["width"]), 0
        ).perform()
        milliseconds = int(one(opened, ".when").text.removesuffix(" ms").replace("−", "-"))
        seen.add(milliseconds)
        at = int(np.flatnonzero(np.isclose(1000 * measured.times, milliseconds))[0])
        shown = readings(opened)
        for family in compared.families:
            values = compared.matched(family, measured).values[:, measured.areas.index("V4"), at]
            error = values.std(ddof=1) / len(values) ** 0.5
            said = shown[family.name].partition(" · ")[0].replace("−", "-")
            mean, sem = (float(part) for part in said.split(" ± "))
            assert (mean, sem) == pytest.approx((values.mean(), error), abs=0.00051)
        lower, upper = (float(part) for part in shown["Noise ceiling"].split(" – "))
        assert (lower, upper) == pytest.approx(tuple(measured.ceiling[:, at]), abs=0.00051)
    assert len(seen) == 3
    ActionChains(opened, duration=0).move_to_element(one(opened, "#courses h2")).perform()
    assert one(opened, ".when").text == "Mean 50–200 ms"


def test_arrow_keys_walk_through_time(opened):
    plot = one(opened, ".plot")
    opened.execute_script("arguments[0].focus()", plot)
    press(opened, "ARROW_RIGHT")
    assert one(opened, ".when").text == "50 ms"
    press(opened, "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_LEFT")
    assert one(opened, ".when").text == "60 ms"
    assert plot.get_attribute("aria-valuetext").startswith("60 ms: sim-realnet-eeg ")
    assert plot.get_attribute("aria-valuenow") == "60"
    press(opened, "HOME")
    assert one(opened, ".when").text == "−50 ms"
    press(opened, "END", "ARROW_RIGHT")
    assert one(opened, ".when").text == "300 ms"
    press(opened, "ESCAPE")
    assert one(opened, ".when").text == "Mean 50–200 ms"


def test_readings_name_the_baselines_that_are_significantly_lower(opened, written):
    every(opened, ".areas button")[-1].click()
    opened.execute_script("arguments[0].focus()", one(opened, ".plot"))
    script = "return JSON.parse(document.getElementById('data').textContent).courses[0]"
    course = opened.execute_script(script)
    press(opened, "HOME")
    for at in range(len(course["times"])):
        above = [mark["baseline"] for mark in course["marks"] if at in mark["at"]["mean"]["above"]]
        text = "every baseline" if len(above) == 2 else ", ".join(above)
        said = readings(opened)["sim-realnet-eeg"].partition(" · ")[2].partition(" · ")[0]
        assert said.removeprefix("above ") == (text if above else said)
        assert ("above" in said) == bool(above)
        press(opened, "ARROW_RIGHT")


def test_legend_takes_families_and_ceiling_away_and_brings_them_back(opened):
    buttons = every(opened, ".readings button")
    lines = len(every(opened, ".plot .line"))
    assert lines == 3
    buttons[0].click()
    assert len(every(opened, ".plot .line")) == lines - 1
    assert buttons[0].get_attribute("aria-pressed") == "false"
    buttons[0].click()
    assert len(every(opened, ".plot .line")) == lines
    assert len(every(opened, ".plot .bound")) == 1
    buttons[-1].click()
    assert every(opened, ".plot .bound") == []


def test_area_buttons_change_the_curves(opened):
    shape = "return document.querySelector('.plot .line').getAttribute('d')"
    before = opened.execute_script(shape)
    first = every(opened, ".areas button")[0]
    assert first.get_attribute("aria-pressed") == "false"
    first.click()
    assert first.get_attribute("aria-pressed") == "true"
    assert opened.execute_script(shape) != before


@pytest.mark.parametrize("width", [NARROW, 320, WIDE])
def test_page_never_scrolls_sideways(opened, width):
    emulate(opened, width)
    opened.execute_script("document.querySelectorAll('details').forEach((one) => one.open = true)")
    opened.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    root = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    scrolled, shown = opened.execute_script(root)
    assert (scrolled, shown) == (width, width)
    beyond = """return [...document.querySelectorAll("main *")].filter((one) => !one.closest(".wide, svg")
        && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))"""
    assert opened.execute_script(beyond) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(opened, theme):
    emulate(opened, theme=theme)
    opened.execute_script("document.querySelectorAll('details').forEach((one) => one.open = true)")
    every(opened, "figure button")[0].click()
    found = opened.execute_script(CONTRASTS)
    assert len(found) > 200
    assert [(text, ratio) for text, ratio in found if ratio < 4.5] == []


def test_button_changes_between_light_and_dark(opened):
    ground = "return getComputedStyle(document.body).backgroundColor"
    button = one(opened, "#theme")
    light = opened.execute_script(ground)
    button.click()
    dark = opened.execute_script(ground)
    assert dark != light
    assert button.text == "Light"
    emulate(opened, theme="dark")
    button.click()
    assert opened.execute_script(ground) == light  # what the reader chose wins over what the system prefers
    paper = "return getComputedStyle(document.querySelector('.paper')).backgroundColor"
    button.click()
    assert opened.execute_script(ground) == dark
    assert opened.execute_script(paper) == "rgb(255, 255, 255)"


def test_motion_is_reduced_when_asked(opened):
    behaviour = "return getComputedStyle(document.documentElement).scrollBehavior"
    assert opened.execute_script(behaviour) == "auto"
    emulate(opened, motion="no-preference")
    assert opened.execute_script(behaviour) == "smooth"


def test_print_has_no_controls_no_dark_and_everything_unfolded(opened):
    emulate(opened, theme="dark")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert opened.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for selector in ("nav", ".areas", "#theme", ".skip"):
        assert not one(opened, selector).is_displayed()
    hidden = """return [...document.querySelectorAll("#methods tr, .meanings:not(.aside *) dd")]
        .filter((one) => one.getBoundingClientRect().height === 0).length"""
    assert opened.execute_script(hidden) == 0
    assert one(opened, ".banner").is_displayed()
    assert not one(opened, "#table-models").is_displayed()
    # Chromium repeats the headings of a table on every page only where none of them has the box of a button.
    display = "return getComputedStyle(document.querySelector(arguments[0])).display"
    assert opened.execute_script(display, "thead button") == "contents"
    assert opened.execute_script(display, "thead") == "table-header-group"


def test_print_releases_the_time_that_was_chosen(opened):
    opened.execute_script("arguments[0].focus()", one(opened, ".plot"))
    press(opened, "HOME")
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert one(opened, ".when").text == "Mean 50–200 ms"
    assert every(opened, ".plot .cross") == []
    assert every(opened, "details:not([open])") == every(opened, "details.aside")
    opened.execute_script("dispatchEvent(new Event('afterprint'))")
    assert every(opened, "details[open]") == []


def test_without_scripts_the_content_can_be_read(browser, written):
    # In a sandbox scripts are off, and what is there can be looked at from outside as soon as it is loaded.
    browser.get("about:blank")
    load = """const [content, done] = arguments;
        const frame = document.body.appendChild(document.createElement("iframe"));
        frame.sandbox = "allow-same-origin";
        frame.onload = () => done();
        frame.srcdoc = content;"""
    browser.execute_async_script(load, written[2].read_text(encoding="utf-8"))

    def text_of(selector):
        script = (
            "return document.querySelector('iframe').contentDocument.querySelector(arguments[0])?.outerHTML ?? null"
        )
        return browser.execute_script(script, selector)

    assert "+0." in text_of("#table-families tbody")
    assert "which is off" in text_of("noscript p")  # an element only where scripts do not run
    assert "data:image/svg+xml" in text_of("figure img")
    assert text_of("figure button") is text_of(".plot") is text_of("thead button") is None
    assert "score = raw / ceiling" in text_of("#methods")
