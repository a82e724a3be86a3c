"""Long histories of the simulated world; a failing one is repeated by its number.

A hundred of them here; `TRACKIO_HISTORIES=2000` runs so many, as a nightly job should.
"""

import os

import pytest

from trackio.testing.histories import run_history

COUNT = int(os.environ.get("TRACKIO_HISTORIES") or 100)


@pytest.mark.parametrize("seed", range(COUNT))
def test_no_history_loses_or_doubles_a_row(tmp_path, seed):
    """Real writers, recoverers, compactors, collectors and readers, stopped at any IO step."""
    run_history(tmp_path, seed)
