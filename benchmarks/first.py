"""What a process pays before its first `log`: the import and `init`.

Not a part of the package around it: the interpreter of either tracker runs this file by its path.
It loads nothing beforehand that a tracker would have to load itself, so it reads no arguments.
"""

import time
from typing import Any

began = time.perf_counter()
import trackio  # noqa: E402 - it is what is measured

init = trackio.init  # names may load on first use
imported = time.perf_counter()
off: dict[str, Any] = {"auto_log_cpu": False, "auto_log_gpu": False}
asked = time.perf_counter()
run = init(project="bench", name="first", config={"lr": 3e-4}, **off)
started = time.perf_counter()
run.log({"loss": 0.5})
run.finish()

import_ms, init_ms = (imported - began) * 1e3, (started - asked) * 1e3
print(f'{{"import_ms": {import_ms}, "init_ms": {init_ms}}}')
