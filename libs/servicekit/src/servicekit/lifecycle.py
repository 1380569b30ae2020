"""The state of a process between its start and its end."""


class Lifecycle:
    """Two flags that are set once. Plain attributes, so that a signal handler can set them.

    Attributes:
        draining: The process got SIGTERM: it is not ready, still serves, and closes connections.
        stopping: The process accepts no more connections; unanswered requests are cut off after
            the grace period.
    """

    __slots__ = ("draining", "stopping")

    def __init__(self) -> None:
        self.draining = False
        self.stopping = False
