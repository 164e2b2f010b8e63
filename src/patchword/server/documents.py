"""What the OpenAPI document says of bodies and answers, from the models that read them."""

from typing import Any

from pydantic import Field

from patchword.config import Config


class Problem(Config):
    """Why a request was not answered as it wished."""

    error: str = Field(min_length=1)
    """One sentence."""


_REFUSALS = {
    400: "The body is not what it says it is.",
    401: "An API key is needed, and there is none or a wrong one.",
    403: "An API key is needed, and there is none or a wrong one.",
    404: "There is no such model.",
    408: "The body came too slowly.",
    413: "The body, a text or an image is larger than is taken or than memory allows, or there are too many of them.",
    415: "The body is of another content type.",
    422: "A value is wrong, or the model cannot do that.",
    429: "Too many requests wait; Retry-After says when to try again.",
    500: "The server made a mistake.",
    503: "The models are being loaded, or the server ends.",
    504: "There was no answer in time.",
}


_EVENT = {  # of a stream; its data are JSON
    "type": "object",
    "properties": {"event": {"enum": ["prefix", "done", "error"]}, "data": {"type": "string"}},
    "required": ["event", "data"],
}


def responses(answer: type[Config] | None, *, stream: bool = False, refusals: tuple[int, ...] = ()) -> dict[Any, Any]:
    """What a call may answer, as FastAPI takes it.

    Args:
        answer: its model; None if the document describes any object.
        stream: whether server-sent events may come instead.
        refusals: statuses; by default all of a call that computes.
    """
    said: dict[Any, Any] = {
        status: {"model": Problem, "description": _REFUSALS[status]}
        for status in refusals or tuple(s for s in _REFUSALS if s != 403)
    }
    ok: dict[str, Any] = {"description": "The answer."}
    if answer is not None:
        ok["model"] = answer
    if stream:
        ok["content"] = {"text/event-stream": {"schema": _EVENT}}
    return {200: ok, **said}


def body(*kinds: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A call's request body: content types with the schema of each."""
    content = {kind: {"schema": schema} for kind, schema in kinds}
    return {"requestBody": {"required": True, "content": content}}


def schema(model: type[Config]) -> dict[str, Any]:
    """A model's schema, whole, without references."""
    found = model.model_json_schema()
    assert "$defs" not in found, f"{model.__name__} refers to other models"
    return found
