"""What callbacks may ask for: plain functions, already cached, handed down by the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from geodata.edition import Edition
from layers.view import View


@dataclass(frozen=True)
class Services:
    """The functions behind the screens; `register(app, services)` of each screen is given one.

    All of them speak about the current edition, raise `AtlasError` for what a View names wrongly
    and give JSON-able values (dict, list, str, number, None) that the caller may not change.
    """

    edition: Callable[[], Edition]
    """The current edition, at most a second old; raises `EditionError` while there is none."""
    picture: Callable[[View], dict[str, Any]]
    """`layers.picture.picture` with the underlay of the settings; cached."""
    profile: Callable[[View], dict[str, Any]]
    """The right-hand panel's data: `layers.profile.profile`; cached."""
    observed: Callable[[dict[str, Any]], dict[str, Any]]
    """A `profile` with what visitors saw (`layers.contact.observed.beside`) and `problems`: None,
    or `open`, `overdue` and `href`. As much as whoever asks may read; never an error. Not cached:
    for each request anew."""
    charts: Callable[..., dict[str, Any]]
    """`charts(view, theme="light")`: Plotly figures as dicts by name, `{title, data, layout,
    config}`: `series`, `distribution`, for a leaf `history-<indicator>`; empty ones left out;
    `theme` is `light` or `dark`; cached."""
    gallery: Callable[[str | None], list[dict[str, Any]]]
    """One card a measure of a round (None: the last one that has any): `layers.gallery.cards`;
    cached."""
    search: Callable[[str], list[dict[str, Any]]]
    """Regions for what was typed, best first: `code`, `name`, `level`, `label`, `path`."""
    words: Mapping[str, str]
    """The catalogue's section `portal`."""
    audience: str
    """`internal` or `public`."""
    poll_seconds: int
    """How often an open screen asks for a new edition."""
