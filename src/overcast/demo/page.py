"""The page itself: one template, whose words are said here, in the language that is used."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from overcast.core.spec import Kind
from overcast.core.words import translate
from overcast.demo.answer import Demo
from overcast.demo.limits import LARGEST
from overcast.html.template import COLOURS, render_template

HERE = Path(__file__).parent
LONGEST = 10
"""Seconds after which a recording ends by itself."""

ACCEPTED: dict[Kind, str] = {
    "image": "image/*",
    "spectrogram": "audio/*",
    "tokens": ".txt",
    "sequence": ".csv,.tsv,.npy",
}
"""What the browser's dialogue offers first; what a file is its content alone says."""


def page(demo: Demo) -> str:
    """The page's text."""
    spec, run = demo.predictor.spec, demo.run
    data = demo.predictor.runs[0].config.data.name if demo.predictor.runs else ""
    model = run.config.model.name if run else demo.name
    return render_template(
        HERE / "demo.html.j2",
        title=f"{model} · {data}" if data else model,
        name=run.facts["name"] if run else "",
        kind=spec.kind,
        classes=spec.classes,
        accepted=ACCEPTED[spec.kind],
        synthetic=bool(run and run.facts["synthetic"]),
        limits={"bytes": LARGEST, "seconds": min(LONGEST, getattr(demo.dataset, "seconds", LONGEST))},
        words=_words(spec.kind),
    )


@cache
def style_sheet() -> str:
    """The page kit's, and what this page adds."""
    palette = ":root {" + "".join(f" --{name}: {colour};" for name, colour in COLOURS.items()) + " }"
    files = (HERE.parent / "html" / "page.css", HERE / "demo.css")
    return "\n".join([palette, *(path.read_text(encoding="utf8") for path in files)])


@cache
def script() -> str:
    """What the page does."""
    return (HERE / "demo.js").read_text(encoding="utf8")


def _words(kind: Kind) -> dict[str, Any]:
    """All that the page and its script say, by name."""
    return _inputs(kind) | {
        "lead": translate("A trained network tells one of these classes, and how sure it is."),
        "synthetic": translate("It was trained on synthetic data."),
        "ask": translate("Tell the class"),
        "working": translate("Working …"),
        "explaining": translate("Explaining …"),
        "said": translate("{label}, {percent}"),
        "abstains": translate("Better no answer"),
        "most_likely": translate("Most probable is {label}, {percent}."),
        "because": translate("because {reasons}"),
        "set": translate("Set of classes"),
        "empty_set": translate("empty"),
        "probabilities": translate("Probabilities"),
        "seen": translate("What the network sees"),
        "explanation": translate("What speaks for this class"),
        "nearest": translate("Nearest training samples"),
        "similarity": translate("similarity {value}"),
        "others": translate("Other networks"),
        "network": translate("network"),
        "run": translate("folder of its run"),
        "class": translate("class"),
        "probability": translate("probability"),
        "too_large": translate(
            "This file is larger than {megabytes} MB: choose a smaller one.", megabytes=LARGEST >> 20
        ),
        "one_file": translate("Only the first of the files is taken."),
        "no_server": translate("The server does not answer: is the script still running?"),
        "no_microphone": translate("The microphone cannot be used: allow it in the browser, or choose a file."),
        "play": translate("your recording"),
    }


def _inputs(kind: Kind) -> dict[str, Any]:
    """How something of this kind is given."""
    if kind == "image":
        return {"drop": translate("Drop a picture here, or choose one")}
    if kind == "spectrogram":
        return {
            "drop": translate("Drop a recording here, or choose one"),
            "record": translate("Record"),
            "stop": translate("Stop"),
            "recording": translate("Recording: speak now."),
        }
    if kind == "tokens":
        return {"write": translate("Your text"), "drop": translate("Or drop a text file here, or choose one")}
    return {
        "write": translate("The rows of a csv, with its head"),
        "drop": translate("Or drop a table here, or choose one"),
    }
