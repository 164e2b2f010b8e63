"""Requests that schemathesis makes of the OpenAPI document, right ones and wrong ones: answers are as it says."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.share import WHOLE
from tests.server.running import Running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 500 if WHOLE else 6  # of each call, right and wrong
CALLS = (
    "POST /v1/translate",
    "POST /v1/classify",
    "POST /v1/explain",
    "GET /v1/models",
    "GET /v1/samples",
    "POST /translate",
    "POST /detect",
    "GET /languages",
    "GET /frontend/settings",
    "GET /health",
    "GET /healthz",
    "GET /readyz",
)


@pytest.fixture(scope="module")
def schema(running: Running) -> Any:
    return schemathesis.openapi.from_url(f"{running.address}/openapi.json")


def test_the_document_has_all_calls(schema: Any) -> None:
    assert {operation.ok().label for operation in schema.get_all_operations()} == set(CALLS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("call", CALLS)
def test_answers_are_as_the_document_says(schema: Any, call: str, mode: GenerationMode) -> None:
    (operation,) = (found.ok() for found in schema.get_all_operations() if found.ok().label == call)
    if mode == GenerationMode.NEGATIVE and not operation.body:
        pytest.skip("nothing about it can be wrong")
    count = EXAMPLES if operation.body else 1

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        # Forms have texts alone: an empty list is nothing there, a number its digits: what is wrong may arrive right.
        refused = mode == GenerationMode.NEGATIVE and case.media_type == "application/json"
        case.call_and_validate(checks=[*CHECKS, negative_data_rejection] if refused else CHECKS, timeout=90)

    answers()
