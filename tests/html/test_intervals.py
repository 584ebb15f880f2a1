"""Tables of intervals: their data cannot end their script, and only pages that have one carry what draws it."""

from __future__ import annotations

import json

from overcast.html.intervals import IntervalColumn, IntervalSteps, Step
from overcast.html.page import Page, Paragraph, Section
from overcast.html.writer import render

COLUMN = IntervalColumn("accuracy", "points", 1, 3.0, True, {"better": "better </script>"})
STEP = Step("after 4 folds", [[(5.0, 4.0, 6.0)]], [["better"]], ["goes on"])
TEXTS = {"steps": "Look", "shown": "", "verdict": "verdict", "note": "runs"}
SLIDER = IntervalSteps(["a < b"], [COLUMN], {"better": ("#0072B2", "circle")}, TEXTS, [STEP])


def page(*parts: Paragraph | IntervalSteps) -> str:
    return render(Page("T", "lead", [Section("One", "", parts)], {}))


def test_its_data_stand_in_the_page_and_cannot_end_their_element() -> None:
    text = page(SLIDER)
    inside = text.split('<script type="application/json">')[1].split("</script>")[0]
    data = json.loads(inside)
    assert data["columns"][0]["names"]["better"] == "better </script>"
    assert data["steps"][0]["intervals"] == [[[5.0, 4.0, 6.0]]]
    assert '<th scope="row">a &lt; b</th>' in text


def test_only_a_page_that_has_one_carries_what_draws_it() -> None:
    assert "drawAgain" in page(SLIDER)
    assert "drawAgain" not in page(Paragraph("text"))
