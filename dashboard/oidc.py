"""An OpenID Connect provider, asked who somebody is: its documents, its codes, its tokens."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from geodata.errors import AtlasError
from geodata.words import say

log = logging.getLogger(__name__)

Json = dict[str, Any]

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures by a key that the provider alone has: none at all, and none by a shared secret."""
TIMEOUT = (3.0, 6.0)
"""Seconds to connect and to answer: somebody waits, and so does a thread."""
KEPT_SECONDS = 3600.0
"""As long as the provider's documents are believed without asking again."""
PAUSE_SECONDS = 30.0
"""Least time between two looks for new keys, and after a failure: a token may name any key."""
LEEWAY = 60
"""Seconds that two clocks may be apart."""
LARGEST = 1_000_000
"""Bytes of an answer."""


class NotVouched(AtlasError):
    """The provider did not say who it is, or not in a way that can be believed."""

    http_status = 403


class ProviderAway(AtlasError):
    """The provider cannot be asked just now."""

    http_status = 503


@dataclass(frozen=True)
class Person:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    """What the provider calls the person, for ever."""
    name: str
    """`preferred_username`; "" when it tells none."""


@dataclass(frozen=True)
class Way:
    """What a browser takes along to the provider, and has to bring back."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def new(cls) -> Way:
        """One that nobody has gone yet."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


class Provider:
    """One provider as the settings name it; may be used by many threads.

    Its documents are fetched when somebody first signs in, and not before.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.issuer = issuer
        self._client = client_id
        self._secret = client_secret
        self._clock = clock
        self._lock = threading.Lock()
        self._about: Json = {}
        self._about_at = float("-inf")
        self._keys: KeySet | None = None
        self._keys_at = float("-inf")
        self._failed_at = float("-inf")

    def start(self, way: Way, back: str) -> str:
        """The provider's address to send a browser to, which will return to `back`.

        Raises
        ------
        ProviderAway : when the provider's documents cannot be read.
        """
        about = self._described()
        with self._session(about, back) as session:
            address, _ = session.create_authorization_url(
                about["authorization_endpoint"],
                state=way.state,
                nonce=way.nonce,
                code_verifier=way.verifier,
            )
        return str(address)

    def finish(self, way: Way, code: str, back: str) -> Person:
        """Who it is that came back with a code.

        Raises
        ------
        NotVouched : when the code is not good, or the token cannot be believed.
        ProviderAway : when the provider does not answer.
        """
        about = self._described()
        try:
            with self._session(about, back) as session:
                # A redirect would carry code and secret to wherever it leads.
                token = session.fetch_token(
                    about["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=way.verifier,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            raise self._away(error) from error
        except (AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            raise _doubted("code", error) from error
        text = token.get("id_token")
        if not isinstance(text, str):
            raise _doubted("no id_token")
        return self._person(text, way.nonce, token.get("access_token"))

    # ---- the ID token ----

    def _person(self, text: str, nonce: str, access_token: Any) -> Person:
        about = self._described()
        offered = about.get("id_token_signing_alg_values_supported")
        allowed = [one for one in ALGORITHMS if not isinstance(offered, list) or one in offered]
        # Keys of any name: what it says for a key that we do not know may be new.
        registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
        try:
            try:
                token = jwt.decode(text, self._known_keys(), registry=registry)
            except (JoseError, ValueError):
                token = jwt.decode(text, self._known_keys(anew=True), registry=registry)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client},
                },
                {"nonce": nonce, "client_id": self._client, "access_token": access_token},
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _doubted("id_token", error) from error
        subject, name = claims["sub"], claims.get("preferred_username")
        if not (isinstance(subject, str) and subject):
            raise _doubted("sub")
        return Person(self.issuer, subject, name if isinstance(name, str) else "")

    # ---- its documents ----

    def _described(self) -> Json:
        """The discovery document."""
        with self._lock:
            now = self._clock()
            if self._about and now - self._about_at < KEPT_SECONDS:
                return self._about
            if now - self._failed_at < PAUSE_SECONDS / 6 and not self._about:
                raise self._away("asked a moment ago")
            try:
                about = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                self._check(about)
            except ProviderAway:
                self._failed_at = self._clock()
                if self._about:
                    return self._about  # it seldom changes
                raise
            self._about, self._about_at = about, now
            return about

    def _check(self, about: Json) -> None:
        """Pass a document that is this provider's own, all of it as safe as its address.

        Raises
        ------
        ProviderAway : for any other.
        """
        if about.get("issuer") != self.issuer:
            raise self._away(f"it calls itself {about.get('issuer')!r}")
        safe = urlsplit(self.issuer).scheme
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            address = about.get(name)
            if not isinstance(address, str) or urlsplit(address).scheme not in {"https", safe}:
                raise self._away(f"{name} is {address!r}")

    def _known_keys(self, *, anew: bool = False) -> KeySet:
        about = self._described()
        with self._lock:
            age = self._clock() - self._keys_at
            if self._keys is None or age >= (PAUSE_SECONDS if anew else KEPT_SECONDS):
                try:
                    self._keys = KeySet.import_key_set(self._fetched(about["jwks_uri"]))  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
                    raise self._away(error) from error
                self._keys_at = self._clock()
            return self._keys

    def _fetched(self, address: str) -> Json:
        try:
            answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
            answer.raise_for_status()
            said = answer.json() if len(answer.content) <= LARGEST else None
        except (requests.RequestException, ValueError) as error:
            raise self._away(error) from error
        if not isinstance(said, dict):
            raise self._away(f"{address} is no document")
        return said

    def _session(self, about: Json, back: str) -> OAuth2Session:
        ways = about.get("token_endpoint_auth_methods_supported")
        posted = isinstance(ways, list) and "client_secret_basic" not in ways
        return OAuth2Session(
            self._client,
            self._secret,
            token_endpoint_auth_method="client_secret_post" if posted else "client_secret_basic",
            scope="openid profile",
            redirect_uri=back,
            code_challenge_method="S256",
        )

    def _away(self, reason: object) -> ProviderAway:
        log.warning("OpenID Connect provider %s: %s", self.issuer, reason)
        return ProviderAway(say("signin.oidc.away"), cure=say("signin.oidc.away_cure"))


def _doubted(what: str, error: Exception | None = None) -> NotVouched:
    log.warning("OpenID Connect: refused (%s): %s", what, error or "-")
    return NotVouched(say("signin.oidc.doubted"), cure=say("signin.oidc.doubted_cure"))
