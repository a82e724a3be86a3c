"""Pack what is done and collect what is left over: `python -m jobs.compact --help`.

The same as `trackio compact`, which see (`docs/operations.md`).
"""

import sys

from trackio.cli import main

if __name__ == "__main__":
    sys.exit(main(["compact", *sys.argv[1:]]))
