"""Where a process is between its start and its end."""

__all__ = ["Lifecycle"]


class Lifecycle:
    """Two flags that only go up. Plain attributes, so that a signal handler may set them.

    Attributes:
        draining: Asked to stop: not ready any more, still serving, closing connections.
        stopping: No longer accepting; what is not answered within the grace period is cut off.
    """

    __slots__ = ("draining", "stopping")

    def __init__(self) -> None:
        self.draining = False
        self.stopping = False
