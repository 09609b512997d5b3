"""What the demonstration must have seen to count as a success."""

from dataclasses import dataclass, field

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Check:
    """One step, whether it really happened, and what was seen."""

    step: str
    happened: bool
    seen: str


@dataclass(slots=True)
class Verdict:
    """All steps in order."""

    checks: list[Check] = field(default_factory=list)

    def note(self, step: str, happened: bool, seen: str) -> None:
        """Write down one step."""
        self.checks.append(Check(step, happened, seen))

    @property
    def good(self) -> bool:
        """Whether every step happened."""
        return bool(self.checks) and all(check.happened for check in self.checks)

    def show(self, console: Console) -> None:
        """Print one line for each step."""
        for check in self.checks:
            mark = "[green]done[/]" if check.happened else "[red]MISSING[/]"
            console.print(f"  {mark}  {check.step}: {check.seen}", highlight=False)
