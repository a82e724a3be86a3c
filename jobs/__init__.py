"""Background jobs, to be started by cron, by a Space or by hand: `python -m jobs.<name>`.

Each is an entry point of at most 40 lines: settings, store, call, report. The work itself lives in
`trackio.upkeep`, so that an installed package can do it too, as a `trackio` command.
"""
