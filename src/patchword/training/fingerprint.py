"""What a run's data were, in so few bytes that its state can keep it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any


@dataclass(frozen=True)
class Fingerprint:
    """Of everything that is trained on and validated with, as the network gets it.

    Attributes:
        unit: what is counted, in the plural: "pairs", "images".
        training: how many there are.
        validation: how many of these.
        training_digest: of their contents, in order.
        validation_digest: the same.
    """

    unit: str
    training: int
    validation: int
    training_digest: str
    validation_digest: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a state."""
        return asdict(self)

    def difference(self, before: Mapping[str, Any]) -> str | None:
        """What has changed since a state was written, a clause; None if nothing has.

        Args:
            before: from `as_dict`.
        """
        now = self.as_dict()
        for part in ("training", "validation"):
            if before.get(part) != now[part]:
                return f"{_count(before.get(part))} {part} {self.unit} then, {now[part]:,} now"
            if before.get(f"{part}_digest") != now[f"{part}_digest"]:
                return f"as many {part} {self.unit} as then, but not the same"
        return None


def digest(items: Iterable[bytes]) -> str:
    """Of some items, in order, wherever one ends and the next begins."""
    found = blake2b(digest_size=16)
    for item in items:
        found.update(len(item).to_bytes(8, "little"))
        found.update(item)
    return found.hexdigest()


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and 0 <= value < 2**63 else "other"
