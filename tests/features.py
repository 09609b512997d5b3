"""Writes the features table of README from the markers `@pytest.mark.row` in the tests.

`python -m tests.features` rewrites the table, `--check` fails when it is not what the tests say.
A row is ticked only by a test that bears its marker; a marker with `part="…"` says what is missing.
"""

import ast
import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
ROWS = ROOT / "docs" / "features.tsv"
BEGIN, END = "<!-- features: begin -->", "<!-- features: end -->"


class Mark(NamedTuple):
    """One marker: the row it proves, where, and what it leaves open."""

    row: str
    test: str
    part: str


def main() -> int:
    """Rewrite or check the table; return the exit code."""
    text = README.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    wanted = f"{head}{BEGIN}\n{table()}{END}{tail}"
    if "--check" not in sys.argv:
        README.write_text(wanted, "utf-8")
        return 0
    if text != wanted:
        print("README: the features table is not what the tests say; run python -m tests.features")
        return 1
    return 0


def table() -> str:
    """Return the table as Markdown, one line for each row of the device column."""
    proofs = marks()
    lines = ["| Row | Capability | State | Test |", "|---|---|---|---|"]
    with ROWS.open(encoding="utf-8") as file:
        known = list(csv.DictReader(file, delimiter="\t"))
    unknown = set(proofs) - {row["id"] for row in known}
    if unknown:
        raise SystemExit(f"markers name rows that do not exist: {sorted(unknown)}")
    lines += [_line(row["id"], row["capability"], proofs.get(row["id"], [])) for row in known]
    return "\n".join(lines) + "\n"


def marks() -> dict[str, list[Mark]]:
    """Return every marker in the tests, by row."""
    found: dict[str, list[Mark]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        module = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for mark in _marks_of(function, path.relative_to(ROOT)):
                    found[mark.row].append(mark)
    return found


def _marks_of(function: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> list[Mark]:
    test = f"{path}::{function.name}"
    return [
        Mark(argument.value, test, _part(call))
        for call in function.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.row"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def _part(call: ast.Call) -> str:
    for keyword in call.keywords:
        if keyword.arg == "part" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return ""


def _line(row: str, capability: str, proofs: list[Mark]) -> str:
    missing = "; ".join(sorted({mark.part for mark in proofs if mark.part}))
    whole = bool(proofs) and not missing
    state = "[x]" if whole else f"[ ] {missing}".rstrip()
    tests = "<br>".join(f"`{mark.test}`" for mark in proofs)
    return f"| {row} | {capability} | {state} | {tests} |"


if __name__ == "__main__":
    sys.exit(main())
