/* The contact-points screen: the map with its marks, the panel beside or below it, the address. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});
  const { useCallback, useEffect, useMemo, useRef, useState } = window.React;
  const h = window.React.createElement;
  const { Mark, icon, say } = contact;

  const TABS = ["village", "mine", "propose", "problems"];
  const KEYS = ["region", "village", "problem", "tab", "measure"];
  const TOAST_MS = 9000;
  const REMINDED = "bangfu.contact.reminded";
  const NARROW = "(max-width: 900px)";
  const PHONE = "(max-width: 600px), (max-width: 900px) and (max-height: 600px)";

  /* ---- the address ---------------------------------------------------------------------------- */

  const readAddress = () => {
    const query = new URLSearchParams(window.location.search);
    const found = {};
    KEYS.forEach((key) => (found[key] = query.get(key) || ""));
    if (TABS.indexOf(found.tab) < 0) found.tab = found.problem ? "problems" : "village";
    return found;
  };

  const hrefOf = (view) => {
    const query = new URLSearchParams(window.location.search);
    KEYS.forEach((key) => (view[key] && !(key === "tab" && view.tab === "village") ? query.set(key, view[key]) : query.delete(key)));
    const text = query.toString();
    return window.location.pathname + (text ? "?" + text : "");
  };

  /** Where signing in leads back to: what is shown now, the whole address of it. */
  const signInHref = (view) => "/signin?next=" + encodeURIComponent(hrefOf(view));

  function useAddress() {
    const [view, setView] = useState(readAddress);
    const now = useRef(view);
    now.current = view;
    const go = useCallback((patch, quietly) => {
      const next = { ...now.current, ...patch };
      if (hrefOf(next) === hrefOf(now.current)) return;
      now.current = next;
      window.history[quietly ? "replaceState" : "pushState"](null, "", hrefOf(next));
      setView(next);
    }, []);
    useEffect(() => {
      const back = () => setView(readAddress());
      window.addEventListener("popstate", back);
      return () => window.removeEventListener("popstate", back);
    }, []);
    return [view, go];
  }

  /* ---- what the screen is told ------------------------------------------------------------------ */

  /** A reading by address that is asked again until it is there. */
  function useRead(path) {
    const [told, setTold] = useState({ path: "", body: null, problem: null });
    useEffect(() => {
      if (!path) return undefined;
      let stale = false;
      let timer = 0;
      const turn = () =>
        contact.read(path, { limit: 30000 }).then(
          (body) => !stale && setTold({ path, body, problem: null }),
          (problem) => {
            if (stale) return;
            setTold((before) => ({ ...before, problem }));
            if (problem.offline || problem.status >= 500) timer = window.setTimeout(turn, 4000);
          }
        );
      turn();
      return () => {
        stale = true;
        window.clearTimeout(timer);
      };
    }, [path]);
    return told; // the last one stays while the next comes
  }

  function useMedia(text) {
    const [on, setOn] = useState(() => window.matchMedia(text).matches);
    useEffect(() => {
      const media = window.matchMedia(text);
      const change = () => setOn(media.matches);
      media.addListener(change); // addEventListener is younger than some tablets
      return () => media.removeListener(change);
    }, []);
    return on;
  }

  /** The ledger's wire and all that it tells. */
  function useWire(onDelivered) {
    const [told, setTold] = useState({
      state: null, online: true, signedOut: false, forbidden: null, entries: [], at: 0,
    });
    const wire = useRef(null);
    const heard = useRef(onDelivered);
    heard.current = onDelivered;
    if (!wire.current) wire.current = { entries: () => [], account: "" };
    useEffect(() => {
      const made = new contact.Wire((change) => {
        if (change.delivered || change.photoRefused) heard.current(change);
        else setTold((before) => ({ ...before, ...change }));
      });
      wire.current = made;
      made.tellEntries();
      return () => made.stop();
    }, []);
    return [told, wire];
  }

  /* ---- marks ---------------------------------------------------------------------------------- */

  /** One row a village that has a mark: what it is to whoever looks. */
  function rowsOf(state, places, proposed) {
    const picks = new Map();
    state.picks.forEach((pick) => {
      if (!picks.has(pick.village)) picks.set(pick.village, []);
      picks.get(pick.village).push(pick);
    });
    const due = new Set(state.due);
    const chosen = new Set(proposed.map((one) => one.village));
    const rows = [];
    const add = (place) => {
      const own = picks.get(place.code) || [];
      picks.delete(place.code);
      const kind = contact.kindOf(own, chosen.has(place.code));
      const settled = own.filter((pick) => pick.state !== "proposed");
      const holder = settled.find((pick) => !pick.mine);
      const problems = state.problems[place.code];
      const late = due.has(place.code);
      rows.push({
        ...place, kind, late,
        initial: holder ? holder.member_label.slice(0, 1) : "",
        holder: kind === "other" ? settled.map((pick) => pick.member_label).join("、") : "",
        under: settled.some((pick) => pick.state === "confirmed") ? "confirmed" : "",
        badges: [late ? "due" : "", problems ? "problem" : ""].filter(Boolean),
      });
    };
    places.forEach(add);
    // What somebody picked outside the list of targets has a mark, too.
    Array.from(picks.values()).forEach(([pick]) => {
      if (pick.lon === null) return;
      add({
        code: pick.village, name: pick.name, position: pick.position, lon: pick.lon, lat: pick.lat,
        district: pick.district, district_name: pick.district_name, parent_name: "", gap: null, income: null,
      });
    });
    return rows;
  }

  /* ---- who one is ----------------------------------------------------------------------------- */

  /** One's name, and behind it one's contact points, one's account and the way out; where the bar
   *  is narrow, the other pages, too. */
  function Me({ me, pages, onMine }) {
    const box = useRef(null);
    useEffect(() => {
      const away = (event) => {
        const inside = box.current && box.current.contains(event.target);
        if (box.current && box.current.open && !inside) box.current.open = false;
      };
      ["pointerdown", "focusin"].forEach((name) => document.addEventListener(name, away));
      return () => ["pointerdown", "focusin"].forEach((name) => document.removeEventListener(name, away));
    }, []);
    const shut = () => {
      box.current.open = false;
      box.current.querySelector("summary").focus();
    };
    const keys = (event) => {
      if (event.key !== "Escape" || !box.current.open) return;
      event.preventDefault();
      shut();
    };
    const link = (one, className) =>
      h("a", { key: one.href, href: one.href, className, "aria-current": one.current ? "page" : undefined }, one.label);
    const used = me.places ? say("mine.short", { used: me.used, places: me.places }) : "";
    return h("details", { className: "account-menu contact-menu", ref: box, onKeyDown: keys },
      h("summary", { className: "contact-me" }, icon("person"),
        h("span", { className: "contact-me-name" }, me.label),
        used ? h("span", { className: "contact-quiet" }, used) : null,
        icon("down")),
      h("div", { className: "account-list" },
        h("p", { className: "contact-menu-name contact-quiet" }, me.label),
        me.places ? h("button", {
          type: "button", onClick: () => {
            shut();
            onMine();
          },
        }, say("mine.title")) : null,
        pages.filter((one) => !one.own && !one.current).map((one) => link(one, "contact-menu-page")),
        pages.filter((one) => one.own).map((one) => link(one)),
        h("form", { method: "post", action: "/signout" }, h("button", { type: "submit" }, say("mine.leave"))))
    );
  }

  /* ---- the legend ----------------------------------------------------------------------------- */

  const LEGEND = [["mine", "mine"], ["other", "other"], ["free", "free"], ["proposal", "proposal"]];
  const BOARD_LEGEND = [["p-open", "open"], ["p-late", "overdue"], ["p-back", "sent_back"], ["struck", "struck_off"]];

  function Legend({ board, picture, mapWords, off, onOff, open, onOpen, foldable }) {
    const rows = board ? BOARD_LEGEND : LEGEND;
    return h("div", { className: "contact-legend", "data-open": open ? "1" : "0" },
      h("button", { type: "button", className: "contact-legend-fold", "aria-expanded": open, onClick: () => onOpen(!open) },
        say("legend.title"), icon("down")),
      open || !foldable
        ? h(contact.Fragment, null,
            h("ul", { "aria-label": say("legend.title") },
              rows.map(([kind, word]) =>
                h("li", { key: kind }, h(Mark, { kind, initial: kind === "other" ? say("legend.initial") : "" }), say("legend." + word))),
              board ? null : h("li", null, h(Mark, { kind: "mine", under: "confirmed" }), say("legend.confirmed")),
              board ? null : h("li", null, h(Mark, { kind: "due" }), say("legend.due")),
              board ? null : h("li", null, h(Mark, { kind: "problem" }), say("legend.problem"))),
            h("details", { className: "contact-ground" },
              h("summary", null, say("legend.ground", { measure: picture && picture.measure ? picture.measure.label : "" }), icon("down")),
              h(bangfu.AtlasLegend, {
                id: "contact-legend", map: "contact-map", picture, words: mapWords, off,
                setProps: (change) => change.off && onOff(change.off),
              })))
        : null
    );
  }

  /* ---- the bar over the map ---------------------------------------------------------------------- */

  function Crumbs({ picture, onGo, onVillage }) {
    if (!picture) return null;
    const last = picture.path.length - 1;
    const below = picture.children || [];
    const leaf = picture.child_level === picture.levels[picture.levels.length - 1].id;
    const child = picture.levels.find((one) => one.id === picture.child_level);
    return h("nav", { className: "contact-crumbs", "aria-label": say("crumbs.label") },
      h("ol", null, picture.path.map((step, at) =>
        h("li", { key: step.code },
          at === last
            ? h("span", { "aria-current": "location" }, step.name)
            : h("button", { type: "button", onClick: () => onGo(at ? step.code : "") }, step.name)))),
      child && below.length
        ? h("label", null, h("span", { className: "unseen" }, say("crumbs.below", { level: child.label })),
            h("select", {
              value: "", onChange: (event) => event.target.value && (leaf ? onVillage : onGo)(event.target.value),
            },
              h("option", { value: "" }, say("crumbs.choose", { level: child.label })),
              below.map((one) => h("option", { key: one.code, value: one.code }, one.name))))
        : null
    );
  }

  /* ---- the screen --------------------------------------------------------------------------------- */

  function AtlasContact({ id, title, demo, words, map_words: mapWords, search_words: searchWords, look_words: lookWords, nav }) {
    contact.words = words;
    const [view, go] = useAddress();
    const [toast, setToast] = useState(null);
    const [filter, setFilter] = useState("all");
    const [boardFilter, setBoardFilter] = useState({});
    const [bounds, setBounds] = useState(null);
    const [form, setForm] = useState(""); // visit or problem, over the card
    const [byKeys, setByKeys] = useState(false);
    const [back, setBack] = useState("");
    const [hide, setHide] = useState(null);
    const [off, setOff] = useState(null);
    const [pointed, setPointed] = useState(null);
    const [spot, setSpot] = useState({}); // where a village lies that is in no list
    const [turn, setTurn] = useState(0);
    const narrow = useMedia(NARROW);
    const phone = useMedia(PHONE);
    const [sheet, setSheet] = useState(() => hrefOf(view) !== hrefOf({ region: view.region, tab: "village" }));
    const [legend, setLegend] = useState(false);
    const [kept, setKept] = contact.useProposal();
    const isDark = bangfu.useDark();
    const marks = useRef(null);
    const panel = useRef(null);
    const recent = useRef(new Map()); // villages that this page itself just changed

    const tell = (text, kind, pick) => setToast({ text, kind: kind || "", pick, n: Date.now() });
    const [told, wireRef] = useWire((change) => {
      if (change.photoRefused) tell(change.photoRefused.error, "bad");
      else tell(say("outbox.delivered", { label: change.delivered.label }) + " " + (change.delivered.body.sentence || ""));
    });
    const { state, online, signedOut, forbidden, entries } = told;
    const wire = wireRef.current;
    const reminders = contact.useReminders(state);

    // Once where somebody comes in: what is due. The badge on the tab stays.
    useEffect(() => {
      if (!reminders || !state) return;
      try {
        if (window.sessionStorage.getItem(REMINDED) === state.me.id) return;
        window.sessionStorage.setItem(REMINDED, state.me.id);
      } catch (error) {
        return; // Storage may be forbidden; saying it with every change would be too often.
      }
      if (reminders.due.length) tell(reminders.sentence, "due");
    }, [reminders]);

    /* -- pictures and places -- */

    const edition = state ? state.edition : "";
    const pictureQuery = [
      view.region ? "region=" + encodeURIComponent(view.region) : "",
      view.measure ? "measure=" + encodeURIComponent(view.measure) : "", edition ? "edition=" + edition : "",
    ].filter(Boolean).join("&");
    const { body: picture, problem: unpictured } = useRead(edition ? "/ledger/picture?" + pictureQuery : "");
    const { body: listed } = useRead(edition ? "/ledger/places?edition=" + encodeURIComponent(edition) : "");
    const places = useMemo(() => new Map(((listed && listed.places) || []).map((one) => [one.code, one])), [listed]);
    const leaf = picture ? picture.levels[picture.levels.length - 1] : null;

    const proposed = contact.proposedOf(kept);
    const rows = useMemo(() => (state && listed ? rowsOf(state, listed.places, proposed) : []), [state, listed, kept.told]);
    const byCode = useMemo(() => new Map(rows.map((row) => [row.code, row])), [rows]);
    const inView = useMemo(() => {
      if (!bounds) return rows;
      const [west, south, east, north] = bounds;
      return rows.filter((row) => row.lon >= west && row.lon <= east && row.lat >= south && row.lat <= north);
    }, [rows, bounds]);

    const board = contact.useBoard(view.tab === "problems", boardFilter, state ? state.seq : -1);

    /* -- what can be done from everywhere -- */

    const located = (why) => setSpot({ code: why.code, lon: why.lon, lat: why.lat, position: why.position });
    const placeOf = (code) => byCode.get(code) || places.get(code) || (spot.code === code ? spot : null);
    const select = (code, keyboard) => {
      setForm("");
      setByKeys(Boolean(keyboard));
      setBack(code);
      setSheet(true);
      go({ village: code, tab: "village", problem: "" }, Boolean(view.village));
    };
    const ctx = {
      wire, state, places, entries, measures: { gap: listed && listed.gap, income: listed && listed.income },
      may: (what) => Boolean(state) && state.me.can.indexOf(what) >= 0,
      tell, select, located,
      go: (region) => go({ region, village: "" }),
      point: (row) => leaf && setPointed({ level: leaf.id, position: row.position }),
      openProblem: (problem) => {
        setForm("");
        setSheet(true);
        go({ problem, tab: "problems" });
      },
      refresh: () => setTurn((n) => n + 1),
      done(body, order) {
        const pick = body.pick || null;
        if (order.village) recent.current.set(order.village, Date.now());
        (body.picks || []).forEach((one) => recent.current.set(one.village, Date.now()));
        if (pick) recent.current.set(pick.village, Date.now());
        if (body.sentence) tell(body.sentence, "good", pick && pick.can.indexOf("undo") >= 0 ? pick : null);
        wire.wake();
      },
    };

    /* -- what others did to one's own -- */

    const before = useRef(null);
    useEffect(() => {
      if (!state) return;
      const mine = new Map(state.picks.filter((pick) => pick.mine).map((pick) => [pick.village, pick]));
      const old = before.current;
      before.current = { me: state.me.id, mine };
      if (!old || old.me !== state.me.id) return;
      const own = (code) => Date.now() - (recent.current.get(code) || 0) < 10000;
      const news = [];
      mine.forEach((pick, code) => {
        const was = old.mine.get(code);
        if (own(code) || (was && was.state === pick.state)) return;
        news.push(say(pick.state === "confirmed" ? "news.confirmed" : pick.state === "proposed" ? "news.proposed" : "news.yours", { name: pick.name }));
      });
      old.mine.forEach((pick, code) => {
        if (!own(code) && !mine.has(code)) news.push(say("news.gone", { name: pick.name }));
      });
      if (news.length) tell(news.join(" "), "news");
    }, [state]);

    useEffect(() => {
      if (!toast) return undefined;
      const timer = window.setTimeout(() => setToast(null), TOAST_MS);
      return () => window.clearTimeout(timer);
    }, [toast]);

    /* -- the map -- */

    const tapped = useRef({});
    const choose = useRef(() => undefined);
    choose.current = () => {
      const { mark, polygon } = tapped.current;
      tapped.current = {};
      // A tap inside a village that has a mark means this village; else the mark under the finger.
      const code = polygon && byCode.has(polygon) ? polygon : mark || polygon;
      if (code) select(code, false);
    };
    const note = (change) => {
      if (!tapped.current.due) {
        tapped.current.due = true;
        window.setTimeout(() => choose.current(), 0);
      }
      Object.assign(tapped.current, change);
    };
    useEffect(() => {
      const made = new contact.Marks({
        tap: (mark) => note({ mark }),
        rest: setBounds,
      });
      marks.current = made;
      return () => made.stop();
    }, []);

    const boarding = view.tab === "problems";
    const zoom = leaf ? leaf.zoom_from || leaf.min_zoom : 0;
    useEffect(() => {
      if (!marks.current) return;
      const found = boarding && board.board
        ? board.board.villages.map((row) => ({ ...row, kind: contact.problemKind(row) }))
        : rows.map((row) => (filter === "all" || row.kind === filter || view.tab !== "village" ? row : { ...row, dim: true }));
      const shown = found.map((row) => (row.code === view.village ? { ...row, under: row.under ? row.under + "+chosen" : "chosen" } : row));
      marks.current.show(shown, zoom);
    }, [rows, board.board, boarding, filter, view.tab, view.village, zoom, isDark, Boolean(picture)]);

    useEffect(() => {
      const place = view.village ? placeOf(view.village) : null;
      if (!place || !leaf) {
        if (!view.village) setPointed(null);
        return undefined;
      }
      setPointed({ level: leaf.id, position: place.position });
      // After the sheet has taken its place: only then it is known how much of the map it covers.
      const timer = window.setTimeout(() => {
        const box = panel.current;
        const cover = phone && box ? Math.max(0, box.clientHeight - 136) : 0;
        if (marks.current) marks.current.lookAt(place, cover, zoom);
      }, 60);
      return () => window.clearTimeout(timer);
    }, [view.village, leaf && leaf.id, edition, spot.code, Boolean(rows.length), Boolean(picture)]);

    /* -- keys -- */

    useEffect(() => {
      const key = (event) => {
        if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
        const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
        if (event.key === "/" && !typing) {
          const box = document.querySelector(".search input");
          if (box) {
            event.preventDefault();
            box.focus();
          }
        } else if (event.key === "Escape" && !typing && !view.village && !view.problem && picture && picture.path.length > 1) {
          event.preventDefault();
          const up = picture.path[picture.path.length - 2];
          go({ region: picture.path.length > 2 ? up.code : "" });
        }
      };
      document.addEventListener("keydown", key);
      return () => document.removeEventListener("keydown", key);
    });

    useEffect(() => {
      const row = view.village && byCode.get(view.village);
      document.title = [row ? row.name : "", say("title"), title].filter(Boolean).join(" · ");
    }, [view.village, byCode]);

    /* -- the panel -- */

    const drafts = useMemo(() => {
      const sent = new Set(entries.map((entry) => entry.draft));
      return wire.account
        ? ["visit", "problem"].reduce((all, kind) => all.concat(contact.drafts.all(wire.account, kind)), [])
            .filter((draft) => draft.village && !draft.submitted && !sent.has(draft.name))
        : [];
    }, [entries, turn, form, view.tab, wire.account]);

    const openTab = (tab) => {
      setForm("");
      go({ tab, problem: "" });
      setSheet(true);
    };
    const tabKeys = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = TABS[(TABS.indexOf(view.tab) + step + TABS.length) % TABS.length];
      openTab(next);
      const tab = document.getElementById(id + "-tab-" + next);
      if (tab) tab.focus();
    };
    const closeForm = () => {
      setForm("");
      ctx.refresh();
      setByKeys(true);
    };
    const nameOf = (code) => (byCode.get(code) || places.get(code) || drafts.find((one) => one.village === code) || { name: code, village_name: "" });
    const villageName = view.village ? nameOf(view.village).name || nameOf(view.village).village_name || view.village : "";
    const counts = {
      village: 0, mine: (reminders ? reminders.due.length : 0) + entries.length + drafts.length, propose: 0, problems: 0,
    };
    const unsent = entries.length + drafts.length;

    let content;
    if (form && view.village) {
      content = h(form === "visit" ? contact.VisitForm : contact.ProblemForm, {
        key: form + view.village, ctx, village: view.village, name: villageName, onClose: closeForm,
      });
    } else if (view.tab === "problems") {
      content = view.problem
        ? h(contact.Problem, { key: view.problem, ctx, id: view.problem, onBack: () => go({ problem: "" }) })
        : h(contact.Board, { ctx, told: board, filter: boardFilter, setFilter: setBoardFilter, reminders: null });
    } else if (view.tab === "mine") {
      content = h(contact.Mine, {
        ctx, reminders, drafts,
        onDraft: (kind, village) => {
          go({ village, tab: "village" });
          setForm(kind);
        },
      });
    } else if (view.tab === "propose") {
      content = h(contact.Propose, { ctx, kept, setKept });
    } else if (view.village) {
      content = h(contact.Card, {
        key: view.village, ctx, code: view.village, byKeys,
        onBack: () => go({ village: "" }),
        onForm: (name) => {
          setForm(name);
          setSheet(true);
        },
      });
    } else {
      content = h(contact.VillageList, { ctx, rows: inView, filter, onFilter: setFilter, back: byKeys || back ? back : "" });
    }

    const undo = async (pick) => {
      setToast(null);
      const ended = await wire.submit({
        path: "/ledger/picks/" + pick.id + "/undo", village: pick.village, label: say("outbox.undo", { name: pick.name }),
      });
      if (ended.ok) ctx.done({ ...ended.body, pick: null }, { village: pick.village });
      else tell(ended.unsent ? say("outbox.kept") : ended.problem.error, ended.unsent ? "quiet" : "bad");
    };

    const measures = picture && picture.choices ? picture.choices : [];
    return h("div", { id, className: "contact", "data-sheet": sheet ? "1" : "0" },
      h("a", { href: "#" + id + "-panel", className: "skip" }, say("skip")),
      h("header", { className: "topbar" },
        h("div", { className: "brand" }, h("h1", null, h("a", { href: "/" }, title)),
          demo ? h("span", { className: "badge demo" }, say("demo")) : null),
        h("div", { className: "contact-search" },
          h(bangfu.AtlasSearch, {
            id: "contact-search", words: searchWords, picture,
            onChoose: (row) => {
              if (leaf && row.level === leaf.id) select(row.code, true);
              else go({ region: picture && picture.path[0].code === row.code ? "" : row.code, village: "", tab: "village" });
            },
          })),
        h("nav", { className: "pages", "aria-label": say("nav") },
          (nav || []).filter((one) => !one.own || !state).map((one) => h("a", { key: one.href, href: one.href, "aria-current": one.current ? "page" : undefined }, one.label))),
        state ? h(Me, { me: state.me, pages: nav || [], onMine: () => openTab("mine") }) : null,
        h(bangfu.AtlasLook, { id: "contact-look", words: lookWords, setProps: () => undefined })
      ),
      h("main", { className: "contact-stage" },
        h("section", { className: "contact-map", "aria-label": say("map") },
          h(bangfu.AtlasMap, {
            id: "contact-map", picture: picture || null, words: mapWords, pointed, hide, off,
            setProps: (change) => {
              if (change.clicked) note({ polygon: change.clicked.code });
              if (change.hide) setHide(change.hide);
              if (change.up && view.region) {
                const path = picture.path;
                go({ region: path.length > 2 ? path[path.length - 2].code : "" });
              }
            },
          }),
          h("div", { className: "contact-bar-top" },
            h(Crumbs, { picture, onGo: (region) => go({ region, village: "" }), onVillage: (code) => select(code, true) }),
            measures.length > 1
              ? h("label", { className: "contact-measure" }, h("span", { className: "unseen" }, say("measure")),
                  h("select", { value: picture.measure ? picture.measure.id : "", onChange: (event) => go({ measure: event.target.value }, true) },
                    measures.map((one) => h("option", { key: one.id, value: one.id }, one.label))))
              : null),
          h(Legend, { board: boarding, picture, mapWords, off, onOff: setOff, open: legend, onOpen: setLegend, foldable: phone }),
          unpictured && !picture ? h("p", { className: "contact-banner bad", role: "status" }, unpictured.error) : null,
          h("div", { className: "contact-toasts", role: "status", "aria-live": "polite" },
            signedOut ? h("p", { className: "contact-banner bad" }, say("signed_out") + " ", h("a", { href: signInHref(view) }, say("sign_in"))) : null,
            forbidden ? h("p", { className: "contact-banner bad" }, forbidden.error) : null,
            online ? null : h("p", { className: "contact-banner" },
              told.at ? say("offline", { time: contact.clock(told.at) }) : say("offline_first")),
            unsent ? h("button", { type: "button", className: "contact-banner contact-unsent-mark", onClick: () => openTab("mine") }, icon("send"), say("outbox.count", { count: unsent })) : null,
            toast ? h("div", { key: toast.n, className: "contact-toast " + toast.kind },
              h("span", null, toast.text),
              toast.pick ? h("button", { type: "button", onClick: () => undo(toast.pick) }, say("act.undo")) : null,
              h("button", { type: "button", "aria-label": say("close"), onClick: () => setToast(null) }, icon("cross"))) : null)
        ),
        h("aside", { id: id + "-panel", ref: panel, className: "contact-panel", tabIndex: -1, "aria-label": say("panel") },
          narrow ? h("button", {
            type: "button", className: "contact-handle", "aria-expanded": sheet, "aria-controls": id + "-panel", onClick: () => setSheet(!sheet),
          }, h("span", { className: "grip", "aria-hidden": true }), h("span", { className: "unseen" }, say(sheet ? "sheet.close" : "sheet.open"))) : null,
          h("div", { className: "contact-tabs", role: "tablist", "aria-label": say("tabs"), onKeyDown: tabKeys },
            TABS.map((name) =>
              h("button", {
                key: name, id: id + "-tab-" + name, type: "button", role: "tab", "aria-selected": view.tab === name,
                "aria-controls": id + "-view", tabIndex: view.tab === name ? 0 : -1, onClick: () => openTab(name),
              }, say("tab." + name), counts[name] ? h("span", { className: "contact-dot" }, counts[name]) : null))),
          h("div", { id: id + "-view", className: "contact-view", role: "tabpanel", "aria-labelledby": id + "-tab-" + view.tab, "data-tab": view.tab }, content)
        )
      )
    );
  }

  Object.assign(bangfu, { AtlasContact });
})();
