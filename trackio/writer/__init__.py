"""The write path of one process into one run: `Writer` takes calls, its thread makes shards.

It imports neither DuckDB nor Gradio nor pandas, and pyarrow only in its thread.
"""

from trackio.writer.writer import Sealed, Writer

__all__ = ["Sealed", "Writer"]
