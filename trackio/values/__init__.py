"""What a user may log: plain values, and (each in a module of its own) richer ones."""
