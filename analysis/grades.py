"""The four grades: their order, their floors, and what a period calls them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analysis.problems import normalise

LOW, FAIR, FAIRLY_HIGH, HIGH = GRADES = ("活跃度较差", "活跃度一般", "活跃度较高", "活跃度高")  # worst to best
BEST_FIRST = GRADES[::-1]
NOT_EVALUATED, INCOMPLETE, NOT_IN_PROGRAMME = "未参评", "信息不完整", "未加入"
OUTCOMES = (NOT_EVALUATED, *GRADES)
STATES = (NOT_IN_PROGRAMME, NOT_EVALUATED, INCOMPLETE, *GRADES)
TOP_SCORE = 100
CALLED: dict[str, str] = {}  # what the pages and charts of a report call a grade, where it is not its canonical name


def call(labels: dict[str, str]) -> None:
    """From here on charts and pages call the grades so; frames and CSV files keep the canonical names."""
    CALLED.clear()
    CALLED.update({grade: label for grade, label in labels.items() if grade != label})


@dataclass(frozen=True)
class Scheme:
    """A period's grades: `labels` and `floors` by the canonical name of the grade.

    `declared` is the period that the rules were written for; a period without its own uses the latest earlier ones.
    """

    declared: str
    labels: dict[str, str]
    floors: dict[str, float]

    def grade(self, score: float) -> str:
        """The canonical grade of a score from 0 to 100, by floor: 84.5 is 活跃度较高."""
        if not 0 <= score <= TOP_SCORE:
            raise ValueError(f"score {score} is not between 0 and {TOP_SCORE}")
        return next(name for name in BEST_FIRST if score >= self.floors[name])

    def named(self, label: str) -> str | None:
        """The canonical grade that a label or a looser wording of it means, or None.

        `活跃度高的联盟` and `活跃度高` are one grade; so are `不活跃` and `活跃度较差`.
        """
        return self._wordings.get(normalise(label))

    @cached_property
    def _wordings(self) -> dict[str, str]:
        return {normalise(word + suffix): name for name in GRADES for word in (name, self.labels[name])
                for suffix in ("", "联盟", "的联盟", "的")}

    def ceiling(self, grade: str) -> float:
        """Where a grade ends: the floor of the next better one, which it does not reach; 100 for the best."""
        return TOP_SCORE if grade == HIGH else self.floors[GRADES[GRADES.index(grade) + 1]]

    def band(self, grade: str, whole: bool = True) -> str:
        """The scores of a grade in words: `70—84分` where all scores are whole, else `70分及以上、不足85分`."""
        floor, ceiling = self.floors[grade], self.ceiling(grade)
        if grade == HIGH:
            return f"{floor:g}—{TOP_SCORE}分"
        if grade == LOW:
            return f"{ceiling - 1:g}分以下" if whole else f"不足{ceiling:g}分"
        return f"{floor:g}—{ceiling - 1:g}分" if whole else f"{floor:g}分及以上、不足{ceiling:g}分"
