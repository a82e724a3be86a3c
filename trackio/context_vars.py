"""What is current in this context, under the names that the released Trackio gave it.

`asyncio` tasks and threads with a copied context have their own. Integrations ask
`current_run.get()`; Trackio itself sets these.
"""

from contextvars import ContextVar
from typing import Any

current_run: ContextVar[Any] = ContextVar("trackio_current_run", default=None)
current_project: ContextVar[str | None] = ContextVar("trackio_current_project", default=None)
current_space_id: ContextVar[str | None] = ContextVar("trackio_current_space_id", default=None)
current_server: ContextVar[str | None] = ContextVar("trackio_current_server", default=None)
"""Always None: no server stands between a client and its store."""
current_server_write_token: ContextVar[str | None] = ContextVar(
    "trackio_current_server_write_token", default=None
)
"""Always None, as `current_server`."""
