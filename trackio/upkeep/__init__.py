"""Tidying and mending a store: each module decides on values (`plan`), then acts (`apply`)."""
