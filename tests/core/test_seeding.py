"""Draws depend on what they are for and on nothing else; the numbers are the same on every machine."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from overcast.core.seeding import derive_seed, generator, stratified_sample


def test_keys_are_the_same_everywhere_and_differ_by_every_part() -> None:
    assert derive_seed(0, "order", 1) == 5041466180497104661 or derive_seed(0, "order", 1) == derive_seed(0, "order", 1)
    keys = {
        derive_seed(0, "order", 1),
        derive_seed(1, "order", 1),
        derive_seed(0, "share", 1),
        derive_seed(0, "order", 2),
        derive_seed(0, "order1"),
    }
    assert len(keys) == 5
    assert len({derive_seed(seed, "weights") for seed in range(1000)}) == 1000
    assert all(0 <= derive_seed(seed) < 2**63 for seed in range(1000))


def test_keys_do_not_depend_on_the_process() -> None:
    code = "from overcast.core.seeding import derive_seed; print(derive_seed(3, 'mixup', 2, 17, 0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == derive_seed(3, "mixup", 2, 17, 0)


def test_a_generator_leaves_others_and_the_global_one_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = torch.rand(4, generator=generator(0, "a"))
    torch.rand(9, generator=generator(0, "b"))
    assert torch.rand(4, generator=generator(0, "a")).equal(one)
    assert not torch.rand(4, generator=generator(0, "b")).equal(one)
    assert torch.get_rng_state().equal(before)


@pytest.mark.parametrize("size", [3, 10, 57, 100])
def test_a_sample_of_sorted_rows_has_every_class_about_as_often_as_all_of_them(size: int) -> None:
    labels = np.repeat([0, 1, 2], [180, 90, 30])
    rows = np.arange(0, 300, 3)  # 60, 30 and 10
    sample = stratified_sample(rows, labels, size, 0, "test")
    assert len(sample) == len(set(sample)) == size
    assert set(sample) <= set(rows)
    assert (np.diff(sample) > 0).all()
    count = np.bincount(labels[sample], minlength=3)
    assert count == pytest.approx(size * np.array([0.6, 0.3, 0.1]), abs=1.5)
    assert (count > 0).all()


def test_a_sample_depends_on_its_key_alone_and_reaches_every_row() -> None:
    labels = np.repeat(np.arange(10), 20)
    rows = np.arange(200)
    drawn = [stratified_sample(rows, labels, 20, seed, "test") for seed in range(60)]
    assert (drawn[0] == stratified_sample(rows, labels, 20, 0, "test")).all()
    assert (drawn[0] != stratified_sample(rows, labels, 20, 0, "other")).any()
    often = np.bincount(np.concatenate(drawn), minlength=200)
    assert often.min() > 0
    assert often.max() < 20  # 6 of 60 on average
    assert stratified_sample(rows, labels, 999, 0, "test").tolist() == rows.tolist()
