"""Servers on loopback that tests talk to as they would to the real ones."""
