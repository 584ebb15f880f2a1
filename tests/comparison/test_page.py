"""The page is read as a browser would: every tag that could load something, and what it says."""

import io
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from overcast.comparison import OUTCOMES, comparison_table, families, page
from overcast.comparison.export import latex, long_form
from overcast.comparison.factorial import factorial_report
from overcast.comparison.figures import forest
from overcast.comparison.general import general_report
from overcast.comparison.intervals import interval_sections
from overcast.comparison.noise import noise_sections
from overcast.comparison.sequential import look_tables
from overcast.comparison.tuned import tuned_sections
from overcast.core.errors import UserError
from overcast.core.words import use_language
from overcast.html.intervals import Intervals, IntervalSteps
from overcast.html.page import Figure, Section
from overcast.html.writer import check_report_folder, render


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
        self.plotly += len(data) > 1e6


@pytest.fixture(scope="module")
def written(tmp_path_factory, study, reported):
    folder = tmp_path_factory.mktemp("reports") / "made_up"
    page.write_report(folder, reported(*study))
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
    assert len(text) < 2e6
    own = text.rsplit("<script>", 1)[1]
    assert "localStorage" not in own


def without_scripts(text):
    return re.sub("<script.*?</script>", "", text, flags=re.DOTALL)


def test_the_page_says_the_verdict_first_and_escapes_names(written):
    head = without_scripts((written / "report.html").read_text(encoding="utf8"))
    assert "Made &lt;up&gt;: ann and cnn on sky" in head
    assert "<up>" not in head
    judged = "Judged: gap in negative log-likelihood; test negative log-likelihood and test accuracy"
    spots = [head.index(part) for part in ("Which way of fighting", judged, "Of 12 compared")]
    assert spots[0] < min(spots[1:])
    assert max(spots) < head.index("In plain words") < head.index("<table")


def test_the_page_names_the_design(study, small, reported):

    assert page.title(reported(*study).table, study[0], {"study": "big_grid-3"}) == (
        "Big grid: ann and cnn on sky, 4 folds × 1 seed"
    )
    trials = pd.concat([small[0], small[0].assign(seed=1, repeat="1-" + small[0]["fold"].astype(str) + "-0")])
    one = trials[trials["fold"] == 0]
    table = reported(*small).table
    assert page.title(table, trials, {"study": "mitigations-1"}) == "Mitigations: cnn on sky, 4 folds × 2 seeds"
    assert page.title(table, one, {"study": "mitigations-1"}) == "Mitigations: cnn on sky, 1 fold × 2 seeds"
    drawn_anew = one.assign(split_seed=one["seed"])
    assert page.title(table, drawn_anew, {"study": "mitigations-1"}) == "Mitigations: cnn on sky, 2 folds × 1 seed"


def how_to_read(study):
    return " ".join(str(paragraph.text) for paragraph in page.how_to_read(study))


def test_the_page_says_how_the_study_was_judged(small, reported):
    asked = {"families": families(["accuracy"], {"accuracy": 0.015}), "official_test": True}
    text = how_to_read(reported(*small, info=asked))
    assert "the other what makes the model better (test accuracy)" in text
    assert "0.1 in gap in negative log-likelihood and 1.5 points in test accuracy" in text
    assert "Where the test part is a fixed one" in text
    assert "The intervals speak of new data of this kind" in text
    assert "of one fold" not in text
    alone = small[0].assign(fold=0, seed=small[0]["fold"])
    text = how_to_read(reported(alone, small[1]))
    assert "All repeats are of one fold: what is said holds for this split" in text
    assert "new data of this kind" not in text
    assert "Where the test part is a fixed one" not in text
    drawn_anew = alone.assign(split_seed=alone["seed"])
    assert "of one fold" not in how_to_read(reported(drawn_anew, small[1]))


def test_what_needs_no_network_stands_in_words_and_in_the_table(written):
    head = without_scripts((written / "report.html").read_text(encoding="utf8"))
    assert "majority (cnn · train_fraction=1.0): 21.5 %; against it cnn · none · train_fraction=1.0 is better" in head
    assert head.count("majority (no network)") >= 4
    assert "majority (no network)" in (written / "table.md").read_text(encoding="utf8")


def test_notes_stand_with_the_verdict(small, reported):
    told = {"post_hoc": ["Margins changed after 3 trials."], "left_out": ["sam: does not fit"]}
    head = without_scripts(render(page.study_page(reported(*small, info=told))))
    assert head.index("Margins changed after 3 trials.") < head.index("In plain words")
    assert head.index("Left out: sam: does not fit.") < head.index("In plain words")
    assert "post hoc" not in head  # nor at the foot


def test_a_claim_comes_first_and_then_what_was_measured(small, reported):
    text = render(page.study_page(reported(*small, claim="Augmentation helps.")))
    assert text.index("Claim: Augmentation helps.") < text.index("<strong>Measured:</strong> Of 3 compared")
    assert "no effect" not in without_scripts(text).lower()


def test_the_verdict_on_a_claim_and_its_figures_come_first(tmp_path, compared, small, reported):
    own = Section("Its own picture", "Read it so.", forest(compared, families()).parts)
    study = reported(*small, claim="Noise helps.", verdict="It does not show here.", first=[own])
    text = page.write_report(tmp_path, study).read_text(encoding="utf8")
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


def test_one_repeat_still_makes_a_page(tmp_path, small, reported):
    trials, curves = small
    alone = trials[trials["repeat"] == "0-0-0"]
    text = page.write_report(tmp_path, reported(alone, curves)).read_text(encoding="utf8")
    assert "needs at least 2 repeats" in text


def test_a_report_takes_the_place_of_an_earlier_one_alone(written, tmp_path):
    check_report_folder(written, *REPORT)
    check_report_folder(tmp_path / "new", *REPORT)
    (tmp_path / "table.csv").touch()
    with pytest.raises(UserError, match="holds other files"):
        check_report_folder(tmp_path, *REPORT)
    with pytest.raises(UserError, match="is a file"):
        check_report_folder(tmp_path / "table.csv", *REPORT)


NAMES = {
    "sky", "ann", "cnn", "none", "augmentation", "shrink", "noise", "train_fraction", "batch_norm", "dropout", "mixup",
    "averaging", "Made", "made", "up", "one", "machine", "repeats", "docs", "statistics", "md", "nat", "overcast", "et",
    "al", "Bayle", "F1", "zoom", "digits", "speech", "reviews", "good", "mixed", "dnn", "lstm",
}  # fmt: skip
"""What is called the same in every language: cells, data and networks, units, files, a paper."""


def english(text):
    """The English words in it that are no names."""
    return set(re.findall(r"[A-Za-z][A-Za-z0-9_]+", text)) - NAMES


def drawn(value, key=""):
    """Every text that a Plotly figure shows."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in ("template", "marker", "line"):
                yield from drawn(each, name)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from drawn(each, key)
    elif isinstance(value, str) and key in ("text", "title", "name", "label", "hovertemplate", "ticktext"):
        yield re.sub(r"<[^>]*>|%?\{[^}]*\}", " ", value)


@pytest.mark.parametrize("of", ["one at a time", "factorial", "several data sets"])
def test_in_korean_nothing_stays_english(
    of, study, small, factorial_trials, factorial_parts, everywhere_trials, reported
):
    with use_language("ko"):
        if of == "factorial":
            others = {o.column: 0.3 for o in OUTCOMES if o.column not in factorial_trials}
            trials = factorial_trials.assign(split_seed=0, seconds=1.0)
            trials = trials.assign(**others)
            report = factorial_report(trials, factorial_parts)
            told = {"verdict": report.headline, "first": report.sections, "sentences": report.sentences}
            made = reported(trials, small[1].iloc[:0], **told)
        elif of == "several data sets":
            report = general_report(everywhere_trials, comparison_table(everywhere_trials), families(), {})
            told = {"verdict": report.headline, "first": report.sections, "sentences": report.sentences}
            made = reported(everywhere_trials, small[1].iloc[:0], **told)
        else:
            told = {"failed": ["noise"], "missing": ["shrink"], "official_test": True, "repeats": 5}
            chosen = study[0]["mitigation"].map(lambda name: "zoom=0.2" if name == "shrink" else None)
            tuned = study[0].assign(**{"validation/nll": 0.5, "validation/accuracy": 0.8}, chosen=chosen, candidates=3)
            looks = look_tables(study[0], {"looks": [2, 4]}, {})
            last = [
                *noise_sections(study[0], families(), {}, {}), *tuned_sections(tuned),
                *interval_sections(looks, study[0], families(), {}),
                *interval_sections([comparison_table(study[0])], study[0], families(), {}),
            ]  # fmt: skip
            assert len(last) == 5
            made = reported(*study, info=told, claim="주장", last=last)
        found = page.study_page(made)
        text = without_scripts(render(found))
    assert '<html lang="ko">' in text
    body = re.sub(r"<code>.*?</code>|python pipelines[^<]*|<[^>]*>|&\w+;", " ", text[text.index("<body>") :])
    assert english(body) == set()
    figures = [part.figure.to_plotly_json() for part in found.parts() if isinstance(part, Figure)]
    assert {word for figure in figures for line in drawn(figure) for word in english(line)} == set()
    assert len(figures) >= 3
    moved = [part for part in found.parts() if isinstance(part, Intervals)]
    texts = [
        [*part.texts.values(), *(name for column in part.columns for name in column.names.values())] for part in moved
    ]
    steps = [[step.title, *step.notes] for part in moved if isinstance(part, IntervalSteps) for step in part.steps]
    assert {word for lines in texts + steps for line in lines for word in english(re.sub(r"{\w+}", "", line))} == set()


RENAMED = ("augmentation", "shrink", "noise")
MARKUP = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<a href='//x'>")
SIGNS = ("a|b", "a_b$%&#{}~^\\", "=1+1")


class Elements(HTMLParser):
    """The kinds of elements and of their attributes, in the order in which they come."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag != "wbr":  # where a name may be broken
            self.found.append((tag, *(key for key, _ in attrs)))


@pytest.fixture(scope="module")
def renamed(tmp_path_factory, small, reported):
    """``renamed(names)``: the study's trials and the folder of its report, with its cells called otherwise."""

    def made(names):
        called = dict(zip(RENAMED, names, strict=True))
        trials = small[0].assign(**{key: small[0][key].replace(called) for key in ("cell", "mitigation")})
        folder = tmp_path_factory.mktemp("report") / "page"
        page.write_report(folder, reported(trials, small[1]))
        return trials, folder

    return made


@pytest.fixture(scope="module")
def usual(renamed):
    """The elements of the page with usual names."""
    return Elements((renamed(RENAMED)[1] / "report.html").read_text(encoding="utf8")).found


@pytest.mark.parametrize("names", [MARKUP, pytest.param(SIGNS, marks=pytest.mark.slow)])
def test_whatever_a_cell_is_called_is_text_in_every_file(renamed, usual, names):
    trials, folder = renamed(names)
    text, markdown = ((folder / name).read_text(encoding="utf8") for name in ("report.html", "table.md"))
    assert Elements(text).found == usual
    for sheet in ((folder / "table.csv").read_text(encoding="utf8"), long_form("x", trials)):
        assert set(names) < set(pd.read_csv(io.StringIO(sheet))["cell"])  # for programs: nothing is changed
    assert not re.search(r"(?<!\\)<(script|img|a )", markdown)
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows}) == 1


def test_every_sign_of_latex_is_text(small, reported):
    trials = small[0].assign(cell=small[0]["cell"].replace({"noise": SIGNS[1]}))
    tex = latex(reported(trials, small[1]).table, families(), "tab:x")
    assert r"\raggedright a\_b\$\%\&\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{} &" in tex
