/* The public map's screen: the address becomes a picture, the picture what everybody sees. */
"use strict";
(function () {
  const bangfu = window.bangfu;
  const { createElement: h, useEffect, useRef, useState } = window.React;
  const { address, look } = bangfu;
  const { fill, isNumber, sentence } = bangfu.say;
  const { boot, comfort, part, url } = bangfu.public;

  const NARROW = window.matchMedia("(max-width: 700px)");
  /* On a phone crumbs and notices lie over the map's edges. */
  const ROOM = { top: 40, bottom: 44 };
  const SPEAK_MS = 400; // whoever holds an arrow key hears where it ends
  const NOTE_MS = 200; // playing writes its period when it rests: browsers limit such changes
  const AGAIN_MS = 5000;
  const LATER_MS = 4000;
  /* The rest of the scripts is asked for this long after the first map. */
  const BREATH_MS = 60;
  const CLEAR = {
    round: null, measure: null, period: null, region: null, level: null,
    off: null, hide: null, camera: null,
  };

  const MARKS = {
    table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
    map: "M9 4L3 6.5v13.5l6-2.5l6 2.5l6-2.5V4l-6 2.5zM9 4v13.5M15 6.5V20",
    take: "M12 4v11M7.5 11L12 15.5L16.5 11M4 20h16",
    share: "M7 12.5l10-5.5M7 12.5l10 6M7 10a2.5 2.5 0 1 1 0 5a2.5 2.5 0 0 1 0-5zM17.5 4.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 0 1 0-5zM17.5 15.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 0 1 0-5z",
    help: "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.8-.9 1.7M12 16.6v.1",
    elder: "M3 18L8.5 5L14 18M5 13.5h7M15.5 18L18 12l2.5 6M16.4 16h3.2",
  };
  const mark = (name) =>
    h("svg", { className: "icon", viewBox: "0 0 24 24", "aria-hidden": true, focusable: false },
      h("path", { d: MARKS[name] }));

  /** What an embedded map may not leave: {region, measure}. */
  const locks = () => {
    const named = boot.embed ? (address.value("lock") || "").split(",") : [];
    return { region: named.indexOf("region") >= 0, measure: named.indexOf("measure") >= 0 };
  };

  /* ---- from the address to a picture ---------------------------------------------------------- */

  /** The query with what the page itself says of the region. */
  function asked() {
    const given = new URLSearchParams(window.location.search);
    if (boot.region && !given.has("region")) given.set("region", boot.region);
    return given.toString();
  }

  /** What is wrong with an address, in words. */
  function worded(problem, words) {
    if (problem.kind === "withdrawn") return comfort.text(problem.sentence);
    return fill(words["problem." + problem.kind] || words["problem.form"], {
      key: words["problem.key_" + problem.key] || problem.key, value: problem.value,
    });
  }

  /** Follows the address: {look, picture, full, problem, failed}. `picture` is all that the map
   *  needs, `full` comes with the panels' numbers. */
  function usePicture(atlas) {
    const [held, setHeld] = useState({});
    const asking = useRef(0);
    const current = useRef(held);
    current.current = held;
    const put = (changes) => setHeld((before) => ({ ...before, ...changes }));

    useEffect(() => {
      let timer = 0;
      const ask = async () => {
        window.clearTimeout(timer);
        asking.current += 1;
        const mine = asking.current;
        const stale = () => mine !== asking.current;
        try {
          const found = await bangfu.public.resolve(atlas, bangfu.public.fromQuery(asked()));
          if (stale()) return;
          const plain = bangfu.public.ofMap(atlas, found);
          put({ look: found, plain, picture: comfort.told(plain), problem: null, failed: false });
          const whole = await bangfu.public.whole(atlas, found, plain);
          if (stale()) return;
          put({ whole, full: comfort.told(whole), failed: false });
        } catch (error) {
          if (stale()) return;
          if (error instanceof bangfu.public.Problem) {
            put({ problem: error });
          } else {
            put({ failed: true });
            timer = window.setTimeout(ask, AGAIN_MS);
          }
        }
      };
      const back = () => {
        look.apply();
        comfort.apply().then(ask);
      };
      const forget = address.listen(ask);
      window.addEventListener("popstate", back);
      const relettered = comfort.listen(() => {
        const { plain, whole } = current.current;
        if (plain) {
          put({
            picture: { ...comfort.told(plain), refreshed: true }, full: whole && comfort.told(whole) });
        }
      });
      ask();
      return () => {
        forget();
        relettered();
        window.clearTimeout(timer);
        window.removeEventListener("popstate", back);
      };
    }, [atlas]);

    /** Names of what lies deeper, once somebody can see them. */
    const deeper = () => {
      const { plain } = current.current;
      if (!plain || plain.whole) return;
      const mine = asking.current;
      atlas.whole().then(() => {
        if (mine !== asking.current || current.current.plain !== plain) return;
        const fresh = bangfu.public.ofMap(atlas, current.current.look);
        put({ plain: fresh, picture: { ...comfort.told(fresh), refreshed: true } });
      }, () => undefined); // names can wait for the next move
    };
    return { ...held, deeper };
  }

  /* ---- pieces ---------------------------------------------------------------------------------- */

  /** Words over every map of invented data, so that no picture of it passes for real. */
  function Watermark({ text }) {
    if (!text) return null;
    // It grows with the letters, for a wall.
    const letters = parseFloat(window.getComputedStyle(document.documentElement).fontSize) / 16;
    return h("svg", { className: "watermark", "aria-hidden": true, focusable: false },
      h("defs", null,
        h("pattern", { id: "watermark", width: 270, height: 120, patternUnits: "userSpaceOnUse", patternTransform: "rotate(-24) scale(" + letters + ")" },
          h("text", { x: 10, y: 60, textLength: 190 }, text))),
      h("rect", { width: "100%", height: "100%", fill: "url(#watermark)" }));
  }

  /** The map that the page was painted with, until there is a better one. */
  function FirstLook() {
    const box = useRef(null);
    useEffect(() => {
      if (bangfu.public.firstLook && box.current) box.current.appendChild(bangfu.public.firstLook);
    }, []);
    return h("div", { className: "first-look", ref: box, "aria-hidden": true });
  }

  /** `on` is for the eye: a tool's name says what pressing it does, and changes with it. */
  function Tool({ name, label, word, onClick, on, as }) {
    return h("button", {
      type: "button", className: ["tool", as, on && "on"].filter(Boolean).join(" "), title: label,
      "aria-label": label, onClick,
    }, name === "script" ? h("span", { className: "glyph", "aria-hidden": true }, word) : mark(name),
      name === "script" ? null : h("span", { className: "tool-word" }, word));
  }

  const Catalogue = (atlas) => ({
    measures: atlas.measures,
    rounds: atlas.rounds.map((one) => ({
      ...one,
      measures: atlas.measures.filter((each) => each.rounds[one.id]).map((each) => each.id),
    })),
    withdrawn_title: comfort.words().public["toolbar.withdrawn"],
    withdrawn: (atlas.withdrawn || []).map((one) => ({ ...one, sentence: one.sentence || one.reason })),
  });

  /** Whether something was reached by keys. Chromium before 86 does not tell. */
  function byKeys(element) {
    try {
      return element.matches(":focus-visible");
    } catch (error) {
      return false;
    }
  }

  /* ---- the screen ------------------------------------------------------------------------------ */

  function Screen({ atlas }) {
    const { picture, full, problem, failed, deeper } = usePicture(atlas);
    const [state, setState] = useState({ period: null, off: null, hide: null, table: address.value("table") === "1" });
    const [ready, setReady] = useState(Boolean(bangfu.AtlasFigures));
    const [painted, setPainted] = useState(false);
    const [dialog, setDialog] = useState("");
    const [said, setSaid] = useState("");
    const [live, setLive] = useState("");
    const about = useRef(null);
    const waiting = useRef(0);
    const lock = locks();
    const patch = (changes) => setState((before) => ({ ...before, ...changes }));
    const words = comfort.words();
    const own = words.public;
    const { portal } = words;
    const current = useRef({});
    current.current = { picture, state, lock };

    /* What a new picture brings: its period, filter and layers; the same one again leaves them. */
    const seen = useRef(null);
    useEffect(() => {
      if (!picture) return;
      const again = picture.refreshed && seen.current && seen.current.query === picture.query;
      seen.current = picture;
      if (!again) {
        patch({
          period: picture.period, off: picture.off, hide: picture.hide, highlight: null, pointed: null,
          table: address.value("table") === "1",
        });
      }
      const root = document.documentElement;
      root.setAttribute("data-periods", picture.periods.length > 1 ? "2" : "1");
      root.setAttribute("data-measured", picture.measure ? "1" : "0");
      document.title = [
        picture.region.name, picture.measure ? picture.measure.label : picture.round.label, picture.title,
      ].join(" · ");
      if (picture.level !== picture.child_level && picture.region.code === atlas.root) deeper();
    }, [picture]);

    /* What is shown now, in a sentence: at once for a new picture, for a new period when it rests.
       Playing would never stop talking. */
    useEffect(() => {
      if (!full || state.playing) return undefined;
      const told = state.period === null ? full.period : state.period;
      const speak = () => setLive(sentence(full, told, part(portal, "notice")));
      if (told === full.period) {
        speak();
        return undefined;
      }
      const timer = window.setTimeout(speak, SPEAK_MS);
      return () => window.clearTimeout(timer);
    }, [full, state.period, state.playing]);

    /* Where a chosen name leads, and where focus goes whose place is gone: the region's name. */
    const arriving = useRef(false);
    const held = useRef(null);
    useEffect(() => {
      const heard = (event) => {
        held.current = event.target;
        // A panel that is raised on a phone would lie over what keys reach outside of it.
        const handle = document.getElementById("sheet");
        const raised = handle && handle.offsetParent && handle.getAttribute("aria-expanded") === "true";
        if (raised && !event.target.closest("#panel, dialog") && byKeys(event.target)) handle.click();
      };
      document.addEventListener("focusin", heard);
      return () => document.removeEventListener("focusin", heard);
    }, []);
    useEffect(() => {
      const lost = held.current && !held.current.isConnected;
      const name = document.querySelector(".region-name");
      if (full && name && document.activeElement === document.body && (arriving.current || lost)) {
        name.focus();
      }
      if (full) arriving.current = false;
    }, [full]);

    useEffect(() => {
      document.documentElement.setAttribute("data-table", state.table ? "1" : "0");
    }, [state.table]);

    useEffect(() => {
      if (!said) return undefined;
      const timer = window.setTimeout(() => setSaid(""), 3500);
      return () => window.clearTimeout(timer);
    }, [said]);

    /* The rest of the scripts: when the map stands, or cannot. */
    const more = () => bangfu.public.later().then(() => setReady(true), () => setSaid(own["screen.failed"]));
    useEffect(() => {
      const timer = window.setTimeout(more, painted ? BREATH_MS : LATER_MS);
      return () => window.clearTimeout(timer);
    }, [painted]);

    useEffect(() => {
      const key = (event) => {
        if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
        const { tagName, type } = event.target || {};
        const typing = tagName === "TEXTAREA" || (tagName === "INPUT" && !/^(checkbox|range|radio)$/.test(type));
        if (event.key === "Escape" && !typing && !document.querySelector("dialog[open]")) {
          if (!current.current.lock.region && address.up(current.current.picture)) event.preventDefault();
        } else if (event.key === "/" && !typing && tagName !== "SELECT") {
          const box = document.querySelector(".search input");
          if (!box) return;
          event.preventDefault();
          box.focus();
        }
      };
      document.addEventListener("keydown", key);
      return () => document.removeEventListener("keydown", key);
    }, []);

    /* -- what components tell -- */

    const tell = useRef({
      map(news) {
        const { picture: now, lock: kept } = current.current;
        if ("painted" in news) setPainted(true);
        if ("trouble" in news && news.trouble === "no_webgl") setPainted(true);
        if ("hide" in news) {
          patch({ hide: news.hide });
          address.note({ hide: news.hide.slice().sort() });
        }
        if ("camera" in news && news.camera) {
          address.note({ camera: news.camera.join("/") });
          const next = now.levels[2];
          if (next && news.camera[0] >= next.zoom_from - 0.3) deeper_.current();
        }
        if ("level" in news && now && now.follow && now.levels.findIndex((one) => one.id === news.level) > 1) {
          deeper_.current();
        }
        if (news.clicked && now && !kept.region && news.clicked.code !== now.region.code) {
          address.go(address.region(now, news.clicked.code));
        }
      },
      legend(news) {
        if ("off" in news) {
          patch({ off: news.off });
          address.note({ off: news.off.slice().sort((a, b) => a - b) });
        }
        if ("highlight" in news) patch({ highlight: news.highlight });
      },
      time(news) {
        const { picture: now } = current.current;
        if ("playing" in news) {
          patch({ playing: news.playing });
          if (news.playing) more(); // the animation is among what the first map did without
        }
        if (!isNumber(news.period)) return;
        patch({ period: news.period });
        window.clearTimeout(waiting.current);
        const query = address.query({ period: null, camera: null });
        const chosen = now.periods[news.period];
        const last = news.period === now.periods.length - 1;
        waiting.current = window.setTimeout(() => {
          const same = query === address.query({ period: null, camera: null });
          if (same && chosen) address.note({ period: last ? null : chosen.id });
        }, NOTE_MS);
      },
      ranking(news) {
        if ("pointed" in news) patch({ pointed: news.pointed });
      },
    }).current;
    const deeper_ = useRef(deeper);
    deeper_.current = deeper;

    const flip = () => {
      const table = !state.table;
      patch({ table });
      address.note({ table: table ? "1" : null });
    };

    /* On a phone keys that walk into the panel raise it: nobody walks in a slit. */
    const raise = (event) => {
      const handle = document.getElementById("sheet");
      if (!handle || event.target === handle || handle.getAttribute("aria-expanded") === "true") return;
      if (handle.offsetParent && byKeys(event.target)) handle.click();
    };

    const { period } = state;
    const home = window.location.pathname;
    const leafless = picture && !picture.child_level;
    const published = (id) => {
      const level = picture && picture.levels.find((one) => one.id === id);
      return !picture || !picture.measure || Boolean(level && level.values);
    };
    const labelOf = (id) => (picture.levels.find((one) => one.id === id) || {}).label;
    // A child level at which nothing is published is a list of names, not a list of gaps.
    const listed = full && (published(full.child_level) ? full : { ...full, measure: null });
    const ranking = (props) =>
      ready && listed
        ? h(bangfu.AtlasRanking, {
            ...props, picture: listed, period, words: part(portal, "status", "ranking"),
            setProps: tell.ranking,
          })
        : null;

    const map = h(bangfu.AtlasMap, {
      id: "map", picture, period, off: state.off, hide: state.hide, highlight: state.highlight,
      pointed: state.pointed, playing: state.playing, padding: NARROW.matches ? ROOM : null,
      words: { ...words.map, no_approval: atlas.notices.demo ? own["notes.no_approval"] : "" },
      setProps: tell.map,
    });
    const legend = h("div", { className: "legend-dock" },
      ready ? h(bangfu.AtlasFold, { id: "legend-fold", target: "legend-box", words: part(portal, "legend") }) : null,
      h("div", { id: "legend-box" },
        h(bangfu.AtlasLegend, {
          id: "legend", map: "map", picture, period, off: state.off,
          words: words.map, setProps: tell.legend,
        }),
        picture && picture.measure && !published(picture.level) && !picture.follow
          ? h("p", { className: "callout" }, fill(own["panel.not_at_level"], {
              measure: picture.measure.label, level: labelOf(picture.level) }))
          : null));
    const time = h("div", { className: "time-dock" },
      h(bangfu.AtlasTime, {
        id: "time", picture, period, playing: Boolean(state.playing), words: words.map, setProps: tell.time,
      }));
    const crumbs = ready && !lock.region
      ? h(bangfu.AtlasCrumbs, { id: "crumbs", picture, words: part(portal, "crumbs") })
      : null;
    const toolbar = ready
      ? h(bangfu.AtlasToolbar, {
          id: "toolbar", picture, given: comfort.told(Catalogue(atlas)),
          words: part(portal, "toolbar", "theme"),
        })
      : null;
    const notices = h("div", { className: "notices" },
      h("div", { className: "unseen", role: "status", "aria-live": "polite" }, live),
      h("div", { className: "toasts", role: "status", "aria-live": "polite" },
        failed ? h("p", { className: "toast" }, own["screen.failed"]) : null,
        said ? h("p", { className: "toast" }, said) : null),
      problem
        ? h("section", { className: "problem", role: "alert" },
            h("div", { className: "problem-card" },
              h("h2", null, portal["notice.problem_title"]),
              h("p", { className: "problem-message" }, worded(problem, own)),
              h("p", null, portal["notice.problem_cure"]),
              h("a", { className: "button primary", href: home, onClick: address.follow(CLEAR) }, portal["notice.problem_home"])))
        : null);
    const pane = h("section", { className: "map-pane", "aria-label": portal["map.label"] },
      map,
      painted ? null : h(FirstLook),
      h(Watermark, { text: comfort.text(atlas.notices.watermark) }),
      crumbs, legend, time,
      state.table && !boot.embed ? ranking({ id: "table", wide: true, shown: true }) : null);

    const title = comfort.text(atlas.title);
    if (boot.embed) {
      const at = picture && picture.periods[bangfu.periodOf(picture, period)];
      const away = url("index.html") + address.query({ lock: null });
      return h("div", { className: "portal embedded" },
        h("header", { className: "topbar" },
          h("h1", null, picture
            ? [picture.region.name, picture.measure && picture.measure.label, at && picture.periods.length > 1 && at.label]
                .filter(Boolean).join(" · ")
            : title)),
        h("div", { className: "toolbar" }, lock.measure ? null : toolbar),
        h("div", { className: "stage", id: "main", role: "main" }, pane, notices),
        h("div", { className: "embed-foot", role: "contentinfo" },
          h("span", null, title),
          h("a", { href: away, target: "_blank", rel: "noopener" }, own["embed.full"])));
    }

    const child = picture && picture.child_level;
    const panelWords = { ...part(own, "panel"), ...part(own, "notes") };
    const open = (name) => more().then(() => setDialog(name));
    const dialogs = bangfu.public.take && dialog && full
      ? h(bangfu.public.take[dialog], {
          atlas, picture: full, period, words: part(own, dialog.toLowerCase()), notes: part(own, "notes"),
          status: part(portal, "status"), state, say: setSaid, onClose: () => setDialog(""),
        })
      : null;
    return h("div", { className: "portal" },
      h("a", { href: "#panel", className: "skip" }, portal.skip),
      h("header", { className: "topbar" },
        ready
          ? h(bangfu.AtlasBrand, { id: "brand", picture, title, demo: atlas.notices.demo, home, words: part(portal, "", "brand") })
          : h("div", { className: "brand" }, h("h1", null, title)),
        ready
          ? h(bangfu.AtlasSearch, {
              id: "search", picture, words: part(portal, "search"),
              find: (text) => bangfu.public.find(atlas, comfort.simplified(text)).then(comfort.told),
              onChoose: (row) => {
                if (!picture) return;
                arriving.current = true;
                address.go(address.region(picture, row.code));
              },
            })
          : h("div", { className: "search" }),
        h("div", { className: "actions" },
          picture && picture.measure
            ? h(Tool, { name: state.table ? "map" : "table", word: portal[state.table ? "actions.map" : "actions.table"],
                label: portal[state.table ? "actions.map_title" : "actions.table_title"], on: state.table, onClick: flip })
            : null,
          h(Tool, { name: "take", as: "rare", word: own["screen.take"], label: own["screen.take_title"], onClick: () => open("Take") }),
          h(Tool, { name: "share", as: "rare", word: own["screen.share"], label: own["screen.share_title"], onClick: () => open("Share") }),
          h(Tool, { name: "help", as: "rare", word: portal["actions.help"], label: portal["actions.help_title"],
            onClick: () => more().then(() => about.current && about.current.showModal && about.current.showModal()) }),
          h(Tool, { name: "elder", word: own["screen.elder"], label: own[comfort.on("elder") ? "screen.elder_off" : "screen.elder_on"],
            on: comfort.on("elder"), onClick: () => comfort.choose("elder", !comfort.on("elder")) }),
          comfort.scripts
            ? h(Tool, { name: "script", word: comfort.on("script") ? "简" : "繁",
                label: own[comfort.on("script") ? "screen.simplified" : "screen.traditional"],
                onClick: () => comfort.choose("script", !comfort.on("script")) })
            : null,
          ready ? h(bangfu.AtlasLook, { id: "look", words: part(portal, "look") }) : null)),
      h("div", { className: "toolbar" }, toolbar),
      h("div", { className: "stage", id: "main", role: "main" },
        pane,
        h("aside", { id: "panel", className: "panel", tabIndex: -1, "aria-label": portal["panel.label"], onFocus: raise },
          ready ? h(bangfu.AtlasSheet, { id: "sheet", panel: "panel", words: part(portal, "panel") }) : null,
          !ready ? null
            : full && !published(full.region.level)
              ? h(bangfu.public.NotHere, { picture: full, words: panelWords, level: labelOf(full.region.level) })
              : h(bangfu.AtlasFigures, { id: "figures", picture: full, period, words: part(portal, "figures", "status") }),
          full ? h(bangfu.public.Series, { picture: full, period, words: panelWords, status: part(portal, "status") }) : null,
          full && child && !published(child)
            ? h("section", null, h("p", { className: "callout" },
                fill(panelWords.not_at_level, { measure: picture.measure.label, level: labelOf(child) })))
            : null,
          leafless ? null : ranking({ id: "ranking" }),
          full ? h(bangfu.public.Notes, { atlas, picture: full, words: panelWords }) : null),
        notices),
      ready && bangfu.AtlasAbout && full
        ? h(bangfu.AtlasAbout, { dialog: about, picture: full, words: part(portal, "about"), close: portal["actions.close"], id: "about" })
        : null,
      dialogs);
  }

  /* ---- start ------------------------------------------------------------------------------------- */

  /** Says that nothing came, in the page's own place, and tries again. */
  function failed(app, again) {
    const said = document.createElement("p");
    said.className = "start-failed";
    said.setAttribute("role", "alert");
    said.textContent = comfort.text(comfort.words().public["screen.failed"]);
    app.insertBefore(said, app.firstChild);
    window.setTimeout(() => {
      said.remove();
      again();
    }, AGAIN_MS);
  }

  async function start() {
    const app = document.getElementById("bangfu-app");
    if (!app || !boot.atlas) return;
    let atlas = null;
    try {
      atlas = await bangfu.public.open();
    } catch (error) {
      failed(app, start);
      return;
    }
    bangfu.public.tiles();
    bangfu.public.atlas = atlas;
    comfort.from(atlas.hant);
    comfort.gaps();
    await comfort.apply();
    // The drawing that came with the page shows the default view, and no other.
    const query = address.query(CLEAR);
    const plain = query === address.query({});
    const drawn = app.querySelector("#bangfu-first svg");
    if (drawn && plain && !boot.embed) bangfu.public.firstLook = drawn;
    const root = document.createElement("div");
    root.id = "bangfu-root";
    app.parentNode.replaceChild(root, app);
    window.ReactDOM.createRoot(root).render(h(Outer, { atlas }));
  }

  /** Draws everything again when a reader changes letters or their size. */
  function Outer({ atlas }) {
    const [, again] = useState(0);
    useEffect(() => comfort.listen(() => again((n) => n + 1)), []);
    return h(Screen, { atlas });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
