"""Bring what earlier Trackios left in SQLite over into a store. The only place that knows it.

`discover` lists every file and says what it is; `database`, `sidecars`, `inbox` and `csvfiles`
read rows of any age in one shape; `identity` says which rows are of one run; `transfer` turns
them into shards, reads those back and compares; `report` is what it all came to. Nothing here
writes to the source: databases are opened as copies (`docs/migration.md`).
"""
