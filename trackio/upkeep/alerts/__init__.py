"""Alerts: find those that are new, agree with others who tells of them, tell each webhook once.

`rows` and `watch` find what is due, `claims` decides whose turn it is, `marks` remembers what is
done, `post` speaks HTTP, and `evaluator` puts these together; `docs/alerts.md` tells the rules.
`due`, `payload`, `address` and `post` know no query, so that a process that logs may use them.
"""
