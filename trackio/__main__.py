"""`python -m trackio`: the same as the `trackio` command."""

import sys

from trackio.cli import main

sys.exit(main())
