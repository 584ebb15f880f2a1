"""The labels that a simple model believes least, shown to be looked at; none where the model knows too little."""

from __future__ import annotations

import numpy as np

from overcast.audit import label_issues
from overcast.audit.label_issues import OutOfSample
from overcast.audit.views import Views
from overcast.core.console import in_language
from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.html.page import Part, Section, Table

LABEL_ISSUES = 32  # shown, at most
SURELY = 2.0
"""Standard errors by which the model must be right more often than the majority class is, for its doubts to count."""


def doubtful_labels(views: Views) -> Section:
    """The least likely labels, if the model that doubts them is better than always saying the largest class."""
    title, pack = translate("Label issues"), views.pack
    try:
        out_of_sample = label_issues.out_of_sample_probabilities(pack)
    except UserError as reason:
        return Section(title, translate("Left out: {reason}.", reason=in_language(str(reason))))
    labels = pack.labels[out_of_sample.rows]
    right, majority = accuracy(out_of_sample, labels)
    if right <= majority + SURELY * np.sqrt(right * (1 - right) / len(labels)):
        why = translate(
            "None are told: the simple model that would doubt labels is right in {right:.0%} of {number:,}, not "
            "clearly more often than always saying {label} ({majority:.0%}), so its doubts would mean nothing.",
            right=right, number=len(labels), label=pack.spec.classes[np.bincount(labels).argmax()], majority=majority,
        )  # fmt: skip
        return Section(title, why)
    order = out_of_sample.order(labels)
    if not len(order):
        return Section(title, translate("None: a simple model agrees with every label."))
    how = translate(
        "Hints, not errors: samples whose given label is the least likely to a logistic regression on plain features "
        "that was fitted without them and their copies. It is right in {right:.0%} of {number:,} (always saying the "
        "largest class: {majority:.0%}): most of what it doubts only looks unusual. {shown} of {total:,} are shown.",
        right=right, number=len(labels), majority=majority, shown=min(len(order), LABEL_ISSUES), total=len(order),
    )  # fmt: skip
    return Section(title, how, _issues(views, out_of_sample, labels, order[:LABEL_ISSUES]))


def accuracy(out_of_sample: OutOfSample, labels: np.ndarray) -> tuple[float, float]:
    """Of these labels (N,): in which share the model is right, and in which share the largest class would be."""
    right = float((out_of_sample.probabilities.argmax(1) == labels).mean())
    return right, float(np.bincount(labels).max() / len(labels))


def _issues(views: Views, out_of_sample: OutOfSample, labels: np.ndarray, order: np.ndarray) -> list[Part]:
    names, parts, texts = views.pack.spec.classes, list[Part](), list[list[str]]()
    for number, at in enumerate(order):
        p, row = out_of_sample.probabilities[at], int(out_of_sample.rows[at])
        given = translate("given {label} ({share})", label=names[labels[at]], share=_percent(p[labels[at]]))
        suggested = translate("suggested {label} ({share})", label=names[p.argmax()], share=_percent(p.max()))
        file = str(views.pack.index["file"][row])
        if views.pack.spec.kind == "tokens":
            texts.append([given, suggested, f"{file}: {views.text(row)}"])
        else:
            parts.append(views.row([row], [given, suggested, file], f"label-issue-{number + 1}"))
    if texts:
        return [Table([translate("label"), translate("suggestion"), translate("text")], texts, row_heads=True)]
    return parts


def _percent(share: float) -> str:
    return "<0.1%" if share < 0.001 else f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
