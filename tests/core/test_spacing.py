"""Some of many are spread over all of them."""

from overcast.core.spacing import evenly_spaced


def test_evenly_spaced_keeps_the_first_and_the_last() -> None:
    assert evenly_spaced(range(9), 3) == [0, 4, 8]
    assert evenly_spaced("abcd", 2) == ["a", "d"]


def test_few_items_are_all_kept() -> None:
    assert evenly_spaced([1, 2], 9) == evenly_spaced([1, 2], 2) == [1, 2]
    assert evenly_spaced([], 3) == []
