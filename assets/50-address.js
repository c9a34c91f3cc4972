/* The address of a view: reads and writes the query string, asks the server, follows new editions. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const { useEffect, useRef, useState } = window.React;
  const h = window.React.createElement;

  // The order in which `View.to_query` writes them, so that equal views have equal addresses.
  const KEYS = ["round", "measure", "period", "region", "level", "off", "hide", "camera", "look"];
  const LOOK_KEY = "bangfu.look";
  const RENEWED_MS = 9000; // between two renewals of a profile, however much is decided
  let waiting = 0;

  /* ---- words and numbers ------------------------------------------------------------------ */

  /** Fill `{names}` of a sentence from the catalogue. */
  function fill(text, values) {
    return String(text || "").replace(/\{(\w+)\}/g, (whole, name) =>
      values && values[name] !== undefined && values[name] !== null ? String(values[name]) : ""
    );
  }

  const formats = new Map();

  /** A number with `digits` after the point; groups from five digits on, as 12,345 and 1234. */
  function number(value, digits) {
    const key = digits + (Math.abs(value) >= 10000 ? "g" : "");
    if (!formats.has(key)) {
      formats.set(
        key,
        new Intl.NumberFormat("zh-CN", {
          minimumFractionDigits: digits,
          maximumFractionDigits: digits,
          useGrouping: Math.abs(value) >= 10000,
        })
      );
    }
    // A minus sign as wide as a plus, so that columns align.
    return formats.get(key).format(value).replace("-", "−");
  }

  const isNumber = (value) => typeof value === "number" && isFinite(value);

  /** Whether a single leaf of a share measure is spoken of: then yes or no, not 100 %. */
  const isYesNo = (picture, leaf) =>
    Boolean(leaf && picture.measure && String(picture.measure.rule).indexOf("share") === 0);

  /** A value of the picture's measure as text and unit. */
  function valueText(picture, value, leaf) {
    if (!isNumber(value)) return { text: "", unit: "" };
    if (isYesNo(picture, leaf)) {
      const { classes } = picture.levels[picture.levels.length - 1];
      return { text: classes[value >= 50 ? classes.length - 1 : 0].label, unit: "" };
    }
    return { text: number(value, picture.measure.digits), unit: picture.measure.unit };
  }

  /* ---- the address ------------------------------------------------------------------------ */

  const listeners = new Set();

  /** The address's query with `patch` laid over it; null, "" and [] take a key away. */
  function query(patch, from) {
    const now = new URLSearchParams(from === undefined ? window.location.search : from);
    for (const key of Object.keys(patch || {})) {
      const value = patch[key];
      const text = Array.isArray(value) ? value.join(",") : value;
      if (text === null || text === undefined || text === "") now.delete(key);
      else now.set(key, String(text));
    }
    const parts = KEYS.filter((key) => now.has(key)).map(
      // Commas and slashes need no escape in a query, and an address is also read by people.
      (key) =>
        key + "=" + encodeURIComponent(now.get(key)).replace(/%2C/gi, ",").replace(/%2F/gi, "/")
    );
    return parts.length ? "?" + parts.join("&") : "";
  }

  const here = () => window.location.pathname;

  const address = (bangfu.address = {
    /** What an address may say; a page with keys of its own adds them. */
    keys: KEYS,
    query,
    /** Where a link with `patch` leads: a real address, so that it can be opened elsewhere. */
    href: (patch) => here() + query(patch),
    value: (key) => new URLSearchParams(window.location.search).get(key),
    /** A new view that Back can leave: one entry in the history, one question to the server. */
    go(patch) {
      const next = query(patch);
      if (next === window.location.search) return;
      window.history.pushState(null, "", here() + next);
      listeners.forEach((listener) => listener());
    },
    /** A change that only this browser knows (period, filter, camera): no entry, no question. */
    note(patch) {
      const next = query(patch);
      if (next !== window.location.search) {
        window.history.replaceState(window.history.state, "", here() + next + window.location.hash);
      }
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });

  /** The patch that leads to a region: the level follows it, the camera is fitted anew. */
  address.region = function (picture, code) {
    const root = picture.path && picture.path.length ? picture.path[0].code : null;
    return {
      region: code === root ? null : code,
      level: address.value("level") === "zoom" ? "zoom" : null,
      camera: null,
    };
  };

  /** A plain click; with a modifier the browser opens the link as it likes. */
  address.follow = (patch) => (event) => {
    if (event.defaultPrevented || event.button > 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    address.go(patch);
  };

  /** Go to the region above; false at the root. */
  address.up = function (picture) {
    const path = (picture && picture.path) || [];
    if (path.length < 2) return false;
    const parent = path[path.length - 2];
    address.go(address.region(picture, parent.code));
    return true;
  };

  /* ---- look: a choice of this browser ----------------------------------------------------- */

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const lookListeners = new Set();

  const look = (bangfu.look = {
    chosen() {
      const named = address.value("look");
      if (named === "light" || named === "dark") return named;
      try {
        return window.localStorage.getItem(LOOK_KEY) || "";
      } catch (error) {
        return ""; // Storage may be forbidden; then the system's wish holds.
      }
    },
    choose(name) {
      try {
        if (name) window.localStorage.setItem(LOOK_KEY, name);
        else window.localStorage.removeItem(LOOK_KEY);
      } catch (error) {
        // Not kept for the next visit, still applied to this one.
        look.held = name;
      }
      address.note({ look: null });
      look.apply(name);
    },
    isDark: () => document.documentElement.getAttribute("data-look") === "dark",
    apply(name) {
      const wish = name === undefined ? look.held || look.chosen() : name;
      const shown = wish || (dark.matches ? "dark" : "light");
      document.documentElement.setAttribute("data-look", shown);
      window.dispatchEvent(new Event("bangfu-look"));
      lookListeners.forEach((listener) => listener(shown === "dark"));
    },
    listen(listener) {
      lookListeners.add(listener);
      return () => lookListeners.delete(listener);
    },
  });
  look.apply();
  const systemChanged = () => look.apply();
  if (dark.addEventListener) dark.addEventListener("change", systemChanged);

  /** Re-render with the look. */
  bangfu.useDark = function () {
    const [value, set] = useState(look.isDark());
    useEffect(() => look.listen(set), []);
    return value;
  };

  /* ---- what others of the portal's scripts use ---------------------------------------------- */

  bangfu.say = { fill, number, isNumber, isYesNo, valueText };

  /** The current period's index, kept inside what the picture has. */
  bangfu.periodOf = (picture, period) => {
    const last = ((picture && picture.periods) || []).length - 1;
    const wanted = isNumber(period) ? period : picture ? picture.period : 0;
    return Math.max(0, Math.min(last, wanted || 0));
  };

  /** What the costly panels depend on; a new period does not ask for them again. */
  const detailsKey = (picture) =>
    [
      picture.edition,
      picture.round && picture.round.id,
      picture.measure && picture.measure.id,
      picture.region && picture.region.code,
      look.isDark() ? "dark" : "light",
    ].join("/");

  /** The question for the slow panels; charts are drawn for the look that is on. */
  const detailsOf = (picture) => ({
    search: query({ look: look.isDark() ? "dark" : "light" }, picture.query),
    key: detailsKey(picture),
    live: picture.live,
    // Charts know pixels only: on a wall their letters must grow with all others.
    text: Math.round(parseFloat(window.getComputedStyle(document.documentElement).fontSize)) || 16,
  });

  /* ---- AtlasAddress ------------------------------------------------------------------------ */

  /** One sentence for whoever cannot see the map. */
  function sentence(picture, period, words) {
    const region = picture.region.name;
    if (!picture.measure) {
      return fill(words.announce_plain, { region, round: picture.round.label });
    }
    const at = bangfu.periodOf(picture, period);
    const { text, unit } = valueText(
      picture,
      picture.series && picture.series.value[at],
      picture.region.leaf
    );
    return fill(words.announce, {
      region,
      measure: picture.measure.label,
      period: picture.periods.length ? picture.periods[at].label : "",
      value: text ? (text + " " + unit).trim() : words.silent,
    });
  }

  bangfu.say.sentence = sentence;

  /**
   * Holds the state that flows from the address to the screen.
   *
   * Out: `asked` {search, n} whenever the server has to draw; `details` {search, key, text}
   * once the map is painted. In: `picture`, `problem` {message, cure} or null, from the server.
   */
  function AtlasAddress(props) {
    const { id, picture, problem, words, poll_seconds: pollSeconds, setProps } = props;
    const asked = useRef(0);
    const shown = useRef(null);
    const [toast, setToast] = useState("");
    const [offline, setOffline] = useState(false);
    const [busy, setBusy] = useState(false);
    const [live, setLive] = useState("");
    const current = useRef({});
    current.current = { picture, problem, details: props.details };

    useEffect(() => {
      const ask = () => {
        asked.current += 1;
        setBusy(true);
        setProps({ asked: { search: window.location.search, n: asked.current } });
      };
      const back = () => {
        look.apply();
        ask();
      };
      const forget = address.listen(ask);
      window.addEventListener("popstate", back);
      ask();

      // A new edition: ask again when the last answer is in, only while someone looks.
      let timer = 0;
      let stopped = false;
      const wait = () => {
        if (!stopped) timer = window.setTimeout(poll, (pollSeconds || 4) * 1000);
      };
      const poll = () => {
        if (document.hidden) return wait();
        const limit = window.AbortController ? new AbortController() : null;
        const cut = window.setTimeout(() => limit && limit.abort(), 8000);
        return window
          .fetch(props.health || "/healthz", { cache: "no-store", signal: limit && limit.signal })
          .then((answer) => answer.json())
          .then((health) => {
            setOffline(false);
            const { picture: seen, problem: open } = current.current;
            const stale = seen ? seen.edition !== health.edition : Boolean(open);
            if (health.edition && stale) ask();
          })
          .catch(() => setOffline(true))
          .then(() => {
            window.clearTimeout(cut);
            wait();
          });
      };
      wait();
      const awake = () => {
        if (!document.hidden) {
          window.clearTimeout(timer);
          poll();
        }
      };
      document.addEventListener("visibilitychange", awake);
      return () => {
        stopped = true;
        forget();
        window.clearTimeout(timer);
        window.removeEventListener("popstate", back);
        document.removeEventListener("visibilitychange", awake);
      };
    }, []);

    useEffect(() => {
      setBusy(false);
      if (!picture || picture.refreshed) return undefined;
      if (shown.current && shown.current !== picture.edition) setToast(words.updated);
      shown.current = picture.edition;
      setLive(sentence(picture, picture.period, words));
      // What a view has no use for takes no room: one period needs no time bar, no measure no legend.
      const root = document.documentElement;
      root.setAttribute("data-periods", picture.periods.length > 1 ? "2" : "1");
      root.setAttribute("data-measured", picture.measure ? "1" : "0");
      document.title = [
        picture.region.name,
        picture.measure ? picture.measure.label : picture.round.label,
        picture.title,
      ].join(" · ");
      // Where the map cannot paint (no WebGL), the panels still come.
      const late = window.setTimeout(() => {
        const { details } = current.current;
        const next = detailsOf(picture);
        if (!details || details.key !== next.key) setProps({ details: next });
      }, 5000);
      return () => window.clearTimeout(late);
    }, [picture]);

    useEffect(() => {
      if (problem) setBusy(false);
    }, [problem]);

    // What follows the ledger is fetched anew when that went on: the same view, so that neither
    // camera nor period nor filter of whoever looks is touched. Other maps ask for nothing.
    const follows = Boolean(picture && picture.live);
    useEffect(() => {
      if (!follows) return undefined;
      let fetching = false;
      let before = "";
      return bangfu.live.watch((revision) => {
        const { picture: seen } = current.current;
        const again = revision === before;
        before = revision;
        if (fetching || !seen || !seen.live || seen.live === revision) return;
        // One process of the server may be a second behind another: what is older is believed
        // when it is told twice, as after a backup was put back.
        if (!again && bangfu.live.isOlder(revision, seen.live)) return;
        fetching = true;
        bangfu.live
          .ask("/live/picture?" + seen.query + (seen.query ? "&" : "") + "at=" + revision)
          .then((fresh) => {
            if (current.current.picture !== seen || fresh.edition !== seen.edition) return;
            setProps({ picture: { ...fresh, refreshed: true } });
          })
          .catch(() => undefined) // asked again with the next answer
          .then(() => {
            fetching = false;
          });
      });
    }, [follows]);

    // What visitors saw stands in a village's profile whatever its map shows: a profile that stays
    // open is asked for anew when the ledger went on, though not while somebody reads it by keys.
    const leaf = Boolean(picture && picture.region && picture.region.leaf);
    const heard = useRef({ key: "", at: "", last: "", due: 0 });
    useEffect(() => {
      if (!leaf) return undefined;
      return bangfu.live.watch((revision) => {
        const { picture: seen, details } = current.current;
        const known = heard.current;
        const again = revision === known.last;
        const before = known.last || revision;
        known.last = revision;
        if (!seen || !details || details.key !== detailsKey(seen)) return;
        if (known.key !== details.key) Object.assign(known, { key: details.key, at: before });
        if (revision === known.at || Date.now() < known.due) return;
        if (!again && bangfu.live.isOlder(revision, known.at)) return;
        const panel = document.querySelector(".details");
        if (panel && panel.contains(document.activeElement)) return;
        Object.assign(known, { at: revision, due: Date.now() + RENEWED_MS });
        setProps({ details: { ...detailsOf(seen), quiet: true } });
      });
    }, [leaf]);

    // Charts and profile come by Dash, which counts as somebody's doing: they wait for a reader.
    useEffect(() => {
      if (!follows) return undefined;
      const touched = () => {
        const { picture: seen, details } = current.current;
        if (!seen || !details || details.key !== detailsKey(seen) || details.live === seen.live) return;
        setProps({ details: detailsOf(seen) });
      };
      const events = ["pointerdown", "keydown", "wheel"];
      events.forEach((name) => window.addEventListener(name, touched, { passive: true }));
      return () => events.forEach((name) => window.removeEventListener(name, touched));
    }, [follows]);

    const isDark = bangfu.useDark();
    useEffect(() => {
      const { picture: seen, details } = current.current;
      if (seen && details && details.key !== detailsKey(seen)) setProps({ details: detailsOf(seen) });
    }, [isDark]);

    useEffect(() => {
      if (!toast) return undefined;
      const timer = window.setTimeout(() => setToast(""), 6000);
      return () => window.clearTimeout(timer);
    }, [toast]);

    useEffect(() => {
      const key = (event) => {
        if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
        const tag = event.target && event.target.tagName;
        const typing = tag === "INPUT" && event.target.type !== "checkbox";
        if (event.key === "Escape" && !typing && !document.querySelector("dialog[open]")) {
          if (address.up(current.current.picture)) event.preventDefault();
        } else if (event.key === "/" && !typing && tag !== "SELECT" && tag !== "TEXTAREA") {
          const box = document.querySelector(".search input");
          if (box) {
            event.preventDefault();
            box.focus();
          }
        }
      };
      document.addEventListener("keydown", key);
      return () => document.removeEventListener("keydown", key);
    }, []);

    const cutoff = picture && picture.notices ? picture.notices.cutoff : "";
    return h(
      "div",
      { id, className: "notices" },
      h("div", { className: "unseen", role: "status", "aria-live": "polite" }, live),
      h("div", { className: "busy", "data-on": busy ? "1" : undefined, "aria-hidden": true }),
      h("div", { className: "toasts", role: "status", "aria-live": "polite" },
        toast ? h("p", { className: "toast" }, toast) : null,
        offline ? h("p", { className: "toast quiet" }, fill(words.offline, { cutoff })) : null
      ),
      problem
        ? h("section", { className: "problem", role: "alert" },
            h("div", { className: "problem-card" },
              h("h2", null, words.problem_title),
              h("p", { className: "problem-message" }, problem.message),
              h("p", null, problem.cure || words.problem_cure),
              h("a", { className: "button primary", href: here() }, words.problem_home)
            )
          )
        : null
    );
  }

  bangfu.AtlasAddress = AtlasAddress;

  /* ---- clientside callbacks ------------------------------------------------------------------ */

  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const skip = () => clientside.no_update;
  /** One value an output: which outputs there are is wired in python, where the ids live. */
  const each = (value) => {
    const outputs = clientside.callback_context.outputs_list;
    return Array.isArray(outputs)
      ? outputs.map((output) => value(output.property))
      : value(outputs.property);
  };

  clientside.portal = {
    /** A new picture for everyone who draws it, with its period, filter and layers at once. */
    share(picture) {
      if (!picture) return each(skip);
      return each((name) =>
        name === "picture" ? picture
          // The same view of a newer ledger: what the reader chose meanwhile stays.
          : picture.refreshed ? skip()
          : name === "highlight" || name === "pointed" ? null
            : picture[name]
      );
    },
    /** The period, chosen on the time bar, for everyone who shows it. */
    period(period, picture) {
      if (!picture || !isNumber(period)) return each(skip);
      const at = bangfu.periodOf(picture, period);
      const chosen = picture.periods[at];
      const last = at === picture.periods.length - 1;
      // Written when playing rests for a moment: browsers limit how often an address may change.
      window.clearTimeout(waiting);
      const asked = query({ period: null, camera: null });
      waiting = window.setTimeout(() => {
        const same = asked === query({ period: null, camera: null });
        if (chosen && same) address.note({ period: last ? null : chosen.id });
      }, 200);
      return each(() => at);
    },
    /** The classes filtered out. */
    off(off, picture) {
      if (!picture) return each(skip);
      address.note({ off: (off || []).slice().sort((a, b) => a - b) });
      return each(() => off || []);
    },
    /** Class or row under the pointer: passed on as it is. */
    pass: (value) => (value === undefined ? null : value),
    /** The layers hidden. */
    hide(hide, picture) {
      if (picture && hide) address.note({ hide: hide.slice().sort() });
      return skip();
    },
    /** A region clicked on the map becomes the view. */
    clicked(clicked, picture) {
      if (clicked && clicked.code && picture && clicked.code !== picture.region.code) {
        address.go(address.region(picture, clicked.code));
      }
      return skip();
    },
    /** Where the reader moved the map to. */
    camera(camera) {
      const parts = Array.isArray(camera)
        ? camera
        : camera
          ? [camera.zoom, camera.lat, camera.lon]
          : [];
      if (parts.length === 3 && parts.every(isNumber)) {
        address.note({
          camera: [parts[0].toFixed(2), parts[1].toFixed(5), parts[2].toFixed(5)]
            .map(Number)
            .join("/"),
        });
      }
      return skip();
    },
    /** The table stands in the map's place. */
    table(shown) {
      document.documentElement.setAttribute("data-table", shown ? "1" : "0");
      return Boolean(shown);
    },
    /** After the first coloured map: ask once for the panels that are slow or need plotly. */
    painted(painted, details, picture) {
      if (!painted || !picture) return skip();
      const next = detailsOf(picture);
      return details && details.key === next.key ? skip() : next;
    },
  };
})();
