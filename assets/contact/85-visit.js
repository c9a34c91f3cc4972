/* Writing down a visit or a problem: kept as a draft with every letter, sent once, photographs after it. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});
  const { useEffect, useRef, useState } = window.React;
  const h = window.React.createElement;
  const { Button, Choices, Trouble, icon, say } = contact;

  const FORMS = "bangfu.contact.forms";
  const SIDE = 1600; // the server makes photographs no larger
  const HEAVY = 600000; // bytes; smaller ones are sent as they are

  /** What a form offers; the last answer serves where the network is gone. */
  function useForms(village) {
    const [forms, setForms] = useState(null);
    const [problem, setProblem] = useState(null);
    useEffect(() => {
      let stale = false;
      contact.read("/ledger/forms?village=" + encodeURIComponent(village)).then(
        (body) => {
          contact.keep.write(FORMS, { village, body });
          if (!stale) setForms(body);
        },
        (why) => {
          if (stale) return;
          const kept = contact.keep.read(FORMS);
          if (!kept) return setProblem(why);
          const other = kept.village !== village;
          const indicators = kept.body.indicators.map((one) => (other ? { ...one, reported_text: "" } : one));
          setForms({ ...kept.body, indicators, owners: other ? [] : kept.body.owners, today: contact.dayOf(new Date()) });
        }
      );
      return () => {
        stale = true;
      };
    }, [village]);
    return [forms, problem];
  }

  /** A photograph small enough for a poor network; as it is where the browser would turn it wrongly. */
  function shrink(file) {
    const turns = window.CSS && window.CSS.supports && window.CSS.supports("image-orientation", "from-image");
    if (!turns || file.size < HEAVY) return Promise.resolve(file);
    return new Promise((resolve) => {
      const url = URL.createObjectURL(file);
      const image = new Image();
      const end = (blob) => {
        URL.revokeObjectURL(url);
        resolve(blob && blob.size < file.size ? blob : file);
      };
      image.onload = () => {
        const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
        const canvas = document.createElement("canvas");
        canvas.width = Math.round(image.naturalWidth * scale);
        canvas.height = Math.round(image.naturalHeight * scale);
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(end, "image/jpeg", 0.85);
      };
      image.onerror = () => end(null); // The server says what it is.
      image.src = url;
    });
  }

  function Shot({ photo, words, onCaption, onDrop }) {
    const [url, setUrl] = useState("");
    useEffect(() => {
      let made = "";
      let stale = false;
      contact.photos.get(photo.id).then((blob) => {
        if (!blob || stale) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      });
      return () => {
        stale = true;
        if (made) URL.revokeObjectURL(made);
      };
    }, [photo.id]);
    return h("li", { className: "contact-shot" },
      url ? h("img", { src: url, alt: photo.caption || say("visit.photo") }) : h("span", { className: "contact-shot-none" }, icon("camera")),
      h("input", {
        type: "text", value: photo.caption, maxLength: words.caption, "aria-label": say("visit.caption"), placeholder: say("visit.caption"),
        onChange: (event) => onCaption(event.target.value),
      }),
      h("button", { type: "button", className: "contact-toggle", "aria-label": say("visit.drop_photo"), onClick: onDrop }, icon("cross")));
  }

  /** What the visitor saw of one indicator, beside what was reported. */
  function Observed({ indicator, value, onChange, most, refused }) {
    const set = (next) => onChange(next === "" ? null : { note: "", ...value, value: next });
    const flag = indicator.type === "flag";
    const named = "observations." + indicator.id;
    const wrong = contact.wrong(refused, named);
    return h("li", { className: "contact-observed" },
      h("span", { className: "contact-observed-label" }, indicator.label,
        indicator.reported_text ? h("span", { className: "contact-quiet" }, say("visit.reported", { text: indicator.reported_text })) : null),
      flag
        ? h(Choices, {
            label: indicator.label, value: value ? (value.value ? "yes" : "no") : "",
            options: [{ id: "", label: say("visit.not_seen") }, { id: "yes", label: indicator.yes }, { id: "no", label: indicator.no }],
            onChoose: (id) => set(id === "" ? "" : id === "yes"), wrong,
          })
        : h("label", { className: "contact-amount" }, h("span", { className: "unseen" }, indicator.label),
            h("input", {
              type: "number", inputMode: "decimal", step: "any", ...wrong, min: indicator.min === null ? undefined : indicator.min,
              max: indicator.max === null ? undefined : indicator.max, value: value ? value.value : "",
              onChange: (event) => set(event.target.value === "" ? "" : Number(event.target.value)),
            }), indicator.unit),
      value
        ? h("input", {
            type: "text", className: "contact-note", ...contact.wrong(refused, named + ".note"), value: value.note || "", maxLength: most, placeholder: say("visit.note"),
            "aria-label": say("visit.note_of", { label: indicator.label }), onChange: (event) => onChange({ ...value, note: event.target.value }),
          }) : null);
  }

  /** A field with its words. */
  const field = (id, label, control, hint) =>
    h("div", { className: "contact-field" }, h("label", { htmlFor: id }, label), control,
      hint ? h("p", { className: "contact-quiet" }, hint) : null);

  /** Keeps a form in this browser with every change; [draft, patch, name]. */
  function useDraft(ctx, kind, village, villageName, blank) {
    const name = contact.drafts.name(ctx.wire.account, kind, village);
    const [draft, setDraft] = useState(() => contact.drafts.read(name) || null);
    const now = draft || { kind, village, village_name: villageName, submitted: "", ...blank };
    const patch = (change) =>
      setDraft((before) => {
        const next = { ...(before || now), ...(typeof change === "function" ? change(before || now) : change), at: Date.now() };
        contact.drafts.write(name, next);
        return next;
      });
    return [now, patch, name, Boolean(draft)];
  }

  const Kept = ({ began }) =>
    h("p", { className: "contact-kept", role: "status" },
      began ? say(contact.keep.works ? "visit.kept" : "outbox.not_kept") : "");

  const Head = ({ title, name, onClose, children }) =>
    h("header", { className: "contact-card-head" },
      h("button", { type: "button", className: "contact-back", "aria-label": say("back"), title: say("back"), onClick: onClose }, icon("back")),
      h("div", null, h("h2", { tabIndex: -1, ref: (element) => element && !element.dataset.told && (element.dataset.told = "1") && element.focus({ preventScroll: true }) }, title),
        h("p", { className: "contact-quiet" }, name)), children);

  const escapes = (onClose) => (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    onClose();
  };

  /** The visit form. */
  contact.VisitForm = function ({ ctx, village, name, onClose }) {
    const [forms, unread] = useForms(village);
    const me = ctx.state ? ctx.state.me : null;
    const [draft, keep, draftName, began] = useDraft(ctx, "visit", village, name, {
      day: "", members: me && me.places ? [me.id] : [], people: "", seen: "",
      observations: {}, problems: [], photos: [],
    });
    const [run, busy, problem, setProblem] = contact.useAct(ctx);
    const form = contact.useWrong(problem);
    const [reading, setReading] = useState(0);
    const patch = (change) => {
      setProblem(null); // what is mended is no longer marked
      keep(change);
    };
    const file = useRef(null);
    if (!forms) {
      return h("div", { className: "contact-form" }, h(Head, { title: say("visit.title"), name, onClose }),
        unread ? h(Trouble, { problem: unread }) : h("p", { className: "contact-quiet" }, say("card.loading")));
    }
    const { limits } = forms;
    const day = draft.day || forms.today; // the ledger's: a tablet's clock may be off
    const shoot = (list) => {
      const chosen = Array.from(list).slice(0, limits.photos - draft.photos.length);
      setReading((n) => n + chosen.length);
      chosen.forEach(async (one) => {
        const blob = await shrink(one);
        if (blob.size > limits.photo_bytes) setProblem({ error: say("visit.photo_large") });
        else {
          const id = contact.identifier();
          await contact.photos.put(id, blob);
          patch((now) => ({ photos: now.photos.concat({ id, caption: "" }) }));
        }
        setReading((n) => n - 1);
      });
    };
    const toggle = (id) =>
      patch((now) => ({ members: now.members.indexOf(id) >= 0 ? now.members.filter((one) => one !== id) : now.members.concat(id) }));
    const observe = (id, value) =>
      patch((now) => {
        const observations = { ...now.observations };
        if (value) observations[id] = value;
        else delete observations[id];
        return { observations };
      });
    const mend = (at, change) =>
      patch((now) => ({ problems: now.problems.map((one, index) => (index === at ? { ...one, ...change } : one)) }));
    const lacks = !draft.seen.trim() || draft.problems.some((one) => !one.category || !one.said.trim());
    const send = async (event) => {
      event.preventDefault();
      if (busy || reading) return;
      if (lacks) {
        const found = draft.problems.findIndex((one) => !one.category || !one.said.trim());
        const blank = !draft.seen.trim() ? "seen"
          : "problems." + found + (draft.problems[found].category ? ".said" : ".category");
        setProblem({ error: say("visit.lacks"), fields: { [blank]: say("visit.lacks") } });
        return;
      }
      const key = contact.identifier();
      keep({ submitted: key });
      const body = await run({
        key, path: "/ledger/visits", village, draft: draftName, photos: draft.photos, label: say("outbox.visit", { name }),
        body: {
          village, day, members: draft.members, people: draft.people.trim(), seen: draft.seen.trim(),
          observations: Object.keys(draft.observations).map((indicator) => ({
            indicator, value: draft.observations[indicator].value, note: (draft.observations[indicator].note || "").trim(),
          })),
          problems: draft.problems.map((one) => ({ category: one.category, said: one.said.trim() })),
        },
      });
      if (body || ctx.wire.entries().some((entry) => entry.key === key)) onClose();
    };
    const group = (id) => {
      const list = forms.indicators.filter((one) => one.group === id);
      return list.length
        ? h("section", { className: "contact-field" }, h("h3", null, say("visit.observe_" + id)),
            h("ul", { className: "contact-plain" }, list.map((one) =>
              h(Observed, { key: one.id, indicator: one, value: draft.observations[one.id], most: limits.note, refused: problem, onChange: (value) => observe(one.id, value) }))))
        : null;
    };
    return h("form", { ref: form, className: "contact-form", noValidate: true, onSubmit: send, onKeyDown: escapes(onClose) },
      h("div", { className: "contact-scroll" },
        h(Head, { title: say("visit.title"), name, onClose }),
        field("visit-day", say("visit.day"), h("input", {
          id: "visit-day", type: "date", value: day, max: forms.today, required: true, ...contact.wrong(problem, "day"), onChange: (event) => patch({ day: event.target.value }),
        })),
        h("fieldset", { className: "contact-field", ...contact.wrong(problem, "members") }, h("legend", null, say("visit.members")),
          h("div", { className: "contact-chips" }, forms.members.map((one) =>
            h("label", { key: one.id, className: "contact-check chip" },
              h("input", { type: "checkbox", checked: draft.members.indexOf(one.id) >= 0, onChange: () => toggle(one.id) }),
              h("span", null, one.label))))),
        field("visit-people", say("visit.people"), h("input", {
          id: "visit-people", type: "text", value: draft.people, maxLength: 200, ...contact.wrong(problem, "people"), onChange: (event) => patch({ people: event.target.value }),
        })),
        field("visit-seen", say("visit.seen"), h("textarea", {
          id: "visit-seen", rows: 4, value: draft.seen, maxLength: limits.seen, required: true, placeholder: say("visit.seen_hint"), ...contact.wrong(problem, "seen"),
          onChange: (event) => patch({ seen: event.target.value }),
        })),
        group("items"),
        group("measures"),
        h("section", { className: "contact-field" }, h("h3", null, say("visit.photos")),
          h("ul", { className: "contact-shots" },
            draft.photos.map((photo) =>
              h(Shot, {
                key: photo.id, photo, words: limits,
                onCaption: (caption) => patch((now) => ({ photos: now.photos.map((one) => (one.id === photo.id ? { ...one, caption } : one)) })),
                onDrop: () => {
                  contact.photos.drop(photo.id);
                  patch((now) => ({ photos: now.photos.filter((one) => one.id !== photo.id) }));
                },
              }))),
          draft.photos.length < limits.photos
            ? h("div", null,
                h("input", {
                  ref: file, type: "file", accept: "image/*", multiple: true, hidden: true,
                  onChange: (event) => {
                    shoot(event.target.files);
                    event.target.value = "";
                  },
                }),
                h(Button, { name: "camera", busy: reading > 0, onClick: () => file.current.click() }, say("visit.add_photo"))) : null,
          h("p", { className: "contact-quiet" }, say("visit.photo_note", { count: limits.photos }))),
        h("section", { className: "contact-field" }, h("h3", null, say("visit.problems")),
          draft.problems.map((one, at) =>
            h("div", { key: at, className: "contact-found" },
              h("select", { value: one.category, "aria-label": say("problem.category"), ...contact.wrong(problem, "problems." + at + ".category"), onChange: (event) => mend(at, { category: event.target.value }) },
                h("option", { value: "" }, say("problem.category")),
                forms.categories.map((other) => h("option", { key: other.id, value: other.id }, other.label))),
              h("textarea", { rows: 2, value: one.said, maxLength: limits.said, "aria-label": say("problem.said"), placeholder: say("problem.said"), ...contact.wrong(problem, "problems." + at + ".said"), onChange: (event) => mend(at, { said: event.target.value }) }),
              h("button", { type: "button", className: "contact-toggle", "aria-label": say("problem.drop"), onClick: () => patch((now) => ({ problems: now.problems.filter((_, index) => index !== at) })) }, icon("cross")))),
          h(Button, { name: "flag", onClick: () => patch((now) => ({ problems: now.problems.concat({ category: "", said: "" }) })) }, say("problem.add")))
      ),
      h("footer", { className: "contact-foot" },
        h(Trouble, { problem }),
        h(Kept, { began }),
        h("div", { className: "contact-row" },
          h(Button, { type: "submit", kind: "primary big", name: "send", busy: busy || reading > 0 }, say("visit.send")),
          began ? h(Button, { name: "cross", onClick: () => {
            contact.drafts.drop(draftName);
            onClose();
          } }, say("outbox.discard")) : null))
    );
  };

  /** A problem that is reported without a visit. */
  contact.ProblemForm = function ({ ctx, village, name, onClose }) {
    const [forms, unread] = useForms(village);
    const [draft, keep, draftName, began] = useDraft(ctx, "problem", village, name, { category: "", said: "" });
    const [run, busy, problem, setProblem] = contact.useAct(ctx);
    const form = contact.useWrong(problem);
    const patch = (change) => {
      setProblem(null);
      keep(change);
    };
    const send = async (event) => {
      event.preventDefault();
      if (busy) return;
      if (!draft.category || !draft.said.trim()) {
        const error = say("problem.lacks");
        setProblem({ error, fields: { [draft.category ? "said" : "category"]: error } });
        return;
      }
      const key = contact.identifier();
      keep({ submitted: key });
      const body = await run({
        key, path: "/ledger/problems", village, draft: draftName, label: say("outbox.problem", { name }),
        body: { village, category: draft.category, said: draft.said.trim(), visit: "" },
      });
      if (body || ctx.wire.entries().some((entry) => entry.key === key)) onClose();
    };
    return h("form", { ref: form, className: "contact-form", noValidate: true, onSubmit: send, onKeyDown: escapes(onClose) },
      h("div", { className: "contact-scroll" },
        h(Head, { title: say("problem.title"), name, onClose }),
        unread ? h(Trouble, { problem: unread }) : null,
        forms
          ? h(contact.Fragment, null,
              h("div", { className: "contact-field" }, h("h3", null, say("problem.category")),
                h(Choices, { label: say("problem.category"), value: draft.category, options: forms.categories, onChoose: (category) => patch({ category }), wrong: contact.wrong(problem, "category") })),
              field("problem-said", say("problem.said"), h("textarea", {
                id: "problem-said", rows: 4, maxLength: forms.limits.said, value: draft.said, ...contact.wrong(problem, "said"), onChange: (event) => patch({ said: event.target.value }),
              })))
          : null),
      h("footer", { className: "contact-foot" }, h(Trouble, { problem }), h(Kept, { began }),
        h("div", { className: "contact-row" },
          h(Button, { type: "submit", kind: "primary big", name: "send", busy }, say("problem.send")),
          began ? h(Button, { name: "cross", onClick: () => {
            contact.drafts.drop(draftName);
            onClose();
          } }, say("outbox.discard")) : null))
    );
  };

  /** A visit as it was written down. */
  contact.VisitRow = function ({ ctx, visit }) {
    const [run, busy, problem] = contact.useAct(ctx);
    const [asking, setAsking] = useState(false);
    const people = visit.members.concat(visit.people ? [visit.people] : []);
    return h("li", { className: "contact-visit" + (visit.withdrawn ? " withdrawn" : "") },
      h("p", null, h("time", null, contact.dayText(visit.day)), " ", h("strong", null, people.join("、") || visit.author_label),
        visit.withdrawn ? h("span", { className: "contact-state" }, say("visit.withdrawn")) : null),
      h("p", { className: "contact-said" }, visit.seen),
      visit.observations.length
        ? h("ul", { className: "contact-plain" }, visit.observations.map((one, at) =>
            h("li", { key: at, className: one.contradicts ? "contact-contradicts" : "" },
              one.label + "：" + one.seen_text, one.reported_text ? h("span", { className: "contact-quiet" }, say("visit.reported", { text: one.reported_text })) : null,
              one.note ? " " + one.note : "")))
        : null,
      visit.photos.length
        ? h("ul", { className: "contact-photos" }, visit.photos.map((photo) =>
            h("li", { key: photo.id }, h("a", { href: photo.url, target: "_blank", rel: "noopener" },
              h("img", { src: photo.url, alt: photo.caption || say("visit.photo"), loading: "lazy", width: photo.width, height: photo.height })))))
        : null,
      visit.can.indexOf("withdraw") < 0 ? null
        : asking
          ? h(contact.Ask, {
              label: say("visit.withdraw_why"), action: say("visit.withdraw"), kind: "danger", needed: true, busy, problem, onCancel: () => setAsking(false),
              onSend: (reason) => run({ path: "/ledger/visits/" + visit.id + "/withdraw", body: { reason }, label: say("outbox.withdraw") })
                .then((body) => body && setAsking(false)),
            })
          : h("button", { type: "button", className: "contact-more", onClick: () => setAsking(true) }, say("visit.withdraw"))
    );
  };

  contact.useForms = useForms;
})();
