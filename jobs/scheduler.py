"""Look after a store, again and again: `python -m jobs.scheduler --help`.

The same as `trackio jobs`, which see (`docs/operations.md`).
"""

import sys

from trackio.cli import main

if __name__ == "__main__":
    sys.exit(main(["jobs", *sys.argv[1:]]))
