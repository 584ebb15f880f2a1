"""The range test: it climbs, reads its curve as Smith does, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overcast.core.errors import UserError
from overcast.tracking.run_folder import Run
from overcast.training.train import train
from overcast.tuning import find_lr as find_lr_module
from overcast.tuning.find_lr import HIGHEST, LOWEST, STEPS, RangeTest, find_lr, range_test


def test_a_curve_is_read_where_it_falls_fastest_and_where_it_is_least() -> None:
    rates = np.geomspace(1e-6, 1, 601)
    x = np.log10(rates)
    losses = 2 - 1 / (1 + np.exp(-6 * (x + 3))) + np.where(x > -1.5, 3 * (x + 1.5) ** 2, 0)  # falls at 1e-3, then grows
    test = RangeTest(rates, losses)
    assert test.steepest == pytest.approx(1e-3, rel=0.03)
    assert test.least == pytest.approx(10**-1.5, rel=0.1)
    assert test.suggested == 0.003


def test_a_network_on_data(config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = find_lr(config("mitigation=[sam,batch_norm,pretraining]", "model=dnn"), tmp_path / "a" / "curve.png")
    assert LOWEST <= test.rates[0] < test.rates[-1] <= HIGHEST
    assert len(test.rates) <= STEPS
    assert np.isfinite(test.losses).all()
    assert 1e-5 < test.suggested < 0.1
    assert test.losses[-1] > test.losses.min()
    assert (tmp_path / "a" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert f"suggested: lr={test.suggested:g}, a tenth of that (set: lr=0.01)" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()


def test_the_rates_of_a_networks_groups_climb_together(config: Any) -> None:
    """As those of `resnet`, whose filters have one of their own; also where several batches make up a step."""
    test = range_test(config("model=resnet", "model.width=8", "model.blocks=0", "trainer.accumulate_grad_batches=2"))
    assert len(set(np.round(np.diff(np.log(test.rates)), 6))) == 1


def test_data_is_made_ready_when_asked(config: Any, tmp_path: Path) -> None:
    where = f"data_dir={tmp_path}/new"
    with pytest.raises(UserError, match="There is no pack"):
        range_test(config(where))
    assert len(range_test(config(where, "prepare=true")).rates) > 10


@pytest.mark.parametrize("kind", ["init_from", "synthetic_pretraining"])
def test_it_begins_where_a_run_would(
    config: Any, tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "skies").symlink_to(prepared / "skies")
    earlier = train(config("seed=5"))
    word = f"init_from={earlier.folder}" if kind == "init_from" else f"mitigation={kind}"
    begun: list[Run | None] = []
    assembled: Any = find_lr_module.assemble
    monkeypatch.setattr(find_lr_module, "assemble", lambda *args: (begun.append(args[4]), assembled(*args))[1])
    range_test(config(word, f"data_dir={tmp_path}/data"))
    (first,) = begun
    assert first is not None
    assert kind != "init_from" or first == earlier


def test_two_steps_are_too_few(config: Any) -> None:
    with pytest.raises(UserError, match="debug=true has two steps"):
        range_test(config("debug=true"))
