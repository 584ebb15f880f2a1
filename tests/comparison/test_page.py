"""The page is read as a browser would: every tag that could load something, and what it says."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from overcast.comparison import comparison_table, page
from overcast.comparison.figures import forest
from overcast.core.errors import UserError
from overcast.html.page import Section
from overcast.html.writer import check_folder, render


class Tags(HTMLParser):
    """Attributes of every tag, and how often Plotly's script is in the page."""

    def __init__(self):
        super().__init__()
        self.loads, self.plotly, self.figures = [], 0, 0

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.loads += [told[key] for key in ("src", "href", "action", "data") if key in told]
        self.figures += tag == "figure"

    def handle_data(self, data):
        self.plotly += "plotly.js v" in data[:200]


@pytest.fixture(scope="module")
def written(tmp_path_factory, study, info):
    folder = tmp_path_factory.mktemp("reports") / "made_up"
    page.write_report(folder, comparison_table(study[0], info), *study, info)
    return folder


REPORT = ("report.html", (".csv", ".md"))


def test_one_page_that_loads_nothing(written):
    text = (written / "report.html").read_text(encoding="utf8")
    tags = Tags()
    tags.feed(text)
    assert tags.loads[0] == "data:,"  # the icon, so that browsers do not ask for one
    assert all(address.startswith("#section-") for address in tags.loads[1:])
    assert "@import" not in text.split("<script")[0]
    assert (tags.plotly, tags.figures) == (1, 5)
    assert len(text) < 6e6
    own = text.rsplit("<script>", 1)[1]
    assert "localStorage" not in own


def test_the_page_says_the_overlap_that_was_used(written):
    assert "ρ&nbsp;=&nbsp;1/9)" in (written / "report.html").read_text(encoding="utf8")


def test_the_page_says_the_verdict_first_and_escapes_names(written):
    head = (written / "report.html").read_text(encoding="utf8").split("<script", 1)[0]
    assert "made &lt;up&gt;" in head
    assert "made <up>" not in head
    spots = [head.index(part) for part in ("Which way of fighting", "Primary outcome: test accuracy", "Of 12 compared")]
    assert spots == sorted(spots)
    assert head.index("Of 12 compared") < head.index("<table")


def test_a_claim_comes_first_and_then_what_was_measured(compared, info):
    text = render(page.study_page(compared, [forest(compared)], info, claim="Augmentation helps."))
    assert text.index("Claim: Augmentation helps.") < text.index("<strong>Measured:</strong> Of 3 compared")
    assert "no effect" not in text.split("<script", 1)[0].lower()


def test_the_verdict_on_a_claim_and_its_pictures_come_first(tmp_path, compared, small, info):
    own = Section("Its own picture", "Read it so.", forest(compared).parts)
    told = ("Noise helps.", "It does not show here.", [own])
    text = page.write_report(tmp_path, compared, *small, info, *told).read_text(encoding="utf8")
    order = [
        "Claim: Noise helps.",
        "</strong> It does not show here.",
        "Its own picture</h2>",
        "Learning curves, by epoch</h2>",
    ]
    assert sorted(order, key=text.index) == order
    assert "Of 3 compared" not in text


def test_the_table_comes_back_from_csv_as_it_was(written, study, info):
    back = pd.read_csv(written / "table.csv", keep_default_na=True)
    pd.testing.assert_series_equal(back["test/accuracy"], comparison_table(study[0], info)["test/accuracy"])
    assert (written / "table.md").read_text(encoding="utf8").startswith("Of 12 compared with none")


def test_one_repeat_still_makes_a_page(tmp_path, small, info):
    trials, curves = small
    alone = trials[trials["repeat"] == "0-0"]
    text = page.write_report(tmp_path, comparison_table(alone, info), alone, curves, info).read_text(encoding="utf8")
    assert "needs at least 2 repeats" in text


def test_a_report_takes_the_place_of_an_earlier_one_alone(written, tmp_path):
    check_folder(written, *REPORT)
    check_folder(tmp_path / "new", *REPORT)
    (tmp_path / "table.csv").touch()
    with pytest.raises(UserError, match="holds other files"):
        check_folder(tmp_path, *REPORT)
    with pytest.raises(UserError, match="is a file"):
        check_folder(tmp_path / "table.csv", *REPORT)
