/* The tab of villages: the list that stands for the map, and why one village matters. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});
  const { useEffect, useMemo, useRef, useState } = window.React;
  const h = window.React.createElement;
  const { Ask, Button, Choices, Mark, Near, Spark, Trouble, icon, say } = contact;
  const { number, isNumber } = bangfu.say;

  const FIRST_ROWS = 80;

  /* ---- the list ----------------------------------------------------------------------------- */

  /** What a village is to the person who looks: mine, other, proposal, free. */
  contact.kindOf = (picks, proposed) => {
    const settled = picks.filter((pick) => pick.state !== "proposed");
    if (settled.some((pick) => pick.mine)) return "mine";
    if (settled.length) return "other";
    return picks.length || proposed ? "proposal" : "free";
  };

  const collator = new Intl.Collator("zh-Hans-CN");
  const ORDERS = {
    need: (a, b) => (isNumber(b.gap) ? b.gap : -1) - (isNumber(a.gap) ? a.gap : -1) || ORDERS.name(a, b),
    name: (a, b) => collator.compare(a.name, b.name) || (a.code < b.code ? -1 : 1),
  };

  /** Villages in what is seen of the map, each a button; arrow keys go through them. */
  contact.VillageList = function ({ ctx, rows, filter, onFilter, back }) {
    const [all, setAll] = useState(false);
    const [order, setOrder] = useState("need");
    const list = useRef(null);
    const counts = useMemo(() => {
      const found = { all: rows.length, free: 0, mine: 0, other: 0, proposal: 0 };
      rows.forEach((row) => (found[row.kind] += 1));
      return found;
    }, [rows]);
    const kept = useMemo(
      () => rows.filter((row) => filter === "all" || row.kind === filter).sort(ORDERS[order]),
      [rows, filter, order]
    );
    const shown = all ? kept : kept.slice(0, FIRST_ROWS);
    useEffect(() => {
      // Back from a village: reading goes on where it was left.
      if (!back || !list.current) return;
      const row = list.current.querySelector('[data-code="' + CSS.escape(back) + '"]');
      if (row) row.focus();
    }, []);
    const keys = (event) => {
      const items = Array.from(event.currentTarget.querySelectorAll("[data-code]"));
      const at = items.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      if (to === undefined || at < 0) return;
      event.preventDefault();
      const next = items[Math.max(0, Math.min(items.length - 1, to))];
      next.focus();
    };
    const { gap, income } = ctx.measures;
    return h("div", { className: "contact-list" },
      h("p", { className: "contact-quiet contact-hint" }, say("list.hint")),
      h(Choices, {
        label: say("list.filter"), value: filter, onChoose: onFilter,
        options: ["all", "free", "mine", "other", "proposal"].map((id) => ({
          id, label: say("list." + id), count: counts[id],
        })),
      }),
      h("div", { className: "contact-list-head" },
        h("h2", null, say("list.title", { count: kept.length })),
        h("label", null, h("span", { className: "unseen" }, say("list.order")),
          h("select", { value: order, onChange: (event) => setOrder(event.target.value) },
            h("option", { value: "need" }, say("list.by_need", { gap: gap ? gap.label : "" })),
            h("option", { value: "name" }, say("list.by_name"))))
      ),
      kept.length ? null : h("p", { className: "contact-empty" }, say("list.empty")),
      h("ul", { ref: list, onKeyDown: keys, "aria-label": say("list.label") },
        shown.map((row, index) =>
          h("li", { key: row.code },
            h("button", {
              type: "button", className: "contact-village", "data-code": row.code,
              tabIndex: index === 0 || row.code === back ? 0 : -1,
              onFocus: () => ctx.point(row), onClick: (event) => ctx.select(row.code, event.detail === 0),
            },
              h(Mark, { kind: row.kind, initial: row.initial, under: row.under }),
              h("span", { className: "contact-village-name" }, row.name,
                h("span", { className: "contact-quiet" }, row.parent_name || row.district_name)),
              h("span", { className: "contact-village-facts" },
                h("span", { className: "unseen" }, say("list." + row.kind) + " "),
                row.holder ? h("span", { className: "contact-holder" }, row.holder) : null,
                gap && isNumber(row.gap) ? h("span", null, say("list.gap", { value: number(row.gap, Number.isInteger(row.gap) ? 0 : gap.digits), unit: gap.unit })) : null,
                income && isNumber(row.income)
                  ? h("span", { className: "contact-quiet" }, number(row.income, income.digits) + " " + income.unit) : null,
                row.late ? h("span", { className: "contact-flag" }, icon("clock"), say("list.due")) : null)
            )
          )
        )
      ),
      kept.length > shown.length
        ? h(Button, { onClick: () => setAll(true) }, say("list.more", { count: kept.length - shown.length })) : null
    );
  };

  /* ---- one village ------------------------------------------------------------------------- */

  /* What was read before stands while the network is gone, and says so; of each account its own. */
  const readBefore = new Map();

  /** What the server says of a village; asked again when the ledger has changed. */
  function useVillage(code, seq, account) {
    const known = account + "/" + code;
    const [told, setTold] = useState(() => ({ code, why: readBefore.get(known) || null, problem: null }));
    const [turn, setTurn] = useState(0);
    const first = useRef("");
    useEffect(() => {
      if (!code) return undefined;
      let stale = false;
      let timer = 0;
      const asked = first.current === code + "/" + turn;
      first.current = code + "/" + turn;
      // Only what a person opened keeps them signed in.
      contact.read("/ledger/villages/" + encodeURIComponent(code), { background: asked }).then(
        (why) => {
          readBefore.set(known, why);
          if (!stale) setTold({ code, why, problem: null });
        },
        (problem) => {
          if (stale) return;
          setTold((before) => ({ code, why: before.code === code ? before.why : null, problem }));
          if (problem.offline || problem.status >= 500) timer = window.setTimeout(() => setTurn((n) => n + 1), 4000);
        }
      );
      return () => {
        stale = true;
        window.clearTimeout(timer);
      };
    }, [code, seq, turn, account]);
    return { ...(told.code === code ? told : { why: null, problem: null }), again: () => setTurn((n) => n + 1) };
  }

  const STATES = { has: "✓", lacks: "✕", unknown: "?" };

  /** The round's items that are missing first; shape and word say it. */
  function Items({ missing }) {
    const [every, setEvery] = useState(false);
    const lacks = missing.items.filter((one) => one.state === "lacks");
    const rest = missing.items.filter((one) => one.state !== "lacks");
    const shown = every ? lacks.concat(rest) : lacks;
    return h("section", { className: "contact-fact" },
      h("h3", null, say("card.missing")),
      h("p", null, missing.sentence),
      shown.length
        ? h("ul", { className: "contact-items" },
            shown.map((one) =>
              h("li", { key: one.id, className: one.state },
                h("span", { "aria-hidden": true }, STATES[one.state]), one.label,
                h("span", { className: "unseen" }, say("card.item_" + one.state)))))
        : null,
      rest.length
        ? h("button", { type: "button", className: "contact-more", "aria-expanded": every, onClick: () => setEvery(!every) },
            say(every ? "card.items_fewer" : "card.items_all", { count: missing.items.length })) : null
    );
  }

  /** How much each part of the need contributes. */
  contact.Parts = function ({ parts, total }) {
    return h("div", { className: "contact-parts" },
      h("p", null, say("card.need"), " ", h("strong", null, number(total * 100, 0))),
      h("span", { className: "contact-stack", "aria-hidden": true },
        parts.map((part, at) => h("span", { key: part.id, className: "part-" + at, style: { flexGrow: Math.max(0.001, part.share) } }))),
      h("ul", null,
        parts.map((part, at) =>
          h("li", { key: part.id, className: "part-" + at }, part.label + " " + number(part.share * 100, 0) + "%")))
    );
  };

  function Record({ ctx, code, seq }) {
    const [open, setOpen] = useState(false);
    const [told, setTold] = useState(null);
    const [problem, setProblem] = useState(null);
    useEffect(() => {
      if (!open) return undefined;
      let stale = false;
      contact.read("/ledger/villages/" + encodeURIComponent(code) + "/record").then(
        (body) => !stale && (setTold(body), setProblem(null)),
        (why) => !stale && setProblem(why)
      );
      return () => {
        stale = true;
      };
    }, [open, code, seq]);
    return h("details", { className: "contact-fold", onToggle: (event) => setOpen(event.currentTarget.open) },
      h("summary", null, say("card.record")),
      h(Trouble, { problem }),
      told && !told.visits.length && !told.problems.length && !told.events.length
        ? h("p", { className: "contact-quiet" }, say("card.no_record")) : null,
      told && told.problems.length
        ? h("section", null, h("h4", null, say("card.problems")),
            h("ul", { className: "contact-rows" }, told.problems.map((one) => h(contact.ProblemRow, { key: one.id, ctx, problem: one }))))
        : null,
      told && told.visits.length
        ? h("section", null, h("h4", null, say("card.visits")),
            h("ul", { className: "contact-rows" }, told.visits.map((one) => h(contact.VisitRow, { key: one.id, ctx, visit: one }))))
        : null,
      told && told.events.length
        ? h("section", null, h("h4", null, say("card.events")),
            h("ol", { className: "contact-events" },
              told.events.map((one, at) =>
                h("li", { key: at }, h("time", null, contact.dayText(one.day)), " ", one.who, " ", one.sentence,
                  one.reason ? h("span", { className: "contact-quiet" }, say("card.because", { reason: one.reason })) : null))))
        : null
    );
  }

  /** What stands against a pick, said before it is tried. */
  function Breaches({ breaches, near, onOpen }) {
    const hard = breaches.some((one) => !one.can_override);
    return h("div", { className: "contact-breach" + (hard ? " hard" : ""), id: "contact-breach" },
      icon(hard ? "ban" : "warn"),
      h("div", null,
        h("p", { className: "contact-breach-title" }, say(hard ? "card.cannot" : "card.against")),
        h("ul", null, breaches.map((one) => h("li", { key: one.rule + one.sentence }, one.sentence))),
        hard && near.length ? h(Near, { near, onOpen }) : null));
  }

  /** What may be done with a pick: what the server says, and nothing else. */
  function PickRow({ ctx, pick, village, onBusy }) {
    const [run, busy, problem, setProblem] = contact.useAct(ctx);
    const [asking, setAsking] = useState("");
    const [other, setOther] = useState("");
    const title = say(pick.mine ? "card.mine" : "card.of", { name: pick.member_label });
    const order = (step, body) => ({
      path: "/ledger/picks/" + pick.id + "/" + step, body, village,
      label: say("outbox." + step, { name: pick.name }),
    });
    const go = async (step, body) => {
      if (await run(order(step, body))) setAsking("");
    };
    const start = (step) => {
      setProblem(null);
      setAsking(step);
    };
    const reasoned = pick.mine && !ctx.may("direct");
    const swaps = ctx.state.picks.filter((one) => one.id !== pick.id && one.member !== pick.member && one.can.indexOf("swap") >= 0);
    const buttons = {
      accept: () => h(Button, { key: "accept", kind: "primary", name: "tick", busy, onClick: () => go("accept", { override: "" }) }, say("act.accept")),
      decline: () => h(Button, { key: "decline", name: "cross", onClick: () => start("decline") }, say("act.decline")),
      confirm: () => h(Button, { key: "confirm", kind: "primary", name: "tick", busy, onClick: () => go("confirm", {}) }, say("act.confirm")),
      undo: () => h(Button, { key: "undo", name: "undo", busy, onClick: () => go("undo", {}) }, say("act.undo")),
      swap: () => h(Button, { key: "swap", name: "swap", onClick: () => start("swap") }, say("act.swap")),
      release: () => h(Button, { key: "release", name: "cross", onClick: () => start("release") }, say("act.release")),
    };
    return h("section", { className: "contact-pick", "data-state": pick.state },
      h("p", { className: "contact-pick-title" },
        h(Mark, { kind: pick.state === "proposed" ? "proposal" : pick.mine ? "mine" : "other",
          initial: pick.member_label.slice(0, 1), under: pick.state === "confirmed" ? "confirmed" : "" }),
        h("span", null, h("strong", null, title), " ", h("span", { className: "contact-state" }, pick.state_label),
          pick.override ? h("span", { className: "contact-quiet" }, say("card.override", { reason: pick.override })) : null)),
      asking === "swap"
        ? h(Ask, {
            label: say("act.swap_why"), action: say("act.swap"), needed: true, busy, problem, onCancel: () => setAsking(""),
            onSend: (reason) => other && run({
              path: "/ledger/swap", body: { a: pick.id, b: other, reason }, village, label: say("outbox.swap", { name: pick.name }),
            }).then((body) => body && setAsking("")),
          },
            h("label", null, say("act.swap_with"),
              h("select", { value: other, autoFocus: true, onChange: (event) => setOther(event.target.value) },
                h("option", { value: "" }, say("choose")),
                swaps.map((one) => h("option", { key: one.id, value: one.id }, one.member_label + " · " + one.name)))))
        : asking
          ? h(Ask, {
              label: say("act." + asking + "_why"), action: say("act." + asking), needed: asking === "release" && !reasoned,
              kind: "danger", busy, problem, onCancel: () => setAsking(""), onSend: (reason) => go(asking, { reason }),
            })
          : h("div", { className: "contact-row" },
              pick.can.filter((one) => buttons[one]).map((one) => buttons[one]())),
      asking ? null : h(Trouble, { problem, onOpen: ctx.select })
    );
  }

  /** Why a village matters, and what can be done about it. */
  contact.Card = function ({ ctx, code, byKeys, onBack, onForm }) {
    const { state } = ctx;
    const { why, problem: unread, again } = useVillage(code, state ? state.seq : 0, state ? state.me.id : "");
    const [run, busy, problem, setProblem] = contact.useAct(ctx);
    const [asking, setAsking] = useState("");
    const [member, setMember] = useState("");
    const heading = useRef(null);
    const place = ctx.places.get(code);
    const name = (why && why.name) || (place && place.name) || code;
    const waiting = ctx.entries.filter((entry) => entry.village === code);

    useEffect(() => {
      setProblem(null);
      setAsking("");
    }, [code]);
    const there = Boolean(why && state);
    useEffect(() => {
      // For who steers by keys reading goes on here, while waiting and once it is there.
      if (byKeys && heading.current) heading.current.focus({ preventScroll: true });
    }, [code, there]);
    useEffect(() => {
      if (why) ctx.located(why);
    }, [why]);

    const can = (what) => Boolean(why) && why.can.indexOf(what) >= 0;
    const breaches = (why && why.breaches) || [];
    const hard = breaches.some((one) => !one.can_override);
    const picks = why ? why.picks : [];
    const mine = picks.find((pick) => pick.mine && pick.state !== "proposed");
    const pick = async (override) => {
      const body = await run({
        path: "/ledger/picks", body: { village: code, override }, village: code,
        label: say("outbox.pick", { name }),
      });
      if (body) setAsking("");
      else again();
    };
    const wish = () => {
      if (!can("pick") || mine || busy) return;
      if (breaches.length) setAsking("override");
      else pick("");
    };
    useEffect(() => {
      const key = (event) => {
        if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
        if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
        if (event.key === "p" || event.key === "P") {
          event.preventDefault();
          wish();
        } else if (event.key === "Escape") {
          event.preventDefault();
          onBack();
        }
      };
      document.addEventListener("keydown", key);
      return () => document.removeEventListener("keydown", key);
    });

    const head = h("header", { className: "contact-card-head" },
      h("button", { type: "button", className: "contact-back", onClick: onBack, "aria-label": say("card.back"), title: say("card.back") }, icon("back")),
      h("div", null,
        h("h2", { ref: heading, tabIndex: -1 }, name),
        why ? h("p", { className: "contact-quiet" }, why.path.slice(1).map((one) => one.name).join(" › ")) : null),
      why ? h("span", { className: "contact-tag" + (why.target ? " on" : "") }, why.target_label) : null
    );
    if (!there) {
      return h("article", { className: "contact-card" }, head,
        unread ? h(Trouble, { problem: unread }) : h("p", { className: "contact-quiet", role: "status" }, say("card.loading")),
        unread ? h(Button, { onClick: again }, say("again")) : null);
    }
    const { income, missing } = why;
    return h("article", { className: "contact-card", "aria-label": name },
      h("div", { className: "contact-scroll" },
        head,
        unread ? h("p", { className: "contact-quiet" }, say("card.old")) : null,
        picks.map((one) => h(PickRow, { key: one.id, ctx, pick: one, village: code })),
        income
          ? h("section", { className: "contact-fact" },
              h("h3", null, income.label),
              h("p", { className: "contact-big" }, h("strong", null, income.text)),
              income.sentence ? h("p", null, income.sentence) : null,
              h(Spark, { points: income.points, goal: income.goal, digits: income.digits, unit: income.unit, label: income.label + "：" + income.sentence }))
          : null,
        h(Items, { missing }),
        h("section", { className: "contact-fact contact-last" + (why.visit ? "" : " never") },
          h("h3", null, say("card.visit")), h("p", null, icon("clock"), why.visit_sentence)),
        why.problems.open
          ? h("section", { className: "contact-fact" }, h("h3", null, say("card.problems")),
              h("p", null, icon("warn"), why.problems.sentence)) : null,
        why.observations.length
          ? h("section", { className: "contact-fact" }, h("h3", null, say("card.observed")),
              h("ul", null, why.observations.map((one, at) =>
                h("li", { key: at, className: one.contradicts ? "contact-contradicts" : "" },
                  say(one.contradicts ? "card.contradicts" : "card.agrees", {
                    label: one.label, reported: one.reported_text, seen: one.seen_text,
                    day: contact.dayText(one.day), who: one.author_label })))))
          : null,
        why.changes.length
          ? h("section", { className: "contact-fact" }, h("h3", null, say("card.changes")),
              h("ul", null, why.changes.map((text) => h("li", { key: text }, text)))) : null,
        why.need ? h("section", { className: "contact-fact" }, h(contact.Parts, { parts: why.need.parts, total: why.need.total })) : null,
        why.units.length
          ? h("section", { className: "contact-fact" }, h("h3", null, say("card.units")), h("p", null, why.units.join("、"))) : null,
        h(Record, { ctx, code, seq: state ? state.seq : 0 }),
        h("p", { className: "contact-links" },
          h("a", { href: why.sheet.html, target: "_blank", rel: "noopener" }, icon("print"), say("card.sheet")),
          h("a", { href: why.sheet.xlsx, download: "" }, say("card.xlsx")))
      ),
      h("footer", { className: "contact-foot" },
        waiting.length ? h("p", { className: "contact-unsent" }, icon("send"), say("card.unsent", { label: waiting[0].label })) : null,
        asking === "override"
          ? h(Ask, {
              label: say("card.override_why"), hint: say("card.override_hint"), action: say("card.override_pick"), needed: true,
              busy, problem, onOpen: ctx.select, onCancel: () => setAsking(""), onSend: pick,
            }, h(Breaches, { breaches, near: [], onOpen: ctx.select }))
          : asking === "assign"
            ? h(Ask, {
                label: say("act.assign_why"), action: say("act.assign"), busy, problem, onOpen: ctx.select, onCancel: () => setAsking(""),
                onSend: (override) => member && run({
                  path: "/ledger/picks", body: { village: code, member, override }, village: code, label: say("outbox.assign", { name }),
                }).then((body) => body && setAsking("")),
              },
                h("label", null, say("act.assign_to"),
                  h("select", { value: member, autoFocus: true, onChange: (event) => setMember(event.target.value) },
                    h("option", { value: "" }, say("choose")),
                    state.members.map((one) =>
                      h("option", { key: one.id, value: one.id }, say("act.assign_member", { name: one.label, used: one.used, places: one.places }))))))
            : h(contact.Fragment, null,
                ctx.may("pick") && !mine && breaches.length ? h(Breaches, { breaches, near: why.near, onOpen: ctx.select }) : null,
                h(Trouble, { problem, onOpen: ctx.select }),
                h("div", { className: "contact-row" },
                  ctx.may("pick") && !mine && !hard && can("pick")
                    ? h(Button, {
                        kind: "primary big", name: "tick", busy, onClick: wish, "aria-keyshortcuts": "p",
                        "aria-describedby": breaches.length ? "contact-breach" : undefined,
                      }, say(breaches.length ? "card.pick_anyway" : "card.pick")) : null,
                  can("assign") ? h(Button, { name: "person", onClick: () => { setProblem(null); setAsking("assign"); } }, say("act.assign")) : null,
                  can("visit") ? h(Button, { kind: mine ? "primary" : "", name: "pen", onClick: () => onForm("visit") }, say("card.write_visit")) : null,
                  can("problem") ? h(Button, { name: "flag", onClick: () => onForm("problem") }, say("card.write_problem")) : null))
      )
    );
  };
})();
