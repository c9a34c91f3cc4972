"""What the gallery's cards promise."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from callbacks import gallery
from callbacks.services import Services
from dashboard.cache import Store
from dashboard.library import Library
from dashboard.services import Drawn, assemble
from dashboard.settings import Settings
from layers.view import View, resolve
from tests.worlds import build_small


def services_of(folder: Path) -> Services:
    settings = Settings(workspace=folder, access="open")
    store = Store(Flask("test"), settings.cache, audience=settings.audience)
    return assemble(settings, Library(folder), Drawn(store, None))


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    folder = tmp_path_factory.mktemp("gallery")
    build_small(folder)
    return services_of(folder)


def test_one_card_a_measure_and_round(services: Services) -> None:
    edition = services.edition()
    wanted = {
        (measure.id, one.id)
        for one in edition.rounds
        for measure in edition.measures
        if edition.has(measure.id, one.id)
    }
    found = [(card["id"], card["round"]) for card in gallery.cards(services)]
    assert len(found) == len(wanted)
    assert set(found) == wanted


def test_each_card_leads_to_its_map(services: Services) -> None:
    edition = services.edition()
    for card in gallery.cards(services):
        look = resolve(View.from_query(card["href"].partition("?")[2]), edition)
        assert look.measure is not None
        assert (look.measure.id, look.round.id) == (card["id"], card["round"])


def test_each_picture_is_told_in_words(services: Services) -> None:
    for card in gallery.cards(services):
        assert card["label"] in card["alt"]
        assert card["round_label"] in card["alt"]


def test_the_latest_round_comes_first_and_empty_rounds_not_at_all(services: Services) -> None:
    assert [one["id"] for one in gallery.choices(services)] == ["r3", "r2"]


def test_without_an_edition_there_are_no_cards(tmp_path: Path) -> None:
    services = services_of(tmp_path)
    assert gallery.cards(services) == []
    assert gallery.choices(services) == []
