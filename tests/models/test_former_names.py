"""The former names of the options of mixtures are answered with the new ones."""

import pytest

import gmmbench


@pytest.mark.parametrize(
    ("model", "old", "new", "value"),
    [
        ("gmm", "start", "init", "kmeans"),
        ("gmm", "starts", "n_init", "3"),
        ("gmm", "moves", "split_merge", "2"),
        ("gmm", "neglect", "truncation", "0"),
        ("bgmm", "start", "init", "kmeans"),
        ("infinite", "start", "init", "kmeans"),
    ],
)
def test_a_former_name_is_answered_with_the_new_one(model, old, new, value):
    with pytest.raises(gmmbench.Refused) as refused:
        gmmbench.compose(f"model={model}", f"model.{old}={value}")
    assert f"model.{new}={value}" in str(refused.value)
