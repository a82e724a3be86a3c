"""Bring over what an earlier Trackio left in SQLite: `python -m jobs.migrate --help`.

The same as `trackio migrate`, which see (`docs/migration.md`).
"""

import sys

from trackio.cli import main

if __name__ == "__main__":
    sys.exit(main(["migrate", *sys.argv[1:]]))
