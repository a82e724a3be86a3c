"""Run a command for as long as standard input stays open, then kill it.

A server started through it does not outlive the process that started it, however that one ends.
"""

import subprocess
import sys
import threading


def main() -> int:
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def kill_at_end_of_input() -> None:
        sys.stdin.buffer.read()
        server.kill()

    threading.Thread(target=kill_at_end_of_input, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
