from overcast.comparison.description import description_md


def test_the_description_opens_with_the_verdict_or_the_claim(compared, info):
    assert description_md(compared, info).startswith("Of 3 compared with none")
    lines = description_md(compared, info, "Augmentation helps.").split("\n\n")
    assert lines[0] == "**Claim:** Augmentation helps."
    assert lines[1].startswith("**Measured:** Of 3")
    assert lines[-1] == (
        "Judged: gap in negative log-likelihood; test negative log-likelihood and test accuracy. "
        "`compare.py study=made_up`\n"
    )


def test_the_description_never_says_no_effect(compared, info):
    assert "no effect" not in description_md(compared, info).lower()
