"""The shadow: a challenger that answers the requests of a service, in a process of its own.

Its answers are logged next to those of the model in use, and never returned. `answer_batch` does
the same for a job that makes a batch.
"""

from modelwatch.shadow.batch import answer_batch
from modelwatch.shadow.challenger import Answer, AnswerRows, MakeAnswerer, Rows
from modelwatch.shadow.counts import ShadowCounts
from modelwatch.shadow.shadow import Shadow

__all__ = [
    "Answer",
    "AnswerRows",
    "MakeAnswerer",
    "Rows",
    "Shadow",
    "ShadowCounts",
    "answer_batch",
]
