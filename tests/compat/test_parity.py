"""What the released Trackio offers in Python works here, or it is said why not."""

import pytest
from parity import PAGE, REASONS, page, rows


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.name)
def test_a_name_works_as_in_the_released_trackio_or_there_is_a_reason(row):
    """Every name, parameter and position of `peer_api.json`."""
    assert row.is_whole or row.reason, f"{row.name} lacks {', '.join(row.missing) or 'everything'}"


def test_no_reason_is_given_for_what_works():
    """A reason goes when its name has come."""
    whole = {row.name for row in rows() if row.is_whole}
    assert [] == [name for name in REASONS if name in whole]


def test_the_page_is_what_the_comparison_says():
    """`python tests/compat/parity.py` writes it."""
    assert page() == PAGE.read_text()
