"""The ledger over HTTP: what the contact-points screen asks, and how it is answered."""

from __future__ import annotations

import io
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.engine import Engine
from werkzeug.test import TestResponse

from geodata.edition import Edition
from geodata.ledger import Role, accounts, verify
from geodata.ledger.places import places
from geodata.ledger.roles import TERMINAL
from geodata.ledger.written import after, day_of
from tests.dashboard import guarded
from tests.dashboard.guarded import World

KEYS = {
    "state": {
        "seq", "edition", "at", "round", "me", "rules", "districts", "members", "picks", "visits",
        "due", "problems", "reminders",
    },
    "pick": {
        "id", "village", "name", "position", "lon", "lat", "district", "district_name", "member",
        "member_label", "state", "state_label", "mine", "since", "override", "can",
    },
    "problem": {
        "id", "village", "village_name", "lon", "lat", "district", "district_name", "category",
        "category_label", "said", "state", "state_label", "owner_kind", "owner", "owner_label",
        "deadline", "days_left", "overdue", "sent_back", "found_on", "found_by_label",
        "fixed_by_label", "rechecked_by_label", "can", "why_not",
    },
    "village": {
        "code", "name", "position", "lon", "lat", "path", "target", "target_label", "income",
        "missing", "changes", "visit", "visit_sentence", "units", "picks", "need", "problems",
        "observations", "breaches", "can", "near", "sheet",
    },
    "forms": {"today", "limits", "categories", "members", "indicators", "owners"},
    "board": {
        "seq", "counts", "sentence", "districts", "owners", "months", "villages", "rows", "total",
        "page", "pages", "categories",
    },
}  # fmt: skip
"""Names that the screen reads; routes may say more."""


@pytest.fixture
def world(folder: Path, tmp_path: Path) -> Iterator[World]:
    """An app with an empty ledger and one account a role (the officer's district is 东岭区)."""
    workspace = Path(shutil.copytree(folder, tmp_path / "workspace"))
    # Each test asks more than a person does in a minute.
    found = guarded.make(workspace, tmp_path, write_limit="10000 per minute")
    district = places(Edition.open(workspace)).districts[0][0]
    accounts.change(found.ledger, TERMINAL, found.accounts["district"].id, district=district)
    yield found
    assert verify.verify(found.ledger).whole


@pytest.fixture
def targets(world: World) -> list[str]:
    known = places(Edition.open(world.workspace))
    return [code for code, target in zip(known.codes, known.target, strict=True) if target]


def get(world: World, path: str, asker: str = "member", **options: Any) -> TestResponse:
    return world.ask(asker, f"/ledger/{path}", **options)


def post(
    world: World, path: str, asked: Any, asker: str = "member", key: str = "", **headers: str
) -> TestResponse:
    headers = {"Idempotency-Key": key or secrets.token_hex(16), **headers}
    return world.ask(asker, f"/ledger/{path}", "POST", json=asked, headers=headers)


def made(answer: TestResponse, status: int = 200) -> dict[str, Any]:
    """The body of an answer that did what was asked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert answer.json["sentence"]
    assert answer.json["seq"] > 0
    return dict(answer.json)


def refused(answer: TestResponse, status: int) -> dict[str, Any]:
    """The body of an answer that says no."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert isinstance(answer.json["error"], str) and answer.json["error"]
    assert "Traceback" not in answer.text
    return dict(answer.json)


def picked(world: World, village: str) -> dict[str, Any]:
    return dict(made(post(world, "picks", {"village": village, "override": ""}))["pick"])


def visited(world: World, village: str, **more: Any) -> dict[str, Any]:
    asked = {"village": village, "day": today(world), "people": "", "seen": "看了道路", **more}
    return made(post(world, "visits", asked), 201)


def found(world: World, village: str) -> dict[str, Any]:
    asked = {"village": village, "category": "team", "said": "人不在岗", "visit": ""}
    return dict(made(post(world, "problems", asked), 201)["problem"])


def today(world: World) -> str:
    return day_of(world.ledger.clock())


def owner(world: World, village: str) -> dict[str, str]:
    one = get(world, f"forms?village={village}").json["owners"][-1]
    return {"owner_kind": one["kind"], "owner": one["id"]}


def step(world: World, problem: str, name: str, asker: str, **asked: Any) -> TestResponse:
    return post(world, f"problems/{problem}/{name}", asked, asker)


# ---- reading ----


def test_the_state_has_everything_that_the_screen_polls_for(
    world: World, targets: list[str]
) -> None:
    pick = picked(world, targets[0])
    answer = get(world, "state")
    told = answer.json
    assert KEYS["state"] <= set(told)
    assert set(told["me"]) >= {
        "id", "label", "role", "role_label", "unit", "district", "places", "used", "can",
    }  # fmt: skip
    assert (told["me"]["places"], told["me"]["used"]) == (3, 1)
    assert told["me"]["can"] == ["pick", "propose", "visit", "check"]
    assert [one["id"] for one in told["picks"]] == [pick["id"]]
    assert KEYS["pick"] <= set(told["picks"][0])
    assert told["picks"][0]["can"] == ["release"], "another session has nothing to undo"
    assert {one["code"] for one in told["districts"] if one["reached"]} == {pick["district"]}
    assert told["due"] == [targets[0]]
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_state_that_has_not_changed_is_not_sent_again(world: World, targets: list[str]) -> None:
    tag = get(world, "state").headers["ETag"]
    same = get(world, "state", headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    # Somebody else's answer is another one: what one may do stands in it.
    assert get(world, "state", "office", headers={"If-None-Match": tag}).status_code == 200
    picked(world, targets[0])
    assert get(world, "state", headers={"If-None-Match": tag}).status_code == 200


def test_places_are_the_targets_with_what_they_lack(world: World, targets: list[str]) -> None:
    answer = get(world, "places")
    told = answer.json
    assert set(told) >= {"edition", "round", "level", "level_label", "places", "gap", "income"}
    assert sorted(one["code"] for one in told["places"]) == sorted(targets)
    assert set(told["places"][0]) >= {
        "code", "name", "position", "lon", "lat", "district", "district_name", "parent_name",
        "gap", "income", "target",
    }  # fmt: skip
    tag = answer.headers["ETag"]
    assert get(world, "places", headers={"If-None-Match": tag}).status_code == 304


def test_the_picture_is_of_leaves_and_offers_measures(world: World, targets: list[str]) -> None:
    answer = get(world, "picture")
    told = answer.json
    assert told["level"] == "village"
    assert 0 < len(told["choices"]) <= 8
    assert (
        get(world, "picture", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    )
    inside = get(world, f"picture?region={targets[0]}&measure={told['choices'][0]['id']}")
    assert inside.status_code == 200, "of a leaf its parent is shown"
    refused(get(world, "picture?measure=nothing"), 404)
    refused(get(world, "picture?region=123"), 404)


def test_a_village_says_why_it_matters(world: World, targets: list[str]) -> None:
    told = get(world, f"villages/{targets[0]}").json
    assert KEYS["village"] <= set(told)
    assert told["can"] == ["pick", "visit", "problem"]
    assert told["breaches"] == []
    assert 0 <= told["need"]["total"] <= 1
    shares = [one["share"] for one in told["need"]["parts"]]
    assert sum(shares) == pytest.approx(1, abs=0.01) or told["need"]["total"] == 0
    assert world.ask("member", told["sheet"]["html"]).status_code == 200
    assert world.ask("member", told["sheet"]["xlsx"]).status_code == 200
    refused(get(world, "villages/990009999999"), 404)


def test_a_record_tells_visits_problems_and_events_newest_first(
    world: World, targets: list[str]
) -> None:
    village = targets[0]
    picked(world, village)
    item = get(world, f"forms?village={village}").json["indicators"][0]
    value = True if item["type"] == "flag" else 1
    noticed = [{"indicator": item["id"], "value": value, "note": "亲眼看到"}]
    visited(world, village, observations=noticed, problems=[{"category": "team", "said": "缺人"}])
    told = get(world, f"villages/{village}/record").json
    assert set(told) == {"visits", "problems", "events"}
    visit = told["visits"][0]
    assert visit["seen"] == "看了道路"
    assert visit["members"] == [world.accounts["member"].label]
    assert visit["observations"][0]["note"] == "亲眼看到"
    assert "withdraw" in visit["can"]
    assert KEYS["problem"] <= set(told["problems"][0])
    assert set(told["events"][0]) >= {"at", "day", "who", "sentence", "reason"}


def test_forms_hold_people_to_what_the_ledger_takes(world: World, targets: list[str]) -> None:
    told = get(world, f"forms?village={targets[0]}").json
    assert KEYS["forms"] <= set(told)
    assert set(told["limits"]) >= {
        "seen", "note", "said", "caption", "photos", "photo_bytes", "reason",
    }  # fmt: skip
    assert {one["kind"] for one in told["owners"]} <= {"unit", "town", "district"}
    assert [one["id"] for one in told["members"]] == [world.accounts["member"].id]
    assert get(world, "forms").json["owners"] == []
    refused(get(world, "forms?village=1"), 404)
    # Exactly the longest text is taken.
    visited(world, targets[0], seen="看" * told["limits"]["seen"])
    long = {
        "village": targets[0],
        "day": told["today"],
        "seen": "看" * (told["limits"]["seen"] + 1),
    }
    refused(post(world, "visits", long), 422)


def test_the_board_counts_and_pages_and_follows_the_ledger(
    world: World, targets: list[str]
) -> None:
    empty = get(world, "board")
    assert KEYS["board"] <= set(empty.json)
    tag = empty.headers["ETag"]
    assert get(world, "board", headers={"If-None-Match": tag}).status_code == 304
    problem = found(world, targets[0])
    told = get(world, "board", headers={"If-None-Match": tag}).json
    assert set(told["counts"]) >= {"found", "open", "overdue", "sent_back", "fixed", "struck_off"}
    assert (told["counts"]["found"], told["counts"]["open"], told["total"]) == (1, 1, 1)
    assert KEYS["problem"] <= set(told["rows"][0])
    assert told["villages"][0]["code"] == targets[0]
    assert set(told["months"][0]) >= {"id", "label", "found", "put_right", "struck_off", "rate"}
    for state, count in (("open", 1), ("overdue", 0), ("sent_back", 0), ("struck_off", 0)):
        assert get(world, f"board?state={state}").json["total"] == count, state
    assert get(world, f"board?district={problem['district']}").json["total"] == 1
    assert get(world, "board?district=990099000000").json["total"] == 0
    assert get(world, "board?page=9").status_code == 200
    for wrong in ("state=nonsense", "page=0", "page=x", "page=99999999"):
        refused(get(world, f"board?{wrong}"), 400)


def test_reminders_are_one_list_under_a_sentence(world: World, targets: list[str]) -> None:
    assert get(world, "reminders").json == {"sentence": "", "due": []}
    found(world, targets[0])
    told = get(world, "reminders", "office").json
    assert told["sentence"]
    assert set(told["due"][0]) >= {
        "kind", "village", "village_name", "problem", "sentence", "day", "overdue",
    }  # fmt: skip
    assert told["due"][0]["kind"] == "assign"


# ---- picking ----


def test_a_pick_is_confirmed_and_only_the_office_takes_it_back(
    world: World, targets: list[str]
) -> None:
    pick = picked(world, targets[0])
    assert KEYS["pick"] <= set(pick)
    assert (pick["state"], pick["mine"]) == ("picked", True)
    assert refused(post(world, f"picks/{pick['id']}/confirm", {}), 403)
    told = made(post(world, f"picks/{pick['id']}/confirm", {}, "office"))
    assert told["pick"]["state"] == "confirmed"
    refused(post(world, f"picks/{pick['id']}/release", {"reason": ""}), 403)
    refused(post(world, f"picks/{pick['id']}/release", {"reason": ""}, "office"), 422)
    told = made(post(world, f"picks/{pick['id']}/release", {"reason": "分工调整"}, "office"))
    assert told["pick"] is None
    # It is gone: whoever comes later is told so.
    refused(post(world, f"picks/{pick['id']}/confirm", {}, "office"), 409)


def test_the_last_place_goes_to_one_and_the_other_is_told_by_whom(
    world: World, targets: list[str]
) -> None:
    made(post(world, "picks", {"village": targets[0], "override": ""}))
    rival, _ = accounts.create(
        world.ledger, TERMINAL, name="rival", label="后来的人", role=Role.MEMBER, elsewhere=True
    )
    asked = {"village": targets[0], "override": "", "member": rival.id}
    told = refused(post(world, "picks", asked, "office"), 409)
    assert told["by"] == {
        "id": world.accounts["member"].id, "label": world.accounts["member"].label,
    }  # fmt: skip
    assert 0 < len(told["near"]) <= 3
    assert set(told["near"][0]) == {"code", "name", "km"}
    assert [one["rule"] for one in told["breaches"]] == ["taken"]
    assert set(told["breaches"][0]) == {"rule", "sentence", "can_override"}


def test_a_rule_that_stands_against_a_pick_is_named(world: World, targets: list[str]) -> None:
    known = places(Edition.open(world.workspace))
    other = next(code for code in known.codes if code not in targets)
    told = refused(post(world, "picks", {"village": other, "override": ""}), 422)
    assert [one["rule"] for one in told["breaches"]] == ["target"]
    unknown = refused(post(world, "picks", {"village": "990009999999", "override": ""}), 422)
    assert [one["rule"] for one in unknown["breaches"]] == ["unknown"]


def test_the_office_assigns_and_swaps(world: World, targets: list[str]) -> None:
    rival, _ = accounts.create(
        world.ledger, TERMINAL, name="rival", label="另一位", role=Role.MEMBER, elsewhere=True
    )
    mine = picked(world, targets[0])
    asked = {"village": targets[1], "member": rival.id, "override": ""}
    theirs = made(post(world, "picks", asked, "office"))["pick"]
    assert (theirs["member"], theirs["state"]) == (rival.id, "confirmed")
    refused(post(world, "picks", asked, "member"), 403)
    swap = {"a": mine["id"], "b": theirs["id"], "reason": "就近"}
    refused(post(world, "swap", swap), 403)
    told = made(post(world, "swap", swap, "office"))
    assert {one["id"]: one["member"] for one in told["picks"]} == {
        mine["id"]: rival.id,
        theirs["id"]: world.accounts["member"].id,
    }


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """How many connections were opened inside, and how many statements were run."""
    found = {"connections": 0, "statements": 0}

    def opened(*_: Any) -> None:
        found["connections"] += 1

    def run(*given: Any) -> None:
        found["statements"] += not str(given[2]).startswith("BEGIN")

    sa.event.listen(Engine, "engine_connect", opened)
    sa.event.listen(Engine, "before_cursor_execute", run)
    try:
        yield found
    finally:
        sa.event.remove(Engine, "engine_connect", opened)
        sa.event.remove(Engine, "before_cursor_execute", run)


def test_a_poll_is_one_reading_beside_who_asks(world: World, targets: list[str]) -> None:
    picked(world, targets[0])
    with world.client("member") as client:
        first = client.get("/ledger/state")
        told = first.json["reminders"]
        assert told == sum(1 for _ in client.get("/ledger/reminders").json["due"])
        with counted() as whole:
            assert client.get("/ledger/state").status_code == 200
        assert whole["connections"] == 2, "one finds out who asks, one reads the state"
        assert whole["statements"] <= 12
        tag = {"If-None-Match": first.headers["ETag"]}
        with counted() as again:
            assert client.get("/ledger/state", headers=tag).status_code == 304
        assert again["connections"] == 2
        assert again["statements"] == 2, "nothing is gathered for who knows it already"
        picked(world, targets[3])
        assert client.get("/ledger/state", headers=tag).status_code == 200


def test_a_card_that_was_read_is_not_read_from_files_again(
    world: World, targets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    whole = Edition.facts

    def facts(edition: Edition, code: str, *indicators: str) -> Any:
        asked.append(code)
        return whole(edition, code, *indicators)

    monkeypatch.setattr(Edition, "facts", facts)
    cards = [get(world, f"villages/{targets[0]}", asker).json for asker in ("member", "office")]
    assert asked == [targets[0]], "what files say is the same for both"
    assert cards[0]["missing"] == cards[1]["missing"] and cards[0]["income"] == cards[1]["income"]


def test_undo_takes_back_ones_own_last_step(world: World, targets: list[str]) -> None:
    with world.client("member") as client:
        headers = {**guarded.OURS, "Idempotency-Key": secrets.token_hex(16)}
        asked = {"village": targets[0], "override": ""}
        pick = client.post("/ledger/picks", json=asked, headers=headers).json["pick"]
        assert "undo" in pick["can"]
        assert "undo" in client.get("/ledger/state").json["picks"][0]["can"]
        path = f"/ledger/picks/{pick['id']}/undo"
        key = {**guarded.OURS, "Idempotency-Key": secrets.token_hex(16)}
        told = made(client.post(path, json={}, headers=key))
        assert told["pick"] is None
    # Another session began after it: nothing is left to take back there.
    pick = picked(world, targets[0])
    refused(post(world, f"picks/{pick['id']}/undo", {}, "office"), 409)


def test_what_is_proposed_is_accepted_or_declined_by_its_member(
    world: World, targets: list[str]
) -> None:
    from geodata.ledger import picks

    book = Edition.open(world.workspace)
    office, member = (world.accounts[name] for name in ("office", "member"))
    choices = [(member.id, targets[0]), (member.id, targets[3])]
    ids = picks.propose(world.ledger, book, office.actor, choices)["ids"]
    told = get(world, "state").json["picks"]
    assert [one["can"] for one in told] == [["accept", "decline"]] * 2
    refused(post(world, f"picks/{ids[0]}/accept", {"override": ""}, "office"), 403)
    accepted = made(post(world, f"picks/{ids[0]}/accept", {"override": ""}))
    assert accepted["pick"]["state"] == "picked"
    declined = made(post(world, f"picks/{ids[1]}/decline", {"reason": "太远"}))
    assert declined["pick"] is None


# ---- once ----


def test_the_same_key_does_it_once(world: World, targets: list[str]) -> None:
    key, asked = secrets.token_hex(16), {"village": targets[0], "override": ""}
    first = post(world, "picks", asked, key=key)
    seq = world.ledger.seq()
    again = post(world, "picks", asked, key=key)
    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert world.ledger.seq() == seq
    other = refused(post(world, "picks", {"village": targets[1], "override": ""}, key=key), 409)
    assert other["cure"]
    assert world.ledger.seq() == seq


def test_a_visit_and_a_problem_are_never_doubled(world: World, targets: list[str]) -> None:
    visit = {"village": targets[0], "day": today(world), "people": "", "seen": "路好了"}
    problem = {"village": targets[0], "category": "team", "said": "缺人", "visit": ""}
    for path, asked in (("visits", visit), ("problems", problem)):
        key = secrets.token_hex(16)
        first = post(world, path, asked, key=key)
        seq = world.ledger.seq()
        again = post(world, path, asked, key=key)
        assert (again.status_code, again.json) == (201, first.json)
        assert world.ledger.seq() == seq


def test_a_refused_try_is_not_remembered(world: World, targets: list[str]) -> None:
    key, asked = secrets.token_hex(16), {"village": targets[0], "override": ""}
    pick = picked(world, targets[0])
    refused(post(world, "picks", asked, key=key), 422)
    made(post(world, f"picks/{pick['id']}/release", {"reason": ""}))
    made(post(world, "picks", asked, key=key))


def test_a_refusal_names_the_field_that_it_is_about(world: World, targets: list[str]) -> None:
    visit = {"village": targets[0], "day": today(world), "people": "", "seen": "路好了"}
    said = {"category": "team", "said": "缺人"}
    wrong = {
        "day": {"day": "2035-01-01"},
        "seen": {"seen": "长" * 501},
        "members": {"members": ["nobody"]},
        "problems.1.said": {"problems": [said, said | {"said": " "}]},
        "problems.0.category": {"problems": [said | {"category": "none"}]},
        "observations.income": {"observations": [{"indicator": "income", "value": "many"}]},
        "observations.income.note": {
            "observations": [{"indicator": "income", "value": 1, "note": "长" * 501}]
        },
    }
    for field, change in wrong.items():
        answer = post(world, "visits", visit | change)
        assert answer.status_code in (400, 404, 422), field
        assert answer.json["fields"] == {field: answer.json["error"]}, field
    # What is about no field names none.
    pick = picked(world, targets[0])
    told = refused(post(world, "picks", {"village": pick["village"], "override": ""}), 422)
    assert "fields" not in told


@pytest.mark.parametrize("key", ["", "x", "A" * 32, "0" * 31, "0" * 33, "g" * 32])
def test_a_write_needs_a_key_of_our_form(world: World, targets: list[str], key: str) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    asked = {"village": targets[0], "override": ""}
    answer = world.ask("member", "/ledger/picks", "POST", json=asked, headers=headers)
    assert refused(answer, 400)["cure"]
    assert world.ledger.seq() == world.ledger.seq()
    assert get(world, "state").json["picks"] == []


# ---- who may ----

READS = ("state", "places", "picture", "villages/{0}", "villages/{0}/record", "forms", "board",
         "reminders")  # fmt: skip
WRITES = (
    "picks", "picks/0a/release", "picks/0a/undo", "picks/0a/accept", "picks/0a/decline",
    "picks/0a/confirm", "swap", "visits", "visits/0a/withdraw", "problems", "problems/0a/assign",
    "problems/0a/fix", "problems/0a/recheck", "problems/0a/send_back", "problems/0a/strike_off",
    "problems/0a/change",
)  # fmt: skip


@pytest.mark.parametrize("asker", ["nobody", "screen", "phone"])
def test_who_has_no_account_is_told_to_sign_in(
    world: World, targets: list[str], asker: str
) -> None:
    for path in READS:
        assert "signin" not in refused(get(world, path.format(targets[0]), asker), 401)
    for path in WRITES:
        refused(post(world, path, {}, asker), 401)


def test_a_first_password_is_good_for_nothing_here(world: World) -> None:
    refused(get(world, "state", "first"), 403)
    refused(post(world, "picks", {}, "first"), 403)


@pytest.mark.parametrize("path", WRITES)
def test_a_viewer_and_an_administrator_decide_nothing(world: World, path: str) -> None:
    seq = world.ledger.seq()
    for asker in ("viewer", "administrator"):
        answer = post(world, path, {"reason": "因为"} if "release" in path else {}, asker)
        assert refused(answer, 403)["cure"]
    assert world.ledger.seq() == seq


def test_another_site_cannot_write(world: World, targets: list[str]) -> None:
    asked = {"village": targets[0], "override": ""}
    answer = post(world, "picks", asked, Origin="https://elsewhere.example")
    refused(answer, 403)
    assert get(world, "state").json["picks"] == []


@pytest.mark.parametrize("path", [one for one in WRITES if "0a" in one])
def test_what_does_not_exist_is_404_with_a_cure(world: World, path: str) -> None:
    asked = {} if path.endswith(("undo", "confirm")) else {"reason": "因为所以"}
    if path.endswith("accept"):
        asked = {}
    assert refused(
        post(
            world,
            path,
            asked,
            "office" if "accept" not in path and "decline" not in path else "member",
        ),
        404,
    )["error"]


# ---- nonsense ----


@pytest.mark.parametrize("path", WRITES)
def test_a_body_that_is_nonsense_is_400_whatever_is_asked(world: World, path: str) -> None:
    asker = "member" if path.endswith(("picks", "accept", "decline")) else "office"
    seq = world.ledger.seq()
    key = {"Idempotency-Key": secrets.token_hex(16), "Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b"null", b"17", b'"x"', b"\xff\xfe", b'{"__proto__": 1}'):
        answer = world.ask(asker, f"/ledger/{path}", "POST", data=body, headers=key)
        refused(answer, 400)
    form = world.ask(asker, f"/ledger/{path}", "POST", data={"village": "1"}, headers={
        "Idempotency-Key": secrets.token_hex(16)})  # fmt: skip
    refused(form, 415)
    assert world.ledger.seq() == seq


@pytest.mark.parametrize("value", [7, None, [], {}, True])
def test_a_text_that_is_none_is_400(world: World, value: object) -> None:
    refused(post(world, "picks", {"village": value, "override": ""}), 400)
    refused(post(world, "picks/0a/release", {"reason": value}), 400)
    refused(post(world, "problems/0a/fix", {"reason": value}, "office"), 400)


def test_a_body_that_is_too_large_is_413(world: World, targets: list[str]) -> None:
    asked = {"village": targets[0], "day": today(world), "seen": "x" * 100_000}
    refused(post(world, "visits", asked), 413)


# ---- visits and photographs ----


def test_a_visit_is_written_with_what_was_found(world: World, targets: list[str]) -> None:
    told = visited(world, targets[0], problems=[{"category": "team", "said": "缺人"}])
    assert told["visit"] == {"id": told["id"], "village": targets[0], "day": today(world)}
    assert len(told["problems"]) == 1
    state = get(world, "state").json
    assert state["problems"] == {targets[0]: {"open": 1, "overdue": 0}}
    for wrong, status in (
        ({"day": "2999-01-01"}, 422),
        ({"day": "2001-01-01"}, 422),
        ({"day": "yesterday"}, 400),
        ({"village": "1"}, 404),
        ({"members": ["nobody-1"]}, 404),
        ({"members": "x"}, 400),
        ({"problems": [{"category": "nothing", "said": "x"}]}, 404),
        ({"observations": [{"indicator": "nothing", "value": True}]}, 404),
        ({"seen": ""}, 422),
    ):
        asked = {"village": targets[0], "day": today(world), "seen": "看了", **wrong}
        refused(post(world, "visits", asked), status)


def test_a_photograph_goes_in_and_comes_out_without_what_it_gave_away(
    world: World, targets: list[str]
) -> None:
    visit = visited(world, targets[0])["id"]
    picture = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    Image.new("RGB", (2400, 1200), "teal").save(picture, "JPEG", exif=exif)
    key = secrets.token_hex(16)

    def send(data: bytes, key: str = "", asker: str = "member", **fields: Any) -> TestResponse:
        form = {"photo": (io.BytesIO(data), "../../夜景.jpg"), "caption": "村口", **fields}
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        path = f"/ledger/visits/{visit}/photos"
        return world.ask(asker, path, "POST", data=form, headers=headers,
                         content_type="multipart/form-data")  # fmt: skip

    told = made(send(picture.getvalue(), key), 201)
    photo = told["photo"]
    assert set(photo) == {"id", "url", "width", "height", "caption"}
    assert (photo["width"], photo["height"], photo["caption"]) == (1600, 800, "村口")
    assert send(picture.getvalue(), key).json == told, "sent again, it is there once"
    shown = world.ask("viewer", photo["url"])
    assert shown.mimetype == "image/jpeg"
    assert shown.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert b"SECRET-CAMERA" not in shown.data
    assert Image.open(io.BytesIO(shown.data)).size == (1600, 800)
    assert world.ask("nobody", photo["url"]).status_code == 401
    assert [
        one["id"] for one in get(world, f"villages/{targets[0]}/record").json["visits"][0]["photos"]
    ] == [photo["id"]]
    refused(send(b"no picture"), 422)
    # By hand: the test client would leave a file of its own open.
    large = (
        b"--x\r\nContent-Disposition: form-data; name=photo; filename=a.jpg\r\n\r\n"
        + b"\xff" * (13 * 2**20)
        + b"\r\n--x--\r\n"
    )
    answer = world.ask("member", f"/ledger/visits/{visit}/photos", "POST", data=large,
                       headers={"Idempotency-Key": secrets.token_hex(16)},
                       content_type="multipart/form-data; boundary=x")  # fmt: skip
    refused(answer, 413)
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    nothing = world.ask("member", f"/ledger/visits/{visit}/photos", "POST",
                        data={"caption": "x"}, headers=headers,
                        content_type="multipart/form-data")  # fmt: skip
    refused(nothing, 400)
    refused(get(world, "photos/0a"), 404)


def test_who_wrote_a_visit_takes_it_back_with_a_reason(world: World, targets: list[str]) -> None:
    visit = visited(world, targets[0])["id"]
    refused(post(world, f"visits/{visit}/withdraw", {"reason": ""}), 422)
    made(post(world, f"visits/{visit}/withdraw", {"reason": "写错了村"}))
    refused(post(world, f"visits/{visit}/withdraw", {"reason": "写错了村"}), 409)


# ---- problems ----


def test_a_problem_from_found_to_struck_off(world: World, targets: list[str]) -> None:
    problem = found(world, targets[0])
    assert KEYS["problem"] <= set(problem)
    assert problem["can"] == []
    name = problem["id"]
    refused(step(world, name, "assign", "member"), 403)
    deadline = after(today(world), 20)
    asked = {**owner(world, targets[0]), "deadline": deadline, "reason": ""}
    told = made(step(world, name, "assign", "office", **asked))["problem"]
    assert (told["state"], told["deadline"], told["days_left"]) == ("assigned", deadline, 20)
    told = made(step(world, name, "fix", "district", reason="已修好"))["problem"]
    assert (told["state"], told["why_not"] != "") == ("fixed", True)
    later = after(today(world), 30)
    told = made(step(world, name, "send_back", "member", reason="只修了一半", deadline=later))
    assert (told["problem"]["state"], told["problem"]["sent_back"]) == ("assigned", 1)
    assert told["problem"]["deadline"] == later
    made(step(world, name, "fix", "district", reason="全修好了"))
    refused(step(world, name, "strike_off", "office", reason=""), 409)
    made(step(world, name, "recheck", "member", reason="属实"))
    told = made(step(world, name, "strike_off", "office", reason=""))["problem"]
    assert (told["state"], told["can"]) == ("struck_off", [])
    whole = get(world, f"problems/{name}").json
    assert len(whole["history"]) == 7
    assert set(whole["history"][0]) == {"at", "day", "who", "sentence", "reason"}


def test_whoever_says_it_is_put_right_does_not_check_it(world: World, targets: list[str]) -> None:
    name = found(world, targets[0])["id"]
    asked = {**owner(world, targets[0]), "deadline": after(today(world), 5), "reason": ""}
    made(step(world, name, "assign", "office", **asked))
    told = made(step(world, name, "fix", "office", reason="办公室自己修了"))["problem"]
    assert "recheck" not in told["can"]
    assert told["why_not"]
    refused(step(world, name, "recheck", "office", reason=""), 403)


def test_an_officer_answers_for_the_own_district_alone(world: World, targets: list[str]) -> None:
    name = found(world, targets[-1])["id"]
    asked = {**owner(world, targets[-1]), "deadline": after(today(world), 5), "reason": ""}
    made(step(world, name, "assign", "office", **asked))
    refused(step(world, name, "fix", "district", reason="不是我的"), 403)


def test_a_step_on_what_moved_on_says_who_was_first(world: World, targets: list[str]) -> None:
    name = found(world, targets[0])["id"]
    asked = {**owner(world, targets[0]), "deadline": after(today(world), 5), "reason": ""}
    made(step(world, name, "assign", "office", **asked, state="found"))
    told = refused(step(world, name, "assign", "office", **asked, state="found"), 409)
    assert told["cure"]
    assert world.accounts["office"].label in told["error"]
    wrong = {**asked, "deadline": "2001-01-01"}
    refused(step(world, name, "change", "office", **{**wrong, "reason": "改期"}), 422)
    changed = {**asked, "deadline": after(today(world), 9), "reason": "改期"}
    assert made(step(world, name, "change", "office", **changed))["problem"]["days_left"] == 9
    refused(step(world, name, "change", "office", **{**changed, "owner": "没有这个单位"}), 404)


@pytest.mark.parametrize("name", ["fix", "send_back"])
def test_some_steps_need_words(world: World, targets: list[str], name: str) -> None:
    problem = found(world, targets[0])["id"]
    asked = {**owner(world, targets[0]), "deadline": after(today(world), 5), "reason": ""}
    made(step(world, problem, "assign", "office", **asked))
    if name == "send_back":
        made(step(world, problem, "fix", "district", reason="修好"))
    refused(step(world, problem, name, "district" if name == "fix" else "member", reason=""), 422)


def test_script_in_a_text_stays_a_text(world: World, targets: list[str]) -> None:
    text = "<script>alert(1)</script>"
    visited(world, targets[0], seen=text)
    answer = get(world, f"villages/{targets[0]}/record")
    assert answer.mimetype == "application/json"
    assert json.loads(answer.text)["visits"][0]["seen"] == text
