"""Config and summary: dicts that report each change once."""

import copy
import pickle

import pytest

from trackio.values.observed import Observed


@pytest.fixture
def seen():
    return []


@pytest.fixture
def config(seen):
    return Observed({"lr": 0.1}, seen.append)


def test_what_it_begins_with_is_no_change(config, seen):
    """The run logs it itself."""
    assert {"lr": 0.1} == config
    assert [] == seen


def _set_item(config):
    config["a"] = 1


def _set_attribute(config):
    config.a = 1


def _merge_in(config):
    config |= {"a": 1}


@pytest.mark.parametrize(
    "change",
    [
        _set_item,
        _set_attribute,
        _merge_in,
        lambda config: config.update({"a": 1}),
        lambda config: config.update(a=1),
        lambda config: config.update([("a", 1)], allow_val_change=True),
        lambda config: config.setdefault("a", 1),
    ],
)
def test_every_way_to_change_it_is_reported_once(config, seen, change):
    """As a dict, as attributes, as wandb's scripts do."""
    change(config)
    assert {"lr": 0.1, "a": 1} == config
    assert [{"a": 1}] == seen


def test_what_changes_nothing_is_not_reported(config, seen):
    """Reading, and a default that is there already."""
    assert 0.1 == config.setdefault("lr", 5)
    assert 0.1 == config.lr == config["lr"] == config.get("lr")
    assert [] == seen


def test_an_unknown_attribute_says_what_is_known(config):
    """A typing error in a script is found at once."""
    with pytest.raises(AttributeError, match=r"'lrr'.*lr"):
        _ = config.lrr
    assert not hasattr(config, "lrr")


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, dict, lambda config: pickle.loads(pickle.dumps(config))],
)
def test_a_copy_is_a_plain_dict_and_reports_nothing(config, seen, copied):
    """Workers in other processes get one."""
    other = copied(config)
    other["a"] = 1
    assert {"lr": 0.1, "a": 1} == other
    assert {"lr": 0.1} == config
    assert [] == seen
