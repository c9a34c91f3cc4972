/* The remote control: a phone pairs with a wall by a code, sees what it shows, and steers it.
 * It asks the server by itself, one question at a time, and goes on when the server comes back. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const { Fragment, useCallback, useEffect, useLayoutEffect, useRef, useState } = window.React;
  const h = window.React.createElement;

  const KEPT_AS = "bangfu.remote";
  const LIMIT_MS = 3000;
  const SCENES_LIMIT_MS = 30000; // the first to ask after a new edition waits until it is computed
  const SEARCH_LIMIT_MS = 8000;
  const CALM_MS = 1000;
  const HASTE_MS = 200;
  const HASTE_FOR_MS = 2500;
  const LONGEST_WAIT_MS = 4000;
  const RETRY_MS = 350;
  const MOST_WAITING = 6;
  const POINT_EVERY_MS = 84; // twelve a second
  const POINT_AGAIN_MS = 1000; // the server puts out a pointer it does not hear of for three
  const DONE_MS = 700;
  const FAILED_MS = 3000;
  const WISH_MS = 2500;
  const ROOM = 1.12; // around a region, so that its edge can be pointed at
  const CLOSEST = 12; // how much of the whole map a village's surroundings are, at least: 1/12
  const ROOMY = "(min-width: 45rem) and (min-height: 28.01rem)"; // as in remote.css
  const SIZES = [1.125, 1.3125, 1.5625, 1.875, 2.25]; // of the notes, in rem

  /* ---- small things --------------------------------------------------------------------- */

  const fill = (text, values) =>
    String(text || "").replace(/\{(\w+)\}/g, (whole, name) =>
      values[name] === undefined || values[name] === null ? "" : String(values[name])
    );

  const two = (number) => String(number).padStart(2, "0");
  const clock = (date) => two(date.getHours()) + ":" + two(date.getMinutes());

  /** Milliseconds as 5:07 or 1:05:07. */
  function lasting(ms) {
    const all = Math.max(0, Math.floor(ms / 1000));
    const hours = Math.floor(all / 3600);
    const minutes = Math.floor(all / 60) % 60;
    return (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(all % 60);
  }

  /** An id for a press; `crypto.randomUUID` is missing on an intranet page without TLS. */
  function identifier() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** What this browser keeps; where storage is forbidden, until the page is left. */
  const keep = {
    held: null,
    read() {
      try {
        return JSON.parse(window.localStorage.getItem(KEPT_AS)) || keep.held;
      } catch (error) {
        return keep.held;
      }
    },
    write(value) {
      keep.held = value;
      try {
        if (value) window.localStorage.setItem(KEPT_AS, JSON.stringify(value));
        else window.localStorage.removeItem(KEPT_AS);
      } catch (error) {
        // Private windows may refuse: the phone then pairs again after it was put away.
      }
    },
  };

  /** A request that ends: {status, body, headers}; rejects when the network or time fails it. */
  function ask(path, { method, token, body, tag, limit, keepalive, keep: kept } = {}) {
    const control = new AbortController();
    const timer = window.setTimeout(() => control.abort(), limit || LIMIT_MS);
    const headers = {};
    if (token) headers.Authorization = "Bearer " + token;
    if (tag) headers["If-None-Match"] = tag;
    if (body) headers["Content-Type"] = "application/json";
    const read = window
      .fetch(path, {
        method: method || "GET", headers, cache: kept ? "default" : "no-store", keepalive: Boolean(keepalive),
        signal: control.signal, body: body ? JSON.stringify(body) : undefined,
      })
      .then((answer) => {
        // The body is read under the same limit: headers may come and the rest never.
        const json = (answer.headers.get("Content-Type") || "").indexOf("json") >= 0;
        return Promise.resolve(json ? answer.json() : null).then((content) => ({
          status: answer.status, headers: answer.headers, body: content,
        }));
      });
    const end = () => window.clearTimeout(timer);
    read.then(end, end);
    return read;
  }

  /* ---- what goes on beside the page ------------------------------------------------------- */

  /** Asks what the wall shows; the next question only after the last has ended. */
  class Link {
    /** `on`: told(state), link(whether the server answers), ended(). */
    constructor(token, on) {
      Object.assign(this, { token, on, tag: "", timer: 0, busy: false, stopped: false });
      this.failures = 0;
      this.hasty = 0;
      this.seen = () => this.wake();
      document.addEventListener("visibilitychange", this.seen);
      window.addEventListener("online", this.seen);
      this.turn();
    }

    stop() {
      this.stopped = true;
      window.clearTimeout(this.timer);
      document.removeEventListener("visibilitychange", this.seen);
      window.removeEventListener("online", this.seen);
    }

    /** Something was pressed: look more often for what comes of it. */
    hasten() {
      this.hasty = performance.now() + HASTE_FOR_MS;
      this.wake();
    }

    wake() {
      if (this.busy || this.stopped || document.hidden) return;
      window.clearTimeout(this.timer);
      this.turn();
    }

    async turn() {
      if (this.stopped || document.hidden) return; // visibilitychange wakes it
      this.busy = true;
      try {
        const answer = await ask("/steer/remote", { token: this.token, tag: this.tag });
        if (this.stopped) return;
        if (answer.status === 401) return this.on.ended();
        if (answer.status !== 200 && answer.status !== 304) throw new Error(answer.status);
        this.failures = 0;
        this.on.link(true);
        if (answer.status === 200) {
          this.tag = answer.headers.get("ETag") || "";
          this.on.told(answer.body);
        }
      } catch (error) {
        this.failures += 1;
        // One lost question says nothing; the second does.
        if (!this.stopped && this.failures > 1) this.on.link(false);
      } finally {
        this.busy = false;
        const hasty = performance.now() < this.hasty;
        const wait = this.failures
          ? Math.min(LONGEST_WAIT_MS, 400 * 2 ** Math.min(this.failures, 5))
          : hasty ? HASTE_MS : CALM_MS;
        if (!this.stopped) this.timer = window.setTimeout(() => this.turn(), wait);
      }
    }
  }

  /** Sends commands in the order in which they were pressed. */
  class Orders {
    constructor(token, ended) {
      Object.assign(this, { token, ended, waiting: 0, last: Promise.resolve() });
    }

    /** Resolves when the server has taken it; rejects when it has not. */
    send(order) {
      if (this.waiting >= MOST_WAITING) return Promise.reject(new Error("busy"));
      this.waiting += 1;
      const done = this.last.then(() => this.deliver({ id: identifier(), ...order }));
      const over = () => {
        this.waiting -= 1;
      };
      this.last = done.then(over, over);
      return done;
    }

    /** Once more with the same id if the first time failed: the server does it once. */
    async deliver(body) {
      for (const again of [true, false]) {
        try {
          const answer = await ask("/steer/remote/commands", {
            method: "POST", token: this.token, body,
          });
          if (answer.status === 200) return;
          if (answer.status === 401) this.ended();
          if (answer.status < 500) throw Object.assign(new Error(answer.status), { final: true });
          throw new Error(answer.status);
        } catch (error) {
          if (!again || error.final) throw error;
          await new Promise((wake) => window.setTimeout(wake, RETRY_MS));
        }
      }
    }
  }

  /** Where the finger is, told at most twelve times a second, the last place at the end. */
  class Pointer {
    constructor(token) {
      Object.assign(this, { token, spot: null, news: false, busy: false, timer: 0, sent: 0 });
      this.away = () => this.out();
      window.addEventListener("pagehide", this.away);
      document.addEventListener("visibilitychange", this.away);
    }

    stop() {
      this.out();
      window.removeEventListener("pagehide", this.away);
      document.removeEventListener("visibilitychange", this.away);
    }

    /** [lon, lat], or null when the finger is lifted. */
    at(spot) {
      if (!spot && !this.spot) return;
      this.spot = spot;
      this.news = true;
      this.pump();
    }

    pump() {
      window.clearTimeout(this.timer);
      if (this.busy) return;
      const rest = this.sent + (this.news ? POINT_EVERY_MS : POINT_AGAIN_MS) - performance.now();
      if (this.spot && rest > 0) {
        this.timer = window.setTimeout(() => this.pump(), rest);
        return;
      }
      if (!this.spot && !this.news) return;
      this.news = false;
      this.busy = true;
      this.sent = performance.now();
      const over = () => {
        this.busy = false;
        this.pump();
      };
      this.tell(this.spot).then(over, over);
    }

    tell(spot, keepalive) {
      const body = { id: identifier(), do: "pointer" };
      if (spot) Object.assign(body, { lon: spot[0], lat: spot[1] });
      return ask("/steer/remote/commands", { method: "POST", token: this.token, body, keepalive });
    }

    /** The page goes away, perhaps for good: what is asked now must not end with it. */
    out() {
      if (!this.spot) return;
      this.spot = null;
      this.news = false;
      window.clearTimeout(this.timer);
      this.tell(null, true).catch(() => undefined);
    }
  }

  /* ---- pieces ----------------------------------------------------------------------------- */

  const ICONS = {
    previous: "M15 5l-7 7l7 7",
    next: "M9 5l7 7l-7 7",
    hold: "M9 3.5h6M10 3.5v6l-3.5 4h11l-3.5-4v-6M12 13.5V21",
    play: "M8 5l11 7l-11 7z",
    pause: "M8 5v14M16 5v14",
    blank: "M3.5 5h17v12h-17zM9 20.5h6M4 4.5l16 13",
    unblank: "M3.5 5h17v12h-17zM9 20.5h6",
    back: "M9 7l-5 5l5 5M4 12h11a5 5 0 0 1 5 5v1",
    done: "M5 12.5l4.5 4.5L19 7.5",
    failed: "M12 4v10M12 18.5v.5",
  };

  /** A line drawing of 24 units; decoration only, the words beside it speak. */
  const icon = (name) =>
    h("svg", { className: "remote-icon", viewBox: "0 0 24 24", "aria-hidden": true, focusable: false },
      h("path", { d: ICONS[name] })
    );

  /** A button that shows whether what it ordered was taken. `order` () => promise. */
  function Press({ order, className, failed, children, ...rest }) {
    const [state, setState] = useState("");
    const number = useRef(0);
    const timer = useRef(0);
    useEffect(() => () => {
      number.current = -1;
      window.clearTimeout(timer.current);
    }, []);
    const press = () => {
      const mine = (number.current += 1);
      const show = (name, ms) => {
        if (number.current !== mine) return; // a later press, or the button is gone
        window.clearTimeout(timer.current);
        setState(name);
        if (ms) timer.current = window.setTimeout(() => setState(""), ms);
      };
      show("busy");
      order().then(() => show("done", DONE_MS), () => show("failed", FAILED_MS));
    };
    return h("button", {
      type: "button", className: "remote-press " + (className || ""), onClick: press,
      "data-state": state || undefined, ...rest,
    },
      children,
      state === "done" || state === "failed"
        ? h("span", { className: "remote-mark" }, icon(state)) : null,
      h("span", { className: "unseen", role: "alert" }, state === "failed" ? failed : "")
    );
  }

  /** Redraws its children's function every second while somebody looks. */
  function Ticking({ children }) {
    const [now, setNow] = useState(Date.now());
    useEffect(() => {
      const timer = window.setInterval(() => {
        if (!document.hidden) setNow(Date.now());
      }, 1000);
      return () => window.clearInterval(timer);
    }, []);
    return children(now);
  }

  /** Whether the screen has room for two columns. */
  function useWide() {
    const [wide, setWide] = useState(() => window.matchMedia(ROOMY).matches);
    useEffect(() => {
      const media = window.matchMedia(ROOMY);
      const change = () => setWide(media.matches);
      media.addListener(change); // addEventListener is younger than some phones
      return () => media.removeListener(change);
    }, []);
    return wide;
  }

  /* ---- pairing ---------------------------------------------------------------------------- */

  /** Pairs with a code: {token, wall, name, until}, or rejects with {sentence} or {wait}. */
  async function join(code, words) {
    let answer;
    try {
      answer = await ask("/steer/pair", { method: "POST", body: { code } });
    } catch (error) {
      throw { sentence: words.pair_failed };
    }
    if (answer.status === 200) {
      const { token, wall, name, expires } = answer.body;
      // The phone's own clock may be wrong: only how long the server gives is taken over.
      const server = Date.parse(answer.headers.get("Date")) || Date.now();
      const now = Date.now();
      return { token, wall, name, until: now + expires * 1000 - server, started: now };
    }
    if (answer.status === 403) throw { sentence: words.pair_wrong };
    if (answer.status === 429) {
      const seconds = parseInt(answer.headers.get("Retry-After"), 10) || 60;
      throw { wait: Date.now() + seconds * 1000 };
    }
    throw { sentence: words.pair_failed };
  }

  /** The field for the six digits. */
  function Pair({ id, title, words, trouble, first, onPaired }) {
    const [code, setCode] = useState(first || "");
    const [problem, setProblem] = useState(trouble ? { sentence: trouble } : null);
    const [busy, setBusy] = useState(false);
    const input = useRef(null);
    const gone = useRef(false);
    useEffect(() => () => {
      gone.current = true;
    }, []);

    const send = (digits) => {
      if (busy || digits.length !== 6) return;
      setBusy(true);
      setProblem(null);
      join(digits, words).then(onPaired, (error) => {
        if (gone.current) return;
        setProblem(error);
        setBusy(false);
        setCode("");
        if (input.current) input.current.focus();
      });
    };
    useEffect(() => {
      if (first) send(first);
    }, [first]);

    const typed = (event) => {
      const digits = event.target.value.replace(/\D/g, "").slice(0, 6);
      setCode(digits);
      if (digits.length === 6) send(digits);
    };

    return h("main", { className: "remote-pair", id },
      h("form", {
        onSubmit: (event) => {
          event.preventDefault();
          send(code);
        },
      },
        title ? h("p", { className: "remote-atlas" }, title) : null,
        h("h1", null, words.pair_title),
        h("p", { id: id + "-how" }, words.pair_text),
        h("label", { className: "unseen", htmlFor: id + "-code" }, words.pair_label),
        h("input", {
          id: id + "-code", ref: input, className: "remote-code", inputMode: "numeric",
          pattern: "[0-9]*", autoComplete: "one-time-code", "aria-describedby": id + "-how",
          "aria-invalid": Boolean(problem), value: code, onChange: typed, disabled: busy,
          placeholder: "······", autoFocus: !first,
        }),
        h("p", { className: "remote-problem", role: "alert" },
          problem && problem.wait
            ? h(Ticking, null, (now) =>
                problem.wait > now ? fill(words.pair_wait, { time: lasting(problem.wait - now) }) : "")
            : problem && problem.sentence
        ),
        h("button", { type: "submit", className: "remote-join", disabled: busy || code.length !== 6 },
          busy ? words.pairing : words.pair)
      )
    );
  }

  /* ---- what is shown of the wall ------------------------------------------------------------- */

  /** Scenes of the wall's briefing; asked anew when edition or briefing change. */
  function useScenes(token, key) {
    const [found, setFound] = useState({ key: "", scenes: null, failed: false });
    useEffect(() => {
      if (!key) return undefined;
      let stopped = false;
      let timer = 0;
      let failures = 0;
      const load = () =>
        ask("/steer/remote/scenes", { token, limit: SCENES_LIMIT_MS })
          .then((answer) => {
            if (answer.status !== 200) throw new Error(answer.status);
            if (!stopped) setFound({ key, scenes: answer.body.scenes, failed: false });
          })
          .catch(() => {
            if (stopped) return;
            failures += 1;
            setFound((before) => ({ ...before, failed: true }));
            timer = window.setTimeout(load, Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures));
          });
      load();
      return () => {
        stopped = true;
        window.clearTimeout(timer);
      };
    }, [token, key]);
    return found;
  }

  /**
   * What to point at: a picture, the degrees of its edges, and those of the part that is shown.
   * Null while there is none; only looked for when `wanted`.
   */
  function usePlace(scene, scenes, showing, edition, wanted) {
    const region = (showing && showing.region) || "";
    const source = !wanted ? "" : region && edition
      ? "/briefings/" + encodeURIComponent(edition) + "/region/" + encodeURIComponent(region) + ".json"
      : (scene && scene.url) || "";
    const [framed, setFramed] = useState({ source: "", bounds: null });
    useEffect(() => {
      if (!source) return undefined;
      let stopped = false;
      ask(source, { limit: SCENES_LIMIT_MS, keep: true })
        .then((answer) => {
          const bounds = answer.body && answer.body.region && answer.body.region.bounds;
          if (!stopped && answer.status === 200 && bounds) setFramed({ source, bounds });
        })
        .catch(() => undefined); // A scene's picture is shown whole then; a region has none.
      return () => {
        stopped = true;
      };
    }, [source]);

    const bounds = framed.source === source ? framed.bounds : null;
    const drawn = region ? widest(scenes) : scene && scene.thumbnail;
    if (!wanted || !drawn || (region && !bounds)) return null;
    const edges = drawn.bounds;
    return { url: drawn.url, edges, part: bounds ? around(bounds, edges) : edges };
  }

  /** Of all scenes' pictures the one of the widest land, to cut any region out of. */
  function widest(scenes) {
    const size = (bounds) => (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]);
    return (scenes || [])
      .map((one) => one.thumbnail)
      .filter(Boolean)
      .reduce((best, one) => (!best || size(one.bounds) > size(best.bounds) ? one : best), null);
  }

  /** Some room around a region, inside of the picture, never so close that nothing is seen. */
  function around(bounds, edges) {
    const cut = (low, high, from, to) => {
      const whole = to - from;
      const wide = Math.min(whole, Math.max((high - low) * ROOM, whole / CLOSEST));
      const start = Math.min(to - wide, Math.max(from, (low + high - wide) / 2));
      return [start, start + wide];
    };
    const [west, east] = cut(bounds[0], bounds[2], edges[0], edges[2]);
    const [south, north] = cut(bounds[1], bounds[3], edges[1], edges[3]);
    return [west, south, east, north];
  }

  /** A map to point at: press and move. `onPoint` gets [lon, lat], or null at the end. */
  function Surface({ place, words, onPoint }) {
    const frame = useRef(null);
    const [room, setRoom] = useState(null);
    const [shape, setShape] = useState(4 / 3);
    const [dot, setDot] = useState(null);
    const held = useRef(null);

    useLayoutEffect(() => {
      const watch = new ResizeObserver(([entry]) =>
        setRoom([entry.contentRect.width, entry.contentRect.height])
      );
      watch.observe(frame.current);
      return () => watch.disconnect();
    }, []);
    // The map changed under the finger, or the page was turned.
    useEffect(() => () => onPoint(null), [place.url, place.part.join()]);

    const { edges, part } = place;
    const across = (part[2] - part[0]) / (edges[2] - edges[0]);
    const down = (part[3] - part[1]) / (edges[3] - edges[1]);
    const ratio = (shape * across) / down;
    const width = room ? Math.floor(Math.min(room[0], room[1] * ratio)) : 0;
    const height = Math.floor(width / ratio);
    const picture = {
      width: width / across, height: height / down,
      left: (-width / across) * ((part[0] - edges[0]) / (edges[2] - edges[0])),
      top: (-height / down) * ((edges[3] - part[3]) / (edges[3] - edges[1])),
    };

    const point = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      const inside = (value) => Math.min(1, Math.max(0, value));
      const x = inside((event.clientX - box.left) / box.width);
      const y = inside((event.clientY - box.top) / box.height);
      setDot([x, y]);
      onPoint([part[0] + x * (part[2] - part[0]), part[3] - y * (part[3] - part[1])]);
    };
    const end = (event) => {
      if (event.pointerId !== held.current) return;
      held.current = null;
      setDot(null);
      onPoint(null);
    };
    return h("div", { className: "remote-frame", ref: frame },
      h("div", {
        className: "remote-surface", style: { width, height }, role: "img",
        "aria-label": words.pointer_label,
        onPointerDown: (event) => {
          if (held.current !== null || event.button > 0) return;
          held.current = event.pointerId;
          event.currentTarget.setPointerCapture(event.pointerId);
          point(event);
        },
        onPointerMove: (event) => event.pointerId === held.current && point(event),
        onPointerUp: end,
        onPointerCancel: end,
        onLostPointerCapture: end,
        onContextMenu: (event) => event.preventDefault(),
      },
        h("img", {
          src: place.url, alt: "", draggable: false, style: picture,
          onLoad: (event) => {
            const { naturalWidth: w, naturalHeight: t } = event.currentTarget;
            if (w && t) setShape(w / t);
          },
        }),
        dot ? h("span", {
          className: "remote-dot", style: { left: dot[0] * width, top: dot[1] * height },
        }) : null
      )
    );
  }

  /** What the presenter says: the scene's sentence, the notes, what comes next. */
  function Notes({ scene, known, upcoming, words, size, onSize }) {
    return h("div", { className: "remote-notes" },
      h("div", { className: "remote-sizes", role: "group", "aria-label": words.size },
        [["smaller", -1], ["larger", 1]].map(([name, step]) =>
          h("button", {
            key: name, type: "button", className: "remote-" + name, "aria-label": words[name],
            title: words[name], disabled: !SIZES[size + step], onClick: () => onSize(size + step),
          }, "字")
        )
      ),
      scene && scene.sentence ? h("p", { className: "remote-sentence" }, scene.sentence) : null,
      scene && scene.notes
        ? h("p", { className: "remote-text", style: { fontSize: SIZES[size] + "rem" } }, scene.notes)
        : known ? h("p", { className: "remote-hint" }, words.no_notes) : null,
      upcoming ? h("p", { className: "remote-hint" }, fill(words.upcoming, upcoming)) : null
    );
  }

  /** The scenes, the one that is on marked. */
  function Scenes({ list, failed, scene, words, order }) {
    const now = useRef(null);
    const at = scene && scene.id;
    useEffect(() => {
      if (now.current) now.current.scrollIntoView({ block: "nearest" });
    }, [at, Boolean(list)]);
    if (!list) {
      return h("p", { className: "remote-hint", role: "status" },
        failed ? words.scenes_failed : words.scenes_wait);
    }
    return h("ol", { className: "remote-scenes" },
      list.map((one, index) =>
        h("li", { key: one.id, ref: one.id === at ? now : null },
          h(Press, {
            className: "remote-scene", failed: words.failed,
            "aria-current": one.id === at ? "true" : undefined,
            order: () => order({ do: "go", scene: one.id }),
          },
            h("span", { className: "remote-picture" },
              one.thumbnail ? h("img", { src: one.thumbnail.url, alt: "", loading: "lazy" }) : null
            ),
            h("span", { className: "remote-label" },
              h("span", { className: "remote-number" }, index + 1),
              h("span", null, one.title),
              one.id === at ? h("span", { className: "remote-on" }, words.now) : null
            )
          )
        )
      )
    );
  }

  /** Any district, town or village by search. */
  function Jump({ id, words, order, children }) {
    const [text, setText] = useState("");
    const [found, setFound] = useState({ text: "", rows: [], problem: "" });
    const wanted = text.trim();
    useEffect(() => {
      let stale = false;
      if (!wanted) {
        setFound({ text: "", rows: [], problem: "" });
        return undefined;
      }
      let timer = 0;
      const look = () =>
        ask("/api/v1/search?q=" + encodeURIComponent(wanted), { limit: SEARCH_LIMIT_MS })
          .then((answer) => {
            if (answer.status !== 200) throw new Error(answer.status);
            if (stale) return;
            const rows = answer.body.results || [];
            const problem = rows.length ? "" : fill(words.search_none, { text: wanted });
            setFound({ text: wanted, rows, problem });
          })
          .catch(() => {
            if (stale) return;
            setFound({ text: wanted, rows: [], problem: words.search_failed });
            timer = window.setTimeout(look, 2000);
          });
      timer = window.setTimeout(look, 150);
      return () => {
        stale = true;
        window.clearTimeout(timer);
      };
    }, [wanted]);
    return h("div", { className: "remote-jump", role: "search" },
      h("label", { htmlFor: id + "-search" }, words.search),
      h("input", {
        id: id + "-search", type: "search", value: text, maxLength: 40, autoComplete: "off",
        spellCheck: false, enterKeyHint: "search", placeholder: words.search_hint,
        onChange: (event) => setText(event.target.value),
        onKeyDown: (event) => event.key === "Enter" && event.currentTarget.blur(),
      }),
      h("p", { className: "remote-hint", role: "status" },
        wanted ? found.problem : words.search_help),
      h("ul", { className: "remote-found" },
        found.rows.map((row) =>
          h("li", { key: row.code },
            h(Press, {
              failed: words.failed, order: () => order({ do: "region", code: row.code }),
            },
              h("span", { className: "remote-name" }, row.name),
              h("span", { className: "remote-level" }, row.label),
              h("span", { className: "remote-path" }, (row.path || []).join(" › "))
            )
          )
        )
      ),
      children
    );
  }

  /* ---- the remote control ------------------------------------------------------------------- */

  /** What the wall is asked for and has not told yet: a button must not fall back meanwhile. */
  function useWishes(showing) {
    const [wishes, setWishes] = useState({});
    const wish = useCallback((name, value) => {
      const mine = { value };
      const drop = () => setWishes((all) => (all[name] === mine ? { ...all, [name]: null } : all));
      setWishes((all) => ({ ...all, [name]: mine }));
      window.setTimeout(drop, WISH_MS);
      return drop;
    }, []);
    const now = (name) => {
      const wished = wishes[name];
      return wished ? wished.value : Boolean(showing && showing[name]);
    };
    return [now, wish];
  }

  const VIEWS = ["notes", "pointer", "scenes", "jump"];

  function Control({ id, held, words, trouble, onKeep, onEnd }) {
    const { token } = held;
    const [state, setState] = useState(null);
    const [online, setOnline] = useState(true);
    const [view, setView] = useState("notes");
    const wide = useWide();
    const work = useRef(null);

    const ended = useCallback(() => onEnd(token, words.pair_ended), [token]);
    if (!work.current) work.current = { orders: new Orders(token, ended) };
    useEffect(() => {
      const link = new Link(token, { told: setState, link: setOnline, ended });
      const pointer = new Pointer(token);
      Object.assign(work.current, { link, pointer });
      const until = window.setTimeout(ended, Math.max(0, Math.min(held.until - Date.now(), 2 ** 31 - 1)));
      return () => {
        window.clearTimeout(until);
        link.stop();
        pointer.stop();
      };
    }, [token]);

    const order = (body) =>
      work.current.orders.send(body).then(() => work.current.link && work.current.link.hasten());
    const point = useCallback((spot) => {
      if (work.current.pointer) work.current.pointer.at(spot);
    }, []);

    // The list stands beside the rest where there is room for it.
    const views = wide ? VIEWS.filter((one) => one !== "scenes") : VIEWS;
    const shown = views.indexOf(view) >= 0 ? view : "notes";

    const showing = state && state.showing;
    const key = state ? state.edition + "/" + state.briefing + "/" + state.fingerprint : "";
    const { scenes, failed } = useScenes(token, key);
    const [is, wish] = useWishes(showing);
    const at = scenes && showing ? scenes.findIndex((one) => one.id === showing.scene) : -1;
    const scene = at >= 0 ? scenes[at] : null;
    const following = scenes && at >= 0 ? scenes[(at + 1) % scenes.length] : null;
    const place = usePlace(scene, scenes, showing, state && state.edition, shown === "pointer");
    const name = (state && state.name) || held.name;

    useEffect(() => {
      document.title = fill(words.page_title, { name });
    }, [name]);

    const toggle = (flag, command) => () => {
      const on = !is(flag);
      const drop = wish(flag, on);
      return order({ do: command, on }).catch((error) => {
        drop();
        throw error;
      });
    };
    const press = (className, name, sign, action, extra) =>
      h(Press, { className, failed: words.failed, order: action, ...extra },
        icon(sign), h("span", null, words[name]));

    const arrows = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = views[(views.indexOf(shown) + step + views.length) % views.length];
      setView(next);
      const tab = document.getElementById(id + "-tab-" + next);
      if (tab) tab.focus();
    };

    const alive = online && state && state.alive;
    const status = !online ? words.offline : !state ? "" : state.alive ? words.alive : words.silent;
    const total = showing ? showing.total : null;
    const list = h(Scenes, { list: scenes, failed, scene, words, order });
    const back = showing && showing.region
      ? press("remote-back", "go_back", "back", () => order({ do: "return" })) : null;
    const leave = () => {
      ask("/steer/remote", { method: "DELETE", token, keepalive: true }).catch(() => undefined);
      onEnd(token, "");
    };

    return h("div", { className: "remote", id, "data-link": alive ? "alive" : status ? "lost" : "wait" },
      h("header", { className: "remote-head" },
        h("p", { className: "remote-wall" },
          h("span", { className: "remote-light" }),
          h("span", { className: "remote-who" }, name),
          h("span", { className: "remote-status", role: "status" }, status)
        ),
        h(Ticking, null, (now) =>
          h("p", { className: "remote-times" },
            h("time", { "aria-label": words.time_now + " " + clock(new Date(now)) }, clock(new Date(now))),
            h("button", {
              type: "button",
              "aria-label": fill(words.elapsed_reset, { time: lasting(now - held.started) }),
              onClick: () => onKeep({ ...held, started: Date.now() }),
            }, words.elapsed + " " + lasting(now - held.started))
          )
        )
      ),
      h("section", { className: "remote-now", "aria-live": "polite" },
        trouble ? h("p", { className: "remote-problem" }, trouble) : null,
        h("h1", null,
          showing ? (showing.region ? fill(words.jumped, { name: showing.title }) : showing.title)
            : state ? words.nothing : " "),
        h("p", { className: "remote-facts" },
          showing && total && showing.index !== null
            ? h("span", null, fill(words.position, { index: showing.index + 1, total })) : null,
          showing && showing.period_label ? h("span", null, showing.period_label) : null,
          is("hold") ? h("strong", null, words.held) : null,
          is("blank") ? h("strong", null, words.blanked) : null
        ),
        back
      ),
      h("div", {
        className: "remote-tabs", role: "tablist", "aria-label": words.views, onKeyDown: arrows,
      },
        views.map((one) =>
          h("button", {
            key: one, id: id + "-tab-" + one, type: "button", role: "tab",
            "aria-selected": one === shown, "aria-controls": id + "-view",
            tabIndex: one === shown ? 0 : -1, onClick: () => setView(one),
          }, words["view_" + one])
        )
      ),
      h("main", {
        className: "remote-view", id: id + "-view", role: "tabpanel", "data-view": shown,
        "aria-labelledby": id + "-tab-" + shown, tabIndex: -1,
      },
        shown === "notes"
          ? h(Notes, {
              scene: showing && showing.region ? null : scene, known: at >= 0, words,
              size: held.size || 0,
              upcoming: following && { title: following.title },
              onSize: (size) => onKeep({ ...held, size }),
            })
          : shown === "pointer"
            ? place
              ? h(Fragment, null,
                  h(Surface, { place, words, onPoint: point }),
                  h("p", { className: "remote-hint" }, words.pointer_hint))
              : h("p", { className: "remote-hint" }, words.pointer_wait)
            : shown === "scenes"
              ? list
              : h(Jump, { id, words, order },
                  h("p", { className: "remote-end" },
                    h("span", null, fill(words.expires, { time: clock(new Date(held.until)) })),
                    h("button", { type: "button", onClick: leave }, words.leave)))
      ),
      wide ? h("aside", { className: "remote-side", "aria-label": words.view_scenes }, list) : null,
      h("footer", { className: "remote-keys", role: "group", "aria-label": words.controls },
        press("remote-key", is("hold") ? "release" : "hold", "hold", toggle("hold", "hold"),
          { "data-on": is("hold") }),
        press("remote-key", is("playing") ? "pause" : "play", is("playing") ? "pause" : "play",
          toggle("playing", "play")),
        press("remote-key", is("blank") ? "unblank" : "blank", is("blank") ? "unblank" : "blank",
          toggle("blank", "blank"), { "data-on": is("blank") }),
        press("remote-step", "previous", "previous", () => order({ do: "previous" })),
        press("remote-step remote-main", "next", "next", () => order({ do: "next" }))
      )
    );
  }

  /** The code that the QR code's address ends in; taken off it, since it can be used once. */
  function scanned() {
    const found = /^#(\d{6})$/.exec(window.location.hash);
    if (!found) return "";
    window.history.replaceState(window.history.state, "", window.location.pathname);
    return found[1];
  }

  function AtlasRemote({ id, title, words }) {
    const [held, setHeld] = useState(() => {
      const kept = keep.read();
      if (kept && kept.token && kept.until > Date.now()) return kept;
      if (kept) keep.write(null);
      return null;
    });
    const [first, setFirst] = useState(scanned);
    const [trouble, setTrouble] = useState("");

    const hold = (pairing) => {
      keep.write(pairing);
      setHeld(pairing);
    };
    const paired = (pairing) => {
      const before = keep.read();
      if (before && before.token !== pairing.token) {
        ask("/steer/remote", { method: "DELETE", token: before.token }).catch(() => undefined);
      }
      setTrouble("");
      setFirst("");
      hold({ size: before ? before.size : 0, ...pairing });
    };
    const end = (token, why) => {
      const kept = keep.read();
      if (kept && kept.token !== token) return; // paired anew in the meantime
      keep.write(null);
      setFirst("");
      setTrouble(why);
      setHeld(null);
    };

    // Another wall's code was scanned while this page was open, or while paired.
    useEffect(() => {
      const change = () => {
        const code = scanned();
        if (code) setFirst(code);
      };
      window.addEventListener("hashchange", change);
      return () => window.removeEventListener("hashchange", change);
    }, []);
    useEffect(() => {
      if (!held || !first) return;
      setFirst("");
      join(first, words).then(paired, () =>
        setTrouble(fill(words.pair_kept, { name: held.name }))
      );
    }, [held, first]);

    if (!held) {
      return h(Pair, { id, title, words, trouble, first, onPaired: paired, key: "pair" });
    }
    return h(Control, { id, held, words, trouble, onKeep: hold, onEnd: end, key: held.token });
  }

  Object.assign(bangfu, { AtlasRemote });
})();
