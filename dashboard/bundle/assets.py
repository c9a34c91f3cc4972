"""Scripts and styles of the bundle: few files, minified, named by their content.

Third parties' scripts come out of installed packages and stay as they were published: React from
Dash's own dependencies, MapLibre from the package `maplibre`. Only their pointers to source maps
go, since those are not shipped. Our own scripts lose blanks and comments, nothing else: they are
what the portal runs.

`first` is what the first map needs; `later` is fetched once that map stands. Of `assets/public/`
the numbers up to 79 are needed first, those from 80 on later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path

import rcssmin
import rjsmin

from dashboard.bundle.manifest import Site
from geodata.errors import EditionError
from geodata.words import say

FIRST = (
    "10-arrays.js",
    "20-atlas-map.js",
    "30-legend.js",
    "40-time.js",
    "50-address.js",
    "51-toolbar.js",
    "52-panel.js",
)
LATER = ("15-mesh.js", "55-print.js")
TOKENS = "tokens.css"
STYLES = ("atlas.css", "portal.css")
"""Of the map's page, and whatever lies in `assets/public/`."""
TEXT_STYLE = "pages.css"
"""In `assets/public/`: of pages without a map, and of the map's page before its script."""
PUBLIC = "public"
TEXT_SCRIPT = "pages.js"
"""In `assets/public/`, if it is there: the reader's look and type on pages without a map."""
PUBLIC_LATER = 80
"""First number of the scripts in `assets/public/` that the first map does without."""

PARTS = frozenset({"Map", "NavigationControl", "ScaleControl", "Marker"})
"""What our scripts make of MapLibre; the styles of its other parts stay out of the bundle."""

_UNUSED = re.compile(
    r"attrib|cooperative|ctrl-compass|ctrl-logo|ctrl-pitch|fullscreen|geolocate|globe|popup|shrink"
    r"|terrain|user-location"
)
_MAP_POINTER = re.compile(r"\n?(?://#|/\*#) sourceMappingURL=[^\n*]*(?:\*/)?\s*$")
_NUMBERED = re.compile(r"(\d+)-.*\.js")
_VERSION = re.compile(r"@(\d+)\.(\d+)\.(\d+)\.min\.js$")


@dataclass(frozen=True)
class Built:
    """Relative URLs of what was written."""

    text_style: str
    """Of every page."""
    map_style: str
    """Of the map's page, besides."""
    text_script: str
    """Of pages without a map; "" where they need none."""
    scripts: tuple[str, ...]
    """In the order in which they must run; all may be deferred."""
    later: str
    """What the first scripts fetch themselves, when the first map stands."""
    icon: str


def write(site: Site, home: Path) -> Built:
    """Write scripts and styles into the bundle.

    Parameters
    ----------
    home : the project's `assets` folder.

    Raises
    ------
    EditionError : when a package lacks its script.
    """
    public = sorted((home / PUBLIC).glob("[0-9]*.js"))
    first = [home / name for name in FIRST] + [one for one in public if not _is_later(one)]
    later = [home / name for name in LATER] + [one for one in public if _is_later(one)]
    text = home / PUBLIC / TEXT_STYLE
    styles = [one for one in sorted((home / PUBLIC).glob("*.css")) if one != text]
    script = home / PUBLIC / TEXT_SCRIPT
    site.put("LICENSES.txt", licenses().encode())
    return Built(
        text_style=site.hashed(
            "a/text", ".css", _css(one for one in (home / TOKENS, text) if one.is_file())
        ),
        map_style=site.hashed(
            "a/map",
            ".css",
            trimmed(maplibre("css").read_text("utf-8")).encode()
            + b"\n"
            + _css([*(home / name for name in STYLES), *styles]),
        ),
        text_script=site.hashed("a/text", ".js", _js([script])) if script.is_file() else "",
        scripts=(
            site.hashed("a/react", ".js", b"\n".join(_third(one) for one in react())),
            site.hashed("a/maplibre", ".js", _third(maplibre("js"))),
            site.hashed("a/first", ".js", _js(first)),
        ),
        later=site.hashed("a/later", ".js", _js(later)),
        icon=site.hashed("a/icon", ".ico", (home / "favicon.ico").read_bytes()),
    )


def minify(script: str) -> str:
    """A script without blanks and comments; its texts and templates stay as they are."""
    return str(rjsmin.jsmin(script))


def trimmed(style: str) -> str:
    """MapLibre's style without the parts that our maps do not have: they are four fifths of it,
    since every button's picture is written into it several times.
    """
    kept = []
    for rule in _rules(style):
        head, _, body = rule.partition("{")
        if head.lstrip().startswith("@media"):
            inner = trimmed(body[:-1])
            kept.append(f"{head}{{{inner}}}" if inner else "")
        elif not _UNUSED.search(head):
            kept.append(rule)
    return str(rcssmin.cssmin("".join(kept)))


def _rules(style: str) -> Iterator[str]:
    """The outermost rules of a style that has no comments with braces."""
    depth = start = 0
    for at, sign in enumerate(style):
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                yield style[start : at + 1]
                start = at + 1


def react() -> tuple[Path, Path]:
    """React and ReactDOM as Dash carries them: production builds of its newest version."""
    home = _package("dash") / "deps"
    versions = {}
    for path in sorted(home.glob("react@*.min.js")):
        found = _VERSION.search(path.name)
        if found and (home / path.name.replace("react@", "react-dom@")).is_file():
            versions[tuple(int(part) for part in found.groups())] = path
    if not versions:
        raise EditionError(say("bundle.lost"), value="react", cure=say("bundle.lost_cure"))
    newest = versions[max(versions)]
    return newest, home / newest.name.replace("react@", "react-dom@")


def maplibre(kind: str) -> Path:
    """MapLibre's script (`js`) or style (`css`)."""
    path = _package("maplibre") / "srcjs" / f"maplibre-gl.{kind}"
    if not path.is_file():
        raise EditionError(say("bundle.lost"), value=path.name, cure=say("bundle.lost_cure"))
    return path


def licenses() -> str:
    """What third parties' licences ask to be told with their scripts: each script's own first
    comment, the package that carries it, the copyright notices and the terms.
    """
    parts = []
    for package, path in (
        *(("dash", path) for path in react()),
        ("maplibre", maplibre("js")),
    ):
        told = metadata.metadata(package)
        parts.append(
            f"{path.name}, carried by the Python package {package} {told['Version']}\n\n"
            f"{_head(path)}"
        )
    terms = files("dashboard.bundle").joinpath("terms.txt").read_text("utf-8")
    return "\n\n\n".join([*parts, terms])


def _head(path: Path) -> str:
    """The first comment of a script, in which its licence stands."""
    text = path.read_text("utf-8")[:4000]
    start = text.find("/*")
    return text[start : text.index("*/", start) + 2] if start >= 0 else ""


def _package(name: str) -> Path:
    return Path(str(files(name)))


def _third(path: Path) -> bytes:
    return (_MAP_POINTER.sub("", path.read_text("utf-8")) + "\n").encode()


def _js(paths: Iterable[Path]) -> bytes:
    # A semicolon between: a script that ends without one would call the next.
    return "".join(minify(path.read_text("utf-8")) + "\n;\n" for path in paths).encode()


def _css(paths: Iterable[Path]) -> bytes:
    return "".join(rcssmin.cssmin(path.read_text("utf-8")) + "\n" for path in paths).encode()


def _is_later(path: Path) -> bool:
    found = _NUMBERED.fullmatch(path.name)
    return found is not None and int(found[1]) >= PUBLIC_LATER
