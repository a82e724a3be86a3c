"""Answer questions about a project from the files of one snapshot. Writes nothing."""
