"""Spaces that show projects: one that reads a bucket live, or one of files as they are now.

Everything here talks to the Hub and waits for it; `init` calls it in the background.
"""

from trackio.deploy.bringing import freeze, sync
from trackio.deploy.live import deploy, ensure_space

__all__ = ["deploy", "ensure_space", "freeze", "sync"]
