"""The page is one file that loads nothing, shows what it should once, and takes text for text."""

import base64
import hashlib
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import image_table, model_row
from sweeps import MODELS, changed

from gmmbench.comparing import contact_sheet
from gmmbench.comparing import page as page_module
from gmmbench.comparing.charts import curve_chart, nice, pareto_chart
from gmmbench.comparing.compare import compare
from gmmbench.comparing.curves import curves
from gmmbench.comparing.delta_maps import chosen_pairs, coloured
from gmmbench.comparing.formats import files, to_html, to_markdown
from gmmbench.comparing.labels import HIGH, LETTER, LINE, NARROW
from gmmbench.storage.run_files import save_comparison, save_reason

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
VOID = {"meta", "link", "img", "input", "line", "rect", "circle", "br"}


class Page(HTMLParser):
    """The tags of a page, and whether they are closed as they were opened."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="session")
def ink_page(ink_runs):
    return to_html(compare([ink_runs]), ink_runs)


def test_the_page_is_well_formed_and_no_id_stands_twice(ink_page):
    ids = Counter(attrs["id"] for _, attrs in Page(ink_page).tags if "id" in attrs)
    assert ids
    assert max(ids.values()) == 1


def test_every_label_and_link_inside_the_page_has_its_target(ink_page):
    found = Page(ink_page)
    ids = {attrs["id"] for _, attrs in found.tags if "id" in attrs}
    inner = [attrs["href"][1:] for attrs in found.all("a") if attrs["href"].startswith("#")]
    named = [attrs["aria-labelledby"] for _, attrs in found.tags if "aria-labelledby" in attrs]
    options = [attrs["value"] for attrs in found.all("option")]
    assert set(inner) | set(named) | set(options) <= ids
    assert len(options) == 3  # the grid of each model lies on the original


def test_nothing_is_loaded_from_anywhere(ink_page):
    for tag, attrs in Page(ink_page).tags:
        assert "src" not in attrs or attrs["src"].startswith("data:image/")
        assert tag != "link" or attrs["href"] == "data:,"
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
    assert "http://" not in ink_page
    assert "https://" not in ink_page
    assert "url(" not in ink_page


def test_the_policy_lets_in_the_own_script_and_style_alone(ink_page):
    (policy,) = [
        attrs["content"]
        for attrs in Page(ink_page).all("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; img-src data:")
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", ink_page, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_every_model_has_each_picture_once_and_a_row_in_each_table(ink_page):
    found = Page(ink_page)
    shown = [attrs["data-title"] for attrs in found.all("button") if attrs.get("class") == "zoom"]
    assert sorted(shown) == [
        "The original, dog",
        "gmm over histogram",
        "gmm over uniform",
        "gmm, grid",
        "histogram over uniform",
        "histogram, grid",
        "uniform, grid",
    ]
    assert ink_page.count('<th scope="row">histogram</th>') == 6  # the matrix and five tables


def test_full_pictures_are_linked_where_they_are(ink_runs, ink_page):
    links = [attrs["href"] for attrs in Page(ink_page).all("a") if attrs["href"].endswith(".png")]
    assert len(links) == 3
    for link in links:
        assert (ink_runs / link).is_file()


def test_a_picture_that_moves_is_linked_too(ink):
    changed(ink / "gmm-0", lambda report: report["pictures"][0].update(animations=["grid.gif", "grid.webp"]))
    links = [attrs["href"] for attrs in Page(to_html(compare([ink]), ink)).all("a")]
    assert links.count("gmm-0/grid.webp") == 1


def test_links_are_relative_to_the_folder_that_the_page_stands_in(ink_runs, colour_runs):
    text = to_html(compare([ink_runs, colour_runs]), ink_runs)
    links = {attrs["href"] for attrs in Page(text).all("a") if attrs["href"].endswith(".png")}
    assert len(links) == 5
    assert all((ink_runs / link).is_file() for link in links)


def test_text_stays_text_whatever_a_run_says(ink):
    for seed in range(3):
        changed(ink / f"gmm-{seed}", lambda report: report["model"].update(option=EVIL))
        changed(ink / f"gmm-{seed}", lambda report: report["pictures"][0].update(caption=EVIL))
    changed(ink / "uniform-0", lambda report: report.update(ranked=False, not_ranked=[EVIL]))
    changed(ink / "uniform-1", lambda report: report["image"].update(notes=[EVIL]))
    changed(ink / "uniform-2", lambda report: report["versions"].update({EVIL: EVIL}))
    changed(ink / "histogram-1", lambda report: report.update(alarms=[EVIL]))
    save_reason(ink / "job", "crashed", [EVIL], EVIL)
    found = compare([ink])
    text = to_html(found, ink)
    tags = Page(text)
    assert len(tags.all("script")) == 1
    assert not [attrs for attrs in tags.all("img") if attrs.get("src") == "x"]
    assert "&lt;script&gt;" in text
    assert "<script" not in to_markdown(found)
    assert "<img" not in to_markdown(found)


def test_a_verified_model_is_marked_and_one_that_is_not_says_why(ink):
    why = "in isolation it answers otherwise"
    for seed in range(3):
        told = {"verified": True, "why": "the isolated fit answers the same", "seconds": 2.0}
        changed(ink / f"gmm-{seed}", lambda report, told=told: report.update(verification=told))
    told = {"verified": False, "why": why, "seconds": 2.0}
    reason = {"ranked": False, "not_ranked": [f"not verified: {why}"]}
    changed(ink / "uniform-0", lambda report: report.update(verification=told, **reason))
    found = compare([ink])
    verified = {row.model: row.verified for table in found.tables for row in table.models}
    assert verified == {"gmm": True, "histogram": False, "uniform": False}
    assert {row.scored.verified for row in found.runs} == {True, False, None}
    text = to_html(found, ink)
    assert text.count("<small>verified</small>") == 1
    assert "Verified: the isolated fit answers the same." in text and f"Not verified: {why}." in text
    assert f"not ranked: seed 0: not verified: {why}" in text
    assert "gmm (verified)" in to_markdown(found)


def test_a_cell_of_markdown_ends_in_no_reason(ink):
    save_reason(ink / "job", "refused", [], "a | b\nc")
    (line,) = [line for line in to_markdown(compare([ink])).splitlines() if line.startswith("| job")]
    assert line == "| job | refused | a \\| b c |"


def test_a_picture_that_cannot_be_read_is_said(ink):
    (ink / "gmm-0/grid.png").write_bytes(b"no picture")
    assert "gmm: left out, or unreadable." in to_html(compare([ink]), ink)


def test_a_report_cannot_reach_out_of_its_folder(ink):
    secret = shutil.copy(ink / "gmm-0/original.png", ink.parent / "secret.png")
    assert secret
    changed(ink / "gmm-0", lambda report: report["pictures"][0].update(file="../../secret.png"))
    links = [attrs["href"] for attrs in Page(to_html(compare([ink]), ink)).all("a")]
    assert "secret.png" not in " ".join(links)


def test_colour_and_levels_have_their_page(colour_runs, levels_runs):
    for top, unit in ((colour_runs, "bits per pixel and dimension"), (levels_runs, "bits per pixel")):
        found = compare([top])
        text = to_html(found, top)
        assert Page(text)
        assert found.tables[0].unit in text
        assert f"<small>{unit}</small>" in text


def test_a_crash_of_every_job_still_has_a_page(tmp_path):
    save_reason(tmp_path / "job", "crashed", ["model=x"], "no memory")
    found = compare([tmp_path])
    assert found.answer == ("There is nothing to compare: no run finished.",)
    assert "no memory" in to_html(found, tmp_path)


def test_comparing_again_gives_the_same_bytes(ink):
    once = [file.read_bytes() for file in save_comparison(files(compare([ink]), ink), ink)]
    again = [file.read_bytes() for file in save_comparison(files(compare([ink]), ink), ink)]
    assert once == again
    assert len(once) == 4


def test_pictures_beyond_the_limit_are_counted_and_said(ink, monkeypatch):
    monkeypatch.setattr(contact_sheet, "PICTURES", 2)
    assert "2 pictures are left out of this page" in to_html(compare([ink]), ink)


def test_maps_beyond_the_limit_are_counted_and_said(ink, monkeypatch):
    monkeypatch.setattr(page_module, "MAPS", 1)
    assert "1 of 3 pairs" in to_html(compare([ink]), ink)


def test_a_page_of_500_runs_is_less_than_40_mb(tmp_path, ink_runs, benchmark):
    benchmark.made_up(tmp_path, 500, [ink_runs / f"{model}-0" for model in MODELS])
    found = compare([tmp_path])
    assert len(found.runs) == 500
    (page, *_) = save_comparison(files(found, tmp_path), tmp_path)
    assert page.name == "comparison.html"
    assert page.stat().st_size < 40e6


def test_a_map_is_white_at_0_and_clear_where_nothing_is_known():
    colours = coloured(np.array([[-9.0, 0.0, 9.0, np.nan]]), 1.0)
    assert colours[0, 1].tolist() == [247, 247, 247, 255]
    assert colours[0, 3, 3] == 0
    assert colours[0, 0, 0] > colours[0, 0, 2]  # worse is orange
    assert colours[0, 2, 2] > colours[0, 2, 0]  # better is violet


def test_pairs_start_with_the_best_and_none_is_doubled():
    pairs = chosen_pairs("abcd")
    assert pairs[:4] == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c")]
    assert len(pairs) == len(set(pairs)) == 6


def test_points_of_the_pareto_front_lie_in_the_plot(ink_runs):
    (table,) = compare([ink_runs]).tables
    for cost in ("wall_seconds", "n_parameters", "peak_bytes"):
        chart = pareto_chart(table, cost)
        assert len(chart.points) == 3
        for point in chart.points:
            assert 0 <= point.x <= 100
            assert 0 <= point.y <= 100
        assert {point.model for point in chart.front} == set(table.pareto_fronts[cost])


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1e-5, 1e3), st.floats(0, 3)), min_size=2, max_size=30))
def test_labels_of_points_do_not_collide_on_a_narrow_screen(points):
    rows = [model_row(f"model {n}", gain, wall_seconds=cost) for n, (cost, gain) in enumerate(points)]
    chart = pareto_chart(image_table(rows, pareto_fronts={"wall_seconds": ("model 0",)}), "wall_seconds")
    boxes = []
    for point in chart.points:
        if point.label:
            wide = LETTER * len(point.label.text)
            left = point.x * NARROW / 100 + point.label.dx
            left -= wide if point.label.anchor == "end" else 0
            middle = point.y * HIGH / 100 + point.label.dy
            boxes.append((left, left + wide, middle - LINE / 2, middle + LINE / 2))
    for a, b in combinations(boxes, 2):
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
    named = {point.model for point in chart.points if point.label}
    assert chart.numbered == (len(points) > 9)
    assert chart.numbered or named | set(chart.unlabelled) == {row.model for row in rows}


def test_a_curve_joins_what_differs_in_components_alone():
    def row(label, gain, **parameters):
        return model_row(label, gain, parameters=parameters)

    rows = [
        row("gmm components=20 covariance=full", 2.0, components=20, covariance="full"),
        row("gmm components=5 covariance=full", 1.0, components=5, covariance="full"),
        row("gmm components=5 covariance=diag", 0.5, components=5, covariance="diag"),
        row("uniform", 0.0),
    ]
    (found,) = curves(rows)
    assert found.model == "gmm covariance=full"
    assert [(point.components, point.gain) for point in found.points] == [(5, 1.0), (20, 2.0)]
    chart = curve_chart([found])
    (low, high) = chart.series[0].points
    assert low.x < high.x
    assert low.y > high.y


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.003, 0.2), (17, 1700), (2, 2.001)])
def test_ticks_are_round_and_within(low, high):
    ticks = nice(low, high, 4)
    assert 2 <= len(ticks) <= 6
    assert all(low <= tick <= high for tick in ticks)
