"""The shadow: a challenger that answers the requests of a service, in a process of its own.

Its answers are logged next to those of the model in use, and never returned.
"""

from modelwatch.shadow.challenger import AnswerRows, MakeAnswerer
from modelwatch.shadow.counts import ShadowCounts
from modelwatch.shadow.shadow import Shadow

__all__ = ["AnswerRows", "MakeAnswerer", "Shadow", "ShadowCounts"]
