/* The tab of what is one's own: places, contact points, what is due, what waits unsent; the office sees all members. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});
  const { useEffect, useState } = window.React;
  const h = window.React.createElement;
  const { Button, Mark, Trouble, icon, say } = contact;

  /* ---- unsent ------------------------------------------------------------------------------- */

  /** What was decided or begun and has not reached the server; nothing leaves here in silence. */
  contact.Unsent = function ({ ctx, drafts, onDraft }) {
    if (!ctx.entries.length && !drafts.length) return null;
    return h("section", { className: "contact-outbox", "aria-label": say("outbox.title") },
      h("h3", null, icon("send"), say("outbox.title")),
      contact.keep.works ? null : h("p", { className: "contact-trouble-error" }, say("outbox.not_kept")),
      h("ul", null,
        ctx.entries.map((entry) =>
          h("li", { key: entry.key, className: entry.problem ? "refused" : "" },
            h("p", null, h("strong", null, entry.label), " ",
              h("span", { className: "contact-state" },
                say(entry.problem ? "outbox.refused" : entry.answer ? "outbox.photos" : "outbox.unsent", { count: entry.photos.length }))),
            h(Trouble, { problem: entry.problem, onOpen: ctx.select }),
            h("div", { className: "contact-row" },
              entry.problem && entry.draft
                ? h(Button, { name: "pen", onClick: () => {
                    ctx.wire.discard(entry.key);
                    onDraft("visit", entry.village);
                  } }, say("outbox.mend"))
                : h(Button, { name: "send", onClick: () => ctx.wire.retry(entry.key) }, say("outbox.send")),
              h(Button, { name: "cross", onClick: () => ctx.wire.discard(entry.key) }, say("outbox.discard"))))),
        drafts.map((draft) =>
          h("li", { key: draft.name },
            h("p", null, h("strong", null, say("outbox.draft_" + draft.kind, { name: draft.village_name })), " ",
              h("span", { className: "contact-state" }, say("outbox.begun"))),
            h("div", { className: "contact-row" },
              h(Button, { name: "pen", onClick: () => onDraft(draft.kind, draft.village) }, say("outbox.go_on")),
              h(Button, { name: "cross", onClick: () => {
                contact.drafts.drop(draft.name);
                ctx.refresh();
              } }, say("outbox.discard"))))))
    );
  };

  /* ---- reminders ---------------------------------------------------------------------------- */

  contact.useReminders = function (state) {
    const [told, setTold] = useState(null);
    const seq = state ? state.seq : -1;
    useEffect(() => {
      if (seq < 0) return undefined;
      let stale = false;
      contact.read("/ledger/reminders", { background: true }).then(
        (body) => !stale && setTold(body),
        () => undefined // The next change of the ledger asks again; nothing hangs on it.
      );
      return () => {
        stale = true;
      };
    }, [seq]);
    return told;
  };

  contact.Reminders = function ({ ctx, told }) {
    const [all, setAll] = useState(false);
    if (!told || !told.due.length) return null;
    const shown = all ? told.due : told.due.slice(0, 4);
    const open = (one) => (one.problem ? ctx.openProblem(one.problem) : ctx.select(one.village));
    return h("section", { className: "contact-due", "aria-label": say("due.title") },
      h("h3", null, icon("clock"), say("due.title"), h("span", { className: "contact-count" }, told.due.length)),
      h("ul", null, shown.map((one, at) =>
        h("li", { key: at },
          h("button", { type: "button", className: one.overdue ? "late" : "", onClick: () => open(one) },
            icon(one.kind === "visit" ? "clock" : one.kind === "proposed" ? "pin" : "flag"),
            h("span", null, one.sentence),
            one.overdue ? h("span", { className: "contact-flag" }, say("due.late")) : null)))),
      told.due.length > shown.length
        ? h("button", { type: "button", className: "contact-more", onClick: () => setAll(true) }, say("due.all", { count: told.due.length })) : null
    );
  };

  /* ---- members and their villages ------------------------------------------------------------- */

  /** Places taken and free, as many marks as there are places. */
  function Places({ used, places }) {
    const marks = [];
    for (let at = 0; at < Math.max(places, used); at++) {
      marks.push(h("span", { key: at, className: at < used ? "taken" : "" }));
    }
    return h("span", { className: "contact-places", role: "img", "aria-label": say("mine.places", { used, places }) }, marks);
  }

  function PickLine({ ctx, pick }) {
    const { state } = ctx;
    const [run, busy, problem] = contact.useAct(ctx);
    const confirm = () =>
      run({ path: "/ledger/picks/" + pick.id + "/confirm", village: pick.village, label: say("outbox.confirm", { name: pick.name }) });
    const late = state.due.indexOf(pick.village) >= 0;
    const problems = state.problems[pick.village];
    const seen = state.visits[pick.village];
    return h("li", null,
      h("button", { type: "button", className: "contact-village", onClick: (event) => ctx.select(pick.village, event.detail === 0) },
        h(Mark, {
          kind: pick.state === "proposed" ? "proposal" : pick.mine ? "mine" : "other",
          initial: pick.member_label.slice(0, 1), under: pick.state === "confirmed" ? "confirmed" : "",
        }),
        h("span", { className: "contact-village-name" }, pick.name, h("span", { className: "contact-quiet" }, pick.district_name)),
        h("span", { className: "contact-village-facts" },
          h("span", { className: "contact-state" }, pick.state_label),
          late ? h("span", { className: "contact-flag" }, icon("clock"), say("list.due"))
            : h("span", { className: "contact-quiet" }, seen ? say("mine.visited", { day: contact.dayText(seen) }) : say("mine.never")),
          problems ? h("span", { className: "contact-flag" }, icon("warn"), say("mine.problems", { count: problems.open })) : null)),
      pick.can.indexOf("confirm") >= 0
        ? h(Button, { name: "tick", busy, onClick: confirm, "aria-label": say("mine.confirm", { name: pick.name }) }, say("act.confirm")) : null,
      h(Trouble, { problem, onOpen: ctx.select }));
  }

  function Member({ ctx, member, picks }) {
    return h("details", { className: "contact-fold contact-member" },
      h("summary", null, h("strong", null, member.label), h("span", { className: "contact-quiet" }, member.unit),
        h(Places, member)),
      picks.length
        ? h("ul", { className: "contact-rows" }, picks.map((pick) => h(PickLine, { key: pick.id, ctx, pick })))
        : h("p", { className: "contact-quiet" }, say("mine.none")),
      h("p", { className: "contact-links" },
        h("a", { href: "/ledger/sheets/members/" + member.id, target: "_blank", rel: "noopener" }, icon("print"), say("mine.sheet"))));
  }

  contact.Mine = function ({ ctx, reminders, drafts, onDraft }) {
    const { state } = ctx;
    const unsent = h(contact.Unsent, { ctx, drafts, onDraft });
    if (!state) return h("div", { className: "contact-mine" }, unsent, h("p", { className: "contact-quiet" }, say("card.loading")));
    const { me } = state;
    const mine = state.picks.filter((pick) => pick.mine);
    const unreached = state.districts.filter((one) => !one.reached);
    const of = (member) => state.picks.filter((pick) => pick.member === member.id);
    return h("div", { className: "contact-mine" },
      h("header", null,
        h("h2", null, me.label), h("span", { className: "contact-quiet" }, [me.role_label, me.unit].filter(Boolean).join(" · ")),
        me.places ? h("p", { className: "contact-quota" }, h(Places, me), say("mine.places", me)) : null),
      unsent,
      h(contact.Reminders, { ctx, told: reminders }),
      ctx.may("pick")
        ? h("section", null,
            h("h3", null, say("mine.title")),
            mine.length
              ? h("ul", { className: "contact-rows" }, mine.map((pick) => h(PickLine, { key: pick.id, ctx, pick })))
              : h("p", { className: "contact-empty" }, say("mine.empty")),
            mine.length ? h("p", { className: "contact-links" },
              h("a", { href: "/ledger/sheets/members/" + me.id, target: "_blank", rel: "noopener" }, icon("print"), say("mine.sheet")),
              h("a", { href: "/ledger/sheets/members/" + me.id + ".xlsx", download: "" }, say("card.xlsx"))) : null)
        : null,
      h("section", null,
        h("h3", null, say("mine.districts")),
        h("p", { className: "contact-quiet" },
          unreached.length ? say("mine.unreached", { names: unreached.map((one) => one.name).join("、") }) : say("mine.all_reached")),
        h("ul", { className: "contact-districts" }, state.districts.map((one) =>
          h("li", { key: one.code },
            h("button", { type: "button", className: "contact-chip" + (one.reached ? "" : " empty"), onClick: () => ctx.go(one.code) },
              one.name, h("span", { className: "contact-count" }, one.picks)))))),
      ctx.may("direct")
        ? h("section", null, h("h3", null, say("mine.members", { count: state.members.length })),
            state.members.map((member) => h(Member, { key: member.id, ctx, member, picks: of(member) })))
        : null,
      state.rules.sentences.length
        ? h("details", { className: "contact-fold" }, h("summary", null, say("mine.rules")),
            h("ul", { className: "contact-plain" }, state.rules.sentences.map((text) => h("li", { key: text }, text))))
        : null
    );
  };
})();
