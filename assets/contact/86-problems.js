/* The tab of problems: the board by district, unit and month, and one problem on its way to being struck off. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});
  const { useEffect, useState } = window.React;
  const h = window.React.createElement;
  const { Ask, Bar, Button, Choices, Trouble, icon, say } = contact;
  const { number, isNumber } = bangfu.say;

  const STATES = ["open", "overdue", "sent_back", "struck_off"];
  const STEPS = ["found", "assigned", "fixed", "rechecked", "struck_off"];

  /** What a problem is on the map: overdue before sent back before open; struck off when all are. */
  contact.problemKind = (row) =>
    row.overdue ? "p-late" : row.sent_back ? "p-back" : row.open ? "p-open" : "struck";

  const kindOf = (problem) =>
    problem.state === "struck_off" ? "struck" : problem.overdue ? "p-late"
      : problem.sent_back && problem.state === "assigned" ? "p-back" : "p-open";

  contact.ProblemRow = function ({ ctx, problem }) {
    return h("li", null,
      h("button", { type: "button", className: "contact-village contact-problem-row", onClick: () => ctx.openProblem(problem.id) },
        h(contact.Mark, { kind: kindOf(problem) }),
        h("span", { className: "contact-village-name" }, problem.said,
          h("span", { className: "contact-quiet" }, [problem.village_name, problem.category_label, problem.owner_label].filter(Boolean).join(" · "))),
        h("span", { className: "contact-village-facts" },
          h("span", { className: "contact-state" }, problem.state_label),
          problem.overdue ? h("span", { className: "contact-flag" }, say("problem.late", { days: -problem.days_left }))
            : problem.deadline && problem.state !== "struck_off" ? h("span", { className: "contact-quiet" }, say("problem.until", { day: contact.dayText(problem.deadline) })) : null)));
  };

  /** The five steps, how far it is, and how often it came back. */
  function Steps({ problem }) {
    const at = STEPS.indexOf(problem.state);
    return h("ol", { className: "contact-steps", "aria-label": say("problem.steps") },
      STEPS.map((name, index) =>
        h("li", { key: name, className: index < at ? "past" : index === at ? "now" : "", "aria-current": index === at ? "step" : undefined },
          h("span", { "aria-hidden": true }, index < at || problem.state === "struck_off" ? "✓" : index + 1), say("problem." + name))));
  }

  /** To whom, and until when: the fields of assigning and of changing. */
  function Owner({ owners, value, onChange, today, refused }) {
    return h(contact.Fragment, null,
      h("label", null, say("problem.owner"),
        h("select", { value: value.owner, autoFocus: true, ...contact.wrong(refused, "owner"), onChange: (event) => onChange({ ...value, owner: event.target.value }) },
          h("option", { value: "" }, say("choose")),
          ["unit", "town", "district"].map((kind) => {
            const list = owners.filter((one) => one.kind === kind);
            return list.length
              ? h("optgroup", { key: kind, label: say("problem.owner_" + kind) },
                  list.map((one) => h("option", { key: one.id, value: kind + "/" + one.id }, one.label))) : null;
          }))),
      h("label", null, say("problem.deadline"),
        h("input", { type: "date", value: value.deadline, min: today, ...contact.wrong(refused, "deadline"), onChange: (event) => onChange({ ...value, deadline: event.target.value }) })));
  }

  const NEEDED = { fix: true, send_back: true, change: true };

  function Assigning({ ctx, problem, step, run, busy, refused, onCancel, onDone, send }) {
    const [forms, unread] = contact.useForms(problem.village);
    const [value, setValue] = useState({
      owner: problem.owner ? problem.owner_kind + "/" + problem.owner : "", deadline: problem.deadline,
    });
    const [lacks, setLacks] = useState(null);
    if (!forms) return unread ? h(Trouble, { problem: unread }) : h("p", { className: "contact-quiet" }, say("card.loading"));
    return h(Ask, {
      label: say("step." + step + "_why"), action: say("step." + step), needed: NEEDED[step], busy, onCancel,
      problem: lacks || refused,
      onSend: (reason) => {
        if (!value.owner || !value.deadline) {
          const error = say("problem.assign_lacks");
          setLacks({ error, fields: { [value.owner ? "deadline" : "owner"]: error } });
          return;
        }
        setLacks(null);
        const cut = value.owner.indexOf("/");
        send({ owner_kind: value.owner.slice(0, cut), owner: value.owner.slice(cut + 1), deadline: value.deadline, reason });
      },
    }, h(Owner, { owners: forms.owners, value, onChange: setValue, today: forms.today, refused: lacks || refused }));
  }

  /** One problem: where it stands, its history, and the steps that this person may take. */
  contact.Problem = function ({ ctx, id, onBack }) {
    const [told, setTold] = useState({ id: "", problem: null, why: null });
    const [run, busy, refused, setRefused] = contact.useAct(ctx);
    const [asking, setAsking] = useState("");
    const seq = ctx.state ? ctx.state.seq : 0;
    useEffect(() => {
      let stale = false;
      contact.read("/ledger/problems/" + encodeURIComponent(id)).then(
        (problem) => !stale && setTold({ id, problem, why: null }),
        (why) => !stale && setTold((before) => ({ id, problem: before.id === id ? before.problem : null, why }))
      );
      return () => {
        stale = true;
      };
    }, [id, seq]);
    useEffect(() => {
      const key = (event) => {
        if (event.key !== "Escape" || event.defaultPrevented || asking) return;
        event.preventDefault();
        onBack();
      };
      document.addEventListener("keydown", key);
      return () => document.removeEventListener("keydown", key);
    });
    const problem = told.problem;
    const back = h("button", { type: "button", className: "contact-back", "aria-label": say("problem.back"), title: say("problem.back"), onClick: onBack }, icon("back"));
    if (!problem) {
      return h("article", { className: "contact-card" }, h("header", { className: "contact-card-head" }, back),
        told.why ? h(Trouble, { problem: told.why }) : h("p", { className: "contact-quiet", role: "status" }, say("card.loading")));
    }
    const send = async (step, body) => {
      const answer = await run({
        path: "/ledger/problems/" + problem.id + "/" + step, body, village: problem.village, label: say("outbox.step", { step: say("step." + step), name: problem.village_name }),
      });
      if (!answer) return;
      setAsking("");
      setTold((before) => ({ ...before, problem: { ...answer.problem, history: answer.problem.history || (before.problem && before.problem.history) } }));
    };
    const start = (step) => {
      setRefused(null);
      setAsking(step);
    };
    const row = (name, text) => (text ? [h("dt", { key: name }, say("problem." + name)), h("dd", { key: name + "-d" }, text)] : null);
    const main = { assign: 1, fix: 1, recheck: 1, strike_off: 1 };
    return h("article", { className: "contact-card contact-problem", "data-state": problem.state },
      h("div", { className: "contact-scroll" },
        h("header", { className: "contact-card-head" }, back,
          h("div", null, h("h2", { tabIndex: -1 }, problem.category_label),
            h("p", null, h("button", { type: "button", className: "contact-more", onClick: () => ctx.select(problem.village) }, problem.village_name),
              h("span", { className: "contact-quiet" }, " " + problem.district_name))),
          problem.overdue ? h("span", { className: "contact-tag bad" }, say("problem.late", { days: -problem.days_left })) : null),
        h(Steps, { problem }),
        problem.sent_back ? h("p", { className: "contact-flag" }, say("problem.came_back", { count: problem.sent_back })) : null,
        h("p", { className: "contact-said" }, problem.said),
        h("dl", { className: "contact-facts" },
          row("owner", problem.owner_label), row("deadline", contact.dayText(problem.deadline)),
          row("found", [contact.dayText(problem.found_on), problem.found_by_label].filter(Boolean).join(" ")),
          row("fixed", problem.fixed_by_label), row("rechecked", problem.rechecked_by_label)),
        problem.history && problem.history.length
          ? h("details", { className: "contact-fold", open: true }, h("summary", null, say("problem.history")),
              h("ol", { className: "contact-events" }, problem.history.map((one, at) =>
                h("li", { key: at }, h("time", null, contact.dayText(one.day)), " ", one.who, " ", one.sentence,
                  one.reason ? h("span", { className: "contact-quiet" }, say("card.because", { reason: one.reason })) : null))))
          : null),
      !problem.can.length && !problem.why_not && !refused ? null : h("footer", { className: "contact-foot" },
        problem.why_not ? h("p", { className: "contact-quiet" }, problem.why_not) : null,
        asking === "assign" || asking === "change"
          ? h(Assigning, { ctx, problem, step: asking, busy, refused, onCancel: () => setAsking(""), send: (body) => send(asking, body) })
          : asking
            ? h(Ask, {
                label: say("step." + asking + "_why"), action: say("step." + asking), needed: NEEDED[asking], busy, problem: refused,
                kind: asking === "send_back" ? "danger" : "primary", onCancel: () => setAsking(""),
                onSend: (reason) => send(asking, { reason }),
              })
            : h(contact.Fragment, null, h(Trouble, { problem: refused }),
                h("div", { className: "contact-row" }, problem.can.map((step) =>
                  h(Button, { key: step, kind: main[step] ? "primary" : "", onClick: () => start(step) }, say("step." + step))))))
    );
  };

  /* ---- the board ---------------------------------------------------------------------------- */

  /** What the board says for a filter; asked again when the ledger has changed. */
  contact.useBoard = function (wanted, filter, seq) {
    const [told, setTold] = useState({ query: "", board: null, problem: null });
    const query = ["district", "unit", "state", "category", "page"].filter((key) => filter[key])
      .map((key) => key + "=" + encodeURIComponent(filter[key])).join("&");
    useEffect(() => {
      if (!wanted || seq < 0) return undefined;
      let stale = false;
      contact.read("/ledger/board" + (query ? "?" + query : ""), { background: true }).then(
        (board) => !stale && setTold({ query, board, problem: null }),
        (problem) => !stale && setTold((before) => ({ ...before, problem }))
      );
      return () => {
        stale = true;
      };
    }, [wanted, query, seq]);
    return told;
  };

  function Table({ title, first, rows, onChoose, chosen }) {
    const most = Math.max(1, ...rows.map((row) => row.open + row.struck_off));
    return h("table", { className: "contact-table" },
      h("caption", null, title),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, first), STATES.map((name) => h("th", { key: name, scope: "col" }, say("board." + name))))),
      h("tbody", null, rows.map((row) =>
        h("tr", { key: row.id, "data-chosen": chosen === row.id || undefined },
          h("th", { scope: "row" },
            h("button", { type: "button", className: "contact-more", "aria-pressed": chosen === row.id, onClick: () => onChoose(chosen === row.id ? "" : row.id) }, row.label),
            h(Bar, { share: (row.open + row.struck_off) / most, label: say("board.all", { count: row.open + row.struck_off }) })),
          STATES.map((name) => h("td", { key: name, className: row[name] ? name : "none" }, row[name]))))));
  }

  /** Found, put right and struck off by month: Suining's three figures, as they grow. */
  function Months({ months }) {
    const most = Math.max(1, ...months.map((one) => Math.max(one.found, one.put_right, one.struck_off)));
    const bar = (name, value) =>
      h("td", { className: name }, h("span", { className: "contact-month-bar", style: { width: (value / most) * 2.1 + "rem" }, "aria-hidden": true }), value);
    return h("table", { className: "contact-table contact-months" },
      h("caption", null, say("board.months")),
      h("thead", null, h("tr", null, ["month", "found", "put_right", "struck_off", "rate"].map((name) => h("th", { key: name, scope: "col" }, say("board." + name))))),
      h("tbody", null, months.map((one) =>
        h("tr", { key: one.id }, h("th", { scope: "row" }, one.label), bar("found", one.found), bar("put_right", one.put_right), bar("struck", one.struck_off),
          h("td", null, isNumber(one.rate) ? number(one.rate, 0) + "%" : "—")))));
  }

  contact.Board = function ({ ctx, told, filter, setFilter, reminders }) {
    const { board, problem } = told;
    if (!board) {
      return h("div", { className: "contact-board" }, problem ? h(Trouble, { problem }) : h("p", { className: "contact-quiet" }, say("card.loading")));
    }
    const set = (patch) => setFilter({ ...filter, page: "", ...patch });
    const { counts } = board;
    return h("div", { className: "contact-board" },
      h("h2", { className: "unseen" }, say("tab.problems")),
      h("p", { className: "contact-solved" }, board.sentence),
      h(contact.Reminders, { ctx, told: reminders }),
      h(Choices, {
        label: say("board.state"), value: filter.state || "", onChoose: (state) => set({ state }),
        options: [{ id: "", label: say("list.all"), count: counts.found }].concat(
          STATES.map((id) => ({ id, label: say("board." + id), count: counts[id] }))),
      }),
      h("div", { className: "contact-filters" },
        [["district", board.districts], ["unit", board.owners], ["category", board.categories]].map(([name, list]) =>
          h("label", { key: name }, h("span", { className: "unseen" }, say("board." + name)),
            h("select", { value: filter[name] || "", onChange: (event) => set({ [name]: event.target.value }) },
              h("option", { value: "" }, say("board.any_" + name)),
              list.map((one) => h("option", { key: one.id, value: one.id }, one.label)))))),
      h("h3", null, say("board.rows", { count: board.total })),
      board.rows.length
        ? h("ul", { className: "contact-rows" }, board.rows.map((one) => h(contact.ProblemRow, { key: one.id, ctx, problem: one })))
        : h("p", { className: "contact-empty" }, say("board.none")),
      board.pages > 1
        ? h("div", { className: "contact-row" },
            h(Button, { "aria-disabled": board.page <= 1 || undefined, onClick: () => board.page > 1 && setFilter({ ...filter, page: String(board.page - 1) }) }, say("board.earlier")),
            h("span", { className: "contact-quiet" }, say("board.page", board)),
            h(Button, { "aria-disabled": board.page >= board.pages || undefined, onClick: () => board.page < board.pages && setFilter({ ...filter, page: String(board.page + 1) }) }, say("board.later")))
        : null,
      h(Table, { title: say("board.by_district"), first: say("board.district"), rows: board.districts, chosen: filter.district || "", onChoose: (district) => set({ district }) }),
      h(Table, { title: say("board.by_unit"), first: say("board.unit"), rows: board.owners, chosen: filter.unit || "", onChoose: (unit) => set({ unit }) }),
      board.months.length ? h(Months, { months: board.months }) : null
    );
  };
})();
