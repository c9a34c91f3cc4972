"""TOML files that people write: read, held against models, every problem said as a sentence."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from geodata import periods
from geodata.errors import AtlasError
from geodata.words import catalogue, say

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class Table(BaseModel):
    """A table of such a file: immutable, and nothing in it goes unread."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError(say("workspace.identifier"))
    return text


def _period(text: str) -> str:
    if text != periods.ALWAYS:
        try:
            periods.parse(text)
        except AtlasError as error:
            raise ValueError(f"{error.message}；{error.cure}") from error
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
PeriodId = Annotated[str, AfterValidator(_period)]

_Model = TypeVar("_Model", bound=BaseModel)


def parse(data: bytes, file: str, error: type[AtlasError]) -> dict[str, Any]:
    """The tables of a TOML file in UTF-8, with or without a byte order mark.

    Raises
    ------
    `error` : another encoding, or no TOML; names the line.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as found:
        row = data.count(b"\n", 0, found.start) + 1
        raise error(
            say("workspace.encoding"),
            file=file,
            place=say("workspace.line", row=row),
            cure=say("workspace.encoding_cure"),
        ) from found
    except (tomllib.TOMLDecodeError, RecursionError) as found:
        # Python tells the place at the end of an English sentence.
        at = re.search(r"at line (\d+), column (\d+)", str(found))
        raise error(
            say("workspace.syntax"),
            file=file,
            place=say("workspace.line_column", row=at[1], column=at[2]) if at else "",
            cure=say("workspace.syntax_cure"),
        ) from found


def check(model: type[_Model], raw: dict[str, Any], file: str, error: type[AtlasError]) -> _Model:
    """The tables as a model.

    Raises
    ------
    `error` : naming each key, its value and the cure; all problems at once.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as found:
        known = keys(model)
        problems = [_explain(one, raw, known) for one in found.errors() if not _follows(one)]
        raise error("\n".join(problems), file=file) from found


def keys(model: type[BaseModel]) -> dict[str, str]:
    """Every key of a file with its description, as `measures.plan.value`."""
    found: dict[str, str] = {}

    def walk(prefix: str, table: type[BaseModel]) -> None:
        for name, field in table.model_fields.items():
            key = f"{prefix}{field.alias or name}"
            found[key] = field.description or ""
            for part in _models(field.annotation):
                walk(f"{key}.", part)

    walk("", model)
    return found


def near(name: str, known: list[str]) -> str:
    """The known name that looks most like a wrong one, as a half-sentence; "" if none does."""
    found = difflib.get_close_matches(name, known, 1)
    return say("workspace.near", name=found[0]) if found else ""


def short(value: object) -> str:
    """A value as a message shows it."""
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models(part)


def _follows(problem: Any) -> bool:
    """Whether a problem is only that of another: a list whose faulty items were not counted."""
    return problem["type"] == "too_short" and len(problem["input"]) >= problem["ctx"]["min_length"]


def _explain(problem: Any, raw: dict[str, Any], known: dict[str, str]) -> str:
    """One problem as a sentence with key, value and cure."""
    key, value = _where(problem["loc"], raw)
    kind = problem["type"]
    if kind == "extra_forbidden":
        return say(
            "workspace.extra", key=key, value=short(value), hint=_hint(problem["loc"], known)
        )
    if kind == "missing":
        return say("workspace.missing", key=key)
    reason = problem.get("ctx", {}).get("error") or problem["msg"]
    allowed = problem.get("ctx", {}).get("expected")
    if allowed:
        names = re.findall(r"'([^']*)'", allowed)
        reason = say("workspace.allowed", names="、".join(names) or allowed)
    elif kind != "value_error":
        # Pydantic speaks English; the kinds that a file can cause have words of their own.
        word = f"workspace.type.{kind}"
        context = problem.get("ctx", {})
        reason = (
            say(word, **context) if word in catalogue() else say("workspace.wrong_type", kind=kind)
        )
    if not key:
        return str(reason)
    return say("workspace.invalid", key=key, value=short(value), reason=reason)


def _where(location: tuple[Any, ...], raw: Any) -> tuple[str, Any]:
    """The key as people find it in the file (`measures[3].rule`) and what stands there."""
    key, value = "", raw
    for step in location:
        if isinstance(step, int):
            # What lacks is counted, too: the fourth of three numbers.
            held = isinstance(value, list) and step < len(value)
            value = value[step] if held else ""
            name = value.get("id") if isinstance(value, dict) else None
            key += f"[{step + 1}" + (f" {name}" if name else "") + "]"
        else:
            key += ("." if key else "") + str(step)
            value = value.get(step, "") if isinstance(value, dict) else value
    return key, value


def _hint(location: tuple[Any, ...], known: dict[str, str]) -> str:
    """The declared key that looks most like the wrong one."""
    table = ".".join(str(step) for step in location[:-1] if not isinstance(step, int))
    names = [key.rpartition(".")[2] for key in known if key.rpartition(".")[0] == table]
    return near(str(location[-1]), names)
