"""Models that are Python programs of the operator.

For `generation`, and for the programs themselves, which import the names below.
Start with `running.py`.
"""

from workers.programs.ask import Ask
from workers.programs.values import AnswerError, Call, Cut, Reasoning, Refusal, Usage

__all__ = ["AnswerError", "Ask", "Call", "Cut", "Reasoning", "Refusal", "Usage"]
