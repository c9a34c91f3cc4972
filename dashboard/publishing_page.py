"""The office's page of publishing: what is public, check, publish, take back, download."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import Any

from flask import Flask, Response, request, send_file

from dashboard import access, answers, packing, publications
from dashboard.access import needs
from dashboard.account_menu import PUBLISHING
from dashboard.library import Library
from dashboard.plain import LONGEST, ONCE, Plain, Problems, form, once, sentence, tried
from dashboard.publications import Desk, Publications, Told, What, basis, tag, word
from dashboard.publishing import PAGES, SITE
from geodata import state
from geodata.errors import EditionError, UnknownName
from geodata.jobs import Standing
from geodata.ledger import accounts, naming
from geodata.ledger.roles import TERMINAL, Right
from geodata.ledger.store import Ledger, now
from geodata.ledger.troubles import Conflict, NoLedger
from geodata.ledger.written import CHINA
from geodata.publish import record
from geodata.publish.gate import Mark, Withdrawal
from geodata.words import say

JOB = f"{PUBLISHING}/job"
LARGEST = 131_072
"""Bytes of the form that publishes: a reason for each changed definition."""
WHY = "why-"
"""Before a measure's id: the field of its reason."""
MEGABYTE = 1_000_000

Json = dict[str, Any]


def register(
    server: Flask, library: Library, ledger: Ledger, plain: Plain, works: Publications
) -> None:
    """Add the pages to `server`."""
    page = _Page(library, ledger, plain, works)
    _looking(server, page)
    _publishing(server, page)
    _taking_back(server, page)
    _fetching(server, page)


class _Page:
    """What the routes share: reading what there is, drawing the page."""

    def __init__(self, library: Library, ledger: Ledger, plain: Plain, works: Publications) -> None:
        self.library, self.ledger, self.plain, self.works = library, ledger, plain, works
        self.folder = works.folder
        self._sizes: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def draw(
        self, problems: Problems | None = None, given: dict[str, str] | None = None
    ) -> Response:
        """The page as things stand."""
        desk = self.works.desk()
        public = self.public()
        check = self._check(desk)
        return self.plain.page(
            "publishing",
            problems=problems,
            given=given or {},
            job=None if desk.running is None else shown(desk.running),
            poll=JOB,
            ended=self._ended(desk, public),
            check=check,
            current=self._current(),
            public=public,
            pages_chosen=set(request.form.getlist("page")) if problems else set(),
        )

    # ---- what there is ----

    def _current(self) -> Json | None:
        """The current edition; None when nothing was built."""
        found = state.current(self.folder)
        return None if found is None else {"id": found[0], "built_at": found[1]}

    def public(self) -> Json | None:
        """What readers see, and what the ledger says of it; None when nothing was published."""
        try:
            last, taken = record.published(self.ledger), record.withdrawals(self.ledger)
        except NoLedger:
            last, taken = None, {}
        edition = publications.public_edition(self.folder)
        if edition is None and last is None:
            return None
        place = publications.site_of(self.folder, edition.id) if edition is not None else None
        labels = {} if edition is None else {one.id: one.label for one in edition.measures}
        atlas = None if edition is None else edition.space.atlas
        size = (0, 0) if edition is None or place is None else self._size(edition.id)
        return {
            "id": "" if edition is None else edition.id,
            # A copy of the folder, or a process that was killed: files and ledger may differ.
            "recorded": last is not None and edition is not None and last.public == edition.id,
            "at": "" if last is None else last.at,
            "by": "" if last is None else self._label(last.by),
            "edition": "" if last is None else last.edition,
            "demo": bool(edition is not None and edition.manifest.get("watermark")),
            "approval": "" if atlas is None else atlas.approval_number,
            "site": "" if edition is None else edition.space.publication.site_url,
            "measures": [{"id": name, "label": label} for name, label in labels.items()],
            "withdrawn": [
                {
                    "id": one.measure,
                    "label": one.label,
                    "sentence": one.sentence,
                    # On record, and the pages were not written anew since.
                    "still_there": one.measure in labels,
                }
                for one in taken.values()
            ],
            "gone": sum(one.measure not in labels for one in taken.values()),
            "files": size[0],
            "megabytes": f"{size[1] / MEGABYTE:.1f}",
            "single": [] if place is None else single_pages(place / PAGES, labels),
        }

    def _size(self, public: str) -> tuple[int, int]:
        with self._lock:
            if public in self._sizes:
                return self._sizes[public]
        place = publications.site_of(self.folder, public)
        found = publications.size_of(place / SITE) if place is not None else (0, 0)
        with self._lock:
            self._sizes[public] = found
            while len(self._sizes) > 4:
                self._sizes.popitem(last=False)
        return found

    def _label(self, identifier: str) -> str:
        """Who an id of the ledger's is."""
        if identifier == TERMINAL.id:
            return say("publishing.terminal")
        found = accounts.account(self.ledger, identifier)
        return found.label if found is not None else identifier

    def _check(self, desk: Desk) -> Json | None:
        """The last check as the page shows it; None when there is none that anybody waits for."""
        told = desk.check
        if told is None:
            return None
        result = told.result
        fresh = result is not None and told.job.request["based"] == self.based()
        if not fresh and desk.ended is not None and desk.ended.job.asked_at > told.job.asked_at:
            return None  # it led to a publication
        return {
            **shown(told),
            "result": result,
            "fresh": fresh,
            "may": result is not None and not result["refusals"],
        }

    def _ended(self, desk: Desk, public: Json | None) -> Json | None:
        """The last publication as the page shows it; None when nobody wants to know any more."""
        told = desk.ended
        if told is None or (desk.running is not None and desk.running.what is not What.CHECK):
            return None
        if desk.check is not None and desk.check.job.asked_at > told.job.asked_at:
            return None  # looked at again since
        gone = told.published and (public is None or told.published != public["id"])
        return None if gone else {**shown(told), "result": told.result}

    def based(self) -> Json | None:
        """What a publication would follow from now; None when nothing was built."""
        try:
            return basis(self.folder, self.ledger)
        except EditionError:
            return None

    def demo(self, based: Json) -> bool:
        """Whether the data that would be published are invented: those of the basis, which is of
        this moment; what the server shows may be a second older.
        """
        return self.library.edition(str(based["edition"])).space.atlas.demo

    def known(self, measure: str) -> Mark:
        """A measure that was ever published."""
        try:
            last = record.published(self.ledger)
        except NoLedger:
            last = None
        if last is None or measure not in last.known:
            raise UnknownName(say("publishing.unknown"), cure=say("publishing.unknown_cure"))
        return last.known[measure]


def _looking(server: Flask, page: _Page) -> None:
    @server.get(PUBLISHING)
    @needs(Right.PUBLISH)
    def publishing_page() -> Response:
        return page.draw()

    @server.get(JOB)
    @needs(Right.PUBLISH, background=True)
    def publishing_job() -> Response:
        # What a browser without scripts loads again and again: nobody is kept signed in by it.
        if page.works.running() is None:
            return access.see(PUBLISHING)
        return page.draw()

    @server.get(f"{JOB}.json")
    @needs(Right.PUBLISH, background=True)
    def publishing_job_json() -> Response:
        running = page.works.running()
        told = {"job": None if running is None else shown(running)}
        return answers.as_json(told, answers.NEVER)


def _publishing(server: Flask, page: _Page) -> None:
    @server.post(f"{PUBLISHING}/check")
    @needs(Right.PUBLISH, write=True)
    def publishing_check() -> Response:
        given = form(ONCE)
        key, _ = once(given)
        based = page.based()
        if based is None:
            return page.draw({"": say("publishing.no_edition")})
        try:
            # A demo is examined as if its mark were accepted: else nothing else would be seen.
            page.works.begin(access.actor(), What.CHECK, key, based, accept_demo=True)
        except Conflict as error:
            return page.draw({"": sentence(error)})
        return access.see(PUBLISHING)

    @server.post(f"{PUBLISHING}/publish")
    @needs(Right.PUBLISH, write=True)
    def publishing_publish() -> Response:
        form(ONCE, largest=LARGEST)  # the size, before anything is read
        check = page.works.desk().check
        result = check.result if check is not None else None
        changed = result["changed"] if result is not None else []
        reasons = {f"{WHY}{one['id']}": one["id"] for one in changed}
        given = form(ONCE, "check", "accept_demo", *reasons, largest=LARGEST)
        key, _ = once(given)
        if page.works.was_asked(access.actor(), key):
            return access.see(PUBLISHING)
        if check is None or result is None or check.job.id != given["check"]:
            return page.draw({"": say("publishing.other_check")}, given)
        if check.job.request["based"] != page.based():
            return page.draw({"": _moved()}, given)
        if result["refusals"]:
            return page.draw({"": say("publishing.refused")}, given)
        problems: Problems = {}
        for name, measure in reasons.items():
            label = next(one["label"] for one in changed if one["id"] == measure)
            if len(given[name].strip()) < record.LEAST_WHY:
                problems[name] = say("publishing.needs_reason", label=label)
            tried(problems, name, lambda name=name: _line(given[name]))  # type: ignore[misc]
        if result["demo"] and not given["accept_demo"]:
            problems["accept_demo"] = say("publishing.needs_demo")
        known = {one["id"] for one in result["measures"]}
        pages = [name for name in dict.fromkeys(request.form.getlist("page")) if name in known]
        if problems:
            return page.draw(problems, given)
        try:
            page.works.begin(
                access.actor(),
                What.PUBLISH,
                key,
                check.job.request["based"],
                accept_demo=bool(given["accept_demo"]),
                accepted={measure: _line(given[name]) for name, measure in reasons.items()},
                pages=pages,
            )
        except Conflict as error:
            return page.draw({"": sentence(error)}, given)
        return access.see(PUBLISHING)


def _taking_back(server: Flask, page: _Page) -> None:
    def draw(
        what: What,
        measure: str,
        given: dict[str, str],
        problems: Problems | None = None,
        preview: str = "",
    ) -> Response:
        mark, based = page.known(measure), page.based()
        public = page.public()
        return page.plain.page(
            "publishing_measure",
            problems=problems,
            what=what.value,
            measure=measure,
            label=mark.label,
            given=given,
            preview=preview,
            based="" if based is None else tag(based),
            # What is published anew is the current edition, whole.
            newer=based is not None
            and public is not None
            and public["edition"] != based["edition"],
            most=record.WHY,
        )

    def standing(measure: str) -> bool:
        try:
            return measure in record.withdrawals(page.ledger)
        except NoLedger:
            return False

    def answer(what: What) -> Response:
        given = form("measure", "why", "confirmed", "based", "accept_demo", ONCE)
        key, _ = once(given)
        measure, based = given["measure"], page.based()
        mark = page.known(measure)
        if page.works.was_asked(access.actor(), key):
            return access.see(PUBLISHING)
        if standing(measure) is (what is What.WITHDRAW):
            return page.draw({"": say(f"publishing.already_{what.value}", label=mark.label)})
        if based is None:
            return page.draw({"": say("publishing.no_edition")})
        problems: Problems = {}
        tried(problems, "why", lambda: _line(given["why"]))
        if what is What.WITHDRAW and len(given["why"].strip()) < record.LEAST_WHY:
            problems["why"] = say("publishing.why_short", most=record.WHY)
        if problems:
            return draw(what, measure, given, problems)
        today = datetime.fromisoformat(now().replace("Z", "+00:00")).astimezone(CHINA).date()
        why = _line(given["why"])
        preview = Withdrawal(measure, mark.label, why, today.isoformat()).sentence
        if not given["confirmed"]:
            return draw(what, measure, given, preview=preview)
        if given["based"] != tag(based):
            problems[""] = _moved_confirm()
        if page.demo(based) and not given["accept_demo"]:
            problems["accept_demo"] = say("publishing.needs_demo")
        if problems:
            return draw(what, measure, given, problems, preview)
        try:
            page.works.begin(
                access.actor(),
                what,
                key,
                based,
                accept_demo=bool(given["accept_demo"]),
                measure=measure,
                label=mark.label,
                why=why,
            )
        except Conflict as error:
            return draw(what, measure, given, {"": sentence(error)}, preview)
        return access.see(PUBLISHING)

    def blank() -> dict[str, str]:
        return dict.fromkeys(("why", "accept_demo"), "")

    @server.get(f"{PUBLISHING}/withdraw")
    @needs(Right.PUBLISH)
    def publishing_withdraw() -> Response:
        return draw(What.WITHDRAW, request.args.get("measure", "")[:LONGEST], blank())

    @server.post(f"{PUBLISHING}/withdraw")
    @needs(Right.PUBLISH, write=True)
    def publishing_withdraw_form() -> Response:
        return answer(What.WITHDRAW)

    @server.get(f"{PUBLISHING}/lift")
    @needs(Right.PUBLISH)
    def publishing_lift() -> Response:
        return draw(What.LIFT, request.args.get("measure", "")[:LONGEST], blank())

    @server.post(f"{PUBLISHING}/lift")
    @needs(Right.PUBLISH, write=True)
    def publishing_lift_form() -> Response:
        return answer(What.LIFT)


def _fetching(server: Flask, page: _Page) -> None:
    def place(public: str) -> Any:
        found = publications.site_of(page.folder, public)
        if found is None:
            raise UnknownName(say("publishing.replaced"), cure=say("publishing.replaced_cure"))
        return found

    @server.get(f"{PUBLISHING}/<public>/site.zip")
    @needs(Right.PUBLISH)
    def publishing_site(public: str) -> Response:
        home = place(public)
        name = f"bangfu-{public}"
        parts = [(home / SITE, name)]
        if (home / PAGES).is_dir():
            parts.append((home / PAGES, f"{name}/{PAGES}"))
        response = Response(packing.streamed(parts), mimetype="application/zip")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
        response.headers["Cache-Control"] = answers.NEVER
        return response

    @server.get(f"{PUBLISHING}/<public>/pages/<measure>.html")
    @needs(Right.PUBLISH)
    def publishing_single(public: str, measure: str) -> Response:
        home = place(public) / PAGES
        if measure not in {path.stem for path in home.glob("*.html")}:
            raise UnknownName(say("publishing.no_single"), cure=say("publishing.no_single_cure"))
        name = answers.file_name(measure, public, suffix="html")
        response = send_file(home / f"{measure}.html", as_attachment=True, download_name=name)
        response.headers["Cache-Control"] = answers.NEVER
        return response


def shown(told: Told) -> Json:
    """A job in words and numbers, for the page and its script."""
    job = told.job
    label = job.label or say("publishing.soon")
    share = job.done / job.total if job.total else 0.0
    return {
        "id": job.id,
        "what": told.what.value,
        "word": word(told.what),
        "measure": str(job.request.get("label", "")),
        "who": str(job.request["who"]),
        "at": datetime.fromtimestamp(job.asked_at).astimezone().strftime("%Y-%m-%d %H:%M"),
        "running": told.running,
        "label": label,
        "percent": int(100 * share),
        "error": job.error if job.status is Standing.FAILED else "",
    }


def single_pages(home: Any, labels: dict[str, str]) -> list[Json]:
    """The measures that have a page of their own."""
    return [
        {"id": path.stem, "label": labels.get(path.stem, path.stem)}
        for path in sorted(home.glob("*.html"))
    ]


def _line(text: str) -> str:
    return naming.line(text, "reason", most=record.WHY)


def _moved() -> str:
    return f"{say('publishing.moved')}。{say('publishing.moved_cure')}"


def _moved_confirm() -> str:
    return f"{say('publishing.moved')}。{say('publishing.moved_confirm')}"
