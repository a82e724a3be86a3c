"""Compaction: pack the rows of writers that are done, many writers a file.

`plan` decides from a listing what is worth packing, `sources`, `weave` and `build` write one
pack, `publish` reads it back, compares and points to it, `job` does all of that for a project.
The rules are those of `docs/format.md`, Compacting and collecting.
"""
