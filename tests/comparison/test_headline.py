import pandas as pd

from overcast.comparison import comparison_table, families, table_view
from overcast.comparison.headline import headline


def test_the_headline_counts_and_names_in_each_outcome(compared):
    told = headline(compared)
    assert told.startswith("Of 3 compared with none, 1 reduces overfitting (gap in negative log-likelihood): augmenta")
    assert "; 1 increases it: shrink (+0.3" in told
    assert "1 makes the model better (test negative log-likelihood): augmentation (−0.2" in told
    assert "1 makes the model better (test accuracy): augmentation (+" in told
    assert told.count("; 1 makes it worse: shrink (") == 2
    assert told.count("; 1 equivalent.") == 3
    assert "Each costs at most 1.2× the time at equal epochs." in told
    assert "Highest mean test accuracy: augmentation, 8" in told


def test_the_headline_orders_by_the_change_and_says_none_where_none_does(compared):
    names = ["much", "some", "little"]
    rows = compared[~compared["is_baseline"]].assign(cell=names, **{"change/gap/nll": [-0.3, -0.2, -0.1]})
    rows["verdict/gap/nll"], rows["verdict/test/accuracy"] = "better", "undecided"
    told = headline(pd.concat([rows.iloc[::-1], compared[compared["is_baseline"]]]))
    assert "3 reduce overfitting (gap in negative log-likelihood): much (−0.300), some (−0.200) and little" in told
    assert "Not one makes the model better (test accuracy); 3 undecided." in told


def test_what_costs_much_more_time_is_named_dearest_first(compared):
    dear = compared.assign(time=compared["cell"].map({"augmentation": 3.0, "shrink": 1.6, "noise": 1.1, "none": 1.0}))
    told = headline(dear)
    assert "Dearest at equal epochs: augmentation (3.0×) and shrink (1.6×); the others cost at most 1.1× the" in told


def test_a_cell_with_diverged_trials_is_not_the_highest(with_diverged):
    told = headline(with_diverged)
    assert told.count("1 equivalent, 1 not judged") == 3
    assert "Not one makes the model better (test accuracy)" in told
    assert "Highest mean test accuracy: noise" in told


def test_one_repeat_says_what_it_needs(small, info):
    alone = comparison_table(small[0][small[0]["repeat"] == "0-0-0"], info)
    assert headline(alone).startswith("Nothing could be compared: that needs at least 2 repeats.")
    assert "needs at least 2 repeats" in table_view.markdown(alone, families())


def test_one_cell_has_nothing_to_be_compared_with(small, info):
    alone = comparison_table(small[0][small[0]["mitigation"] == "none"], info)
    assert headline(alone).startswith("There is one cell, and nothing to compare it with.\nHighest mean test")
