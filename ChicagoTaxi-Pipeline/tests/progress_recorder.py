"""Progress that a test can look at."""

from dataclasses import dataclass, field


@dataclass
class ProgressRecorder:
    """An `Advance` that keeps what it receives."""

    amounts: list[float] = field(default_factory=list)
    steps: list[str | None] = field(default_factory=list)

    def __call__(self, amount: float = 1, step: str | None = None) -> None:
        self.amounts.append(amount)
        self.steps.append(step)
