"""Looking on while a search goes on, and ending it early."""

from typing import Protocol, runtime_checkable

CANCELLED = "cancelled"  # the error of a translation that nobody wanted to the end


class Watch(Protocol):
    """Told how far translations are, and asked whether they are still wanted.

    Batches are decoded in several threads, each of which calls these methods, so they must be quick and may be called
    at once; for one text it is always one thread. What they raise ends the whole call.
    """

    def wanted(self, index: int) -> bool:
        """Whether the text of this index is still wanted; asked before every decoding step of it.

        After a False it leaves the batch at once, its translation has the error "cancelled", and nothing more is told.
        """

    def told(self, index: int, text: str) -> None:
        """The beginning of a text's translation that is certain: all of it so far, each time longer than before.

        What was told is never taken back, and at last the whole translation was told, if it is not empty.
        """


@runtime_checkable
class EndWatch(Watch, Protocol):
    """A watch that is also told when a text's translation is complete."""

    def ended(self, index: int, text: str) -> None:
        """This is the whole translation; it comes instead of a last `told`."""
