"""The forest plot by data set."""

from overcast.comparison import comparison_table, families
from overcast.comparison.general import data_set_effects, general_table
from overcast.comparison.general_figure import general_forest


def test_each_data_set_and_the_mean_stand_in_a_block_of_their_mitigation(everywhere_trials):
    judged = families()
    effects = data_set_effects(everywhere_trials, comparison_table(everywhere_trials), judged, {})
    section = general_forest(effects, general_table(effects, judged), judged)
    (part,) = section.parts
    figure = part.figure
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == [
        "sky", "digits", "speech", "reviews", "in general",
    ]  # fmt: skip
    assert list(figure.layout.yaxis.ticktext) == ["good", "mixed", "noise"]
    sky, mean = (
        next(trace for trace in figure.data if trace.name == name and trace.xaxis == "x3")
        for name in ("sky", "in general")
    )
    found = effects[(effects["data"] == "sky") & (effects["outcome"] == "test/accuracy")]
    assert list(sky.x) == list(100 * found["change"])
    for of_sky, of_mean, middle in zip(sky.y, mean.y, figure.layout.yaxis.tickvals, strict=True):
        assert of_mean < middle < of_sky
