"""Send what waits on this machine to a store that is not a directory. It makes no rows.

`spool` keeps the files and sends them, `pace` decides how often, `patience` how long somebody
waits for it.
"""

from trackio.spool.outage import tell_unreachable
from trackio.spool.pace import Pace
from trackio.spool.patience import wait_patiently
from trackio.spool.spool import URL_FILE, Spool, spool_folder
from trackio.spool.thread import SpoolThread

__all__ = [
    "URL_FILE",
    "Pace",
    "Spool",
    "SpoolThread",
    "spool_folder",
    "tell_unreachable",
    "wait_patiently",
]
