"""The ledger over HTTP, under `/ledger/`: JSON in and out, each write done once.

Reads are conditional where they are polled. A write carries an `Idempotency-Key` that the browser
made for what the person did: sent again after a broken connection, it is answered again and not
done again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard import access, answers, ledger_answers
from dashboard.access import needs
from dashboard.answers import holds, tag_of
from dashboard.asked import body
from dashboard.library import Library
from dashboard.proposing import Proposals
from dashboard.services import Drawn
from geodata.edition import Edition
from geodata.errors import BadRequest
from geodata.ledger import observations, photos, picks, points, problems, reminders, visits
from geodata.ledger.people import all_accounts
from geodata.ledger.roles import Right
from geodata.ledger.store import Ledger
from geodata.ledger.written import day_of
from geodata.need import need
from geodata.words import say
from layers.contact import sheet, sheet_xlsx
from layers.contact.why import why
from layers.view import View

Json = dict[str, Any]

LARGEST = 64_000
"""Bytes of a body: a visit with forty observations and twenty problems."""
LARGEST_PHOTO = photos.MOST_BYTES + 16_384
"""Bytes of a form with a photograph."""
LARGEST_READ = 4 * LARGEST_PHOTO
"""Bytes of a form that is too large and is read, so that its sender hears the answer."""
CHOICES = 8
"""Measures that the screen offers."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMMUTABLE = "private, max-age=31536000, immutable"

PLACE = "/ledger/"
ACCOUNT = "X-Account"
"""Header of a write: the id of the account whose act it is."""

_KEY = re.compile(r"[0-9a-f]{32}")


def register(server: Flask, library: Library, ledger: Ledger, drawn: Drawn) -> None:
    """Add the routes to `server`."""
    server.before_request(_whose_act)
    _reading(server, library, ledger, drawn)
    _printing(server, library, ledger)
    _picking(server, library, ledger)
    _proposing(server, library, ledger, Proposals(library, ledger))
    _visiting(server, library, ledger)
    _mending(server, library, ledger)


# ---- reading ----------------------------------------------------------------------------------


def _reading(server: Flask, library: Library, ledger: Ledger, drawn: Drawn) -> None:
    def edition() -> Edition:
        return library.current().edition

    @server.get("/ledger/state")
    @needs(Right.LEDGER, background=True)
    def ledger_state() -> Response:
        book, actor, now = edition(), access.actor(), ledger.clock()
        today = day_of(now)
        with ledger.reading() as connection:
            moment = points.Moment(connection)
            # Most polls find that nothing was decided: one short query, and no list is made.
            tag = tag_of("state", moment.seq(), book.id, actor, today)
            if holds(tag):
                return _unchanged(tag)
            since = access.principal().since
            told = points.state_at(moment, book, actor, since=since, today=today)
            told["reminders"] = reminders.count(connection, book, actor, today)
        told["me"]["role_label"] = say(f"account.role.{actor.role.value}")
        told["at"] = now
        return _json(told, tag)

    @server.get("/ledger/places")
    @needs(Right.LEDGER)
    def ledger_places() -> Response:
        tag = tag_of("places", edition().id)
        return _unchanged(tag) if holds(tag) else _json(ledger_answers.places_of(edition()), tag)

    @server.get("/ledger/picture")
    @needs(Right.LEDGER)
    def ledger_picture() -> Response:
        book = edition()
        rules, known = book.space.contact_points, book.space.contact_round
        region = request.args.get("region") or book.root.code
        if book.region(region).level == book.space.leaf.id:
            region = book.region(region).parent
        offered = [
            one.id
            for one in book.measures
            if book.has(one.id, known.id) and one.id not in (rules.gap, rules.income)
        ]
        first = [one for one in (rules.gap, rules.income) if one and book.has(one, known.id)]
        choices = [*first, *offered][:CHOICES]
        view = View(
            round=known.id,
            region=region,
            level=book.space.leaf.id,
            measure=request.args.get("measure") or (choices[0] if choices else None),
        )
        told = drawn.picture(book, view)
        labels = [{"id": one, "label": book.space.measure(one).label} for one in choices]
        tag = tag_of("picture", book.id, told.get("revision"), view.to_query())
        return _unchanged(tag) if holds(tag) else _json({**told, "choices": labels}, tag)

    @server.get("/ledger/villages/<code>")
    @needs(Right.LEDGER)
    def ledger_village(code: str) -> Response:
        book, actor = edition(), access.actor()
        since = access.principal().since
        told = why(book, ledger, code, actor, since=since, files=drawn.reported)
        village = told["code"]
        told["need"] = _need(book, ledger, village)
        told["observations"] = observations.of(ledger, book, village, people=True)
        own = f"/ledger/sheets/villages/{village}"
        told["sheet"] = {"html": own, "xlsx": f"{own}.xlsx"}
        return _json(told)

    @server.get("/ledger/villages/<code>/record")
    @needs(Right.LEDGER)
    def ledger_record(code: str) -> Response:
        book, actor = edition(), access.actor()
        village = book.region(code).code
        seen = observations.of(ledger, book, village, people=True)
        return _json(
            {
                "visits": [
                    ledger_answers.visit(one, seen)
                    for one in visits.of(ledger, book, actor, village=village)
                ],
                "problems": [
                    ledger_answers.problem(book, actor, one)
                    for one in problems.of(ledger, book, actor, village)
                ],
                "events": points.history(ledger, village, book),
            }
        )

    @server.get("/ledger/forms")
    @needs(Right.LEDGER)
    def ledger_forms() -> Response:
        village = request.args.get("village", "")
        today = day_of(ledger.clock())
        return _json(ledger_answers.form(edition(), all_accounts(ledger), village, today))

    @server.get("/ledger/photos/<identifier>")
    @needs(Right.LEDGER)
    def ledger_photo(identifier: str) -> Response:
        response = Response(photos.image(ledger, identifier), mimetype="image/jpeg")
        response.headers["Cache-Control"] = IMMUTABLE
        return response

    @server.get("/ledger/problems/<identifier>")
    @needs(Right.LEDGER)
    def ledger_problem(identifier: str) -> Response:
        book, actor = edition(), access.actor()
        found = problems.one(ledger, book, actor, identifier)
        return _json(ledger_answers.problem(book, actor, found))

    @server.get("/ledger/board")
    @needs(Right.LEDGER, background=True)
    def ledger_board() -> Response:
        book, actor, asked = edition(), access.actor(), request.args.to_dict()
        today = day_of(ledger.clock())
        tag = tag_of("board", ledger.seq(), book.id, actor, today, sorted(asked.items()))
        if holds(tag):
            return _unchanged(tag)
        page = asked.get("page", "1")
        if not re.fullmatch(r"[0-9]{1,6}", page):
            raise BadRequest(say("board.page"), value=page[:80])
        return _json(ledger_answers.board(ledger, book, actor, asked, int(page)), tag)

    @server.get("/ledger/reminders")
    @needs(Right.LEDGER)
    def ledger_reminders() -> Response:
        return _json(ledger_answers.reminders(reminders.due(ledger, edition(), access.actor())))


def _printing(server: Flask, library: Library, ledger: Ledger) -> None:
    """A page to take along, for a village and for a member: to print, and as a workbook."""
    kinds: dict[str, tuple[Step, Callable[[Json], str], Callable[[Json], bytes]]] = {
        "villages": (sheet.village, sheet.village_html, sheet_xlsx.village),
        "members": (sheet.member, sheet.member_html, sheet_xlsx.member),
    }

    def routes(kind: str) -> None:
        gather, as_page, as_workbook = kinds[kind]

        @needs(Right.LEDGER)
        def page(identifier: str) -> Response:
            content = gather(ledger, library.current().edition, access.actor(), identifier)
            return _kept_by_nobody(Response(as_page(content), mimetype="text/html"))

        @needs(Right.LEDGER)
        def workbook(identifier: str) -> Response:
            content = gather(ledger, library.current().edition, access.actor(), identifier)
            response = Response(as_workbook(content), mimetype=XLSX)
            name = answers.file_name(str(content["title"]), suffix="xlsx")
            response.headers["Content-Disposition"] = (
                f"attachment; filename=\"sheet.xlsx\"; filename*=UTF-8''{quote(name, safe='')}"
            )
            return _kept_by_nobody(response)

        place = f"/ledger/sheets/{kind}/<identifier>"
        server.add_url_rule(place, f"ledger_sheet_{kind}", page)
        server.add_url_rule(f"{place}.xlsx", f"ledger_sheet_{kind}_xlsx", workbook)

    for kind in kinds:
        routes(kind)


def _need(book: Edition, ledger: Ledger, village: str) -> Json | None:
    """How much a village needs a contact point, and how much of that each reason makes up."""
    visited = visits.last(ledger, book.space.contact_round.id)
    days = {code: date.fromisoformat(day) for code, day in visited.items()}
    today = date.fromisoformat(day_of(ledger.clock()))
    found = need(book, book.space.contact_points, days, today)
    if village not in found.codes:
        return None
    at = found.codes.index(village)
    total = float(found.total[at])
    parts = [
        {
            "id": name,
            "label": say(f"propose.part.{name}"),
            "value": round(float(found.parts[name][at]), 4),
            "weight": round(weight, 4),
            "share": round(weight * float(found.parts[name][at]) / total, 4) if total else 0.0,
            "estimated": bool(found.estimated[name][at]),
        }
        for name, weight in found.weights.items()
    ]
    return {"total": round(total, 4), "parts": parts}


# ---- picking ----------------------------------------------------------------------------------

Step = Callable[..., Json]


def _picking(server: Flask, library: Library, ledger: Ledger) -> None:
    def edition() -> Edition:
        return library.current().edition

    @server.post("/ledger/picks")
    @needs(_pick_right, write=True)
    def ledger_pick() -> Response:
        asked = body("village", "override", "member", largest=LARGEST)
        village, override = _text(asked, "village"), _text(asked, "override")
        if "member" in asked:
            told = picks.assign(
                ledger, edition(), access.actor(), _text(asked, "member"), village,
                override=override, key=_key(),
            )  # fmt: skip
        else:
            told = picks.pick(
                ledger, edition(), access.actor(), village, override=override, key=_key()
            )
        return _json(told)

    def one_step(name: str, fields: tuple[str, ...], work: Step, right: Right) -> None:
        @needs(right, write=True)
        def step(identifier: str) -> Response:
            asked = body(*fields, largest=LARGEST)
            given = {field: _text(asked, field) for field in fields}
            return _json(work(ledger, edition(), access.actor(), identifier, key=_key(), **given))

        server.add_url_rule(
            f"/ledger/picks/<identifier>/{name}", f"ledger_pick_{name}", step, methods=["POST"]
        )

    # Whose pick it is, and whether the office may: the domain says, and explains.
    one_step("release", ("reason",), picks.release, Right.LEDGER)
    one_step("accept", ("override",), picks.accept, Right.PICK)
    one_step("decline", ("reason",), picks.decline, Right.PICK)
    one_step("confirm", (), picks.confirm, Right.DIRECT)

    @server.post("/ledger/picks/<identifier>/undo")
    @needs(Right.LEDGER, write=True)
    def ledger_pick_undo(identifier: str) -> Response:
        body(largest=LARGEST)
        since = access.principal().since
        told = picks.undo(ledger, edition(), access.actor(), identifier, since=since, key=_key())
        return _json(told)

    @server.post("/ledger/swap")
    @needs(Right.DIRECT, write=True)
    def ledger_swap() -> Response:
        asked = body("a", "b", "reason", largest=LARGEST)
        one, other = _text(asked, "a"), _text(asked, "b")
        reason = _text(asked, "reason")
        told = picks.swap(ledger, edition(), access.actor(), one, other, reason=reason, key=_key())
        return _json(told)


def _pick_right() -> Right:
    """Picking for oneself, or for somebody else: the body says which."""
    asked = request.get_json(silent=True) if request.mimetype == "application/json" else None
    return Right.DIRECT if isinstance(asked, dict) and "member" in asked else Right.PICK


# ---- proposals --------------------------------------------------------------------------------


def _proposing(server: Flask, library: Library, ledger: Ledger, proposals: Proposals) -> None:
    def told(said: Json, status: int = 200) -> Response:
        stale = said["status"] == "done" and proposals.is_stale(access.actor(), said["id"])
        book = library.current().edition
        return _json(ledger_answers.proposal(book, ledger, said, stale=stale), status=status)

    @server.post("/ledger/proposals")
    @needs(_proposal_right, write=True)
    def ledger_propose() -> Response:
        asked = body("who", "pins", "forbid", largest=LARGEST)
        # Asked twice, the same question is the same job: no key is needed to tell.
        said = proposals.start(
            access.actor(),
            _text(asked, "who"),
            pins=asked.get("pins", []),
            forbidden=asked.get("forbid", []),
        )
        return told(said, 202)

    @server.get("/ledger/proposals/<identifier>")
    @needs(Right.LEDGER, background=True)
    def ledger_proposal(identifier: str) -> Response:
        return told(proposals.status(access.actor(), identifier))

    @server.post("/ledger/proposals/<identifier>/next")
    @needs(Right.LEDGER, write=True)
    def ledger_proposal_next(identifier: str) -> Response:
        asked = body("village", "member", largest=LARGEST)
        village, member = _text(asked, "village"), _text(asked, "member")
        return told(proposals.start_next(access.actor(), identifier, village, member), 202)

    @server.post("/ledger/proposals/<identifier>/accept")
    @needs(Right.LEDGER, write=True)
    def ledger_proposal_accept(identifier: str) -> Response:
        asked = body("villages", largest=LARGEST)
        only = asked.get("villages")
        if not isinstance(only, list) or not all(isinstance(one, str) for one in only):
            raise BadRequest(say("propose.job.body"))
        return _json(proposals.accept(access.actor(), identifier, only=only, key=_key()))

    @server.delete("/ledger/proposals/<identifier>")
    @needs(Right.LEDGER, write=True)
    def ledger_proposal_stop(identifier: str) -> Response:
        proposals.stop(access.actor(), identifier)
        return _json({"sentence": say("ledger.proposal_stopped"), "seq": ledger.seq()})


def _proposal_right() -> Right:
    """For oneself or for all: the body says which."""
    asked = request.get_json(silent=True) if request.mimetype == "application/json" else None
    return Right.DIRECT if isinstance(asked, dict) and asked.get("who") == "all" else Right.PICK


# ---- visits -----------------------------------------------------------------------------------


def _visiting(server: Flask, library: Library, ledger: Ledger) -> None:
    def edition() -> Edition:
        return library.current().edition

    @server.post("/ledger/visits")
    @needs(Right.VISIT, write=True)
    def ledger_visit() -> Response:
        fields = ("village", "day", "members", "people", "seen", "observations", "problems")
        told = visits.write(
            ledger, edition(), access.actor(), body(*fields, largest=LARGEST), key=_key()
        )
        shown = {name: told[name] for name in ("id", "village", "day")}
        return _json({**told, "visit": shown}, status=201)

    @server.post("/ledger/visits/<identifier>/photos")
    @needs(Right.VISIT, write=True)
    def ledger_visit_photo(identifier: str) -> Response:
        _no_larger_than(LARGEST_PHOTO)
        given = request.files.get("photo")
        if given is None:
            raise BadRequest(say("ledger.photo_none"), cure=say("ledger.photo_none_cure"))
        data = given.read(photos.MOST_BYTES + 1)
        if len(data) > photos.MOST_BYTES:
            raise RequestEntityTooLarge
        told = photos.add(
            ledger,
            access.actor(),
            data,
            visit=identifier,
            problem=request.form.get("problem", ""),
            caption=request.form.get("caption", ""),
            key=_key(),
        )
        sentence = say("ledger.photo_added")
        shown = {**told, "photo": ledger_answers.photo(told), "sentence": sentence}
        return _json(shown, status=201)

    @server.post("/ledger/visits/<identifier>/withdraw")
    @needs(Right.VISIT, write=True)
    def ledger_visit_withdraw(identifier: str) -> Response:
        asked = body("reason", largest=LARGEST)
        told = visits.withdraw(
            ledger, access.actor(), identifier, _text(asked, "reason"), key=_key()
        )
        return _json({"sentence": say("ledger.visit_withdrawn"), **told})


# ---- problems ---------------------------------------------------------------------------------

TELLING: dict[str, Step] = {
    "fix": problems.fix,
    "recheck": problems.recheck,
    "send_back": problems.send_back,
    "strike_off": problems.strike_off,
}
"""Steps of a problem that take what somebody says about it."""
SETTING: dict[str, Step] = {"assign": problems.assign, "change": problems.change}
"""Steps that say who has to put it right, and by when."""


def _mending(server: Flask, library: Library, ledger: Ledger) -> None:
    def edition() -> Edition:
        return library.current().edition

    @server.post("/ledger/problems")
    @needs(Right.VISIT, write=True)
    def ledger_problem_found() -> Response:
        asked = body("village", "category", "said", "visit", "day", largest=LARGEST)
        told = problems.find(ledger, edition(), access.actor(), asked, key=_key())
        return _told(told, "found", 201)

    def route(name: str, step: Callable[[str], Response]) -> None:
        server.add_url_rule(
            f"/ledger/problems/<identifier>/{name}",
            f"ledger_problem_{name}",
            needs(problems.STEPS[name].right, write=True)(step),
            methods=["POST"],
        )

    def telling(name: str, work: Step) -> None:
        def step(identifier: str) -> Response:
            # What is sent back may be given more time.
            more = ("deadline",) if name == "send_back" else ()
            asked = body("reason", "state", *more, largest=LARGEST)
            reason, rest = _text(asked, "reason"), {one: _text(asked, one) for one in more}
            rest["state"] = _text(asked, "state")
            told = work(ledger, edition(), access.actor(), identifier, reason, key=_key(), **rest)
            return _told(told, name)

        route(name, step)

    def setting(name: str, work: Step) -> None:
        def step(identifier: str) -> Response:
            asked = body(
                "category", "owner_kind", "owner", "deadline", "reason", "state", largest=LARGEST
            )
            state = _text(asked, "state")
            rest = {key: value for key, value in asked.items() if key != "state"}
            told = work(
                ledger, edition(), access.actor(), identifier, rest, state=state, key=_key()
            )
            return _told(told, name)

        route(name, step)

    for name, work in TELLING.items():
        telling(name, work)
    for name, work in SETTING.items():
        setting(name, work)

    def _told(told: Json, what: str, status: int = 200) -> Response:
        shown = ledger_answers.problem(edition(), access.actor(), told)
        sentence = say(f"ledger.done.{what}", name=told["name"])
        answer = {"problem": shown, "seq": told["seq"], "sentence": sentence}
        return _json(answer, status=status)


# ---- what is asked ----------------------------------------------------------------------------


def _whose_act() -> None:
    """Refuse a write that another account than the one signed in now was meant to make.

    A tablet is passed on, or somebody signs in in another tab: what was begun before must not
    become their act. It is asked before rights are, since what a page says of itself is never
    refused for good.
    """
    meant = request.headers.get(ACCOUNT)
    if meant is None or request.method in access.SAFE or not request.path.startswith(PLACE):
        return
    actor = access.principal().actor
    if actor is not None and actor.id != meant:
        raise access.NotSignedIn(say("ledger.other_account"), cure=say("access.sign_in_cure"))


def _no_larger_than(most: int) -> None:
    """Take in a form of so many bytes, more than others may have.

    Raises
    ------
    RequestEntityTooLarge : it is larger. It is read to its end all the same, within reason: who is
        cut off while sending never hears why, and sends it again.
    """
    request.max_content_length = most
    length = request.content_length or 0
    if most < length <= LARGEST_READ:
        source = request.environ["wsgi.input"]
        while length > 0 and (piece := source.read(min(length, 2**16))):
            length -= len(piece)
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge


def _text(asked: Mapping[str, Any], name: str) -> str:
    """A text of a body; "" when it is not there. How long it may be is the domain's business."""
    found = asked.get(name, "")
    if not isinstance(found, str):
        raise BadRequest(say("steer.text", name=name, most=LARGEST))
    return found


def _key() -> str:
    """The key that tells this write from all others of the person.

    Raises
    ------
    BadRequest : without one a write that is sent again would be done again.
    """
    found = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(found):
        raise BadRequest(say("ledger.key_form"), cure=say("ledger.key_form_cure"))
    return found


# ---- what is answered -------------------------------------------------------------------------


def _kept_by_nobody(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _unchanged(tag: str) -> Response:
    response = Response(status=304)
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _json(value: Json, tag: str = "", *, status: int = 200) -> Response:
    response = jsonify(value)
    response.status_code = status
    response.headers["Cache-Control"] = "private, no-cache" if tag else "no-store"
    if tag:
        response.set_etag(tag, weak=True)
    return response
