"""Put the table of the last `make bench` between its two marks in README.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEGIN = "<!-- make bench-readme: begin -->"
END = "<!-- make bench-readme: end -->"


def with_table(readme: str, table: str) -> str:
    """The text of README.md with another table between the marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"README.md lacks the marks {BEGIN} and {END}")
    return f"{before}{begin}\n{table.strip()}\n{end}{after}"


def main() -> None:
    """Rewrite README.md."""
    table = ROOT / ".bench" / "table.md"
    if not table.exists():
        sys.exit("there is no table yet: run `make bench` first")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(), table.read_text()))
    print("README.md holds the table of the last `make bench`")


if __name__ == "__main__":
    main()
