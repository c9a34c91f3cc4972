"""Settings of the server, read from `BANGFU_...` variables: the only door to the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import redis.connection
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from geodata.errors import AtlasError
from geodata.words import say

PREFIX = "BANGFU_"


class SettingsError(AtlasError):
    """A `BANGFU_` variable holds something that cannot be."""


def _cache(text: str) -> str:
    if text != "memory" and not re.fullmatch(r"(?:redis|rediss|unix)://\S+", text):
        raise ValueError(say("settings.cache_form"))
    if text != "memory":
        try:
            # Its own reading: a port that is no number would stop each worker as it starts.
            redis.connection.parse_url(text)
        except ValueError as error:
            raise ValueError(say("settings.cache_form")) from error
    return text


def _key(text: str) -> str:
    # The key is written into tile addresses and the CSP: letters and digits only.
    if not re.fullmatch(r"[0-9A-Za-z]*", text):
        raise ValueError(say("settings.key_form"))
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.:_-]+", text):
        raise ValueError(say("settings.host_form"))
    return text


def _public_url(text: str) -> str:
    # It is written into a QR code that strangers to this server scan: no more than an address.
    if text and not re.fullmatch(r"https?://[0-9A-Za-z.:_\[\]-]+/?", text):
        raise ValueError(say("settings.url_form"))
    return text.rstrip("/")


class Settings(BaseSettings):
    """How one server runs; immutable. The README's table is held against it by a test."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    workspace: Path = Field(Path("demo-workspace"), description="Workspace folder that is served.")
    host: Annotated[str, AfterValidator(_host)] = Field(
        "127.0.0.1", description="Address the server listens on; 0.0.0.0 for every interface."
    )
    port: int = Field(8050, ge=1, le=65535, description="Port the server listens on.")
    workers: int = Field(
        2, ge=1, le=64, description="Worker processes; about one a processor core."
    )
    threads: int = Field(8, ge=1, le=128, description="Threads in each worker process.")
    timeout: int = Field(
        60, ge=5, le=3600, description="Seconds after which a silent worker is replaced."
    )
    audience: Literal["internal", "public"] = Field(
        "internal", description="Who is served; `public` comes with publishing."
    )
    cache: Annotated[str, AfterValidator(_cache)] = Field(
        "memory",
        description="`memory` (each worker its own) or the URL of a Redis that workers share, "
        "as `redis://127.0.0.1:6379/0`.",
    )
    tianditu_key: Annotated[str, AfterValidator(_key)] = Field(
        "",
        description="天地图 key; when set, its base map can be laid under the regions. Empty: "
        "no request leaves the host.",
    )
    poll_seconds: int = Field(
        5, ge=1, le=3600, description="How often an open screen asks for a new edition."
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "",
        description="Address under which phones and links reach the server, as "
        "`http://10.1.2.3:8050`; empty: as the browser calls it.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What the server's log holds, on stderr."
    )
    access_log: bool = Field(False, description="Log every request.")


def read(**given: Any) -> Settings:
    """The settings: what is given (not None) before the environment before the defaults.

    Raises
    ------
    SettingsError : naming each variable, its value and the cure; also for a `BANGFU_` variable
    that is no setting, since a mistyped name would be ignored in silence otherwise.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    stray = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    if stray:
        raise SettingsError(
            say("settings.unknown"),
            value="、".join(stray),
            cure=say("settings.unknown_cure", names="、".join(sorted(known))),
        )
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from error


def _explain(problem: Any) -> str:
    """One problem as a sentence with variable, value and cure."""
    name = str(problem["loc"][0])
    field = Settings.model_fields.get(name)
    context = problem.get("ctx", {})
    if "error" in context:
        reason = str(context["error"])
    elif "expected" in context:
        reason = say("settings.allowed", names=context["expected"].replace(" or ", "、"))
    elif {"ge", "le"} & set(context) and field is not None:
        bounds = {
            key: value
            for item in field.metadata
            for key in ("ge", "le")
            if (value := getattr(item, key, None)) is not None
        }
        reason = say("settings.between", low=bounds["ge"], high=bounds["le"])
    elif problem["type"].startswith("bool"):
        reason = say("settings.boolean")
    elif problem["type"].startswith("int"):
        reason = say("settings.integer")
    else:
        reason = say("settings.other", reason=problem["msg"])
    return say(
        "settings.invalid", name=f"{PREFIX}{name}".upper(), value=problem["input"], reason=reason
    )
