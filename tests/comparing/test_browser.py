"""The page in a real browser: what can be pressed works, by mouse and by keyboard, and nothing leaves it."""

import shutil

import pytest

from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import files
from gmmbench.storage.run_files import save_comparison

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def address(ink_runs, colour_runs, tmp_path_factory):
    """A page of ink and colours, in a folder of its own."""
    folder = tmp_path_factory.mktemp("page")
    save_comparison(files(compare([ink_runs, colour_runs]), folder), folder)
    return (folder / "comparison.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    driver = pytest.importorskip("playwright.sync_api", reason="playwright comes with the extra [test]")
    with driver.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, address):
    """Opens the page; at the end nothing was said on the console and nothing else was asked for."""
    said, asked, tabs = [], [], []

    def open_page(width=1280, **options):
        tab = browser.new_page(viewport={"width": width, "height": 900}, **options)
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(address)
        tabs.append(tab)
        return tab

    yield open_page
    for tab in tabs:
        tab.close()
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {address}


def column(table, at):
    return table.locator(f"tbody tr > :nth-child({at})").all_inner_texts()


def numbers(table, at):
    return [float(text.split("\n")[0].replace(",", "")) for text in column(table, at)]


def test_a_table_is_sorted_by_click(visit):
    table = visit().locator("table.generalisation").last
    head = table.locator("thead th").nth(2)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    found = numbers(table, 3)
    assert found == sorted(found, reverse=True)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert numbers(table, 3) == found[::-1]
    assert table.locator("th[aria-sort]").count() == 1


def test_a_table_is_sorted_by_keyboard(visit):
    tab = visit()
    table = tab.locator("table.generalisation").last
    table.locator("thead button", has_text="tier").focus()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    names = [text.split("\n")[0] for text in column(table, 2)]
    assert names == ["gmm", "histogram", "uniform"]
    tab.keyboard.press("Space")
    assert [text.split("\n")[0] for text in column(table, 2)] == names[::-1]


def test_what_is_missing_is_sorted_last_either_way(visit):
    tab = visit()
    table = tab.locator("table.cost").first
    tab.evaluate("table => { table.tBodies[0].rows[0].cells[1].dataset.sort = ''; }", table.element_handle())
    missing = table.locator("tbody tr").first.inner_text()
    for _ in range(2):
        table.locator("thead button").nth(1).click()
        assert table.locator("tbody tr").last.inner_text() == missing


def test_a_picture_is_enlarged_by_click_and_by_enter_and_closed_by_escape(visit):
    tab = visit()
    dialog = tab.locator("dialog")
    picture = tab.locator("button.zoom[data-title='gmm, grid']").first
    picture.click()
    assert dialog.is_visible()
    assert tab.locator("#zoom-title").inner_text() == "gmm, grid"
    assert tab.locator("#zoom-picture").evaluate("image => image.complete && image.naturalWidth > 0")
    assert tab.locator("#zoom-link").get_attribute("href").endswith("grid.png")
    tab.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert picture.evaluate("button => button === document.activeElement")
    tab.keyboard.press("Enter")
    assert dialog.is_visible()
    dialog.get_by_role("button", name="Close").click()
    assert not dialog.is_visible()


def test_the_slider_uncovers_the_original_by_mouse_and_by_keyboard(visit):
    tab = visit()
    stage = tab.locator(".stage").first
    slide = tab.locator(".beside input[type=range]").first

    def shown():
        """How wide what is not cut off of the original is, as a share of the picture."""
        return stage.evaluate(
            """stage => {
                const edge = stage.querySelector(".cut").getBoundingClientRect();
                const over = getComputedStyle(stage.querySelector(".over"));
                const all = stage.getBoundingClientRect();
                return over.clipPath.startsWith("inset") && (edge.x + edge.width / 2 - all.x) / all.width;
            }"""
        )

    assert shown() == pytest.approx(0.5, abs=0.01)
    slide.focus()
    for _ in range(10):
        tab.keyboard.press("ArrowRight")
    assert shown() == pytest.approx(0.6, abs=0.01)
    tab.keyboard.press("Home")
    assert shown() == pytest.approx(0, abs=0.01)
    box = slide.bounding_box()
    slide.click(position={"x": box["width"] - 2, "y": box["height"] / 2})
    assert shown() == pytest.approx(1, abs=0.01)


def test_the_slider_shows_the_picture_that_is_chosen(visit):
    tab = visit()
    beside = tab.locator(".beside").first
    first = beside.locator(".under").get_attribute("src")
    beside.locator("select").select_option(index=1)
    second = beside.locator(".under").get_attribute("src")
    assert second != first
    assert second == tab.locator("#" + beside.locator("select").input_value()).get_attribute("src")


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_system_until_one_is_chosen(visit, system):
    tab = visit(color_scheme=system)

    def dark():
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, ground[4:-1].split(","))) < 3 * 128

    assert dark() == (system == "dark")
    button = tab.locator("#theme")
    button.click()
    assert button.inner_text() == "Theme: light"
    assert not dark()
    button.click()
    assert dark()
    button.click()
    assert dark() == (system == "dark")


def test_a_cost_is_chosen_by_keyboard(visit):
    tab = visit()
    costs = tab.locator(".costs").last
    assert costs.locator("figure:visible").get_attribute("data-cost") == "wall_seconds"
    costs.locator("input:checked").focus()
    tab.keyboard.press("ArrowRight")
    assert costs.locator("figure:visible").get_attribute("data-cost") == "n_parameters"


@pytest.mark.parametrize("width", [375, 1280])
def test_a_link_leads_to_the_top_of_its_section(visit, width):
    tab = visit(width=width)
    links = tab.locator("nav a").all()
    assert len(links) >= 4
    for link in links:
        link.click()
        tab.wait_for_function(
            """() => {
                const top = document.querySelector(location.hash).getBoundingClientRect().top;
                const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
                return Math.abs(top) < 24 || end;
            }""",
            timeout=5000,
        )


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_nothing_is_wider_than_the_screen_but_tables_in_boxes_that_scroll(visit, width):
    tab = visit(width=width)
    for section in tab.locator("section").all():
        section.scroll_into_view_if_needed()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    beyond = tab.evaluate(
        """() => [...document.querySelectorAll("body *:not(svg *)")]
            .filter(element => element.checkVisibility())
            .filter(element => {
                const box = element.parentElement.closest(".scroll");
                return !box || getComputedStyle(box).overflowX !== "auto";
            })
            .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
            .map(element => element.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


def test_every_picture_in_the_page_is_one(visit):
    tab = visit()
    for section in tab.locator("section").all():
        section.scroll_into_view_if_needed()
    broken = tab.evaluate(
        """async () => {
            const pictures = [...document.images].filter((image) => image.getAttribute("src"));
            for (const image of pictures) image.loading = "eager";
            await Promise.all(pictures.map((image) => image.decode().catch(() => null)));
            return pictures.filter((image) => image.naturalWidth === 0).length;
        }"""
    )
    assert broken == 0
    assert tab.evaluate("document.images.length") > 10
