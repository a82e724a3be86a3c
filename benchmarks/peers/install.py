"""An environment for each tracker, made when it is missing. Measures nothing."""

import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers.roster import Peer


def install(peers: list[Peer]) -> None:
    """Make what is missing under `.venv-peers`.

    Raises:
        subprocess.CalledProcessError: pip could not install a tracker; it has said why.
    """
    for peer in peers:
        place = peer.python(Path(sys.executable)).parents[1]
        ready = place / f".ready-{peer.requirement}"
        if peer.requirement and not ready.exists():
            _make(place, peer.requirement)
            ready.touch()


def _make(place: Path, requirement: str) -> None:
    print(f"Installing {requirement} into {place.parent.name}/{place.name}", flush=True)
    venv.create(place, with_pip=False)
    pip = (sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"))
    options = ("install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, *options, requirement], check=True)
