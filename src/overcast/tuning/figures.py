"""The figures of a search: how it went, which options counted, and where the good values lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import plotly.graph_objects as go
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial
from plotly.subplots import make_subplots

from overcast.core.words import translatable, translate
from overcast.html.page import Section
from overcast.html.style import BLUE, GREY, ORANGE
from overcast.tuning.objective import STOPPED
from overcast.tuning.worker import spent_seconds, stood_trial, whole_trials

NLL = translatable("validation negative log-likelihood")

FEWEST = 10
"""Whole trials that a ranking of options takes."""

COLUMNS = 3
PANEL = 230
"""Pixels of height."""

HISTORY = translatable(
    "Each point is a trial, over the time of the search; the line is the best one so far. Rings were stopped early: "
    "they show where their curve stood then, and count no further. What diverged is not shown."
)
IMPORTANCE = translatable(
    "How much of the differences between whole trials in rank each option explains by itself (functional ANOVA on a "
    "random forest, Hutter et al. 2014); all add up to 100 %. Strengths of a mitigation are not ranked, since a trial "
    "without it has none. Trials that were stopped early are not in it, and the search looked more closely where it "
    "was promising: a hint, not a measurement."
)
SLICES = translatable(
    "Each whole trial at the value that it had. Options were varied together: that trials with one value are better "
    "does not mean that this value made them so."
)


def history(trials: Sequence[FrozenTrial]) -> Section:
    """Validation figures over the time of the search, and the best so far."""
    figure = go.Figure()
    ended = sorted(whole_trials(trials), key=lambda trial: str(trial.datetime_complete))
    stopped = [t for t in trials if t.user_attrs.get("ended") == STOPPED and t.value is not None]
    for some, name, symbol in (
        (ended, translate("whole"), "circle"),
        (stopped, translate("stopped early"), "circle-open"),
    ):
        figure.add_scatter(
            x=[_minutes(trials, trial) for trial in some], y=[trial.value for trial in some], mode="markers", name=name,
            text=[_hover_text(trial) for trial in some], hovertemplate="%{text}<extra></extra>",
            marker={"symbol": symbol, "color": BLUE if symbol == "circle" else GREY, "size": 8},
        )  # fmt: skip
    best = list(accumulate((float(trial.value or 0) for trial in ended), min))
    figure.add_scatter(
        x=[_minutes(trials, trial) for trial in ended], y=best, mode="lines", name=translate("best so far"),
        line={"shape": "hv", "color": ORANGE, "width": 2}, hoverinfo="skip",
    )  # fmt: skip
    if stood := stood_trial(trials):
        figure.add_hline(y=stood.value, line={"color": GREY, "dash": "dot"}, annotation_text=translate("as it stood"))
    figure.update_xaxes(title=translate("minutes"), rangemode="tozero")
    figure.update_yaxes(title=translate(NLL), range=_shown_range(ended) or _shown_range([*ended, *stopped]))
    return Section.from_figure(translate("How the search went"), translate(HISTORY), figure, 420)


def _minutes(trials: Sequence[FrozenTrial], trial: FrozenTrial) -> float:
    """Of the search's own time, when the trial ended: pauses do not count."""
    assert trial.datetime_complete
    return spent_seconds(trials, trial.datetime_complete.timestamp()) / 60


def _shown_range(trials: Sequence[FrozenTrial]) -> list[float] | None:
    """Of validation figures: one that went wrong would hide all others."""
    if not trials:
        return None
    low, high = np.quantile([float(trial.value or 0) for trial in trials], [0, 0.9])
    return [low - 0.1 * (high - low), high + 0.4 * (high - low)] if high > low else None


def _hover_text(trial: FrozenTrial) -> str:
    options = [
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}" for name, value in _on(trial)
    ]
    return "<br>".join([f"{translate('trial')} {trial.number}: {trial.value:.4f}", *options])


def _on(trial: FrozenTrial) -> list[tuple[str, object]]:
    """The trial's options, less those that are off."""
    return [(name, value) for name, value in trial.params.items() if value is not False]


def importance(study: Study) -> Section:
    """A bar an option."""
    title = translate("Which options counted")
    trials = study.get_trials(deepcopy=False)
    if len(whole_trials(trials)) < FEWEST:
        text = translate(
            "That takes {number} whole trials; there were {found}.", number=FEWEST, found=len(whole_trials(trials))
        )
        return Section(title, text)
    order = sorted(whole_trials(trials), key=lambda trial: float(trial.value or 0))
    rank = {trial.number: float(place) for place, trial in enumerate(order)}
    found = get_param_importances(
        study,
        evaluator=FanovaImportanceEvaluator(seed=0),
        target=lambda trial: rank.get(trial.number, float(len(rank))),
    )
    shares = dict(reversed(found.items()))
    figure = go.Figure()
    figure.add_bar(
        x=[100 * share for share in shares.values()], y=list(shares), orientation="h", marker={"color": BLUE},
        hovertemplate="%{y}: %{x:.0f} %<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title=translate("importance, %"), rangemode="tozero")
    return Section.from_figure(title, translate(IMPORTANCE), figure, 130 + 24 * len(shares))


def slices(trials: Sequence[FrozenTrial]) -> Section:
    """A panel an option: the validation figure over its values."""
    title, some = translate("Where the good values lie"), whole_trials(trials)
    names = list(dict.fromkeys(name for trial in some for name in trial.params))
    rows = -(-len(names) // COLUMNS)
    figure = make_subplots(rows, COLUMNS, shared_yaxes=True, subplot_titles=names, vertical_spacing=0.35 / rows)
    for number, name in enumerate(names):
        having = [trial for trial in some if name in trial.params]
        where = {"row": number // COLUMNS + 1, "col": number % COLUMNS + 1}
        distribution = having[0].distributions[name]
        values = [trial.params[name] for trial in having]
        chosen = hasattr(distribution, "choices")
        shown = [_word(value) for value in values] if chosen else values
        figure.add_scatter(
            x=shown, y=[trial.value for trial in having], mode="markers", showlegend=False,
            text=[_hover_text(trial) for trial in having], hovertemplate="%{text}<extra></extra>",
            marker={"color": [t.number for t in having], "colorscale": "Blues", "cmin": -len(some) / 2, "size": 7},
            **where,
        )  # fmt: skip
        if chosen:
            order = [_word(value) for value in distribution.choices]  # type: ignore[attr-defined]
            figure.update_xaxes(type="category", categoryorder="array", categoryarray=order, **where)
        elif distribution.log:  # type: ignore[attr-defined]
            figure.update_xaxes(type="log", **where)
    figure.update_annotations(font_size=12)
    figure.update_yaxes(range=_shown_range(some))
    return Section.from_figure(title, translate(SLICES), figure, 90 + PANEL * rows, min_width=700)


def _word(value: object) -> str:
    return {True: translate("on"), False: translate("off")}[value] if isinstance(value, bool) else str(value)
