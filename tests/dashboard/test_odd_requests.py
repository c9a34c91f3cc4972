"""Whatever is asked, the answer is a sentence and never a 500."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from dash import Dash
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geodata.edition import Edition

calm = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

text = st.text(max_size=40)
piece = text.map(lambda one: quote(one, safe=""))
number = st.one_of(st.integers().map(str), st.floats().map(str), piece)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(
    [
        "round",
        "measure",
        "period",
        "region",
        "level",
        "off",
        "hide",
        "camera",
        "look",
        "q",
        "parent",
        "x",
    ]
)
known = st.sampled_from(
    ["r3", "r2", "collective_income", "village", "2021-12", "990001901004", "9900", "1/2/3", "all"]
)
query = st.lists(st.tuples(keys, known | text), max_size=5)


def sound(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json["error"]


@calm
@given(path=st.lists(piece, max_size=6), asked=query)
def test_any_path(client: FlaskClient, path: list[str], asked: list[tuple[str, str]]) -> None:
    # The test client, not the server, takes what follows `//` for a host.
    address = "/" + "/".join(path).lstrip("/")
    sound(client.get(address, query_string=asked, follow_redirects=True))


@calm
@given(
    base=st.sampled_from(
        [
            "/api/v1/edition",
            "/api/v1/regions",
            "/api/v1/regions/9900",
            "/api/v1/search",
            "/api/v1/values/collective_income",
            "/save",
            "/healthz",
            "/",
            "/maps",
        ]
    ),
    asked=query,
)
def test_any_arguments(client: FlaskClient, base: str, asked: list[tuple[str, str]]) -> None:
    sound(client.get(base, query_string=asked))


@calm
@given(parts=st.tuples(piece, piece, piece), place=st.tuples(number, number, number))
def test_any_names_and_numbers(
    client: FlaskClient,
    edition: Edition,
    parts: tuple[str, str, str],
    place: tuple[str, str, str],
) -> None:
    first, second, third = parts
    sound(client.get(f"/api/v1/regions/{first}"))
    sound(client.get(f"/api/v1/values/{first}"))
    for name in (edition.id, first):
        sound(client.get(f"/data/{name}/{first}/{second}/{third}.bin"))
        sound(client.get(f"/pictures/{name}/{first}/{second}.svg"))
        sound(client.get(f"/tiles/{name}/village/{'/'.join(place)}.pbf"))
        sound(client.get(f"/tiles/{name}/{first}/{'/'.join(place)}.pbf"))
    sound(client.get(f"/_dash-component-suites/{first}/{second}"))
    sound(client.get(f"/assets/{first}/{second}"))


@calm
@given(raw=st.binary(max_size=200))
def test_a_callback_of_any_bytes(client: FlaskClient, raw: bytes) -> None:
    for kind in ("application/json", "text/plain"):
        answer = client.post("/_dash-update-component", data=raw, content_type=kind)
        assert 400 <= answer.status_code < 500
        assert answer.json["error"]


@calm
@given(
    body=values
    | st.fixed_dictionaries(
        {},
        optional={
            "output": values,
            "outputs": values,
            "inputs": values,
            "state": values,
            "changedPropIds": values,
        },
    )
)
def test_a_callback_of_any_json(client: FlaskClient, body: Any) -> None:
    answer = client.post(
        "/_dash-update-component", data=json.dumps(body), content_type="application/json"
    )
    assert answer.status_code == 400
    assert answer.json["error"]


@calm
@given(data=st.data())
def test_our_own_callbacks_with_any_values(client: FlaskClient, app: Dash, data: Any) -> None:
    client.get("/")
    servers = {key: one for key, one in app.callback_map.items() if "callback" in one}
    output = data.draw(st.sampled_from(sorted(servers)))
    names = output[2:-2].split("...") if output.startswith("..") else [output]
    outputs = [dict(zip(("id", "property"), one.rsplit(".", 1), strict=True)) for one in names]
    body = {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "changedPropIds": data.draw(st.lists(text, max_size=2)),
    }
    for key in ("inputs", "state"):
        body[key] = [
            {**one, "value": data.draw(values | st.fixed_dictionaries({"search": values}))}
            for one in servers[output][key]
        ]
    answer = client.post(
        "/_dash-update-component", data=json.dumps(body), content_type="application/json"
    )
    assert answer.status_code in {200, 204, 400}


def test_a_json_that_is_nested_too_deep(client: FlaskClient) -> None:
    answer = client.post(
        "/_dash-update-component", data=b"[" * 200_000, content_type="application/json"
    )
    assert answer.status_code == 400


def test_a_body_that_is_too_large(client: FlaskClient) -> None:
    answer = client.post(
        "/_dash-update-component", data=b"1" * 2_000_000, content_type="application/json"
    )
    assert answer.status_code == 413
