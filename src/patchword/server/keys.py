"""API keys: a file of their SHA-256 hashes, one a line."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path

from patchword.errors import DataError, reason
from patchword.server.refused import UNAUTHORISED, Refused

_LINE = re.compile(r"[0-9a-f]{64}")
_LARGEST = 10_000_000  # bytes of the file


class Keys:
    """The keys that open a server; without any it is open.

    Args:
        hashes: SHA-256 of each, in hex.
    """

    def __init__(self, hashes: frozenset[str] | None) -> None:
        self._hashes = None if hashes is None else sorted(hashes)

    @classmethod
    def read(cls, path: Path | None) -> "Keys":
        """Read a file: a hash a line, perhaps with a name behind it; "#" begins a comment.

        Raises:
            DataError: if it cannot be read, a line is no hash, or there is none.
        """
        if path is None:
            return cls(None)
        try:
            if path.stat().st_size > _LARGEST:
                raise DataError(path, f"is larger than {_LARGEST:,} bytes; expected a SHA-256 hash a line")
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(path, reason(error)) from None
        except UnicodeDecodeError:
            raise DataError(path, "is no text; expected a SHA-256 hash a line") from None
        hashes = set()
        for number, line in enumerate(text.splitlines(), 1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            if not _LINE.fullmatch(words[0].lower()):
                raise DataError(path, "expected a key's SHA-256 hash in 64 hex digits", number)
            hashes.add(words[0].lower())
        if not hashes:
            raise DataError(path, "has no keys; expected a SHA-256 hash a line")
        return cls(frozenset(hashes))

    @property
    def needed(self) -> bool:
        """Whether a key is asked for at all."""
        return self._hashes is not None

    def require(self, headers: Mapping[str, str], given: str | None = None) -> None:
        """See that a request has a key: as `Authorization: Bearer KEY`, `X-API-Key: KEY`, or given otherwise.

        Raises:
            Refused: if it has none, or a wrong one.
        """
        if self._hashes is None:
            return
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        key = given or headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        own = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        # All are compared, each in the same time, so that time tells nothing about how near a guess is.
        if sum(hmac.compare_digest(own, known) for known in self._hashes):
            return
        problem = "that API key is not known" if key else "an API key is needed"
        raise Refused(
            UNAUTHORISED,
            f"{problem}; send it as Authorization: Bearer KEY or X-API-Key: KEY",
            {"WWW-Authenticate": "Bearer"},
        )
