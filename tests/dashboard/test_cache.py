"""Memoised functions: computed once, never pickled, and never in the way when the store is down."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from flask import Flask

from dashboard.cache import JsonText, Memory, Store, code_fingerprint
from layers.view import View

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")


@dataclass(frozen=True)
class Book:
    """As much of an edition as a cache looks at."""

    id: str
    seq: int = 0

    def revision(self, *names: object) -> str:
        """Only `visits` follows the ledger."""
        return str(self.seq) if "visits" in names else ""


class Counting:
    """A function that knows how often it was called."""

    def __init__(self, value: Any = None) -> None:
        self.calls = 0
        self.value = value

    def __call__(self, book: Book, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.value if self.value is not None else [book.id, [str(a) for a in args]]


@pytest.fixture
def server() -> Flask:
    return Flask("test")


@pytest.fixture
def shared() -> Iterator[tuple[str, str]]:
    """Address of a real Redis, and a prefix of our own in it that is swept away afterwards."""
    client = redis.Redis.from_url(REDIS, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must test against a real Redis, and {REDIS} does not answer: {error}")
        pytest.skip(f"no Redis at {REDIS}; set TEST_REDIS_URL or start one")
    prefix = f"bangfu-test-{uuid.uuid4().hex}:"
    yield REDIS, prefix
    for key in client.scan_iter(match=prefix + "*"):
        client.delete(key)
    client.close()


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, server: Flask) -> Store:
    if request.param == "memory":
        return Store(server)
    address, prefix = request.getfixturevalue("shared")
    return Store(server, address, prefix=prefix)


def test_a_value_is_computed_once_for_an_edition_and_arguments(store: Store) -> None:
    function = Counting()
    remembered = store.memoise("f", function)
    assert remembered(Book("a"), "x") == ["a", ["x"]]
    assert remembered(Book("a"), "x") == ["a", ["x"]]
    assert function.calls == 1


def test_another_edition_argument_name_or_audience_is_another_value(server: Flask) -> None:
    store = Store(server)
    function = Counting()
    remembered = store.memoise("f", function)
    remembered(Book("a"), "x")
    remembered(Book("b"), "x")
    remembered(Book("a"), "y")
    remembered(Book("a"), x="x")
    store.memoise("g", function)(Book("a"), "x")
    assert function.calls == 5


def test_workers_share_a_redis_and_audiences_do_not(shared: tuple[str, str]) -> None:
    address, prefix = shared
    function = Counting()
    stores = [
        Store(Flask(str(n)), address, prefix=prefix, audience=audience)
        for n, audience in enumerate(["internal", "internal", "public"])
    ]
    for store in stores:
        store.memoise("f", function)(Book("a"), "村")
    assert function.calls == 2


def test_views_are_told_apart_by_their_query(store: Store) -> None:
    function = Counting()
    remembered = store.memoise("f", function)
    remembered(Book("a"), View(region="N1", hide=frozenset({"labels", "underlay"})))
    remembered(Book("a"), View(region="N1", hide=frozenset({"underlay", "labels"})))
    remembered(Book("a"), View(region="N2"))
    assert function.calls == 2


def test_the_first_and_later_callers_get_equal_values_of_their_own(store: Store) -> None:
    remembered = store.memoise("f", Counting({"rows": (1, 2), "名": None}))
    first, second = remembered(Book("a")), remembered(Book("a"))
    assert first == second == {"rows": [1, 2], "名": None}
    first["rows"].append(3)
    assert remembered(Book("a"))["rows"] == [1, 2]


def test_none_is_a_value_like_any_other(store: Store) -> None:
    calls = []

    def nothing(book: Book) -> None:
        calls.append(book)

    remembered = store.memoise("f", nothing)
    assert remembered(Book("a")) is None
    assert remembered(Book("a")) is None
    assert len(calls) == 1


def test_a_shared_store_holds_json_and_no_pickle(server: Flask, shared: tuple[str, str]) -> None:
    address, prefix = shared
    Store(server, address, prefix=prefix).memoise("f", Counting({"名": "村"}))(Book("a"))
    client = redis.Redis.from_url(address)
    (key,) = client.scan_iter(match=prefix + "*")
    text = client.get(key)
    assert isinstance(text, bytes)
    assert "村" in text.decode()
    assert client.ttl(key) > 0
    client.close()


def test_what_somebody_else_put_there_is_computed_anew(
    server: Flask, shared: tuple[str, str]
) -> None:
    address, prefix = shared
    function = Counting()
    remembered = Store(server, address, prefix=prefix).memoise("f", function)
    remembered(Book("a"))
    client = redis.Redis.from_url(address)
    (key,) = client.scan_iter(match=prefix + "*")
    for poison in (b"!\x80\x04N.", b"\xff", b"[" * 100_000, b'{"a": 1}'):
        client.set(key, poison)
        assert remembered(Book("a")) == ["a", []]
    client.close()


def test_nan_is_refused_rather_than_sent_to_a_browser(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON"):
        store.memoise("f", Counting(float("nan")))(Book("a"))


def test_when_redis_is_down_answers_are_computed_and_the_log_says_so(
    server: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        now = [0.0]
        store = Store(server, f"redis://127.0.0.1:{port}/0", clock=lambda: now[0])
        function = Counting()
        remembered: Callable[..., Any] = store.memoise("f", function)
        for _ in range(3):
            assert remembered(Book("a"), "x") == ["a", ["x"]]
        assert function.calls == 3
        assert len(caplog.records) == 1, "asked once, then left alone for a while"
        now[0] = 60.0
        remembered(Book("a"), "x")
        assert len(caplog.records) == 2


def test_the_serialiser_reads_nothing_but_json() -> None:
    text = JsonText()
    assert text.loads(text.dumps({"名": [1, None]})) == {"名": [1, None]}
    assert text.loads(None) is None
    assert text.loads(b"\x80\x04K\x01.") is None


def test_the_fingerprint_is_the_same_for_the_same_code() -> None:
    assert code_fingerprint() == code_fingerprint()
    assert len(code_fingerprint()) == 10


def test_memory_is_bounded_by_what_it_holds_and_drops_the_longest_unused() -> None:
    memory = Memory(most=10_000)
    for number in range(100):
        assert memory.set(str(number), "x" * 1000)
        memory.get("0")
    assert memory.size <= 10_000
    assert memory.get("0") is not None, "the one in use stays"
    assert memory.get("1") is None
    assert memory.get("99") is not None


def test_one_value_does_not_push_out_all_others() -> None:
    memory = Memory(most=10_000)
    memory.set("small", "x")
    assert not memory.set("huge", "x" * 5_000)
    assert memory.get("huge") is None
    assert memory.get("small") == "x"


def test_a_value_set_twice_counts_once() -> None:
    memory = Memory(most=10_000)
    for _ in range(50):
        memory.set("a", "x" * 1000)
    assert memory.size < 1200
