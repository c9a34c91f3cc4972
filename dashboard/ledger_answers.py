"""What the ledger's domain says, in the shape that the contact-points screen understands.

The screen's shape is wider than the domain's rows: it links to photographs and sheets, and tells
everything about a problem in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from geodata.edition import Edition
from geodata.ledger import board as boards
from geodata.ledger import observations, photos, problems, visits
from geodata.ledger.people import Account, all_accounts
from geodata.ledger.places import Places, places
from geodata.ledger.roles import Actor, Role
from geodata.ledger.store import Ledger
from geodata.ledger.written import day_of
from geodata.words import say

Json = dict[str, Any]

LIMITS = {
    "seen": visits.SEEN,
    "note": observations.NOTE,
    "said": problems.SAID,
    "caption": photos.CAPTION,
    "reason": problems.REASON,
    "photos": photos.MOST,
    "photo_bytes": photos.MOST_BYTES,
}
"""What forms hold people to, so that nobody types what will be refused."""


def places_of(edition: Edition) -> Json:
    """What never changes within an edition: the places that can be picked, and what they lack."""
    known = places(edition)
    rules, space = known.rules, edition.space
    frame = edition.regions(space.leaf.id)
    upper = edition.levels[-2].id
    parents = edition.regions(upper)["name"].tolist()
    above = edition.nesting.above(space.leaf.id, upper)
    lon, lat = frame["lon"].tolist(), frame["lat"].tolist()
    labels = {"gap": rules.gap, "income": rules.income}
    shown = {kind: _latest(edition, name) for kind, name in labels.items()}
    rows = []
    for at in np.flatnonzero(known.eligible).tolist():
        code = str(frame["code"].iat[at])
        district = known.district_of(code)
        district_code, district_name = (
            known.districts[district] if district is not None else ("", "")
        )
        rows.append(
            {
                "code": code,
                "name": str(frame["name"].iat[at]),
                "position": at,
                "lon": lon[at],
                "lat": lat[at],
                "district": district_code,
                "district_name": district_name,
                "parent_name": str(parents[int(above[at])]),
                "gap": shown["gap"][at] if shown["gap"] else None,
                "income": shown["income"][at] if shown["income"] else None,
                "target": bool(known.target[at]),
            }
        )
    return {
        "edition": edition.id,
        "round": known.round.id,
        "level": space.leaf.id,
        "level_label": space.leaf.label,
        "places": rows,
        "gap": _measure(edition, labels["gap"]),
        "income": _measure(edition, labels["income"]),
    }


def _measure(edition: Edition, name: str | None) -> Json | None:
    if name is None or not edition.has(name, edition.space.contact_round.id):
        return None
    found = edition.space.measure(name)
    return {"id": found.id, "label": found.label, "unit": found.unit, "digits": found.digits}


def _latest(edition: Edition, name: str | None) -> list[float | None]:
    """The last known value of each leaf; none where nothing was ever reported."""
    round_id = edition.space.contact_round.id
    if name is None or not edition.has(name, round_id):
        return []
    values = edition.values(name, round_id, edition.space.leaf.id)
    found = np.full(values.value.shape[1], np.nan)
    for row in values.value:
        found = np.where(np.isnan(row), found, row)
    return [None if np.isnan(one) else float(one) for one in found]


# ---- forms ----


def form(edition: Edition, accounts: Iterable[Account], village: str, today: str) -> Json:
    """The choices of the forms for visits and problems."""
    return {
        "today": today,
        "limits": LIMITS,
        "categories": problems.categories(edition.space),
        "members": [
            {"id": one.id, "label": one.label}
            for one in accounts
            if one.role is Role.MEMBER and not one.disabled
        ],
        "indicators": [
            {
                "id": one["indicator"],
                "label": one["label"],
                "group": "items" if one["item"] else "measures",
                "type": "flag" if one["kind"] == "flag" else "number",
                "unit": one["unit"],
                "min": one["min"],
                "max": one["max"],
                "yes": say(f"visit.{'item' if one['item'] else 'flag'}.true"),
                "no": say(f"visit.{'item' if one['item'] else 'flag'}.false"),
                "reported_text": one["reported_text"],
            }
            for one in observations.choices(edition, village)
        ],
        "owners": [
            {"kind": one["kind"], "id": one["owner"], "label": one["label"]}
            for one in (problems.owners(edition, village) if village else [])
        ],
    }


# ---- rows ----


def photo(row: Mapping[str, Any]) -> Json:
    """A photograph with the address of its pixels."""
    shown = {name: row[name] for name in ("id", "caption", "width", "height")}
    return {**shown, "url": f"/ledger/photos/{row['id']}"}


def visit(row: Mapping[str, Any], seen: Iterable[Mapping[str, Any]]) -> Json:
    """A visit with what was observed; `seen` are all observations of its village."""
    return {
        **row,
        "members": [one["label"] for one in row["members"]],
        "photos": [photo(one) for one in row["photos"]],
        "observations": [
            {
                "label": one["label"],
                "seen_text": one["seen_text"],
                "reported_text": one["reported_text"],
                "contradicts": one["contradicts"],
                "note": one.get("note", ""),
            }
            for one in seen
            if one["visit"] == row["id"]
        ],
    }


def problem(edition: Edition, actor: Actor, row: Mapping[str, Any]) -> Json:
    """A problem with its place on the map and why an expected step is not there."""
    known = places(edition)
    at = known.position.get(row["village"])
    found = {
        **row,
        "village_name": row["name"],
        "lon": None if at is None else float(known.lon[at]),
        "lat": None if at is None else float(known.lat[at]),
        "days_left": row["days"],
        "why_not": "",
    }
    if "recheck" not in row["can"] and row["state"] == problems.FIXED:
        # Rows do not say whose word it is that it is put right: where nothing else stands in the
        # way of a check, it is one's own.
        against = problems.barrier(actor, {**row, "fixed_by": ""}, "recheck")
        found["why_not"] = against.message if against is not None else say("problem.own_fix")
    if "history" in row:
        found["history"] = [
            {
                "at": one["at"],
                "day": day_of(one["at"]),
                "who": one["actor_label"],
                "sentence": one["what"],
                "reason": one["reason"],
            }
            for one in row["history"]
        ]
        found["photos"] = [photo(one) for one in row["photos"]]
    return found


def board(
    ledger: Ledger, edition: Edition, actor: Actor, asked: Mapping[str, str], page: int
) -> Json:
    """The board: numbers of the district, owner and category that are asked for, rows as asked."""
    state = asked.get("state", "")
    told = boards.board(
        ledger,
        edition,
        actor,
        state="open" if state in ("overdue", "sent_back") else state,
        overdue=state == "overdue",
        sent_back=state == "sent_back",
        district=asked.get("district", ""),
        owner=asked.get("unit", ""),
        owner_kind=asked.get("kind", ""),
        category=asked.get("category", ""),
        mine=asked.get("mine") == "1",
        page=page,
    )
    known = places(edition)
    numbers = ("open", "overdue", "sent_back", "struck_off")
    spots = []
    for code, counts in boards.villages(ledger, edition).items():
        at = known.position.get(code)
        if at is not None:
            spots.append(
                {
                    "code": code,
                    "name": known.name(code),
                    "lon": float(known.lon[at]),
                    "lat": float(known.lat[at]),
                    **{name: counts[name] for name in numbers},
                }
            )
    counts = told["counts"]
    return {
        **told,
        "counts": {
            **{name: counts[name] for name in numbers},
            "found": counts["all"],
            "fixed": counts["fixed"],
        },
        "districts": [
            {"id": one["code"], "label": one["name"], **{name: one[name] for name in numbers}}
            for one in told["districts"]
        ],
        "owners": [
            {
                "id": one["owner"],
                "kind": one["kind"],
                "label": one["label"],
                **{name: one[name] for name in numbers},
            }
            for one in told["owners"]
        ],
        "months": [
            {
                "id": one["month"],
                "label": one["label"],
                "found": one["found"],
                "put_right": one["fixed"],
                "struck_off": one["struck_off"],
                "rate": one["struck_off_rate"],
            }
            for one in told["months"]
        ],
        "villages": spots,
        "rows": [problem(edition, actor, one) for one in told["rows"]],
        "categories": problems.categories(edition.space),
    }


REMINDED = {
    "proposed": "proposed",
    "overdue": "answer",
    "soon": "answer",
    "visit": "visit",
    "recheck": "recheck",
    "assign": "assign",
    "strike_off": "assign",
}
"""What somebody is reminded to do, by the group that the reminder is in."""


def reminders(groups: list[Json]) -> Json:
    """What is due, as one list under one sentence."""
    return {
        "sentence": "；".join(one["sentence"] for one in groups),
        "due": [
            {
                "kind": REMINDED[group["kind"]],
                "village": one["village"],
                "village_name": one["name"],
                "problem": one["problem"],
                "sentence": one["sentence"],
                "day": one["day"],
                "overdue": group["pressing"],
            }
            for group in groups
            for one in group["items"]
        ],
    }


# ---- proposals ----

STATES = {"waiting": "waiting", "working": "running", "done": "done", "failed": "failed"}
"""What the screen calls the standing of a job."""


def proposal(edition: Edition, ledger: Ledger, said: Mapping[str, Any], *, stale: bool) -> Json:
    """A job of `dashboard.proposing` and, once it is done, what it proposes."""
    known = places(edition)
    labels = {one.id: one.label for one in all_accounts(ledger)}
    told = {
        "job": said["id"],
        "who": said["who"],
        "state": STATES[said["status"]],
        "label": said["label"],
        "done": said["done"],
        "total": said["total"],
        "error": said.get("error", ""),
        "solution": None,
        "stale": stale,
    }
    if "result" in said and said["what"] == "solve":
        told["solution"] = _solution(said["result"], said, known, labels)
    if "result" in said and said["what"] == "next":
        told["next"] = _next(said["result"], known)
    return told


def _solution(
    found: Mapping[str, Any], said: Mapping[str, Any], known: Places, labels: Mapping[str, str]
) -> Json:
    pinned = {village for village, _ in said["pins"]}
    districts = dict(known.districts)
    choices = [
        {
            "member": member["id"],
            "member_label": member["label"],
            "village": one["code"],
            "name": one["name"],
            "lon": one["lon"],
            "lat": one["lat"],
            "district": one["district"],
            "district_name": districts.get(one["district"], one["district"]),
            "need": one["need"],
            "parts": [
                {
                    "id": part["name"],
                    "label": part["label"],
                    "value": part["value"],
                    # Of the whole need: what the solver tells are weighted values, which add up
                    # to the need.
                    "share": round(part["share"] / one["need"], 4) if one["need"] else 0.0,
                }
                for part in one["parts"]
            ],
            "km": one["km"] or None,
            "pinned": one["code"] in pinned,
            "sentence": "；".join(one["sentences"]),
        }
        for member in found["members"]
        for one in member["villages"]
    ]
    obstacle = found["obstacles"][0] if found["obstacles"] else None
    solved = found["status"] != "infeasible"
    return {
        "sentence": found["sentence"],
        "choices": choices,
        "stages": [
            {
                "name": one["name"],
                "label": one["sentence"],
                "gap_text": "",
                "seconds": one["seconds"],
                "status_label": "",
            }
            for one in found["stages"]
        ],
        # Places that stay empty, and what else could not be reached or had its price.
        "unplaced": [
            {"member": str(n), "member_label": "", "places": 0, "sentence": note}
            for n, note in enumerate(found["notes"])
        ],
        "infeasible": None if solved else obstacle,
        "pins": [
            {
                "village": village,
                "name": known.name(village),
                "member": member,
                "member_label": labels.get(member, member),
            }
            for village, member in said["pins"]
        ],
        "forbid": [
            {"village": village, "name": known.name(village)} for village, _ in said["forbidden"]
        ],
    }


def _next(found: Mapping[str, Any], known: Places) -> Json:
    instead = found.get("instead") or []
    village = {"code": instead[0], "name": known.name(instead[0])} if instead else None
    return {"sentence": found["sentence"], "village": village, "cost": found.get("need")}
