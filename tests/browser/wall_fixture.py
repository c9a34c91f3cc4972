"""A wall's server with every switch in the test's hand, in front of the real app.

The map's own files come from the real app over the small world. Briefings and steering are
answered here, in the words of the wall's interface, so that a test can break one answer at a
time, give orders as a phone would, and let a new edition appear.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from geodata.edition import Edition
from geodata.errors import UnknownName
from layers import briefing

Json = dict[str, Any]
BRIEFING, PRINT = "morning", "0123456789ab"
EMPTY_PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def contents(edition: Edition) -> list[Json]:
    """What the scenes of the built-in briefing show."""
    return [briefing.content(edition, one) for one in briefing.scenes(edition, briefing.default())]


@dataclass
class Stage:
    """The switches. Everything is read at each request."""

    edition: Edition
    app: Callable[..., Any]
    scenes: list[Json]
    name: str = ""
    fingerprint: str = PRINT
    broken: set[str] = field(default_factory=set)
    """Parts of paths that are answered with 500."""
    commands: list[Json] = field(default_factory=list)
    pointer: Json | None = None
    paired: int = 0
    showing: list[Json] = field(default_factory=list)
    walls: list[Json] = field(default_factory=list)
    steering: bool = True
    asked: list[str] = field(default_factory=list)

    def order(self, what: str, **more: Any) -> None:
        """A command as from a phone."""
        self.commands.append({"seq": len(self.commands) + 1, "do": what, **more})

    def __call__(self, environ: Json, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        self.asked.append(request.path)
        answer = self._answer(request)
        if answer is None:
            return self.app(environ, start_response)  # type: ignore[no-any-return]
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response | None:
        path = request.path
        edition = self.name or self.edition.id
        base = f"/briefings/{edition}/{BRIEFING}/{self.fingerprint}"
        if any(part in path for part in self.broken):
            answer = _json({"error": "坏了"}, 500)
        elif path == "/healthz":
            answer = _json({"status": "ok", "edition": edition, "built_at": ""})
        elif path == "/api/v1/briefings":
            answer = _json({"edition": edition, "briefings": [self._listed()]})
        elif path == f"{base}/scenes.json":
            answer = _json(self._index(edition, base))
        elif path.startswith(f"{base}/scene/"):
            answer = _json(next(one for one in self.scenes if one["id"] == _stem(path)))
        elif path.startswith(f"/briefings/{edition}/region/"):
            answer = self._region(_stem(path))
        elif path.startswith("/briefings/"):
            answer = _json({"error": "没有"}, 404)
        elif path.startswith("/steer/"):
            answer = self._steer(request, edition) if self.steering else _json({"error": ""}, 404)
        else:
            return None
        return answer

    def _listed(self) -> Json:
        return {
            "id": BRIEFING,
            "title": "晨会",
            "fingerprint": self.fingerprint,
            "scenes": len(self.scenes),
            "problem": None,
        }

    def _region(self, code: str) -> Response:
        try:
            scene = briefing.region_scene(self.edition, code)
        except UnknownName as error:
            return _json({"error": str(error)}, 404)
        return _json(briefing.content(self.edition, scene))

    def _index(self, edition: str, base: str) -> Json:
        listed = [
            {
                **{key: one[key] for key in ("id", "kind", "title", "dwell", "sentence")},
                "region": {key: one["region"][key] for key in ("code", "name")},
                "url": f"{base}/scene/{one['id']}.json",
                "thumbnail": {"url": f"{base}/scene/{one['id']}.svg", "bounds": [0, 0, 1, 1]},
            }
            for one in self.scenes
        ]
        return {
            "edition": edition,
            "briefing": BRIEFING,
            "fingerprint": self.fingerprint,
            "title": "晨会",
            "notices": self.edition.notices(),
            "scenes": listed,
        }

    def _steer(self, request: Request, edition: str) -> Response:
        code = {
            "code": "482913",
            "code_expires": time.time() + 600,
            "remote_url": f"{request.host_url}remote#482913",
            "qr": EMPTY_PICTURE,
        }
        if request.method == "POST":
            self.walls.append(json.loads(request.get_data()))
            return _json({"wall": "w1", "secret": "s1", "name": "大屏 3F", **code})
        if request.method == "PUT":
            self.showing.append(json.loads(request.get_data()))
            return Response(status=204)
        after = int(request.args.get("after", "0"))
        answer = _json(
            {
                "seq": len(self.commands),
                "commands": [one for one in self.commands if one["seq"] > after],
                "pointer": self.pointer,
                "paired": self.paired,
                "edition": edition,
                "briefing": BRIEFING,
                "fingerprint": self.fingerprint,
                **{key: code[key] for key in ("code", "remote_url", "qr")},
            }
        )
        answer.add_etag()
        answer.make_conditional(request)
        return answer


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".json")


def _json(value: Any, status: int = 200) -> Response:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return Response(text, status=status, mimetype="application/json")


class Loopback:
    """A server that can go away and come back at the same address."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.port = 0
        self.server: BaseWSGIServer | None = None
        self.thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; at the port of before, if there was one."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.server.daemon_threads = True  # type: ignore[attr-defined]  # of the threaded one
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Nobody answers any more."""
        if self.server is None or self.thread is None:
            return
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.server = None
