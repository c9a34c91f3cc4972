"""The gallery's wiring: the cards of all rounds, drawn anew with each edition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output

from callbacks import ids
from callbacks.services import Services
from geodata.errors import AtlasError
from geodata.ledger.roles import Right
from geodata.words import say

Json = Mapping[str, Any]


def cards(services: Services) -> list[dict[str, str]]:
    """One card a measure and round, latest round first; none while there is no edition.

    Each has `id`, `theme`, `round`, `round_label`, `label`, `definition`, `href` (the portal),
    `image` (address of its picture) and `alt` (the picture in words).
    """
    try:
        edition = services.edition()
        return [
            card_of(card, edition.levels[0].all_label or edition.root.name)
            for one in reversed(edition.rounds)
            for card in services.gallery(one.id)
        ]
    except AtlasError:
        return []


def card_of(card: Json, region: str) -> dict[str, str]:
    """A card as the browser draws it; `region` is what the whole is called."""
    round_label = str(card["round"]["label"])
    alt = say("portal.gallery.alt", measure=card["label"], round=round_label, region=region)
    return {
        "id": str(card["id"]),
        "theme": str(card["theme"]),
        "round": str(card["round"]["id"]),
        "round_label": round_label,
        "label": str(card["label"]),
        "definition": str(card["definition"]),
        "href": "/?" + str(card["query"]).removeprefix("?"),
        "image": str(card["image"]),
        "alt": alt,
    }


def choices(services: Services) -> list[dict[str, str]]:
    """The rounds that have maps, latest first: `id` and `label`."""
    try:
        edition = services.edition()
        return [
            {"id": one.id, "label": one.label}
            for one in reversed(edition.rounds)
            if services.gallery(one.id)
        ]
    except AtlasError:
        return []


def register(app: Dash, services: Services) -> None:
    """Wire the gallery."""

    @app.callback(
        Output(ids.GALLERY, "cards"),
        Output(ids.GALLERY, "rounds"),
        Input(ids.GALLERY, "asked"),
        prevent_initial_call=True,
        access=Right.READ,
    )
    def draw(asked: dict[str, object] | None) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        return cards(services), choices(services)
