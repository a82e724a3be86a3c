"""The simulated world notices when a rule of the format is taken out of the code.

Those are here that it notices soon; `make torture ARGS="--only mutants"` takes them all.
"""

import pytest
from torture.mutants import MUTANTS

from trackio.testing.histories import run_history

SOON = {"taken is safe"}
MOST = 40


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in SOON], ids=lambda m: m.name)
def test_a_rule_that_nobody_keeps_is_missed(tmp_path_factory, mutant):
    """One of so many histories must fail; which one depends on nothing but chance."""
    with mutant.broken():
        for seed in range(MOST):
            try:
                run_history(tmp_path_factory.mktemp("world"), seed)
            except AssertionError:
                return
    pytest.fail(f"{MOST} histories did not notice that nobody keeps to: {mutant.rule}")
