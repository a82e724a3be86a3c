"""`trackio verify`: look for what is damaged or missing."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.failures import NOT_FOUND
from trackio.cli.options import Page, json_option, with_page, with_store
from trackio.cli.output import Answer, Column, note, print_answer, print_notes, write
from trackio.cli.text import count_of, printable
from trackio.errors import NotFound

if TYPE_CHECKING:
    from trackio.store.base import Store
    from trackio.upkeep.findings import Finding
    from trackio.upkeep.verify import Report

Found = tuple["Report", "Finding"]


@click.command
@with_store
@click.option("-p", "--project", metavar="NAME", help="The project.  [default: all of them]")
@with_page(limit=1000)
@json_option
def verify(store: "Store", project: str | None, page: Page, as_json: bool) -> int:
    """Read every file to its end and look for rows that are missing. Repairs nothing.

    Notes are no errors: what is late may still arrive. The exit code is 1 if there are errors.
    """
    from trackio.upkeep.verify import verify as verify_now

    as_of_s = time.time()
    names = _all_projects(store) if project is None else [project]
    reports = [verify_now(store, name, now_s=as_of_s) for name in names]
    findings = [(report, finding) for report in reports for finding in report.findings]
    about = {
        "projects": names,
        "files": sum(report.files for report in reports),
        "rows": sum(report.rows for report in reports),
        "errors": sum(len(report.errors) for report in reports),
    }
    answer = Answer(
        kind="findings",
        items=page.of(findings),
        total=len(findings),
        offset=page.offset,
        as_of_s=as_of_s,
        about=about,
    )
    if as_json or not sys.stdout.isatty():
        print_answer(answer, _COLUMNS, as_json=as_json, as_object=_object)
    else:
        write("".join(_paragraph(*found) for found in answer.items))
        print_notes(answer)
    if not as_json:
        note(_read(reports))
    return NOT_FOUND if any(report.errors for report in reports) else 0


def _read(reports: Sequence["Report"]) -> str:
    """What was read, and how it was."""
    rows = count_of(sum(report.rows for report in reports), "row")
    files = count_of(sum(report.files for report in reports), "file")
    errors = count_of(sum(len(report.errors) for report in reports), "error")
    return f"read {rows} in {files}: {errors}"


def _paragraph(report: "Report", finding: "Finding") -> str:
    """A finding for people; its key is too long for a table."""
    lines = [
        f"{finding.level}: {finding.kind}: {report.project}: {finding.subject}",
        f"    {finding.message}",
    ]
    if finding.command is not None:
        lines.append(f"    what helps: {finding.command}")
    return "".join(f"{printable(line)}\n" for line in lines)


def _all_projects(store: "Store") -> list[str]:
    from trackio.catalog import list_projects

    if names := list_projects(store):
        return names
    raise NotFound(f"there is no project in {store.url} yet")


def _object(found: Found) -> dict[str, Any]:
    report, finding = found
    return {"project": report.project, **{name: getattr(finding, name) for name in _FIELDS}}


_FIELDS = ("level", "kind", "subject", "message", "command")
_COLUMNS = [
    Column("level", lambda found: found[1].level),
    Column("kind", lambda found: found[1].kind),
    Column("message", lambda found: found[1].message),
    Column("project", lambda found: found[0].project),
    Column("subject", lambda found: found[1].subject),
    Column("what helps", lambda found: found[1].command),
]
