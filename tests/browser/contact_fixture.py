"""The real app over the small world, with a ledger in memory that answers as `/ledger/` does.

Accounts and sessions are real; what is decided is kept here, so that a test can take the last
place from under a member, cut an answer off, or wait, whenever it likes.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from geodata.edition import Edition
from geodata.ledger import accounts, sessions
from geodata.ledger.roles import TERMINAL, Right, Role
from geodata.ledger.store import Ledger
from tests.browser.conftest import serving
from tests.worlds import TARGETS

Json = dict[str, Any]
TODAY = date.today()  # noqa: DTZ011 - the reader's own day
PLACES = 3
COOKIE = "bangfu_session"
CATEGORIES = [{"id": "road", "label": "道路"}, {"id": "water", "label": "饮水"}]
STATES = {"proposed": "推荐", "picked": "已选", "confirmed": "已确认"}
STEPS = {
    "found": "已发现",
    "assigned": "已交办",
    "fixed": "已整改",
    "rechecked": "已复查",
    "struck_off": "已销号",
}
PEOPLE = {
    "zhao": ("赵敏", Role.MEMBER),
    "qian": ("钱进", Role.MEMBER),
    "sun": ("孙立", Role.OFFICE),
    "li": ("李区", Role.DISTRICT),
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "cfc000000301010018dd8db00000000049454e44ae426082"
)


class Said(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, error: str, **more: Any) -> None:
        self.status = status
        self.body = {"error": error, "cure": "", "breaches": [], "near": []} | more
        super().__init__(error)


@dataclass
class FakeLedger:
    """The switches and what was decided."""

    edition: Edition
    app: Callable[..., Any]
    people: dict[str, Json] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    """Session token -> name."""
    seq: int = 1
    picks: list[Json] = field(default_factory=list)
    visits: list[Json] = field(default_factory=list)
    photos: dict[str, bytes] = field(default_factory=dict)
    problems: list[Json] = field(default_factory=list)
    jobs: dict[str, Json] = field(default_factory=dict)
    answered: dict[tuple[str, str], tuple[int, Json]] = field(default_factory=dict)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, key and person of each write that did something."""
    polls: int = 0
    swallow: int = 0
    """So many answers to writes are lost on the way back: done, and not told."""
    broken: set[str] = field(default_factory=set)
    """Parts of paths that answer 503."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: int = 0
    note: str = ""
    """Goes into names and sentences, wherever somebody could have written."""

    def __post_init__(self) -> None:
        table = self.edition.regions("village")
        self.codes = [str(code) for code in table["code"]]
        self.targets = [self.codes[n] for n in TARGETS["r3"]]

    # ---- over HTTP ----

    def __call__(self, environ: Json, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if not request.path.startswith("/ledger/"):
            return self.app(environ, start_response)  # type: ignore[no-any-return]
        with request:  # closes what was uploaded
            return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if any(part in request.path for part in self.broken):
            return _json({"error": "台账暂时连不上", "cure": "请稍后"}, 503)
        name = self.tokens.get(request.cookies.get(COOKIE, ""))
        if name is None:
            return _json({"error": "请先登录"}, 401)
        with self.lock:
            try:
                return (
                    self._write(request, name)
                    if request.method != "GET"
                    else self._read(request, name)
                )
            except Said as said:
                return _json(said.body, said.status)

    def _write(self, request: Request, name: str) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        assert re.fullmatch("[0-9a-f]{32}", key), request.path
        if request.headers.get("X-Account") != self.people[name]["id"]:
            raise Said(401, "换了人登录")
        known = self.answered.get((name, key))
        if known is None:
            body = request.get_json(silent=True) or {}
            status, answer = self._decide(request, name, body)
            self.answered[name, key] = status, answer
            self.writes.append((request.path, key, name))
            known = status, answer
        if self.swallow:
            self.swallow -= 1
            return _json({"error": "答复丢了"}, 502)
        return _json(known[1], known[0])

    # One case a route, as they would stand apart in an app.
    def _decide(self, request: Request, name: str, body: Json) -> tuple[int, Json]:
        path = request.path.removeprefix("/ledger/").split("/")
        match path:
            case ["picks"]:
                return 200, self.pick(
                    body.get("member") or name, body["village"], body.get("override", ""), by=name
                )
            case ["picks", pick, step]:
                return 200, self.step(name, pick, step, body)
            case ["proposals"]:
                return 202, self.propose(name, body)
            case ["proposals", job]:
                self.jobs.pop(job, None)
                return 200, {"sentence": "已停止", "seq": self.seq}
            case ["problems"]:
                one = self.found(name, body["village"], body["category"], body["said"])
                return 201, {
                    "problem": self.problem(one, name),
                    "seq": self.turn(),
                    "sentence": "已记下问题",
                }
        raise Said(404, "没有这个地址")

    def _read(self, request: Request, name: str) -> Response:  # noqa: PLR0911
        path = request.path.removeprefix("/ledger/").split("/")
        asked = request.args
        match path:
            case ["state"]:
                self.polls += 1
                assert request.headers.get("X-Background") == "1"
                return _tagged(self.state(name), request)
            case ["places"]:
                return _json(self.places())
            case ["picture"]:
                return _json(self.picture(asked.get("region"), asked.get("measure")))
            case ["villages", code]:
                return _json(self.village(code, name))
            case ["villages", code, "record"]:
                return _json(self.record(code, name))
            case ["forms"]:
                return _json(self.forms(asked.get("village", "")))
            case ["proposals", job]:
                return _json(self.job(job))
            case ["board"]:
                return _json(self.board(name, asked))
            case ["problems", problem]:
                return _json(self.problem(self._problem(problem), name, history=True))
            case ["reminders"]:
                return _json(self.reminders(name))
        raise Said(404, "没有这个地址")

    # ---- pieces ----

    def turn(self) -> int:
        self.seq += 1
        return self.seq

    def id(self) -> str:
        self.numbers += 1
        return f"{self.numbers:016x}"

    def name(self, code: str) -> str:
        return self.edition.region(code).name

    def label(self, name: str) -> str:
        return str(self.people[name]["label"])

    def spot(self, code: str) -> tuple[float, float]:
        west, south, east, north = self.edition.region(code).bounds
        return (west + east) / 2, (south + north) / 2

    def path(self, code: str) -> Any:
        return (*self.edition.ancestors(code), self.edition.region(code))

    def district(self, code: str) -> Any:
        return self.path(code)[1]

    def held(self, code: str) -> list[Json]:
        return [one for one in self.picks if one["village"] == code and one["state"] != "proposed"]

    def own(self, name: str) -> list[Json]:
        return [one for one in self.picks if one["member"] == name and one["state"] != "proposed"]

    def may(self, name: str, right: Right) -> bool:
        return bool(self.people[name]["actor"].may(right))

    def near(self, code: str) -> list[Json]:
        lon, lat = self.spot(code)
        free = [one for one in self.targets if not self.held(one) and one != code]
        far = sorted(
            (((self.spot(o)[0] - lon) ** 2 + (self.spot(o)[1] - lat) ** 2) ** 0.5 * 95, o)
            for o in free
        )
        return [{"code": one, "name": self.name(one), "km": round(km, 1)} for km, one in far[:3]]

    def row(self, pick: Json, name: str) -> Json:
        code = pick["village"]
        lon, lat = self.spot(code)
        district = self.district(code)
        mine, office = pick["member"] == name, self.may(name, Right.DIRECT)
        can = []
        if mine and pick["state"] == "proposed":
            can += ["accept", "decline"]
        if pick["state"] != "proposed" and (mine or office):
            can.append("release")
        if pick.get("by") == name:
            can.append("undo")
        if office and pick["state"] == "picked":
            can.append("confirm")
        if office and pick["state"] != "proposed":
            can.append("swap")
        return {
            "id": pick["id"],
            "village": code,
            "name": self.name(code) + self.note,
            "position": self.edition.region(code).position,
            "lon": lon,
            "lat": lat,
            "district": district.code,
            "district_name": district.name,
            "member": self.people[pick["member"]]["id"],
            "member_label": self.label(pick["member"]),
            "state": pick["state"],
            "state_label": STATES[pick["state"]],
            "mine": mine,
            "since": TODAY.isoformat(),
            "override": pick.get("override", ""),
            "can": can,
        }

    def breaches(self, name: str, code: str) -> list[Json]:
        found = []
        taken = self.held(code)
        if taken and taken[0]["member"] != name:
            found.append(("taken", f"已经是{self.label(taken[0]['member'])}的联系点", False))
        if code not in self.targets:
            found.append(("target", "不是扶持村", False))
        if len(self.own(name)) >= PLACES:
            found.append(("quota", f"每人最多 {PLACES} 个联系点，已经用完", False))
        mine = [
            one
            for one in self.own(name)
            if self.district(one["village"]).code == self.district(code).code
        ]
        if len(mine) >= 1:
            found.append(
                (
                    "spread",
                    f"你在{self.district(code).name}已经有联系点，应当分散" + self.note,
                    True,
                )
            )
        return [{"rule": r, "sentence": s, "can_override": o} for r, s, o in found]

    # ---- picking ----

    def pick(self, name: str, village: str, override: str = "", by: str = "") -> Json:
        name = next((key for key, one in self.people.items() if one["id"] == name), name)
        breaches = self.breaches(name, village)
        taken = next((one for one in breaches if one["rule"] == "taken"), None)
        if taken:
            raise Said(
                409,
                f"刚刚被{self.label(self.held(village)[0]['member'])}选走",
                near=self.near(village),
                breaches=breaches,
            )
        if breaches and not (override and all(one["can_override"] for one in breaches)):
            raise Said(422, "违反规则", breaches=breaches)
        pick = {
            "id": self.id(),
            "village": village,
            "member": name,
            "state": "picked",
            "override": override,
            "by": by or name,
        }
        self.picks.append(pick)
        seq = self.turn()
        return {
            "pick": self.row(pick, by or name),
            "seq": seq,
            "sentence": f"“{self.name(village)}”已选为联系点。",
        }

    def _pick(self, identifier: str) -> Json:
        found = next((one for one in self.picks if one["id"] == identifier), None)
        if found is None:
            raise Said(404, "没有这个联系点")
        return found

    def step(self, name: str, identifier: str, step: str, body: Json) -> Json:
        pick = self._pick(identifier)
        if step not in self.row(pick, name)["can"]:
            raise Said(403, "现在不能这样做")
        if step == "release" and pick["member"] != name and not body.get("reason"):
            raise Said(422, "请写明理由", fields={"reason": "请写明理由"})
        if step in {"release", "undo", "decline"}:
            self.picks.remove(pick)
        else:
            pick["state"] = {"accept": "picked", "confirm": "confirmed"}[step]
            pick["by"] = name
        gone = pick not in self.picks
        words = {
            "release": "已放弃",
            "undo": "已撤销",
            "decline": "已谢绝",
            "accept": "已接受",
            "confirm": "已确认",
        }
        return {
            "pick": None if gone else self.row(pick, name),
            "seq": self.turn(),
            "sentence": f"{words[step]}“{self.name(pick['village'])}”。",
        }

    # ---- proposals ----

    def propose(self, name: str, body: Json) -> Json:
        who = ["zhao", "qian"] if body["who"] == "all" else [name]
        pins = [one["village"] for one in body["pins"]]
        free = [
            one
            for one in self.targets
            if not self.held(one) and one not in body["forbid"] and one not in pins
        ]
        order = pins + free
        choices = []
        for member in who:
            for _ in range(PLACES - len(self.own(member))):
                if not order:
                    break
                code = order.pop(0)
                lon, lat = self.spot(code)
                parts = [
                    {"id": "gap", "label": "缺项", "value": 0.8, "share": 0.5},
                    {"id": "income", "label": "收入", "value": 0.6, "share": 0.3},
                    {"id": "stagnation", "label": "停滞", "value": 0.4, "share": 0.15},
                    {"id": "visit", "label": "久未走访", "value": 0.2, "share": 0.05},
                ]
                choices.append(
                    {
                        "member": self.people[member]["id"],
                        "member_label": self.label(member),
                        "village": code,
                        "name": self.name(code),
                        "lon": lon,
                        "lat": lat,
                        "district": self.district(code).code,
                        "district_name": self.district(code).name,
                        "need": 0.72,
                        "parts": parts,
                        "km": 8.4,
                        "pinned": code in pins,
                        "sentence": "缺项最多，收入低于 5 万元，半年没有人去过。" + self.note,
                    }
                )
        job = self.id()
        self.jobs[job] = {
            "who": body["who"],
            "asked": 0,
            "choices": choices,
            "body": body,
            "name": name,
        }
        return {"job": job}

    def job(self, identifier: str) -> Json:
        job = self.jobs.get(identifier)
        if job is None:
            raise Said(404, "没有这次推荐")
        job["asked"] += 1
        done = job["asked"] > 2
        count = len(job["choices"])
        forbid = [{"village": one, "name": self.name(one)} for one in job["body"]["forbid"]]
        pins = [
            {
                "village": one["village"],
                "name": self.name(one["village"]),
                "member": "",
                "member_label": "",
            }
            for one in job["body"]["pins"]
        ]
        solution = {
            "sentence": f"共推荐 {count} 个村，需要程度合计 {count * 72}。",
            "choices": job["choices"],
            "stages": [
                {
                    "name": "choose",
                    "label": "先选村",
                    "gap_text": "间隙 0.0%",
                    "seconds": 0.4,
                    "status_label": "最优",
                },
                {
                    "name": "share",
                    "label": "再分配",
                    "gap_text": "间隙 1.2%",
                    "seconds": 0.9,
                    "status_label": "最优",
                },
            ],
            "unplaced": [],
            "infeasible": None,
            "pins": pins,
            "forbid": forbid,
        }
        return {
            "job": identifier,
            "who": job["who"],
            "state": "done" if done else "running",
            "label": "正在选村",
            "done": job["asked"],
            "total": 3,
            "error": "",
            "solution": solution if done else None,
            "stale": False,
        }

    # ---- visits and problems ----

    def visit(self, name: str, body: Json) -> Json:
        visit = {"id": self.id(), "author": name, "photos": [], **body}
        self.visits.append(visit)
        found = [
            self.found(name, body["village"], one["category"], one["said"])["id"]
            for one in body["problems"]
        ]
        told = {"id": visit["id"], "village": body["village"], "day": body["day"]}
        return {"visit": told, "problems": found, "seq": self.turn(), "sentence": "走访已记下。"}

    def found(self, name: str, village: str, category: str, said: str, **more: Any) -> Json:
        problem = {
            "id": self.id(),
            "village": village,
            "category": category,
            "said": said,
            "state": "found",
            "owner": "",
            "owner_kind": "",
            "deadline": "",
            "sent_back": 0,
            "found_by": name,
            "fixed_by": "",
            "rechecked_by": "",
            "history": [],
        } | more
        problem["history"].append(_event(self.label(name), "发现问题", ""))
        self.problems.append(problem)
        return problem

    def _problem(self, identifier: str) -> Json:
        found = next((one for one in self.problems if one["id"] == identifier), None)
        if found is None:
            raise Said(404, "没有这个问题")
        return found

    def problem(self, one: Json, name: str, *, history: bool = False) -> Json:
        code = one["village"]
        lon, lat = self.spot(code)
        district = self.district(code)
        left = (date.fromisoformat(one["deadline"]) - TODAY).days if one["deadline"] else None
        live = one["state"] != "struck_off"
        can, why_not = [], ""
        office = self.may(name, Right.DIRECT)
        if one["state"] == "found" and office:
            can = ["assign"]
        if one["state"] == "assigned":
            can = (["fix"] if self.may(name, Right.ANSWER) else []) + (["change"] if office else [])
        if one["state"] == "fixed" and self.may(name, Right.CHECK):
            can = ["recheck", "send_back"]
            if one["fixed_by"] == name:
                can, why_not = [], "说已整改的人不能复查"
        if one["state"] == "rechecked" and office:
            can = ["strike_off", "send_back"]
        row = {
            **{
                key: one[key]
                for key in (
                    "id",
                    "village",
                    "category",
                    "said",
                    "state",
                    "owner",
                    "owner_kind",
                    "deadline",
                    "sent_back",
                )
            },
            "village_name": self.name(code),
            "lon": lon,
            "lat": lat,
            "district": district.code,
            "district_name": district.name,
            "category_label": next(c["label"] for c in CATEGORIES if c["id"] == one["category"]),
            "state_label": STEPS[one["state"]],
            "owner_label": one["owner"]
            and (one["owner"] if one["owner_kind"] == "unit" else self.name(one["owner"])),
            "days_left": left,
            "overdue": live and left is not None and left < 0,
            "found_on": TODAY.isoformat(),
            "found_by_label": self.label(one["found_by"]),
            "fixed_by_label": one["fixed_by"] and self.label(one["fixed_by"]),
            "rechecked_by_label": one["rechecked_by"] and self.label(one["rechecked_by"]),
            "can": can,
            "why_not": why_not,
        }
        return row | ({"history": one["history"]} if history else {})

    # ---- what is read ----

    def state(self, name: str) -> Json:
        actor = self.people[name]["actor"]
        rights = [
            ("pick", Right.PICK),
            ("propose", Right.PICK),
            ("propose_all", Right.DIRECT),
            ("direct", Right.DIRECT),
        ]
        rights += [("visit", Right.VISIT), ("answer", Right.ANSWER), ("check", Right.CHECK)]
        member = self.people[name]["role"] is Role.MEMBER
        districts = [self.edition.region(code) for code in self.edition.regions("district")["code"]]
        of = [
            self.district(one["village"]).code for one in self.picks if one["state"] != "proposed"
        ]
        open_problems: dict[str, Json] = {}
        for one in self.problems:
            if one["state"] != "struck_off":
                found = open_problems.setdefault(one["village"], {"open": 0, "overdue": 0})
                found["open"] += 1
                found["overdue"] += self.problem(one, name)["overdue"]
        picked = {one["village"] for one in self.picks if one["state"] != "proposed"}
        seen = {one["village"]: one["day"] for one in self.visits}
        return {
            "seq": self.seq,
            "edition": self.edition.id,
            "at": "",
            "round": {"id": "r3", "label": "第三轮"},
            "me": {
                "id": self.people[name]["id"],
                "label": self.label(name),
                "role": self.people[name]["role"].value,
                "role_label": {"member": "成员", "office": "办公室", "district": "区"}[
                    self.people[name]["role"].value
                ],
                "unit": "甲单位",
                "district": "",
                "places": PLACES if member else 0,
                "used": len(self.own(name)),
                "can": [word for word, right in rights if actor.may(right)],
            },
            "rules": {
                "per_member": PLACES,
                "only_targets": True,
                "visit_days": 90,
                "override": ["spread"],
                "sentences": [f"每人最多 {PLACES} 个联系点。", "只选扶持村。", "一个村只归一人。"],
            },
            "districts": [
                {
                    "code": one.code,
                    "name": one.name,
                    "reached": one.code in of,
                    "picks": of.count(one.code),
                }
                for one in districts
            ],
            "members": [
                {
                    "id": one["id"],
                    "label": one["label"],
                    "unit": "甲单位",
                    "places": PLACES,
                    "used": len(self.own(key)),
                }
                for key, one in self.people.items()
                if one["role"] is Role.MEMBER
            ],
            "picks": [self.row(one, name) for one in self.picks],
            "visits": {code: day for code, day in seen.items() if code in picked},
            "due": sorted(code for code in picked if code not in seen),
            "problems": open_problems,
            "reminders": len(self.reminders(name)["due"]),
        }

    def places(self) -> Json:
        found = []
        for at, code in enumerate(self.targets):
            lon, lat = self.spot(code)
            path = self.path(code)
            found.append(
                {
                    "code": code,
                    "name": self.name(code) + self.note,
                    "position": self.edition.region(code).position,
                    "lon": lon,
                    "lat": lat,
                    "district": path[1].code,
                    "district_name": path[1].name,
                    "parent_name": path[2].name,
                    "gap": at % 3,
                    "income": 1.5 + at,
                    "target": True,
                }
            )
        return {
            "edition": self.edition.id,
            "round": "r3",
            "level": "village",
            "level_label": "村",
            "places": found,
            "gap": {"label": "缺项数", "unit": "项", "digits": 0},
            "income": {"label": "集体收入", "unit": "万元", "digits": 1},
        }

    def picture(self, region: str | None, measure: str | None) -> Json:
        from layers.picture import picture
        from layers.view import View

        view = View(round="r3", measure=measure or "gap_items", region=region, level="village")
        choices = [
            {"id": "gap_items", "label": "缺项数"},
            {"id": "collective_income", "label": "集体收入"},
        ]
        return picture(self.edition, view) | {"choices": choices}

    def village(self, code: str, name: str) -> Json:
        if code not in self.codes:
            raise Said(404, "没有这个村")
        lon, lat = self.spot(code)
        breaches = self.breaches(name, code)
        hard = any(not one["can_override"] for one in breaches)
        mine = any(one["member"] == name for one in self.held(code))
        last = next((one for one in reversed(self.visits) if one["village"] == code), None)
        visited = (
            {"day": last["day"], "days": 0, "by": [self.label(last["author"])], "sentence": ""}
            if last
            else None
        )
        live = [
            one for one in self.problems if one["village"] == code and one["state"] != "struck_off"
        ]
        can = ["pick"] if self.may(name, Right.PICK) and not hard and not mine else []
        can += ["assign"] if self.may(name, Right.DIRECT) and not self.held(code) else []
        can += ["visit", "problem"] if self.may(name, Right.VISIT) else []
        months = [f"{month}月" for month in range(7, 13)]
        parts = [
            {"id": "gap", "label": "缺项", "value": 0.8, "weight": 1.0, "share": 0.5},
            {"id": "income", "label": "收入", "value": 0.6, "weight": 1.0, "share": 0.5},
        ]
        return {
            "code": code,
            "name": self.name(code) + self.note,
            "position": self.edition.region(code).position,
            "lon": lon,
            "lat": lat,
            "path": [
                {"code": one.code, "name": one.name, "level": one.level}
                for one in self.path(code)[:-1]
            ],
            "target": code in self.targets,
            "target_label": "扶持村" if code in self.targets else "非扶持村",
            "income": {
                "label": "集体经营性收入",
                "unit": "万元",
                "digits": 1,
                "value": 3.2,
                "text": "3.2 万元",
                "sentence": "比7月多 1.2 万元，离 20 万元还差 16.8 万元。",
                "points": [
                    {"period": m, "label": m, "value": v}
                    for m, v in zip(months, (2.0, 2.1, None, 2.6, 2.9, 3.2), strict=True)
                ],
                "goal": {"value": 5.0, "label": "目标 5"},
            },
            "missing": {
                "count": 1,
                "total": 2,
                "sentence": "两项缺一项。",
                "items": [
                    {"id": "paved", "label": "道路硬化", "state": "lacks"},
                    {"id": "water", "label": "饮水安全", "state": "has"},
                ],
            },
            "changes": ["2021年10月：饮水安全由无到有"],
            "visit": visited,
            "visit_sentence": f"{self.label(last['author'])}今天去过。"
            if last
            else "没有走访记录。",
            "units": ["甲单位" + self.note],
            "picks": [self.row(one, name) for one in self.picks if one["village"] == code],
            "need": {"total": 0.72, "parts": parts},
            "problems": {
                "open": len(live),
                "overdue": 0,
                "sentence": f"{len(live)} 个问题未销号。",
            },
            "observations": [],
            "breaches": breaches if not mine else [],
            "can": can,
            "near": self.near(code) if hard else [],
            "sheet": {
                "html": f"/ledger/sheets/villages/{code}",
                "xlsx": f"/ledger/sheets/villages/{code}.xlsx",
            },
        }

    def record(self, code: str, name: str) -> Json:
        visits = [
            {
                "id": one["id"],
                "day": one["day"],
                "author_label": self.label(one["author"]),
                "members": [self.label(one["author"])],
                "people": one["people"],
                "seen": one["seen"],
                "observations": [
                    {
                        "label": "道路硬化",
                        "seen_text": "无",
                        "reported_text": "有",
                        "contradicts": True,
                        "note": seen["note"],
                    }
                    for seen in one["observations"]
                ],
                "photos": one["photos"],
                "withdrawn": False,
                "can": ["withdraw"] if one["author"] == name else [],
            }
            for one in self.visits
            if one["village"] == code
        ]
        problems = [self.problem(one, name) for one in self.problems if one["village"] == code]
        events = [
            _event(self.label(one["member"]), "选为联系点", one.get("override", ""))
            for one in self.picks
            if one["village"] == code
        ]
        return {"visits": visits, "problems": problems, "events": events}

    def forms(self, code: str) -> Json:
        owners = [{"kind": "unit", "id": "甲单位", "label": "甲单位" + self.note}]
        if code:
            path = self.path(code)
            owners += [
                {"kind": "town", "id": path[2].code, "label": path[2].name},
                {"kind": "district", "id": path[1].code, "label": path[1].name},
            ]
        limits = {
            "seen": 2000,
            "note": 300,
            "said": 1000,
            "caption": 100,
            "photos": 8,
            "photo_bytes": 12582912,
            "reason": 300,
        }
        flag = {
            "group": "items",
            "type": "flag",
            "unit": "",
            "min": None,
            "max": None,
            "yes": "有",
            "no": "无",
        }
        return {
            "today": TODAY.isoformat(),
            "limits": limits,
            "categories": CATEGORIES,
            "members": [
                {"id": one["id"], "label": one["label"]}
                for one in self.people.values()
                if one["role"] is Role.MEMBER
            ],
            "indicators": [
                {"id": "paved", "label": "道路硬化", "reported_text": "有", **flag},
                {"id": "water", "label": "饮水安全", "reported_text": "有", **flag},
                {
                    "id": "income",
                    "label": "集体经营性收入",
                    "group": "measures",
                    "type": "number",
                    "unit": "万元",
                    "min": 0,
                    "max": None,
                    "yes": "",
                    "no": "",
                    "reported_text": "3.2 万元",
                },
            ],
            "owners": owners,
        }

    def board(self, name: str, asked: Any) -> Json:
        rows = [self.problem(one, name) for one in self.problems]
        rows = [
            one for one in rows if not asked.get("district") or one["district"] == asked["district"]
        ]
        rows = [one for one in rows if not asked.get("unit") or one["owner"] == asked["unit"]]
        rows = [
            one for one in rows if not asked.get("category") or one["category"] == asked["category"]
        ]

        def counts(some: list[Json]) -> Json:
            live = [one for one in some if one["state"] != "struck_off"]
            return {
                "open": len(live),
                "overdue": sum(1 for one in live if one["overdue"]),
                "sent_back": sum(1 for one in live if one["sent_back"]),
                "struck_off": len(some) - len(live),
            }

        total = counts(rows) | {
            "found": len(rows),
            "fixed": sum(1 for one in rows if one["state"] == "fixed"),
        }
        state = asked.get("state")
        kept = [one for one in rows if not state or counts([one])[state]]
        districts = [self.edition.region(code) for code in self.edition.regions("district")["code"]]
        owners = sorted({(one["owner"], one["owner_label"]) for one in rows if one["owner"]})
        villages = sorted({one["village"] for one in rows})
        return {
            "seq": self.seq,
            "counts": total,
            "sentence": f"共发现 {total['found']} 个问题，已销号 {total['struck_off']} 个。",
            "districts": [
                {
                    "id": d.code,
                    "label": d.name,
                    **counts([o for o in rows if o["district"] == d.code]),
                }
                for d in districts
            ],
            "owners": [
                {
                    "id": i,
                    "kind": "unit",
                    "label": text,
                    **counts([o for o in rows if o["owner"] == i]),
                }
                for i, text in owners
            ],
            "months": [
                {
                    "id": "2024-09",
                    "label": "9月",
                    "found": 8,
                    "put_right": 5,
                    "struck_off": 3,
                    "rate": 38,
                },
                {
                    "id": "2024-10",
                    "label": "10月",
                    "found": 16,
                    "put_right": 15,
                    "struck_off": 11,
                    "rate": 58,
                },
                {
                    "id": "2024-11",
                    "label": "11月",
                    "found": 6,
                    "put_right": 9,
                    "struck_off": 12,
                    "rate": 87,
                },
            ],
            "villages": [
                {
                    "code": code,
                    "name": self.name(code),
                    "lon": self.spot(code)[0],
                    "lat": self.spot(code)[1],
                    **counts([o for o in rows if o["village"] == code]),
                }
                for code in villages
            ],
            "rows": kept,
            "total": len(kept),
            "page": 1,
            "pages": 1,
            "categories": CATEGORIES,
        }

    def reminders(self, name: str) -> Json:
        due = []
        for one in self.picks:
            if one["member"] != name:
                continue
            text = (
                f"请答复“{self.name(one['village'])}”"
                if one["state"] == "proposed"
                else f"“{self.name(one['village'])}”还没有走访"
            )
            if one["state"] == "proposed" or not any(
                v["village"] == one["village"] for v in self.visits
            ):
                due.append(
                    {
                        "kind": "proposed" if one["state"] == "proposed" else "visit",
                        "village": one["village"],
                        "village_name": self.name(one["village"]),
                        "problem": "",
                        "sentence": text,
                        "day": "",
                        "overdue": False,
                    }
                )
        for problem in (self.problem(one, name) for one in self.problems):
            if problem["can"]:
                due.append(
                    {
                        "kind": "answer",
                        "village": problem["village"],
                        "village_name": problem["village_name"],
                        "problem": problem["id"],
                        "sentence": f"{problem['village_name']}：{problem['said']}",
                        "day": problem["deadline"],
                        "overdue": problem["overdue"],
                    }
                )
        return {"sentence": f"{len(due)} 件事要办", "due": due}


def _event(who: str, sentence: str, reason: str) -> Json:
    return {"at": "", "day": TODAY.isoformat(), "who": who, "sentence": sentence, "reason": reason}


def _json(value: Json, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(
        json.dumps(value, ensure_ascii=False), status, headers, mimetype="application/json"
    )


def _tagged(value: Json, request: Request) -> Response:
    response = _json(value)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag(weak=True)
    return response.make_conditional(request.environ)  # type: ignore[return-value]


@dataclass
class Contact:
    """A running server, its ledger, and who may come in."""

    address: str
    ledger: FakeLedger

    def cookie(self, name: str) -> Json:
        """What makes a browser somebody's."""
        token = next(token for token, one in self.ledger.tokens.items() if one == name)
        return {"name": COOKIE, "value": token, "url": self.address}


@contextmanager
def contact_server(workspace: Path, place: Path) -> Iterator[Contact]:
    """Serve the app over a workspace, with accounts in a ledger of its own in `place`."""
    from dashboard.app import create_app
    from dashboard.settings import Settings

    url = f"sqlite:///{place / 'accounts.sqlite'}"
    ledger = Ledger(url)
    ledger.prepare()
    app = create_app(Settings(workspace=workspace, ledger=url))
    edition = Edition.open(workspace)
    fake = FakeLedger(edition, app.server)
    for name, (label, role) in PEOPLE.items():
        district = str(edition.regions("district")["code"].iloc[0]) if role is Role.DISTRICT else ""
        account, _ = accounts.create(
            ledger,
            TERMINAL,
            name=name,
            label=label,
            role=role,
            district=district,
            must_change=False,
        )
        fake.people[name] = {"id": account.id, "label": label, "role": role, "actor": account.actor}
        fake.tokens[sessions.begin(ledger, account.id)] = name
    with serving(fake) as address:
        yield Contact(address, fake)


if __name__ == "__main__":
    import tempfile

    from tests.worlds import build_small

    with tempfile.TemporaryDirectory() as folder:
        build_small(Path(folder))
        with contact_server(Path(folder), Path(folder)) as running:
            print(running.address, running.ledger.tokens)  # noqa: T201
            time.sleep(10_000)
