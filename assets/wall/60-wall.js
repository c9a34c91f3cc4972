/* The wall's page: the map that stays, the scenes that come and go above it, and everything a
 * presenter can touch. What is shown when is the director's business (57-director.js). */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});
  const wall = (window.bangfuWall = window.bangfuWall || {});
  const { Component, createElement: h, useEffect, useLayoutEffect, useRef, useState } = window.React;

  const WAITING = "wall-waiting";
  const STRIP_RATIO = 2.4;
  const UHD_HEIGHT = 1800;
  const MOUSE_IDLE_MS = 3000;
  const STRIP_MS = 5000;
  const LONG_PRESS_MS = 700;
  const SWIPE_PX = 60;
  const TAP_PX = 16;
  const DIGITS_MS = 900;
  const MAP_AGAIN_MS = 3000;
  const PAGE_AGAIN_MS = 1000;
  /* The guard of the first load: how long the page may take before it is loaded again. */
  const GUARD_MS = 5000;
  const GUARD_LATE_MS = 30000;
  const POINTER_EASE = 0.35;
  const LOOK_MS = 900;
  const LOOK_LATE_MS = 3000;
  const WHOLE = { left: 0, top: 0, width: 1, height: 1 };

  const fill = (text, values) =>
    (text || "").replace(/\{(\w+)\}/g, (_, name) => (values[name] === undefined ? "" : String(values[name])));

  /* ---- the screen ------------------------------------------------------------------------ */

  /** hd, uhd or strip: which of the three layouts the window is given. */
  function layoutOf(width, height) {
    if (height > 0 && width / height >= STRIP_RATIO) return "strip";
    return height >= UHD_HEIGHT ? "uhd" : "hd";
  }

  /** Keeps `data-layout` of the page true to the window; the layout. */
  function useLayout() {
    const read = () => layoutOf(window.innerWidth, window.innerHeight);
    const [state, set] = useState(() => ({ layout: read(), size: "" }));
    useLayoutEffect(() => {
      const root = document.documentElement;
      const apply = () => {
        const layout = read();
        root.setAttribute("data-screen", "wall");
        root.setAttribute("data-look", "dark");
        root.setAttribute("data-layout", layout);
        const size = window.innerWidth + "x" + window.innerHeight;
        set((before) => (before.size === size ? before : { layout, size }));
      };
      apply();
      window.addEventListener("resize", apply);
      return () => {
        window.removeEventListener("resize", apply);
        ["data-screen", "data-look", "data-layout"].forEach((name) => root.removeAttribute(name));
      };
    }, []);
    return state.layout;
  }

  /** Asks the system not to darken the screen; again each time the page is seen again. */
  function useWakeLock() {
    useEffect(() => {
      if (!navigator.wakeLock) return undefined;
      let lock = null;
      let gone = false;
      const ask = () => {
        if (document.hidden || gone || (lock && !lock.released)) return;
        navigator.wakeLock.request("screen").then(
          (got) => {
            lock = got;
            if (gone) got.release();
          },
          () => undefined // The kiosk's own settings keep the screen on, too.
        );
      };
      ask();
      document.addEventListener("visibilitychange", ask);
      return () => {
        gone = true;
        document.removeEventListener("visibilitychange", ask);
        if (lock) lock.release().catch(() => undefined);
      };
    }, []);
  }

  /** Shows or hides what the page says while it has no picture. */
  function waiting(on) {
    const element = document.getElementById(WAITING);
    if (element) element.style.display = on ? "flex" : "none";
  }

  /* ---- scenes ---------------------------------------------------------------------------- */

  /** What is left of a scene when nothing else can be drawn: what it says. */
  function Plain({ content }) {
    return h(
      "div",
      { className: "wall-plain" },
      h("h1", null, content.title),
      h("p", null, content.sentence)
    );
  }

  /** Draws one scene; should that fail, says so and leaves its sentence. */
  class SceneBoundary extends Component {
    constructor(props) {
      super(props);
      this.state = { failed: false };
    }
    static getDerivedStateFromError() {
      return { failed: true };
    }
    componentDidMount() {
      if (!this.state.failed) this.props.drawn();
    }
    componentDidCatch(error) {
      this.props.failed(error);
    }
    render() {
      return this.state.failed ? h(Plain, { content: this.props.content }) : this.props.children;
    }
  }

  /** Draws the map or the whole page; should that fail, tries anew after a while. */
  class Again extends Component {
    constructor(props) {
      super(props);
      this.state = { failed: false };
    }
    static getDerivedStateFromError() {
      return { failed: true };
    }
    componentDidCatch(error) {
      this.props.failed(error);
      this.timer = window.setTimeout(() => this.setState({ failed: false }), this.props.wait);
    }
    componentWillUnmount() {
      window.clearTimeout(this.timer);
    }
    render() {
      return this.state.failed ? null : this.props.children;
    }
  }

  const Scene = window.React.memo(function Scene({ director, layer, layout, words, pace }) {
    const { turn, content, leaving } = layer;
    return h(
      "section",
      {
        className: "wall-scene " + (leaving ? "wall-leave" : "wall-enter"),
        "data-kind": content.kind,
        "aria-hidden": leaving || undefined,
        // Rehearsals at twenty times the pace fade in a twentieth.
        style: pace > 1 ? { animationDuration: Math.round(wall.FADE_MS / pace) + "ms" } : undefined,
      },
      h(
        SceneBoundary,
        { content, drawn: () => director.drawn(turn), failed: (error) => director.undrawable(turn, error) },
        h(wall.SceneView || Plain, {
          content,
          layout,
          period: layer.period,
          words,
          compact: false,
        })
      )
    );
  });

  /** Where the scene wants its map; as it was, for a scene without one. */
  function areaOf(content, layout, before) {
    let area = null;
    if (content && wall.mapArea) {
      try {
        area = wall.mapArea(content, layout);
      } catch (error) {
        area = null;
      }
      if (!area) return { ...(before || WHOLE), hidden: true };
    }
    return area || WHOLE;
  }

  /** Fractions of the window, or pixels, as a style. */
  function placed(area) {
    const share = ["left", "top", "width", "height"].every((side) => area[side] <= 1);
    const style = {};
    for (const side of ["left", "top", "width", "height"]) {
      style[side] = share ? area[side] * 100 + "%" : area[side] + "px";
    }
    return style;
  }

  /* ---- the pointer ----------------------------------------------------------------------- */

  /** The phone's pointer: a dot that follows places on the map, not pixels of the screen. */
  function Dot() {
    const dot = useRef(null);
    useEffect(() => {
      let frame = 0;
      let at = null;
      let spot = null;
      const draw = () => {
        frame = 0;
        const element = dot.current;
        if (!element) return;
        const gone = !spot || performance.now() > spot.until || !bangfu.map;
        element.classList.toggle("is-on", !gone);
        if (gone) {
          at = null;
          return;
        }
        const to = bangfu.map.project([spot.lon, spot.lat]);
        const ease = at ? POINTER_EASE : 1;
        at = at || { x: to.x, y: to.y };
        at.x += (to.x - at.x) * ease;
        at.y += (to.y - at.y) * ease;
        element.style.transform = "translate(" + at.x.toFixed(1) + "px," + at.y.toFixed(1) + "px)";
        frame = window.requestAnimationFrame(draw);
      };
      const listen = (given) => {
        spot = given;
        if (!frame) frame = window.requestAnimationFrame(draw);
      };
      wall.onPointer = listen;
      return () => {
        window.cancelAnimationFrame(frame);
        if (wall.onPointer === listen) wall.onPointer = null;
      };
    }, []);
    return h("div", { ref: dot, className: "shell-dot", "aria-hidden": true });
  }

  /* ---- what a presenter sees ------------------------------------------------------------- */

  /** The card that a phone needs, where it covers least; `shown` names what it must not cover. */
  function PairingCard({ card, words, shown }) {
    const box = useRef(null);
    const [place, setPlace] = useState(null);
    const there = Boolean(card);
    useLayoutEffect(() => {
      // The map is asked what it shows: once the scene has come to rest, and again when it is late.
      const look = () => {
        if (box.current) setPlace((before) => wall.placeOfCard(box.current, before));
      };
      const timers = [0, LOOK_MS, LOOK_LATE_MS].map((wait) => window.setTimeout(look, wait));
      return () => timers.forEach((timer) => window.clearTimeout(timer));
    }, [shown, there]);
    return h(
      "aside",
      {
        ref: box, className: "shell-card", "aria-label": words["pair.title"],
        style: place ? { left: place.left + "px", top: place.top + "px" } : { visibility: "hidden" },
      },
      card && card.qr && h("img", { src: card.qr, alt: "", className: "shell-card-qr" }),
      h(
        "div",
        null,
        h("p", { className: "shell-card-title" }, words["pair.title"], card && card.name && h("span", null, card.name)),
        !card && h("p", null, words["pair.unavailable"]),
        card && h("p", null, words["pair.scan"]),
        card && h("p", { className: "shell-card-url" }, String(card.remote_url || "").replace(/^https?:\/\//, "").replace(/#.*$/, "")),
        card && h("p", { className: "shell-card-code" }, h("span", null, words["pair.code"]), h("strong", null, card.code)),
        card && card.paired > 0 && h("p", null, fill(words["pair.paired"], { count: card.paired }))
      )
    );
  }

  function Strip({ director, words, close }) {
    const button = (key, action, text) =>
      h(
        "button",
        {
          type: "button",
          tabIndex: -1,
          onClick: () => {
            action();
            close(key !== "pair" && key !== "help");
          },
        },
        text || words["strip." + key]
      );
    const { scenes, index, hold } = director;
    return h(
      "nav",
      { className: "shell-strip", "aria-label": words["strip.label"] },
      button("previous", () => director.previous()),
      button("hold", () => director.holding(!hold), hold ? words["strip.continue"] : words["strip.hold"]),
      button("next", () => director.next()),
      h("span", null, fill(words.counter, { index: index + 1, total: scenes.length })),
      button("blank", () => director.blanking(true)),
      button("pair", () => director.pairing(true)),
      button("help", () => wall.help(true))
    );
  }

  const HELP = ["next", "previous", "hold", "first", "jump", "blank", "pair", "back"];

  function Help({ words }) {
    return h(
      "div",
      { className: "shell-help", role: "dialog", "aria-label": words["help.title"] },
      h("h2", null, words["help.title"]),
      h(
        "dl",
        null,
        HELP.map((key) => [
          h("dt", { key: key + "-keys" }, words["help." + key + "_keys"]),
          h("dd", { key }, words["help." + key]),
        ])
      ),
      h("p", null, words["help.close"])
    );
  }

  /* ---- keys and fingers ------------------------------------------------------------------ */

  /* Input methods swallow `key` and leave `code`: a Chinese keyboard must work as it is. */
  const CODES = {
    Space: " ", Period: ".", NumpadDecimal: ".", KeyB: "b", KeyP: "p", Slash: "?", NumpadEnter: "Enter",
  };

  /** What a key press means: the key, whatever keyboard layout and input method are on. */
  function keyOf(event) {
    const { key, code } = event;
    if (/^(Digit|Numpad)\d$/.test(code) && (key === "Process" || key === "Unidentified")) return code.slice(-1);
    if (key === "Process" || key === "Unidentified") return CODES[code] || code;
    if (key === "。") return ".";
    if (key === "？") return "?";
    return key.length === 1 ? key.toLowerCase() : key;
  }

  /** Keyboard and clickers (which are keyboards with few keys). */
  function useKeys(director, help) {
    useEffect(() => {
      let typed = "";
      let timer = 0;
      const jump = () => {
        window.clearTimeout(timer);
        const number = Number(typed);
        typed = "";
        if (number > 0) director.go(number - 1);
      };
      const digit = (key) => {
        typed = (typed + key).slice(-2);
        window.clearTimeout(timer);
        const total = director.scenes.length;
        // No second digit can follow: no need to wait for one.
        if (typed.length === 2 || Number(typed) * 10 > total) jump();
        else timer = window.setTimeout(() => director.guarded(jump), DIGITS_MS);
      };
      const actions = {
        ArrowRight: () => director.next(),
        ArrowDown: () => director.next(),
        PageDown: () => director.next(),
        Enter: () => (typed ? jump() : director.next()),
        ArrowLeft: () => director.previous(),
        ArrowUp: () => director.previous(),
        PageUp: () => director.previous(),
        Backspace: () => director.previous(),
        " ": () => director.holding(!director.hold),
        Home: () => director.go(0),
        End: () => director.last(),
        b: () => director.blanking(!director.blank),
        ".": () => director.blanking(!director.blank),
        p: () => director.pairing(),
        "?": () => help(),
        h: () => help(),
        // Clickers send F5 (and Shift+F5) for "start the presentation".
        F5: () => director.go(0),
        Escape: () => {
          if (wall.helping) help(false);
          else if (director.blank) director.blanking(false);
          else if (director.detour) director.back();
          else if (director.cardShown) director.pairing(false);
        },
      };
      const press = (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const key = keyOf(event);
        const act = /^\d$/.test(key) ? () => digit(key) : actions[key];
        if (!act) return;
        event.preventDefault();
        if (event.repeat) return;
        director.guarded(act);
      };
      window.addEventListener("keydown", press, true);
      return () => {
        window.clearTimeout(timer);
        window.removeEventListener("keydown", press, true);
      };
    }, []);
  }

  /** Swipes, taps, long presses; and a mouse that hides when it rests. */
  function useFingers(director, frame, showStrip) {
    useEffect(() => {
      const root = frame.current;
      let start = null;
      let long = 0;
      let idle = 0;
      const rest = () => {
        window.clearTimeout(idle);
        root.classList.add("wall-touched");
        idle = window.setTimeout(() => root.classList.remove("wall-touched"), MOUSE_IDLE_MS);
      };
      const inside = (event) => event.target.closest && event.target.closest("button");
      const end = () => {
        window.clearTimeout(long);
        start = null;
      };
      const down = (event) => {
        if (inside(event) || event.isPrimary === false) return;
        start = { x: event.clientX, y: event.clientY, touch: event.pointerType !== "mouse", held: false };
        window.clearTimeout(long);
        const press = start;
        long = window.setTimeout(() => {
          if (start !== press) return;
          press.held = true;
          director.guarded(() => director.pairing(true));
        }, LONG_PRESS_MS);
      };
      const move = (event) => {
        if (event.pointerType === "mouse") rest();
        if (start && Math.hypot(event.clientX - start.x, event.clientY - start.y) > TAP_PX) window.clearTimeout(long);
      };
      const up = (event) => {
        const press = start;
        end();
        if (!press || press.held) return;
        const across = event.clientX - press.x;
        const along = event.clientY - press.y;
        director.guarded(() => {
          if (press.touch && Math.abs(across) > SWIPE_PX && Math.abs(across) > 2 * Math.abs(along)) {
            if (across < 0) director.next();
            else director.previous();
          } else if (Math.hypot(across, along) <= TAP_PX) {
            if (wall.helping) wall.help(false);
            else if (director.blank) director.blanking(false);
            else showStrip();
          }
        });
      };
      const none = (event) => event.preventDefault();
      const listened = [
        ["pointerdown", down], ["pointermove", move], ["pointerup", up], ["pointercancel", end],
        ["contextmenu", none], ["dragstart", none],
      ];
      listened.forEach(([name, action]) => root.addEventListener(name, action));
      return () => {
        window.clearTimeout(long);
        window.clearTimeout(idle);
        listened.forEach(([name, action]) => root.removeEventListener(name, action));
      };
    }, []);
  }

  /* ---- the page -------------------------------------------------------------------------- */

  function Page({ id, director, words, sceneWords, mapWords }) {
    const [, changed] = useState(0);
    const [strip, setStrip] = useState(0);
    const [helping, setHelping] = useState(false);
    const frame = useRef(null);
    const area = useRef(null);
    const layout = useLayout();
    useEffect(() => director.subscribe(() => changed((n) => n + 1)), []);
    useWakeLock();
    wall.helping = helping;
    wall.help = (on) => setHelping(on === undefined ? !wall.helping : on);
    useKeys(director, (on) => wall.help(on));
    useFingers(director, frame, () => setStrip((n) => n + 1));
    useEffect(() => {
      if (!strip) return undefined;
      const timer = window.setTimeout(() => setStrip(0), STRIP_MS);
      return () => window.clearTimeout(timer);
    }, [strip]);
    useLayoutEffect(() => {
      // The waiting screen of the page itself, which stands from before the first script.
      waiting(!director.content);
    });
    useLayoutEffect(() => () => waiting(true), []);

    const { content, layers, play, cause } = director;
    const top = layers[layers.length - 1];
    if (content) {
      const next = areaOf(content, layout, area.current);
      if (JSON.stringify(next) !== JSON.stringify(area.current)) area.current = next;
    }
    const place = area.current || WHOLE;
    const picture = (content && content.picture) || director.pictured;
    const running = Boolean(play && play.state !== "done");
    const pictured = Boolean(content && content.picture);
    const notices = pictured ? picture.notices : (director.stock && director.stock.index.notices) || null;
    const mark = cause ? words["mark." + cause] : null;
    const { scenes, index, detour } = director;
    const counter = detour || scenes.length < 2
      ? "" : fill(words.counter, { index: index + 1, total: scenes.length });
    return h(
      "main",
      {
        id,
        ref: frame,
        className: "wall",
        "aria-label": words.label,
        "data-held": director.hold || undefined,
        "data-blank": director.blank || undefined,
        "data-cause": cause || undefined,
      },
      h(
        "div",
        { className: "wall-map" + (place.hidden ? " is-hidden" : ""), style: placed(place) },
        picture &&
          h(
            Again,
            {
              wait: MAP_AGAIN_MS,
              failed: (error) => {
                director.failed(error);
                director.troubled("no_map");
              },
            },
            h(bangfu.AtlasMap, {
              id: id + "-map",
              picture,
              period: top && content.picture ? top.period : undefined,
              dark: true,
              still: true,
              keep_snapshot: true,
              playing: running,
              flight: director.flight,
              padding: place.padding || null,
              words: mapWords,
              setProps: (given) =>
                director.guarded(() => {
                  if (given.painted) director.painted(given.painted);
                  if (given.trouble !== undefined) director.troubled(given.trouble);
                }),
            })
          ),
        h(Dot)
      ),
      h(
        "div",
        { className: "wall-scenes" },
        layers.map((layer) =>
          h(Scene, {
            key: layer.turn,
            director,
            layer,
            layout,
            words: sceneWords,
            pace: director.pace,
          })
        )
      ),
      content &&
        wall.Corner &&
        h(
          Again,
          { wait: MAP_AGAIN_MS, failed: (error) => director.failed(error) },
          h(wall.Corner, { notices, mark, counter, words: sceneWords })
        ),
      director.cardShown && content && h("div", { className: "shell-card-place" },
          h(PairingCard, { card: director.card, words, shown: [director.turn, layout, window.innerWidth, director.state().settled].join() })),
      strip > 0 && h(Strip, { director, words, close: (again) => setStrip((n) => (again ? n + 1 : 0)) }),
      helping && h(Help, { words }),
      h("div", { className: "shell-blank", "aria-hidden": true }),
      h("div", { className: "shell-toast", role: "status", hidden: !director.toast }, director.toast && director.toast.text)
    );
  }

  /** See dashboard/wall_components.py for the properties. */
  function AtlasWall({ id, words, scene_words: sceneWords, map_words: mapWords }) {
    const [director] = useState(() => {
      const query = new URLSearchParams(window.location.search);
      // `pace` is for rehearsals and tests: everything that takes its time takes so much less.
      const pace = Math.min(100, Math.max(0.1, Number(query.get("pace")) || 1));
      return new wall.Director(
        { briefing: query.get("briefing"), screen: query.get("screen"), pace },
        words
      );
    });
    useEffect(() => {
      director.start();
      const given = {
        state: () => director.state(),
        go: (where) => director.go(where),
        next: () => director.next(),
        previous: () => director.previous(),
        hold: (on) => director.holding(on === undefined ? true : Boolean(on), true),
        play: (on) => director.playing(on === undefined ? true : Boolean(on)),
        blank: (on) => director.blanking(on === undefined ? true : Boolean(on)),
        region: (code) => director.region(code),
        back: () => director.back(),
        pairing: (on) => director.pairing(on),
        speed: (factor) => {
          director.pace = factor;
        },
        get scenes() {
          return director.scenes;
        },
        get mark() {
          return director.cause ? words["mark." + director.cause] : null;
        },
        stats: director.stats,
      };
      bangfu.wall = given;
      return () => {
        director.stop();
        if (bangfu.wall === given) bangfu.wall = null;
      };
    }, []);
    return h(
      Again,
      { wait: PAGE_AGAIN_MS, failed: (error) => director.failed(error) },
      h(Page, { id, director, words, sceneWords, mapWords })
    );
  }

  /* ---- the first load -------------------------------------------------------------------- */

  /** The server may go away between the page and what makes it live (Dash's layout): the waiting
   *  screen then stands, and the page is loaded again once the server answers. */
  function guard() {
    const began = performance.now();
    const look = () => {
      if (bangfu.wall || !document.getElementById(WAITING)) return;
      const failed = document.querySelector("._dash-error, ._dash-loading-error");
      const again = () => window.setTimeout(look, GUARD_MS);
      if (!failed && performance.now() - began < GUARD_LATE_MS) {
        again();
        return;
      }
      wall.json("/healthz", { cache: "no-store", limit: 3000 }).then(() => window.location.reload(), again);
    };
    window.setTimeout(look, GUARD_MS);
  }

  bangfu.AtlasWall = AtlasWall;
  wall.layoutOf = layoutOf;
  guard();
})();
