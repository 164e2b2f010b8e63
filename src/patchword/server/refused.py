"""A request that is not answered as it wished: a status and one sentence."""

from collections.abc import Mapping
from typing import Any

from patchword.errors import one_line

BAD, UNAUTHORISED, FORBIDDEN, UNKNOWN, LATE_BODY, TOO_LARGE = 400, 401, 403, 404, 408, 413
WRONG_KIND, WRONG, TOO_MANY = 415, 422, 429
FAILED, NOT_READY, TIMED_OUT = 500, 503, 504

MISTAKE = "the server made a mistake, which its log describes"


class Refused(Exception):  # noqa: N818 - what happened to a request; not a fault of this program
    """Ends a request.

    Args:
        status: of HTTP.
        sentence: what was found and what was expected.
        headers: of the answer.
    """

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = one_line(sentence)
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"error": self.sentence}
