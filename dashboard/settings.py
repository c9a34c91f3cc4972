"""Settings of the server, read from `BANGFU_...` variables: the only door to the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import limits
import redis.connection
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from geodata.errors import AtlasError
from geodata.words import say

PREFIX = "BANGFU_"
MEMORY = "memory"
"""The cache that each worker has for itself."""


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


def _ledger(text: str) -> str:
    if not text:
        return text
    # Read here, and not above: the public server starts without ever knowing a database.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    # What other programs write for the same database; we reach it by psycopg.
    text = re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg://", text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ValueError(say("settings.ledger_form")) from error
    of_file = url.drivername == "sqlite" and not url.host and not url.query
    if not (of_file or url.drivername == "postgresql+psycopg"):
        raise ValueError(say("settings.ledger_form"))
    if not url.database or url.database == ":memory:":
        raise ValueError(say("settings.ledger_form"))
    return text


def _limit(text: str) -> str:
    try:
        limits.parse_many(text)
    except ValueError as error:
        raise ValueError(say("settings.limit_form")) from error
    return text


def _issuer(text: str) -> str:
    # Plain HTTP for a provider on the same machine only: whoever can change what it says is
    # whoever they want to be.
    if text and not re.fullmatch(
        r"(?:https://[0-9A-Za-z.:_-]+|http://(?:127\.0\.0\.1|localhost)(?::[0-9]+)?)(?:/[^\s?#]*)?",
        text,
    ):
        raise ValueError(say("settings.issuer_form"))
    return text


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
        "internal",
        description="Who is served: `internal`, or `public`: what was published, and no more.",
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
    access: Literal["accounts", "open"] = Field(
        "accounts",
        description="Who may read: `accounts` (whoever has one, wall screens and paired phones) "
        "or `open` (everybody who reaches the server; writing needs an account all the same).",
    )
    ledger: Annotated[str, AfterValidator(_ledger)] = Field(
        "",
        repr=False,
        description="URL of the ledger's database: `sqlite:////srv/ledger.sqlite` or "
        "`postgresql+psycopg://user:password@host/name`; empty: `ledger.sqlite` in the workspace.",
    )
    proxies: int = Field(
        0,
        ge=0,
        le=5,
        description="How many reverse proxies in a row are in front: that many `X-Forwarded-For`, "
        "`-Proto` and `-Host` are believed. 0: none.",
    )
    session_idle_minutes: int = Field(
        30,
        ge=1,
        le=1440,
        description="Minutes without doing anything that sign out.",
    )
    session_hours: int = Field(
        12, ge=1, le=720, description="Hours that sign out, whatever was done meanwhile."
    )
    sign_in_limit: Annotated[str, AfterValidator(_limit)] = Field(
        "30 per minute; 300 per hour",
        description="How often an address may try to sign in.",
    )
    write_limit: Annotated[str, AfterValidator(_limit)] = Field(
        "120 per minute",
        description="How often an account (or an address) may write. Each worker counts for "
        "itself, unless `BANGFU_CACHE` is a Redis.",
    )
    public_limit: Annotated[str, AfterValidator(_limit)] = Field(
        "600 per minute",
        description="How much an address (of IPv6, a network) may ask of the public server. Each "
        "worker counts for itself, unless `BANGFU_CACHE` is a Redis.",
    )
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        "",
        description="Issuer of an OpenID Connect provider that signs people in, as "
        "`https://id.example.cn/realms/office`; empty: passwords only.",
    )
    oidc_client_id: str = Field("", description="Our name at that provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Our secret at that provider.")
    oidc_label: str = Field(
        "统一身份认证", max_length=40, description="What the button for it is called."
    )
    oidc_only: bool = Field(False, description="Whether it alone signs in, and passwords no more.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What the server's log holds, on stderr."
    )
    access_log: bool = Field(False, description="Log every request.")

    @model_validator(mode="after")
    def _whole_provider(self) -> Settings:
        given = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret.get_secret_value())
        if any(given) and not all(given):
            raise ValueError(say("settings.oidc_part"))
        if self.oidc_only and not all(given):
            raise ValueError(say("settings.oidc_alone"))
        return self


def storage(cache: str) -> str:
    """Where requests are counted (flask-limiter), for where we cache."""
    if cache == MEMORY:
        return "memory://"
    return cache.replace("unix://", "redis+unix://", 1) if cache.startswith("unix://") else cache


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
    # What no single setting is at fault for is said of the first of those that it is about.
    name = str(problem["loc"][0]) if problem["loc"] else "oidc_issuer"
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
    elif "max_length" in context:
        reason = say("settings.long", most=context["max_length"])
    elif problem["type"].startswith("int"):
        reason = say("settings.integer")
    else:
        reason = say("settings.other", reason=problem["msg"])
    value = _shown(name, problem["input"]) if problem["loc"] else "…"
    return say("settings.invalid", name=f"{PREFIX}{name}".upper(), value=value, reason=reason)


def _shown(name: str, value: object) -> str:
    """A value as an error shows it: without the passwords that addresses hold."""
    field = Settings.model_fields.get(name)
    if field is not None and field.annotation is SecretStr:
        return "…"
    text = str(value)
    if "@" in text:
        scheme = re.match(r"[A-Za-z0-9+.-]*://", text)
        return f"{scheme.group() if scheme else ''}…@{text.rpartition('@')[2]}"
    return text
