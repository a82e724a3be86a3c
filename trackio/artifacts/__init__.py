"""Versioned files beside the runs, on the four verbs of a store. Not what runs log.

`manifest` is what a version holds, `versions` which there are, `commit` how one is put, `fetch`
how its files come back, `collect` which bytes nobody needs any more, `artifact` what users
hold in their hands, `registry` collections of versions across projects (`docs/artifacts.md`).
"""
