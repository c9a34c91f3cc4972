"""A little OpenID Connect provider on loopback, which can also be told to do it wrongly."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "bangfu", "the-secret-of-bangfu"

Claims = dict[str, Any]


@dataclass
class FakeProvider:
    """What the provider says, and what it was asked."""

    issuer: str = ""
    subject: str = "4711"
    name: str = "zhangsan"
    """`preferred_username` of who is signed in there."""
    alter: Callable[[Claims], Claims] = lambda claims: claims
    """What is done to the claims of the next token."""
    broken: bool = False
    """Whether it answers nothing but 500."""
    refuses: bool = False
    """Whether it sends people back without a code."""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs: RSAKey | None = None
    """Another key to sign with than it says."""
    header: Claims = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    text: str | None = None
    """The ID token as it is, instead of one that is made."""
    extra: Claims = field(default_factory=dict)
    """What is added to the discovery document."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def app(self) -> Flask:
        """The provider as a server."""
        server = Flask("provider")

        @server.before_request
        def note() -> Response | None:
            self.asked.append(request.path)
            return Response(status=500) if self.broken else None

        @server.get("/.well-known/openid-configuration")
        def about() -> Response:
            return jsonify(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                    "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                    "code_challenge_methods_supported": ["S256"],
                    **self.extra,
                }
            )

        @server.get("/keys")
        def keys() -> Response:
            return jsonify({"keys": [self.key.as_dict(private=False)]})

        @server.get("/authorize")
        def authorize() -> Any:
            return redirect(self.authorized(request.args.to_dict()))

        @server.post("/token")
        def token() -> Any:
            given = request.form
            asked = self.codes.pop(given["code"], None)  # good once
            who = request.authorization
            if who is None or (who.username, who.password) != (CLIENT, SECRET):
                return jsonify({"error": "invalid_client"}), 401
            challenge = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
            spelt = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
            if asked is None or (spelt, given["redirect_uri"]) != (
                asked["code_challenge"],
                asked["redirect_uri"],
            ):
                return jsonify({"error": "invalid_grant"}), 400
            return jsonify(
                {
                    "access_token": secrets.token_urlsafe(),
                    "token_type": "Bearer",
                    "id_token": self.text or self.token(asked["nonce"]),
                }
            )

        return server

    def authorized(self, asked: dict[str, str]) -> str:
        """Where somebody who is signed in here is sent back to."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        back = {"state": asked["state"]}
        if self.refuses:
            back["error"] = "access_denied"
        else:
            back["code"] = secrets.token_urlsafe()
            self.codes[back["code"]] = asked
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, nonce: str) -> str:
        """An ID token."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "preferred_username": self.name,
        }
        return str(jwt.encode(self.header, self.alter(claims), self.signs or self.key))

    def back_from(self, address: str) -> str:
        """Path and query with which a browser returns that was sent to `address`."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}" == self.issuer
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        back = urlsplit(self.authorized(asked))
        return f"{back.path}?{back.query}"


@contextmanager
def running() -> Iterator[FakeProvider]:
    """A provider that listens on a free port."""
    provider = FakeProvider()
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
