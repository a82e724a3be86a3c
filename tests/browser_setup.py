"""Find the Chromium that the browser tests drive, or install one. Nothing is tested here.

`make test` runs this module before pytest, so that no test has to install anything; the tests
ask `find_browser`. A browser counts once it has answered `--version`: what a package manager
leaves on PATH may be a stub that only tells to install something else.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SETTING = "TRACKIO_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_OS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
HELP = f"""\
No Chromium was found and none could be installed, so the browser tests will be skipped.
Install one (`apt-get install chromium`, `brew install --cask google-chrome`), or set
{SETTING} to the path of one, and run `make test` again."""


def find_browser() -> str | None:
    """A Chromium that runs: the one of TRACKIO_TEST_BROWSER, of PATH, or Playwright's own.

    Raises:
        FileNotFoundError: TRACKIO_TEST_BROWSER names something that does not run.
    """
    if chosen := os.environ.get(SETTING):
        if not _runs(chosen):
            raise FileNotFoundError(f"{SETTING}={chosen} does not run: name a Chromium that does")
        return chosen
    return next(filter(_runs, _candidates()), None)


def install_browser() -> str | None:
    """Try the ways to install a Chromium, one after the other, until one runs."""
    for command in _installers():
        print("No Chromium found, trying:", " ".join(command), flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(command, stdin=subprocess.DEVNULL, env=quiet, check=False).returncode:
            continue
        if found := find_browser():
            return found
    return None


def main() -> None:
    """Make sure there is a browser if there can be one, and say which."""
    browser = find_browser() or install_browser()
    print(f"Browser tests use {browser}" if browser else HELP, flush=True)


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    yield MAC_OS
    yield from _playwright_browser()


def _playwright_browser() -> Iterator[str]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def _installers() -> Iterator[list[str]]:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root and shutil.which("apt-get"):
        yield ["apt-get", "update", "--quiet"]
        packages = ["chromium", "fonts-liberation"]
        yield ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages]
    with_libraries = ["--with-deps"] if is_root and sys.platform == "linux" else []
    yield [sys.executable, "-m", "playwright", "install", *with_libraries, "chromium"]


def _runs(browser: str) -> bool:
    if not Path(browser).is_file():
        return False
    asked = [browser, "--version"]
    try:
        return subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    main()
