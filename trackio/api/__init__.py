"""Read what was logged: `trackio.Api().runs("project")`. Changes nothing unless asked to.

An answer is a snapshot: it does not change while a run goes on; ask again, or call
`refresh()`, for what is new.
"""

from trackio.api.files import File
from trackio.api.projects import Api
from trackio.api.run import Run
from trackio.api.runs import Runs

__all__ = ["Api", "File", "Run", "Runs"]
