"""Tell whether SQL is one SELECT that can do nothing but read. Runs nothing.

The kind of a statement says too little: DuckDB takes `WITH x AS (COPY … TO 'file') SELECT …`
for a SELECT, and a table function may hold SQL of its own. So the syntax tree is walked, and
what is not known to be harmless is refused.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import duckdb

from trackio.errors import InvalidInput
from trackio.query.database import text_of

VIEWS: Final = ("metrics", "system_metrics", "configs", "alerts", "runs")
_ADVICE: Final = f"give one SELECT over the views {', '.join(VIEWS)}"
_NODES: Final = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLE_FUNCTIONS: Final = {"range", "generate_series", "unnest"}
_ENDLESS: Final = {"levenshtein", "editdist3", "damerau_levenshtein"}
"""Their work grows with the square of a text, and is done in one go: no limit of time ends it."""


def check_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Pass if `sql` is one SELECT statement, in whatever form it is written.

    Raises:
        InvalidInput: it is not; the message says what it is.
    """
    try:
        statements = connection.extract_statements(sql)
    except (duckdb.Error, ValueError) as exc:
        raise InvalidInput(f"this is not SQL that can be run: {_first_line(exc)}") from exc
    if len(statements) != 1:
        raise InvalidInput(f"there are {len(statements)} statements, not one: {_ADVICE}")
    if (kind := statements[0].type) != duckdb.StatementType.SELECT:
        raise InvalidInput(f"a statement of the kind {kind.name} is refused: {_ADVICE}")
    for problem in _problems(_tree(connection, sql)):
        raise InvalidInput(f"{problem}: {_ADVICE}")


def _tree(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    ((text,),) = connection.sql(text_of("serialize"), params={"sql": sql}).fetchall()
    tree = json.loads(text)
    if tree["error"]:
        raise InvalidInput(f"{tree.get('error_message', 'this cannot be checked')}: {_ADVICE}")
    return tree["statements"]


def _problems(tree: Any) -> Iterator[str]:
    """What in a syntax tree is not known to be harmless."""
    if isinstance(tree, list):
        for inner in tree:
            yield from _problems(inner)
    elif isinstance(tree, dict):
        kind = tree.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _NODES:
            yield f"{kind.removesuffix('_QUERY_NODE')} inside a query is refused"
        if kind == "TABLE_FUNCTION":
            name = str(tree["function"].get("function_name")).lower()
            if name not in _TABLE_FUNCTIONS:
                yield f"the function {name} is refused"
        if (name := str(tree.get("function_name")).lower()) in _ENDLESS:
            yield f"the function {name} is refused"
        for inner in tree.values():
            yield from _problems(inner)


def _first_line(exc: Exception) -> str:
    return str(exc).splitlines()[0]
