"""Bring runs over from other trackers, and prove that they are there.

`core` turns the runs that a source finds into shards, with the sinks and the account of the
migration, so that a second import puts nothing; `csvfile`, `tensorboard`, `wandb` and `mlflow`
each know one kind of source. None of them needs the tracker's own package
(`docs/importing.md`).
"""
