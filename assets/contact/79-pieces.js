/* What the parts of the contact-points screen share: words, drawings, buttons that tell how it went. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});
  const { Fragment, useEffect, useRef, useState } = window.React;
  const h = window.React.createElement;

  const LONGEST_REASON = 200; // the server takes no longer one of a problem or a visit

  /* ---- words ---------------------------------------------------------------------------- */

  contact.words = {};

  /** The sentence behind a key of the catalogue's section `contact`, with `{names}` filled in. */
  const say = (contact.say = (key, values) =>
    String(contact.words[key] || "").replace(/\{(\w+)\}/g, (whole, name) =>
      values && values[name] !== undefined && values[name] !== null ? String(values[name]) : ""
    ));

  const two = (number) => String(number).padStart(2, "0");

  /** A Date as the day that calendars and the ledger spell: 2024-11-02. */
  contact.dayOf = (date) =>
    date.getFullYear() + "-" + two(date.getMonth() + 1) + "-" + two(date.getDate());

  /** 11月2日, with the year when it is another one. */
  contact.dayText = (day) => {
    const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(day || "");
    if (!match) return "";
    const own = Number(match[1]) === new Date().getFullYear();
    return say(own ? "day.short" : "day.long", {
      year: match[1], month: Number(match[2]), day: Number(match[3]),
    });
  };

  /** 14:05 of a moment. */
  contact.clock = (moment) => {
    const date = new Date(moment);
    return two(date.getHours()) + ":" + two(date.getMinutes());
  };

  /* ---- drawings ------------------------------------------------------------------------- */

  const ICONS = {
    back: "M15 5l-7 7l7 7",
    tick: "M5 12.5l4.5 4.5L19 7.5",
    cross: "M6 6l12 12M18 6L6 18",
    pin: "M9 4h6l-1 6l3 3H7l3-3zM12 13v7",
    ban: "M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16zM6.5 6.5l11 11",
    clock: "M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16zM12 8v4.5l3 2",
    warn: "M12 4L2.5 20h19zM12 10v5M12 17.5v.2",
    camera: "M4 8h4l1.5-2.5h5L16 8h4v11H4zM12 10.5a3 3 0 1 1 0 6a3 3 0 0 1 0-6z",
    pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
    print: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
    swap: "M4 8h14l-3.5-3.5M20 16H6l3.5 3.5",
    undo: "M9 7l-5 5l5 5M4 12h11a5 5 0 0 1 5 5v1",
    send: "M4 12L20 5l-5 15l-3.5-6zM11.5 14L20 5",
    flag: "M6 21V4h12l-3 4.5L18 13H6",
    person: "M12 4a4 4 0 1 1 0 8a4 4 0 0 1 0-8zM4.5 21a7.5 7.5 0 0 1 15 0",
    down: "M6 9l6 6l6-6",
  };

  /** A line drawing of 24 units; decoration only, the words beside it speak. */
  const icon = (contact.icon = (name) =>
    h("svg", { className: "icon", viewBox: "0 0 24 24", "aria-hidden": true, focusable: false },
      h("path", { d: ICONS[name] })
    ));

  /* ---- pieces --------------------------------------------------------------------------- */

  /** A button with a drawing and a word. */
  contact.Button = function ({ name, kind, busy, children, ...rest }) {
    return h("button", {
      type: "button", "data-busy": busy || undefined, ...rest,
      className: "contact-button" + (kind ? " " + kind : "") + (rest.className ? " " + rest.className : ""),
    }, name ? icon(name) : null, h("span", null, children));
  };

  /* The one sentence on the screen that is about a field. */
  const TROUBLE = "contact-trouble";

  /**
   * What a field says of itself when it was refused: attributes for its control.
   *
   * `names` : what the server may call it; the first of its own or of a row, "problems.0.said".
   */
  contact.wrong = (problem, ...names) => {
    const fields = (problem && problem.fields) || {};
    return names.some((name) => fields[name])
      ? { "aria-invalid": true, "aria-describedby": TROUBLE } : {};
  };

  /** Leads to the field that was refused, once it says so: a form's ref. */
  contact.useWrong = function (problem) {
    const form = useRef(null);
    useEffect(() => {
      if (!problem || !form.current) return;
      const field = form.current.querySelector('[aria-invalid="true"]');
      if (!field) return;
      const control = field.matches("input, textarea, select, button") ? field : field.querySelector("input, textarea, select, button");
      if (control) control.focus({ preventScroll: true });
      // Only what scrolls in the panel: the page itself must stay where it is.
      const view = field.closest(".contact-scroll, .contact-foot");
      if (!view) return;
      const [box, own] = [view.getBoundingClientRect(), field.getBoundingClientRect()];
      view.scrollTop += own.top - box.top - Math.max(0, (box.height - own.height) / 2);
    }, [problem]);
    return form;
  };

  /** What was refused, why, and what lies near; near villages open by a tap. */
  contact.Trouble = function ({ problem, onOpen }) {
    const box = useRef(null);
    useEffect(() => {
      if (problem && box.current) box.current.scrollIntoView({ block: "nearest" });
    }, [problem]);
    if (!problem) return null;
    const named = problem.fields || {};
    const fields = Object.keys(named).map((name) => named[name]).filter((text) => text !== problem.error);
    return h("div", { ref: box, id: Object.keys(named).length ? TROUBLE : undefined, className: "contact-trouble", role: "alert" },
      icon("warn"),
      h("div", null,
        h("p", { className: "contact-trouble-error" }, problem.error),
        fields.map((text) => h("p", { key: text }, text)),
        (problem.breaches || []).filter((one) => one.sentence && one.sentence !== problem.error)
          .map((one) => h("p", { key: one.rule }, one.sentence)),
        problem.cure ? h("p", { className: "contact-quiet" }, problem.cure) : null,
        problem.near && problem.near.length ? h(contact.Near, { near: problem.near, onOpen }) : null
      )
    );
  };

  /** Free villages near by. */
  contact.Near = function ({ near, onOpen }) {
    return h("div", { className: "contact-near" },
      h("p", { className: "contact-quiet" }, say("card.near")),
      h("ul", null,
        near.map((one) =>
          h("li", { key: one.code },
            h("button", { type: "button", className: "contact-chip", onClick: () => onOpen(one.code) },
              one.name, h("span", { className: "contact-quiet" },
                say("card.km", { km: bangfu.say.number(one.km, one.km < 10 ? 1 : 0) }))))
        )
      )
    );
  };

  /**
   * A question that needs a sentence before something is done: why, what was done.
   *
   * `needed`: an empty answer is not sent. `children`: fields before the sentence.
   */
  contact.Ask = function ({ label, hint, action, kind, needed, busy, problem, onSend, onCancel, onOpen, children, first }) {
    const [text, setText] = useState(first || "");
    const field = useRef(null);
    const id = useRef("ask-" + Math.random().toString(36).slice(2));
    const form = contact.useWrong(problem);
    useEffect(() => {
      if (field.current && !children) field.current.focus();
    }, []);
    const lacks = needed && !text.trim();
    return h("form", {
      className: "contact-ask", ref: form,
      onSubmit: (event) => {
        event.preventDefault();
        if (!lacks && !busy) onSend(text.trim());
        else if (lacks) field.current.focus();
      },
      onKeyDown: (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onCancel();
      },
    },
      children,
      h("label", { htmlFor: id.current }, label, needed ? h("span", { className: "contact-needed" }, say("needed")) : null),
      h("textarea", {
        id: id.current, ref: field, rows: 2, maxLength: LONGEST_REASON, value: text, placeholder: hint || "",
        "aria-required": needed || undefined, onChange: (event) => setText(event.target.value),
        ...contact.wrong(problem, "reason", "override"),
      }),
      h(contact.Trouble, { problem, onOpen }),
      h("div", { className: "contact-row" },
        h(contact.Button, { type: "submit", kind: kind || "primary", busy, "aria-disabled": lacks || busy || undefined }, action),
        h(contact.Button, { onClick: onCancel }, say("cancel"))
      )
    );
  };

  /**
   * Runs a write and keeps how it went: [run, busy, problem, clear].
   *
   * `run(order)` resolves with the answer's body, or null when it was refused or waits unsent.
   */
  contact.useAct = function (ctx) {
    const [busy, setBusy] = useState("");
    const [problem, setProblem] = useState(null);
    const gone = useRef(false);
    useEffect(() => () => {
      gone.current = true;
    }, []);
    const run = async (order) => {
      if (busy) return null;
      setBusy(order.path);
      setProblem(null);
      const ended = await ctx.wire.submit(order);
      if (!gone.current) setBusy("");
      if (ended.ok) {
        ctx.done(ended.body, order);
        return ended.body;
      }
      if (ended.unsent) ctx.tell(say("outbox.kept"), "quiet");
      else if (!gone.current) setProblem(ended.problem);
      else ctx.tell(ended.problem.error, "bad");
      return null;
    };
    return [run, Boolean(busy), problem, setProblem];
  };

  /** A district's, unit's or member's share as a plain bar. */
  contact.Bar = ({ share, label }) =>
    h("span", { className: "contact-bar", role: "img", "aria-label": label },
      h("span", { style: { transform: "scaleX(" + Math.max(0, Math.min(1, share)) + ")" } }));

  /** A curve over the periods, its first and last value named; a dashed line is the goal. */
  contact.Spark = function ({ points, goal, digits, unit, label }) {
    const known = points.map((point, at) => ({ ...point, at })).filter((point) => bangfu.say.isNumber(point.value));
    if (known.length < 2) return null;
    const wide = 300;
    const high = 64;
    const top = Math.max(...known.map((point) => point.value), goal ? goal.value : 0) || 1;
    const x = (at) => 6 + (at / Math.max(1, points.length - 1)) * (wide - 12);
    const y = (value) => high - 8 - (value / top) * (high - 20);
    let path = "";
    known.forEach((point, index) => {
      const joined = index && known[index - 1].at === point.at - 1;
      path += (joined ? "L" : "M") + x(point.at).toFixed(1) + " " + y(point.value).toFixed(1);
    });
    const last = known[known.length - 1];
    const number = (value) => bangfu.say.number(value, digits);
    return h("figure", { className: "contact-spark" },
      h("svg", { viewBox: "0 0 " + wide + " " + high, role: "img", "aria-label": label, preserveAspectRatio: "none" },
        goal ? h("path", { className: "contact-goal", d: "M0 " + y(goal.value) + "H" + wide }) : null,
        h("path", { className: "contact-line", d: path }),
        h("path", { className: "contact-end", d: "M" + x(last.at) + " " + y(last.value) + "h.01" })
      ),
      h("figcaption", null,
        h("span", null, known[0].label + " " + number(known[0].value)),
        goal ? h("span", { className: "contact-quiet" }, goal.label) : null,
        h("span", null, last.label + " ", h("strong", null, number(last.value)), " " + unit))
    );
  };

  /** Choices beside one another, one of which holds; arrow keys change it. */
  contact.Choices = function ({ label, options, value, onChoose, wrong }) {
    const keys = (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = options.findIndex((one) => one.id === value);
      const next = options[(at + step + options.length) % options.length];
      onChoose(next.id);
      const row = event.currentTarget;
      window.requestAnimationFrame(() => {
        const chosen = row.querySelector('[aria-checked="true"]');
        if (chosen) chosen.focus();
      });
    };
    return h("div", { className: "contact-choices", role: "radiogroup", "aria-label": label, onKeyDown: keys, ...wrong },
      options.map((one, index) =>
        h("button", {
          key: one.id, type: "button", role: "radio", "aria-checked": one.id === value,
          tabIndex: one.id === value || (index === 0 && !options.some((other) => other.id === value)) ? 0 : -1,
          onClick: () => onChoose(one.id),
        }, one.label, one.count === undefined ? null : h("span", { className: "contact-count" }, one.count))
      )
    );
  };

  contact.Fragment = Fragment;
})();
