"""The files of one published site, served by whitenoise: known once, compressed twins beside them.

What may be asked for is what a walk of the folder found; an address is looked up in that table and
never becomes a path, so that no spelling of it leads outside.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from wsgiref.headers import Headers

from flask import Request, Response
from werkzeug.http import http_date
from werkzeug.wsgi import wrap_file
from whitenoise import WhiteNoise

from dashboard.answers import FOREVER

INDEX = "/index.html"
FEW_MINUTES = "public, max-age=300, must-revalidate"
"""For what keeps its name when its content changes."""
_HASHED = re.compile(r"/a/(?:.*/)?[^/]+\.[0-9A-Za-z_-]{8,64}\.[0-9A-Za-z]+|/d/.+")
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".xml": "application/xml",
    ".ico": "image/x-icon",
    ".bin": "application/octet-stream",
}


def is_immutable(url: str) -> bool:
    """Whether an address of the site names its content, by a hash in it."""
    return _HASHED.fullmatch(url) is not None


class Site(WhiteNoise):
    """The files of a site's folder by address; takes the folder as it is at this moment."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            None,
            max_age=None,
            allow_all_origins=False,
            mimetypes=_TYPES,
            add_headers_function=self._describe,
        )
        self.add_files(str(folder))

    def update_files_dictionary(self, root: str, prefix: str) -> None:
        """Walk the folder; whitenoise's own walk would follow links out of it."""
        found = dict(_walk(root))
        for path in found:
            self.add_file_to_dictionary(prefix + path[len(root) :], path, stat_cache=found)

    def answer(self, url: str, request: Request) -> Response | None:
        """The answer to a GET or HEAD of `url`; None when the site has no such file.

        Raises
        ------
        OSError : the file was there at the walk and can no longer be read.
        """
        file = self.files.get(INDEX if url == "/" else url)
        if file is None:
            return None
        # Sent whole whatever `Range` says: no file is so large that a part of it would help.
        given = file.get_response(request.method, _asked(request, file.etag))
        if given.file is None:
            return Response(status=given.status, headers=given.headers)
        return Response(
            wrap_file(request.environ, given.file),
            status=given.status,
            headers=given.headers,
            direct_passthrough=True,
        )

    @staticmethod
    def _describe(headers: Headers, path: str, url: str) -> None:
        """Cache headers, and a tag that is the same on every machine that serves this site.

        Weak, since the twins share it, and since proxies that compress make it weak anyway.
        """
        if is_immutable(url):
            headers["Cache-Control"] = FOREVER
            digest = hashlib.sha256(url.encode("utf-8", "surrogateescape"))
        else:
            headers["Cache-Control"] = FEW_MINUTES
            digest = hashlib.sha256(Path(path).read_bytes())
        headers["ETag"] = f'W/"{digest.hexdigest()[:20]}"'


def _asked(request: Request, tag: str) -> dict[str, str]:
    """The headers that whitenoise looks at, in the plain form that it understands.

    It reads them by comparing texts: a list of tags, `gzip;q=0` or a strange date would be
    misread.
    """
    encodings = request.accept_encodings
    asked = {
        "HTTP_ACCEPT_ENCODING": ", ".join(
            name for name in ("gzip", "br") if encodings.quality(name) > 0
        )
    }
    if request.if_none_match:
        same = request.if_none_match.contains_weak(tag[3:-1])
        asked["HTTP_IF_NONE_MATCH"] = tag if same else ""
    elif request.if_modified_since is not None:
        asked["HTTP_IF_MODIFIED_SINCE"] = http_date(request.if_modified_since)
    return asked


def _walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Path and stat of each file; neither links nor what a name hides (`.`) are the site's."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir():
                yield from _walk(entry.path)
            elif entry.is_file():
                yield entry.path, entry.stat()
