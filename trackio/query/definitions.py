"""How the metrics of a project are to be read: what `define_metric` said of them."""

from collections.abc import Iterable, Mapping

from trackio.model import RunId
from trackio.query.view import View, rereads
from trackio.values.definition import Definition, find_definition


@rereads
def list_definitions(view: View, run_ids: Iterable[RunId] | None = None) -> dict[str, Definition]:
    """By metric or pattern, of these runs or all; of several the one that was said last."""
    wanted = None if run_ids is None else set(run_ids)
    pieces = [
        writer
        for run in view.runs()
        if wanted is None or run.run_id in wanted
        for writer in view.writers(run.run_id).values()
    ]
    heard = sorted(view.heard(pieces), key=lambda said: said.writer_id)
    return {key: said for writer in heard for key, said in writer.defined.items()}


def find_step_metric(definitions: Mapping[str, Definition], key: str) -> str | None:
    """The metric that is the x axis of this one, if one was named."""
    found = find_definition(definitions, key)
    return None if found is None or found.step_metric == key else found.step_metric
