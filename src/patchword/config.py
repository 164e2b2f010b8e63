"""Frozen, validated configuration objects."""

from collections.abc import Mapping
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from patchword.errors import RecipeError, clipped, nearest, shown


def dotted_fields(config: "type[Config]", above: str = "") -> dict[str, FieldInfo]:
    """All fields of a config and of those nested in it, by their whole names: "training.max_epochs"."""
    found: dict[str, FieldInfo] = {}
    for name, field in config.model_fields.items():
        kinds = [
            kind for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(kind, type)
        ]
        nested = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Config)), None)
        found |= {f"{above}{name}": field} if nested is None else dotted_fields(nested, f"{above}{name}.")
    return found


class Config(BaseModel):
    """Base of every configuration: immutable, strict about names, and one sentence for each mistake.

    A string below a field is its description, which the recipe reference prints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_values(cls, value: Any, info: ValidationInfo) -> Any:
        # Otherwise true is 1, and max_steps = true one step.
        annotation = cls.model_fields[str(info.field_name)].annotation
        several = value if isinstance(value, list | tuple) else [value]
        number = (_names(annotation, int) or _names(annotation, float)) and not _names(annotation, bool)
        if number and any(isinstance(each, bool) for each in several):
            raise ValueError("input should be a number, not true or false")
        return value

    @field_validator("*")
    @classmethod
    def _within_64_bits(cls, value: Any) -> Any:
        # More has no form in TOML, no place in a tensor, and sometimes not even decimal digits.
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int) and not -(2**63) <= number < 2**63:
                raise ValueError("input should be a whole number of at most 64 bits")
        return value

    @classmethod
    def parse(cls, values: Mapping[str, Any], origin: str) -> Self:
        """Build from plain values.

        Args:
            values: the fields; nested configs as mappings.
            origin: the file or option that they came from, for the message.

        Raises:
            RecipeError: naming the origin, the field, what was found, and the nearest valid name.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise RecipeError(f"{origin}: {cls.explained(error)}") from None

    @classmethod
    def explained(cls, error: ValidationError, prefix: str = "") -> str:
        """One clause for the first of pydantic's complaints.

        Args:
            error: raised for this class.
            prefix: of the field's name, such as "model.", where these values are a table of something larger.
        """
        detail, *others = error.errors(include_url=False)
        path = [clipped(str(part)) for part in cls._place(detail)]
        field = prefix + ".".join(path) if path else ""
        if detail["type"] == "extra_forbidden":
            return f"unknown key {shown(field)}; {nearest(path[-1], cls._fields_at(path[:-1]))}"
        if detail["type"] == "missing":
            return f"key {shown(field)} is missing"
        message = detail["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        for other in others:  # of a field that may be one of two kinds
            if other["type"] == "literal_error" and cls._place(other) == cls._place(detail):
                message += f", or {other['ctx']['expected']}"
        if not field:
            return message
        # A whole table would drown the sentence.
        found = "" if isinstance(detail["input"], Mapping) else f" = {shown(detail['input'])}"
        return f"{field}{found}: {message}"

    @classmethod
    def _place(cls, detail: ErrorDetails) -> tuple[int | str, ...]:
        """Where a complaint is, without pydantic's name for the kind of which a field may be one."""
        location = detail["loc"]
        known = {part for name in dotted_fields(cls) for part in name.split(".")}
        tagged = len(location) > 1 and isinstance(location[-1], str) and location[-1] not in known
        return location[:-1] if tagged and detail["type"] not in ("extra_forbidden", "missing") else location

    @classmethod
    def _fields_at(cls, path: list[str]) -> list[str]:
        """Names of the fields of the config nested at a path."""
        config: type[BaseModel] = cls
        for name in path:
            annotation = config.model_fields[name].annotation
            nested = [a for a in (annotation, *getattr(annotation, "__args__", ())) if isinstance(a, type)]
            config = next(a for a in nested if issubclass(a, BaseModel))
        return list(config.model_fields)


def _names(annotation: Any, kind: type) -> bool:
    """Whether an annotation has a type in it, at any depth."""
    return annotation is kind or any(_names(each, kind) for each in get_args(annotation))
