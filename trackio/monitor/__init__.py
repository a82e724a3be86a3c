"""Look at the machine and the surroundings of a process while it logs.

`sampler` is the thread; `machine`, `nvidia`, `amd` with `rocm`, and `apple` read; `environment`
tells once where a run came from. Nothing here starts a process, raises, or takes a lock that
logging waits for.
"""
