"""A hundred long histories of the simulated world; a failing one is repeated by its number."""

import pytest

from trackio.testing.histories import run_history


@pytest.mark.parametrize("seed", range(100))
def test_no_history_loses_or_doubles_a_row(tmp_path, seed):
    """Real writers, recoverers, collectors and readers, stopped and killed at any IO step."""
    run_history(tmp_path, seed)
