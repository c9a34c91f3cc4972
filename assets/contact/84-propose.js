/* The tab of proposals: ask for one, see what each choice contributes, pin, forbid, solve again, take it. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});
  const { useEffect, useRef, useState } = window.React;
  const h = window.React.createElement;
  const { Button, Mark, Trouble, icon, say } = contact;
  const { number, isNumber } = bangfu.say;

  const ASK_MS = 400;
  const NEXT_MS = 500;
  const NEXT_LIMIT_MS = 60000;

  /**
   * What the best without a village would cost; solving takes seconds, so it is asked for and
   * waited for. Resolves with {sentence, village, cost}; with null once `isGone()`.
   */
  async function nextBest(ctx, job, village, isGone) {
    const problemOf = (problem) => ({ sentence: problem.error });
    let told;
    try {
      told = await contact.read("/ledger/proposals/" + job + "/next", {
        method: "POST", json: { village }, key: contact.identifier(), account: ctx.wire.account,
      });
    } catch (problem) {
      return problemOf(problem);
    }
    const path = "/ledger/proposals/" + told.job;
    const until = Date.now() + NEXT_LIMIT_MS;
    while (!/^(done|failed)$/.test(told.state)) {
      if (Date.now() > until) return { sentence: say("propose.next_late") };
      await new Promise((resolve) => window.setTimeout(resolve, NEXT_MS));
      if (isGone()) return null;
      try {
        told = await contact.read(path, { background: true });
      } catch (problem) {
        if (!problem.offline && !(problem.status >= 500)) return problemOf(problem);
      }
    }
    return told.next || { sentence: told.error };
  }

  /**
   * A proposal outlives its tab: the screen keeps it, so that it can be on the map, too.
   *
   * {job, told, problem, pins, forbid}, and what changes them.
   */
  contact.useProposal = function () {
    const [kept, setKept] = useState({ job: "", who: "", told: null, problem: null, pins: [], forbid: [] });
    useEffect(() => {
      const { job, told } = kept;
      if (!job || (told && told.job === job && /^(done|failed)$/.test(told.state))) return undefined;
      let stale = false;
      let timer = 0;
      const turn = () =>
        contact.read("/ledger/proposals/" + job, { background: true }).then(
          (body) => !stale && setKept((now) => ({ ...now, told: body, problem: null })),
          (problem) => {
            if (stale) return;
            if (problem.offline || problem.status >= 500) timer = window.setTimeout(turn, 2000);
            else setKept((now) => ({ ...now, job: "", problem }));
          }
        );
      timer = window.setTimeout(turn, told && told.job === job ? ASK_MS : 50);
      return () => {
        stale = true;
        window.clearTimeout(timer);
      };
    }, [kept.job, kept.told]);
    return [kept, setKept];
  };

  /** The choices that are on the map: those of the last answer. */
  contact.proposedOf = (kept) =>
    kept.told && kept.told.solution ? kept.told.solution.choices : [];

  function Choice({ ctx, choice, job, pinned, chosen, onPin, onForbid, onChosen }) {
    const [next, setNext] = useState(null);
    const [open, setOpen] = useState(false);
    const gone = useRef(false);
    useEffect(() => () => {
      gone.current = true;
    }, []);
    const more = async () => {
      setNext({ sentence: say("propose.counting") });
      const told = await nextBest(ctx, job, choice.village, () => gone.current);
      if (told && !gone.current) setNext(told);
    };
    return h("li", { className: "contact-choice", "data-village": choice.village },
      h("div", { className: "contact-choice-head" },
        h("label", { className: "contact-check" },
          h("input", { type: "checkbox", checked: chosen, onChange: () => onChosen(choice.village) }),
          h("span", { className: "unseen" }, say("propose.take", { name: choice.name }))),
        h("button", { type: "button", className: "contact-village", onClick: () => ctx.select(choice.village) },
          h(Mark, { kind: "proposal" }),
          h("span", { className: "contact-village-name" }, choice.name,
            h("span", { className: "contact-quiet" }, choice.district_name)),
          h("span", { className: "contact-village-facts" }, h("strong", null, number(choice.need * 100, 0)),
            isNumber(choice.km) ? h("span", { className: "contact-quiet" }, say("card.km", { km: number(choice.km, choice.km < 10 ? 1 : 0) })) : null)),
        h("button", {
          type: "button", className: "contact-toggle", "aria-pressed": pinned, title: say("propose.pin_title"), onClick: onPin,
          "aria-label": say("propose.pin", { name: choice.name }),
        }, icon("pin")),
        h("button", {
          type: "button", className: "contact-toggle", title: say("propose.forbid_title"), onClick: onForbid,
          "aria-label": say("propose.forbid", { name: choice.name }),
        }, icon("ban"))),
      h("button", { type: "button", className: "contact-more", "aria-expanded": open, onClick: () => setOpen(!open) }, say("propose.why")),
      open
        ? h("div", { className: "contact-choice-why" },
            h("p", null, choice.sentence),
            h(contact.Parts, { parts: choice.parts, total: choice.need }),
            next ? h("p", { className: "contact-next", role: "status" }, next.sentence,
              next.village ? h("button", { type: "button", className: "contact-chip", onClick: () => ctx.select(next.village.code) }, next.village.name) : null)
              : h(Button, { onClick: more }, say("propose.next")))
        : null
    );
  }

  contact.Propose = function ({ ctx, kept, setKept }) {
    const [run, busy, problem, setProblem] = contact.useAct(ctx);
    const [left, setLeft] = useState([]);
    const [refused, setRefused] = useState([]);
    const result = useRef(null);
    const { told, job, pins, forbid } = kept;
    const running = Boolean(job) && (!told || told.job !== job || /^(waiting|running)$/.test(told.state));
    const solution = !running && told && told.solution;
    useEffect(() => {
      setLeft([]);
      if (solution && result.current) result.current.focus({ preventScroll: true });
    }, [told && told.job, Boolean(solution)]);

    const solve = async (who) => {
      setRefused([]);
      const body = await run({
        path: "/ledger/proposals", body: {
          who, pins: pins.map(({ village, member }) => ({ village, member })), forbid: forbid.map((one) => one.village),
        }, label: say("outbox.propose"),
      });
      if (body) setKept((now) => ({ ...now, job: body.job, who, problem: null }));
    };
    const stop = () => {
      ctx.wire.submit({ path: "/ledger/proposals/" + job, method: "DELETE", label: say("outbox.stop") });
      setKept((now) => ({ ...now, job: "" }));
    };
    const isPinned = (choice) => pins.some((one) => one.village === choice.village);
    const pin = (choice) =>
      setKept((now) => ({
        ...now,
        pins: isPinned(choice) ? now.pins.filter((one) => one.village !== choice.village)
          : now.pins.concat({ village: choice.village, name: choice.name, member: choice.member }),
        forbid: now.forbid.filter((one) => one.village !== choice.village),
      }));
    const ban = (choice) =>
      setKept((now) => ({
        ...now,
        forbid: now.forbid.filter((one) => one.village !== choice.village).concat({ village: choice.village, name: choice.name }),
        pins: now.pins.filter((one) => one.village !== choice.village),
      }));
    const choices = solution ? solution.choices : [];
    const taken = choices.filter((one) => left.indexOf(one.village) < 0 && !forbid.some((other) => other.village === one.village));
    const accept = async () => {
      const body = await run({
        path: "/ledger/proposals/" + told.job + "/accept", body: { villages: taken.map((one) => one.village) }, label: say("outbox.take"),
      });
      if (!body) return;
      setRefused(body.refused);
      setKept({ job: "", who: "", told: null, problem: null, pins: [], forbid: [] });
    };
    const members = [];
    choices.forEach((choice) => {
      let group = members.find((one) => one.id === choice.member);
      if (!group) members.push((group = { id: choice.member, label: choice.member_label, choices: [] }));
      group.choices.push(choice);
    });
    const changed = solution && (JSON.stringify(pins.map((one) => one.village).sort()) !== JSON.stringify(solution.pins.map((one) => one.village).sort()) ||
      JSON.stringify(forbid.map((one) => one.village).sort()) !== JSON.stringify(solution.forbid.map((one) => one.village).sort()));
    const full = ctx.state && ctx.state.me.places <= ctx.state.me.used;
    const allowed = ctx.may("propose") || ctx.may("propose_all");
    const line = (list, key, drop) =>
      list.length
        ? h("p", { className: "contact-wishes" }, say(key), list.map((one) =>
            h("button", { key: one.village, type: "button", className: "contact-chip", onClick: () => drop(one), "aria-label": say("propose.drop", { name: one.name }) },
              one.name, icon("cross"))))
        : null;
    return h("div", { className: "contact-propose" },
      h("h2", { className: "unseen" }, say("tab.propose")),
      h("p", { className: "contact-hint contact-quiet" }, say(allowed ? "propose.hint" : "propose.not_allowed")),
      allowed
        ? h("div", { className: "contact-row" },
            ctx.may("propose") ? h(Button, {
              kind: solution ? "" : "primary", name: "pin", busy: busy || running, "aria-disabled": full || running || undefined,
              onClick: () => full || running || solve("me"),
            }, say("propose.me")) : null,
            ctx.may("propose_all") ? h(Button, {
              kind: solution ? "" : "primary", name: "person", busy: busy || running, onClick: () => running || solve("all"),
            }, say("propose.all")) : null)
        : null,
      full && ctx.may("propose") && !ctx.may("propose_all") ? h("p", { className: "contact-quiet" }, say("propose.full")) : null,
      line(pins, "propose.pins", (one) => setKept((now) => ({ ...now, pins: now.pins.filter((other) => other.village !== one.village) }))),
      line(forbid, "propose.forbids", (one) => setKept((now) => ({ ...now, forbid: now.forbid.filter((other) => other.village !== one.village) }))),
      h(Trouble, { problem: problem || kept.problem, onOpen: ctx.select }),
      running
        ? h("div", { className: "contact-progress", role: "status" },
            h("p", null, (told && told.job === job && told.label) || say("propose.waiting")),
            h("progress", { max: 1, value: told && told.job === job && told.total ? told.done / told.total : undefined, "aria-label": say("propose.progress") }),
            h(Button, { onClick: stop }, say("propose.stop")))
        : null,
      !running && told && told.state === "failed" ? h(Trouble, { problem: { error: told.error } }) : null,
      refused.length
        ? h("div", { className: "contact-trouble", role: "alert" }, icon("warn"),
            h("ul", null, refused.map((one) => h("li", { key: one.village }, one.name + "：" + one.sentence)))) : null,
      solution
        ? h("section", { className: "contact-solution", tabIndex: -1, ref: result },
            solution.infeasible
              ? h(Trouble, { problem: { error: solution.infeasible.sentence, cure: solution.infeasible.cure } })
              : h("p", { className: "contact-solved" }, solution.sentence),
            told.stale ? h("p", { className: "contact-breach" }, icon("warn"), h("span", null, say("propose.stale"))) : null,
            h("div", { className: "contact-row" },
              changed || told.stale
                ? h(Button, { kind: "primary", name: "pin", busy, onClick: () => solve(told.who) }, say("propose.again")) : null,
              choices.length
                ? h(Button, {
                    kind: changed || told.stale ? "" : "primary", name: "tick", busy, "aria-disabled": !taken.length || undefined,
                    onClick: () => taken.length && accept(),
                  }, say(told.who === "all" ? "propose.send" : "propose.accept", { count: taken.length })) : null),
            members.map((group) =>
              h("section", { key: group.id },
                told.who === "all" ? h("h3", null, group.label) : null,
                h("ul", { className: "contact-rows" },
                  group.choices.map((choice) =>
                    h(Choice, {
                      key: told.job + choice.village, ctx, choice, job: told.job, pinned: isPinned(choice), chosen: taken.indexOf(choice) >= 0,
                      onPin: () => pin(choice), onForbid: () => ban(choice),
                      onChosen: (village) => setLeft((now) => now.indexOf(village) >= 0 ? now.filter((one) => one !== village) : now.concat(village)),
                    }))))),
            solution.unplaced.length
              ? h("ul", { className: "contact-plain" }, solution.unplaced.map((one) => h("li", { key: one.member }, one.sentence))) : null,
            h("details", { className: "contact-fold" },
              h("summary", null, say("propose.stages")),
              h("ul", { className: "contact-plain" }, solution.stages.map((stage) =>
                h("li", { key: stage.name }, [stage.label, stage.status_label, stage.gap_text, say("propose.seconds", { seconds: number(stage.seconds, 1) })].filter(Boolean).join("，"))))))
        : null
    );
  };
})();
