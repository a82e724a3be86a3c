"""These tests need real tools in environments of their own: `make integrations` makes them."""

import os

_NEEDS = {
    "test_real_tools.py": "TRACKIO_TEST_TOOLS",
    "test_trainers.py": "TRACKIO_TEST_TRAINERS",
}

collect_ignore = [file for file, variable in _NEEDS.items() if variable not in os.environ]
