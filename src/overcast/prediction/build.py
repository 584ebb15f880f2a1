"""Networks and mitigations from a config: every mistake in their options shows here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from overcast.config.options import Option, build_option
from overcast.config.run_config import RunConfig
from overcast.core.errors import IncompatibleError, UserError
from overcast.core.seeding import derive_seed
from overcast.core.spec import Kind, Spec
from overcast.mitigation import Mitigation
from overcast.model import Network, example_input
from overcast.prediction.preprocessor import refuse_pixel_shuffle


def build(config: RunConfig, spec: Spec) -> tuple[Network, dict[str, Mitigation]]:
    """The network with its first weights, which depend on the seed alone, and the mitigations.

    Raises: UserError for options that are wrong or do not fit this kind of data.
    """
    refuse_pixel_shuffle(config.shuffle_pixels, spec)
    mitigations = build_mitigations(config.mitigation, spec.kind)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(config.seed, "weights"))
        net = build_network(config.model, spec, mitigations)
    return net, mitigations


def network_size(model: Option, mitigation: Sequence[Option], spec: Spec) -> dict[str, int]:
    """Weights of the network, frozen ones too, and multiply-adds of one sample through it.

    Raises: UserError if what it gives are no logits.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        net = build_network(model, spec, build_mitigations(mitigation, spec.kind)).eval()
        x, length = example_input(spec, "meta")
        with FlopCounterMode(display=False) as counter:
            logits = net(x, length)
    if logits.shape != (wanted := (1, len(spec.classes))):
        raise UserError(f"model={model.name}: forward gives {tuple(logits.shape)} for one sample, not logits {wanted}")
    parts = net.backbone_and_head()
    modules = [net, parts[0].module] if parts else [net]
    weights = sum(p.numel() for module in modules for p in module.parameters())
    return {"parameters": weights, "multiply_adds": counter.get_total_flops() // 2}


WORKS_ON: Mapping[Kind, str] = {
    "image": "model=cnn mitigation=augmentation",
    "sequence": "model=lstm mitigation=dropout",
    "spectrogram": "model=cnn mitigation=spectrogram_augmentation",
    "tokens": "model=lstm mitigation=dropout",
}


def refuse_kind(group: str, name: str, kind: Kind, kinds: tuple[Kind, ...]) -> None:
    """Raises: IncompatibleError if ``group=name`` does not make sense for this kind of data."""
    if kind not in kinds:
        raise IncompatibleError(
            f"{group}={name} works on {' and '.join(kinds)} data; this data set is of kind {kind}. Choose what works "
            f"on that, such as {WORKS_ON[kind]}"
        )


def refuse_unfit(config: RunConfig) -> None:
    """Refuse network and mitigations that make no sense for this kind of data, before there is any.

    Raises: UserError as `build` does.
    """
    kind = config.data.target_class("data").kind
    build_mitigations(config.mitigation, kind)
    model = config.model.checked_class("model", Network)  # type: ignore[type-abstract]
    refuse_kind("model", config.model.name, kind, model.kinds)


def build_mitigations(options: Sequence[Option], kind: Kind) -> dict[str, Mitigation]:
    """The chosen mitigations by name, in the order chosen.

    Raises: UserError for `none` beside others; IncompatibleError for one that makes no sense for this kind of data.
    """
    if len(options) > 1 and any(option.name == "none" for option in options):
        raise UserError("mitigation=none stands for no mitigation at all: choose it alone, or leave it out")
    built = {option.name: build_option(f"mitigation.{option.name}", option, contract=Mitigation) for option in options}
    for name, mitigation in built.items():
        refuse_kind("mitigation", name, kind, mitigation.kinds)
    return built


def build_network(option: Option, spec: Spec, mitigations: Mapping[str, Mitigation]) -> Network:
    """The chosen network for data of this spec, with what the mitigations put into it.

    Raises: UserError for options that are wrong; IncompatibleError for what does not fit the data or each other.
    """
    kind, model = option.checked_class("model", Network), option.name  # type: ignore[type-abstract]
    refuse_kind("model", model, spec.kind, kind.kinds)
    extra: dict[str, Any] = {}
    for name, mitigation in mitigations.items():
        if reason := kind.refuses.get(name):
            raise IncompatibleError(
                f"mitigation={name} makes no sense for model={model}: {reason}. Leave one of them out"
            )
        extra |= mitigation.model_kwargs()
    if "scale" in extra:  # a smaller network than the one chosen, whatever its own scale
        extra["scale"] *= option.values.get("scale", 1.0)
    return build_option("model", option, spec, contract=Network, **extra)  # type: ignore[type-abstract]
