"""What speaks for the class that a sample was taken for: occlusion, and with the extra `explain` gradients too."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from overcast.core.errors import UserError
from overcast.core.words import translate
from overcast.explain import attribution, gradients
from overcast.explain.figures import Attributions, attribution_figures
from overcast.explain.samples import ExplainedSample
from overcast.html.page import Image
from overcast.model import trainable_view
from overcast.prediction.trained_network import TrainedNetwork, restore
from overcast.tracking.run_folder import Run


class Explainer:
    """Looks inside one run; its network is restored once more for that, when it is first asked."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def trained(self) -> TrainedNetwork:
        trained = restore(self.run)
        trained.net = trainable_view(trained.net)
        return trained

    def explain(self, sample: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
        """``text``: how to read it; ``image``, an address that needs no file; of a sentence ``words`` and their worth.

        sample: as a pack holds it. probabilities: (K,) that the run gives it.
        """
        explained = ExplainedSample("", sample, None, probabilities)
        methods = attribution.choose_methods(self.run, self.trained, explained)
        missing = _missing()
        if missing:
            methods = replace(methods, gradient=False, last=None)
        found = attribution.maps(self.trained.net, self.trained, explained, explained.predicted, methods).by_method
        told = {"text": " ".join([self._text(), *_methods_text(found), *([missing] if missing else [])])}
        if self.run.spec.kind == "tokens":
            values = found.get("gradients", found["occlusion"])
            words = self.run.spec.decode(sample)
            return told | {"words": [[word, float(value)] for word, value in zip(words, values, strict=True)]}
        figures = attribution_figures(self.run.spec, explained, explained.predicted, found, "")
        image = next(figure for figure in figures if isinstance(figure, Image))
        return told | {"image": image.source, "width": image.width}

    def _text(self) -> str:
        text = translate("Red speaks for the class, blue against it.")
        if self.run.spec.kind != "tokens":
            return text
        return f"{text} {translate('“?” is a word that the data set does not have.')}"


def _methods_text(found: Attributions) -> list[str]:
    """What each method measures."""
    texts = {
        "occlusion": translate("Occlusion: the probability lost without this part."),
        "gradients": translate("Integrated gradients: what each value adds to the class's logit."),
        "cam": translate("Grad-CAM: where the last convolution sees the class."),
    }
    return [text for method, text in texts.items() if method in found]


def _missing() -> str:
    """Which methods are left out, and what brings them; "" where there are all."""
    try:
        gradients.require_captum()
    except UserError:
        return translate("Integrated gradients and Grad-CAM are left out: they take the extra `explain`.")
    return ""
