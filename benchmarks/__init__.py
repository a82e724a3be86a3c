"""Measure Trackio and the released trackio side by side. Nothing here is asserted in a test.

`python -m benchmarks` (or `make bench`) runs every workload in fresh processes, one tracker after
the other in rounds, and prints one table: medians, the ratio of the two, the target.
"""
