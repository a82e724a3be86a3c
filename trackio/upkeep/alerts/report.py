"""What one look at a project did. Decides nothing."""

from dataclasses import dataclass, field

from trackio.upkeep.alerts.due import Due


@dataclass(slots=True, kw_only=True)
class Report:
    """What one look did. `waiting` are others' turn, or will be tried again."""

    told: list[Due] = field(default_factory=list)
    waiting: list[Due] = field(default_factory=list)
    given_up: list[Due] = field(default_factory=list)
    passed_over: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_notable(self) -> bool:
        """Whether anything was to be done at all."""
        return bool(self.told or self.waiting or self.given_up or self.passed_over)

    def __str__(self) -> str:
        counts = {
            "told": len(self.told),
            "waiting": len(self.waiting),
            "given up": len(self.given_up),
            "too old": self.passed_over,
        }
        said = [f"{count} {what}" for what, count in counts.items() if count]
        return "; ".join([", ".join(said) or "nothing new", *self.problems])
