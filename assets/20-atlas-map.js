/* The map: MapLibre with a vector source a level, coloured by feature state from typed arrays. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});
  const { createElement: h, useEffect, useRef, useState } = window.React;
  const { MISSING, OUT_OF_SCOPE, SUPPRESSED } = bangfu.arrays;

  /* A region without data that is faded (filtered out, or outside the current region). */
  const MISSING_FADED = 253;
  const SUPPRESSED_FADED = 251;
  /* What no feature can have been told: there is no class 200. */
  const NEVER = 200 << 24;
  const FLIGHT_MS = 650;
  /* A camera move that takes longer than this is seen from afar: it rises and falls in an arc. */
  const ARC_MS = 1000;
  const CAMERA_WAIT_MS = 250;
  const LABEL_WAIT_MS = 160;
  const LABEL_GAP = 6;
  const RETRY_MS = 4000;
  const LEAVING_MS = 3000;
  /* How long a lost graphics card may stay away before the map asks for another canvas. */
  const RESTORE_MS = 3000;
  /* How long one month takes to become the next. */
  const FADE_MS = 400;
  const MESH = "mesh";
  const HATCH = 0.75;
  const HATCH_FADED = 0.22;
  /* Fills over an underlay let it shine through. */
  const UNDERLAID = 0.72;
  /* How far a colour goes towards the ground: filtered out, not the highlighted class, outside. */
  const OFF = 0.88;
  const BEHIND = 0.72;
  const OUTSIDE = 0.74;

  /* ---- small things -------------------------------------------------------------------- */

  /** The sentence behind a key, with `{names}` filled in. */
  function say(words, key, values) {
    const text = (words && words[key]) || "";
    return text.replace(/\{(\w+)\}/g, (whole, name) =>
      values && values[name] !== undefined ? String(values[name]) : ""
    );
  }

  /** A number with a fixed count of decimals, and thousands apart from 10,000 on. */
  function figure(value, digits) {
    return new Intl.NumberFormat("zh-CN", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      useGrouping: Math.abs(value) >= 10000,
    })
      .format(value)
      .replace("-", "−");
  }

  const media = (query) => (window.matchMedia ? window.matchMedia(query).matches : false);
  const calm = () => media("(prefers-reduced-motion: reduce)");

  /** Dark by the property, else as the page says (`data-look`), else as the system wishes. */
  function isDark(props) {
    if (props.dark === true || props.dark === false) return props.dark;
    const look = document.documentElement.getAttribute("data-look");
    return look ? look === "dark" : media("(prefers-color-scheme: dark)");
  }

  /** Renders again when the page changes its look (`look.apply` of 50-address.js), in the same task:
   *  a sheet of paper does not wait. */
  function useLook() {
    const [, changed] = useState(0);
    useEffect(() => {
      const tell = () => changed((n) => n + 1);
      window.addEventListener("bangfu-look", tell);
      return () => window.removeEventListener("bangfu-look", tell);
    }, []);
  }

  /** `#rrggbb`, `#rgb` or `rgb(...)` as one number, r in the high byte. */
  function packed(colour) {
    const text = String(colour || "").trim();
    let hex = /^#([0-9a-f]{6})/i.exec(text);
    if (hex) return parseInt(hex[1], 16);
    hex = /^#([0-9a-f]{3})$/i.exec(text);
    if (hex) return parseInt(hex[1].replace(/./g, "$&$&"), 16);
    const parts = text.match(/[\d.]+/g);
    if (!parts || parts.length < 3) return 0x999999;
    return (Number(parts[0]) << 16) | (Number(parts[1]) << 8) | Number(parts[2]);
  }

  /** `share` of the way from one packed colour to another. */
  function mix(from, to, share) {
    let result = 0;
    for (const shift of [16, 8, 0]) {
      const a = (from >> shift) & 255;
      const b = (to >> shift) & 255;
      result |= Math.round(a + (b - a) * share) << shift;
    }
    return result;
  }

  /** Colours that paint needs as values; atlas.css declares them, light and dark. */
  function theme(element) {
    const style = window.getComputedStyle(element);
    const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    return {
      ground: read("--atlas-ground", "#f3f4f4"),
      land: read("--atlas-land", "#e4e7e9"),
      missing: read("--atlas-missing", "#fbfbfa"),
      suppressed: read("--atlas-suppressed", "#d3d7da"),
      hatch: read("--atlas-hatch", "#8b949c"),
      leaf: read("--atlas-border-leaf", "#ffffff"),
      border: read("--atlas-border", "#4a555d"),
      halo: read("--atlas-halo", "#ffffff"),
      ink: read("--atlas-ink", "#1a2024"),
      accent: read("--atlas-accent", "#a3301c"),
    };
  }

  /** Diagonal lines on a tile that repeats; drawn twice as large for sharp screens. `crossed`:
   *  both ways, for what is known and not published. */
  function hatch(colour, crossed) {
    const size = 16;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    // It is read back at once: on a graphics card that would wait for all that is being drawn.
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.lineCap = "square";
    pen.beginPath();
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 2, size + 2);
      pen.lineTo(shift + size + 2, -2);
      if (!crossed) continue;
      pen.moveTo(shift - 2, -2);
      pen.lineTo(shift + size + 2, size + 2);
    }
    pen.stroke();
    return pen.getImageData(0, 0, size, size);
  }

  /* ---- style --------------------------------------------------------------------------- */

  /* The colour of a feature is its state `v`, three bytes in one number. The expression never
   * changes, so that neither a measure, a look nor a filter makes MapLibre build tiles anew. */
  const PAINT = [
    "let",
    "v",
    ["to-number", ["feature-state", "v"], -1],
    [
      "case",
      ["<", ["var", "v"], 0],
      "rgba(0,0,0,0)",
      [
        "rgb",
        ["floor", ["/", ["var", "v"], 65536]],
        ["%", ["floor", ["/", ["var", "v"], 256]], 256],
        ["%", ["var", "v"], 256],
      ],
    ],
  ];
  const patterned = (whole, faded) => [
    "match", ["feature-state", "c"], whole, HATCH, faded, HATCH_FADED, 0,
  ];
  /* Layers of patterns: kind, and what of a level's values calls for it. */
  const PATTERNS = [
    ["hatch", "lacks", patterned(MISSING, MISSING_FADED)],
    ["cross", "hides", patterned(SUPPRESSED, SUPPRESSED_FADED)],
  ];

  /* Within one frame: mesh and fills take each other's place, ground and regions change their look
     together, and paper does not wait for a fade. */
  const AT_ONCE = { duration: 0, delay: 0 };

  const absolute = (url) => (/^[a-z]+:/i.test(url) ? url : window.location.origin + url);

  /** What must be equal for two pictures to share sources. */
  const styleKey = (picture) =>
    JSON.stringify([picture.edition, picture.levels.map((one) => one.tiles), picture.underlay]);

  /** Line width at a zoom: upper levels thicker, all growing with the zoom. */
  function width(share, factor) {
    const at = (small, large) => (large + (small - large) * share) * (factor || 1);
    return [
      "interpolate", ["linear"], ["zoom"],
      6, at(0.15, 0.9), 9, at(0.35, 1.3), 12, at(0.9, 2.2), 15, at(1.6, 3.2),
    ];
  }

  /** The whole style; `colours` is a `theme`. */
  function style(picture, colours) {
    const sources = {};
    const layers = [
      { id: "ground", type: "background", paint: { "background-color": colours.ground } },
    ];
    const { levels, underlay } = picture;
    const last = levels.length - 1;
    for (const level of levels) {
      sources[level.id] = {
        type: "vector",
        tiles: [absolute(level.tiles)],
        minzoom: level.min_zoom,
        maxzoom: level.max_zoom,
        promoteId: "i",
        ...(picture.bounds ? { bounds: picture.bounds } : {}),
      };
    }
    sources.marks = { type: "geojson", data: { type: "FeatureCollection", features: [] } };
    const raster = (id, tiles) => {
      sources[id] = {
        type: "raster",
        tiles: tiles.map(absolute),
        tileSize: underlay.tile_size || 256,
        maxzoom: underlay.max_zoom || 18,
      };
      layers.push({ id, type: "raster", source: id, paint: { "raster-fade-duration": 150 } });
    };
    if (underlay) raster("underlay", underlay.tiles);
    const of = (level) => ({ source: level.id, "source-layer": level.id });
    layers.push({
      id: "land",
      type: "fill",
      ...of(levels[0]),
      paint: { "fill-color": colours.land, "fill-antialias": true },
    });
    const none = { visibility: "none" };
    for (const level of levels) {
      layers.push({
        id: "fill-" + level.id,
        type: "fill",
        ...of(level),
        layout: none,
        paint: { "fill-color": PAINT, "fill-antialias": false, "fill-opacity": 1 },
      });
      for (const [kind, , opacity] of PATTERNS) {
        layers.push({
          id: kind + "-" + level.id,
          type: "fill",
          ...of(level),
          layout: none,
          paint: { "fill-pattern": kind, "fill-opacity": opacity, "fill-antialias": false },
        });
      }
    }
    if (underlay && underlay.labels) raster("underlay-labels", underlay.labels);
    const joined = { "line-join": "round", "line-cap": "round", visibility: "none" };
    for (let depth = last; depth >= 0; depth--) {
      const level = levels[depth];
      const share = last ? depth / last : 0;
      const fine = depth === last && last > 0;
      // A pale casing keeps a dark border legible on dark classes; hairlines need none.
      if (depth > 0 && !fine && depth < last - 1 + (last < 3 ? 1 : 0)) {
        layers.push({
          id: "casing-" + level.id,
          type: "line",
          ...of(level),
          layout: joined,
          paint: {
            "line-color": colours.leaf,
            "line-opacity": 0.55,
            "line-width": width(share, 3.2),
          },
        });
      }
      const inner = depth === last || (depth > 1 && depth === last - 1);
      layers.push({
        id: "line-" + level.id,
        type: "line",
        ...of(level),
        layout: joined,
        paint: {
          "line-color": inner ? colours.leaf : colours.border,
          "line-opacity": fine
            ? ["interpolate", ["linear"], ["zoom"], 7, 0.35, 9, 0.6, 11, 0.9]
            : inner ? 0.95 : 0.85,
          "line-width": width(share),
        },
      });
    }
    for (const level of levels.slice(0, -1)) {
      const filter = ["==", ["get", "i"], -1];
      for (const [kind, colour, size] of [
        ["region-casing-", colours.halo, 5.5],
        ["region-", colours.ink, 2.4],
      ]) {
        layers.push({
          id: kind + level.id,
          type: "line",
          ...of(level),
          filter,
          layout: joined,
          paint: { "line-color": colour, "line-width": size, "line-opacity": 0.95 },
        });
      }
    }
    for (const [kind, colour] of [
      ["pointed", colours.ink],
      ["hover", colours.ink],
      ["select", colours.accent],
    ]) {
      for (const [part, paint, size] of [
        ["casing", colours.halo, 5],
        ["line", colour, kind === "select" ? 2.8 : 2],
      ]) {
        layers.push({
          id: kind + "-" + part,
          type: "line",
          source: "marks",
          filter: ["==", ["get", "kind"], kind],
          layout: { "line-join": "round", "line-cap": "round" },
          paint: { "line-color": paint, "line-width": size },
        });
      }
    }
    return { version: 8, sources, layers, transition: AT_ONCE };
  }

  /** Where a class stands among `classes` colours and the three that follow them. */
  const slotsBeside = (classes) => (code) =>
    code === MISSING ? classes + 2
      : code === OUT_OF_SCOPE ? classes + 1
        : code === SUPPRESSED ? classes : code;

  /* ---- outlines ------------------------------------------------------------------------ */

  /** The border of one region out of the tiles that hold parts of it, as lines in degrees.
   *
   * A tile cuts polygons a little outside its edge; stretches that lie wholly beyond one side
   * are the cut (or the neighbour's to draw), so that no seam shows. */
  function outline(features) {
    let zoom = -1;
    const parts = features.map((feature) => feature._vectorTileFeature).filter(Boolean);
    for (const tile of parts) zoom = Math.max(zoom, tile._z);
    const lines = [];
    const seen = new Set();
    for (const tile of parts) {
      const { _x: x, _y: y, _z: z } = tile;
      if (z !== zoom) continue;
      const key = z + "/" + x + "/" + y;
      if (seen.has(key)) continue;
      seen.add(key);
      const extent = tile.extent;
      const size = Math.pow(2, z);
      const degrees = (point) => {
        const across = (point.x / extent + x) / size;
        const down = (point.y / extent + y) / size;
        const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * down))) * 180) / Math.PI;
        return [across * 360 - 180, lat];
      };
      for (const ring of tile.loadGeometry()) {
        let line = [];
        for (let at = 1; at < ring.length; at++) {
          const a = ring[at - 1];
          const b = ring[at];
          const beyond =
            (a.x <= 0 && b.x <= 0 && a.x + b.x < 0) || (a.y <= 0 && b.y <= 0 && a.y + b.y < 0) ||
            (a.x >= extent && b.x >= extent && a.x + b.x > 2 * extent) ||
            (a.y >= extent && b.y >= extent && a.y + b.y > 2 * extent);
          if (beyond) {
            if (line.length > 1) lines.push(line);
            line = [];
          } else {
            if (!line.length) line.push(degrees(a));
            line.push(degrees(b));
          }
        }
        if (line.length > 1) lines.push(line);
      }
    }
    return { lines, zoom, tiles: Array.from(seen).sort().join(" ") };
  }

  /* ---- the engine ---------------------------------------------------------------------- */

  /** Everything imperative: one MapLibre map that follows the properties of an AtlasMap. */
  class Engine {
    constructor(frame, box, tell) {
      this.frame = frame; // the component's element: theme, tooltip, labels
      this.box = box; // MapLibre's container
      this.tell = tell; // React state: {problem, loading}
      this.props = {};
      this.map = null;
      this.ready = false; // the style is loaded
      this.styleKey = "";
      this.picture = null;
      this.level = null; // active level (entry of picture.levels) whose colours are shown
      this.leaving = ""; // the level shown before, kept until the new one's tiles are there
      this.wanted = ""; // level id that is being loaded or shown
      this.values = null;
      this.sent = new Map(); // level id -> Int32Array of what each feature was told
      this.outside = null; // Uint8Array: 1 where a position is outside the region
      this.marks = {};
      this.hover = null;
      this.fitted = false; // the camera stands where `place` put it to show the region
      this.pending = ""; // code that was clicked and not answered yet
      this.clicks = 0;
      this.hovers = 0;
      this.paints = 0;
      this.ups = 0;
      this.due = false; // painted has to be told at the next idle
      this.dead = false;
      this.labels = [];
      this.timers = {};
      this.worked = false; // a map was painted once: without WebGL now, it may come back
      this.trouble = null;
      this.kept = null; // the last picture: {canvas, names}
      this.mesh = null; // the layer that draws while months go by
      this.drawing = false; // it draws, and the tiles' fills don't
      this.landing = false; // it draws until the tiles show the same
      this.led = null; // the position that a script asked for, instead of the property `period`
      this.fade = null; // {from, to, start} from one whole period to another
      this.goal = 0; // the whole period that is shown, or faded to
      this.stated = null; // the period that the features were told last
      this.meshOf = ""; // URL of the mesh that is here, and of one that could not be had
      this.meshless = "";
      this.meshData = null;
    }

    /* -- life -- */

    start() {
      if (this.map || this.dead || !this.picture) return;
      const { words } = this.props;
      const first = this.picture;
      this.colours = theme(this.frame);
      this.styleKey = styleKey(first);
      const options = {
        container: this.box,
        style: style(first, this.colours),
        validateStyle: false, // it is ours, and the tests draw it
        attributionControl: false,
        dragRotate: false,
        pitchWithRotate: false,
        touchPitch: false,
        maxPitch: 0,
        interactive: !this.props.still,
        renderWorldCopies: false,
        fadeDuration: 0,
        maxZoom: Math.max.apply(null, first.levels.map((one) => one.max_zoom)) + 4,
        trackResize: false, // our own observer sees panels come and go, too
        locale: {
          "NavigationControl.ZoomIn": say(words, "zoom_in"),
          "NavigationControl.ZoomOut": say(words, "zoom_out"),
          "ScaleControl.Meters": say(words, "metre"),
          "ScaleControl.Kilometers": say(words, "kilometre"),
          "Map.Title": say(words, "label", { title: first.title }),
        },
      };
      try {
        this.map = new window.maplibregl.Map(options);
      } catch (error) {
        this.map = null;
        this.box.textContent = "";
        this.suffer("no_webgl");
        this.tell({ loading: false });
        // A machine that never drew a map won't; one that did may just be short of memory.
        if (this.worked) this.after("again", RETRY_MS, () => this.rebuild());
        return;
      }
      const map = this.map;
      this.layer = document.createElement("div");
      this.layer.className = "atlas-labels";
      this.layer.setAttribute("role", "list");
      map.getCanvasContainer().appendChild(this.layer);
      this.cross = document.createElement("div");
      this.cross.className = "atlas-cross";
      this.cross.hidden = true;
      map.getCanvasContainer().appendChild(this.cross);

      map.on("style.load", () => this.styled());
      map.on("error", (event) => this.failed(event));
      map.on("idle", () => this.idle());
      map.on("render", () => this.rendered());
      map.on("move", () => this.moved());
      map.on("moveend", (event) => this.rested(event));
      map.on("webglcontextlost", () => this.lost());
      map.on("webglcontextrestored", () => this.rebuild());
      if (!this.props.still) this.steerable(map);
      this.named(first);
      this.place(first, true);
      bangfu.map = map;
      bangfu.mesh = this.handle();
      bangfu.rebuild = () => this.rebuild();
      bangfu.shuffle = (turn) => this.shuffle(turn);
      bangfu.recolour = (period) => this.show(period % Math.max(1, first.periods.length));
    }

    /** Names of what keys and screen readers reach; again when the reader asks for other letters. */
    named(picture) {
      const { words } = this.props;
      this.map.getCanvas().setAttribute(
        "aria-label",
        say(words, "label", { title: picture.title }) + "。" + say(words, "keys")
      );
      this.layer.setAttribute("aria-label", say(words, "names"));
      for (const way of ["in", "out"]) {
        const button = this.frame.querySelector(".maplibregl-ctrl-zoom-" + way);
        if (!button) continue;
        button.title = say(words, "zoom_" + way);
        button.setAttribute("aria-label", button.title);
      }
    }

    /** Buttons, scale, pointer and keys: what a map has that somebody stands before. */
    steerable(map) {
      map.touchZoomRotate.disableRotation();
      map.keyboard.disableRotation();
      map.addControl(new window.maplibregl.NavigationControl({ showCompass: false }), "top-right");
      // The scale stands on the notices, however many lines they need: in our own corner.
      this.scale = new window.maplibregl.ScaleControl({ maxWidth: 110, unit: "metric" });
      this.frame.querySelector(".atlas-scale").appendChild(this.scale.onAdd(map));
      map.on("mousemove", (event) => this.point(event));
      map.on("mouseout", () => this.leave());
      map.on("click", (event) => this.click(event));
      const canvas = map.getCanvas();
      canvas.addEventListener("keydown", (event) => this.key(event));
      canvas.addEventListener("focus", () => this.focus(true));
      canvas.addEventListener("blur", () => this.focus(false));
    }

    /** Says what keeps the map from being drawn; null when nothing does. */
    suffer(trouble) {
      this.tell({ problem: trouble });
      if (trouble === this.trouble) return;
      this.trouble = trouble;
      this.set({ trouble });
    }

    /** The graphics card went away. Browsers give it back soon, or to this canvas never. */
    lost() {
      this.suffer("context_lost");
      this.veil(true);
      this.after("restore", RESTORE_MS, () => this.rebuild());
    }

    /** Takes the map down and up again where it stood: after the graphics card was away. */
    rebuild() {
      if (this.dead) return;
      if (this.map) this.camera = { center: this.map.getCenter(), zoom: this.map.getZoom() };
      this.veil(true);
      this.stop();
      this.start();
      if (this.map && this.camera && !this.fitted) this.map.jumpTo(this.camera, { program: true });
    }

    stop() {
      Object.keys(this.timers).forEach((name) => window.clearTimeout(this.timers[name]));
      this.timers = {};
      if (this.map) {
        if (bangfu.map === this.map) bangfu.map = null;
        if (this.scale) this.scale.onRemove();
        this.scale = null;
        this.scrap();
        this.map.remove();
      }
      this.map = null;
      this.ready = false;
      this.level = null;
      this.wanted = "";
      this.sent.clear();
      this.marks = {};
      this.labels = [];
      this.hover = null;
    }

    destroy() {
      this.dead = true;
      this.stop();
      if (this.kept) {
        this.veil(false);
        this.kept.canvas.remove();
      }
    }

    after(name, wait, action) {
      window.clearTimeout(this.timers[name]);
      this.timers[name] = window.setTimeout(() => {
        delete this.timers[name];
        if (!this.dead) action();
      }, wait);
    }

    /** Another size; a region that was fitted, and not moved since, is fitted again. */
    resize() {
      if (!this.map) return;
      this.map.resize({ program: true });
      // The last picture is cut to the new size; names would stand in wrong places.
      if (this.kept && this.kept.names) this.kept.names.textContent = "";
      // Names are set in units of the screen: another size may be another size of letters.
      for (const one of this.labels) {
        one.width = one.element.offsetWidth;
        one.height = one.element.offsetHeight;
      }
      if (this.fitted) this.place(this.picture, true);
      this.sort();
    }

    set(properties) {
      if (!this.dead && this.props.setProps) this.props.setProps(properties);
    }

    /* -- properties in -- */

    update(props) {
      const before = this.props;
      this.props = props;
      const picture = props.picture;
      if (!picture || !picture.levels || !picture.levels.length) return;
      const fresh = picture !== this.picture;
      const old = this.picture;
      this.picture = picture;
      if (!this.map) {
        this.start();
        return;
      }
      const dark = isDark(props);
      if (dark !== this.dark) {
        this.dark = dark;
        this.repaint();
      }
      if (say(before.words, "keys") !== say(props.words, "keys")) this.named(picture);
      if (fresh) this.enter(picture, old);
      else if (before.hide !== props.hide) this.visible();
      if (before.pointed !== props.pointed) this.pointed();
      if (before.playing && !props.playing) {
        this.led = null;
        this.meshless = ""; // what could not be fetched may be asked for at the next play
      }
      this.steer();
      this.recolour();
    }

    /** A new picture: sources if the edition is new, level, region, labels, camera. */
    enter(picture, old) {
      const key = styleKey(picture);
      if (key !== this.styleKey) {
        this.styleKey = key;
        this.ready = false;
        this.level = null;
        this.wanted = "";
        this.values = null;
        this.sent.clear();
        this.marks = {};
        this.hover = null;
        this.tip(null);
        this.leaving = "";
        this.scrap();
        this.map.setStyle(style(picture, this.colours), { diff: false });
      } else if (this.ready) {
        this.settle();
      }
      const region = picture.region;
      const moved = !old || old.region.code !== region.code;
      // The same view of a newer ledger leaves the camera where the reader took it since.
      const asked = picture.camera && !picture.refreshed && !this.stands(picture.camera);
      if (moved || asked) this.place(picture, false);
      if (moved) this.pending = "";
      if (moved && this.ready && region.leaf) this.selected();
    }

    /** Spares stencils. Before each layer of another source MapLibre draws the outlines of that
     *  source's tiles into the stencil buffer, also for a layer that then draws nothing: on a card
     *  in software, a third of the frame. */
    unclip() {
      const { map } = this;
      for (const { id, source } of style(this.picture, this.colours).layers) {
        const layer = map.getLayer(id);
        if (!layer || !source) continue;
        const clipped = layer.isTileClipped;
        layer.isTileClipped = () =>
          !layer.isHidden(map.getZoom()) &&
          !(this.drawing && layer.type === "fill") &&
          !(source === "marks" && !Object.keys(this.marks).length) &&
          clipped.call(layer);
      }
    }

    /** Once sources and layers are there. */
    styled() {
      this.ready = true;
      this.unclip();
      for (const [kind] of PATTERNS) {
        if (this.map.hasImage(kind)) this.map.removeImage(kind);
        this.map.addImage(kind, hatch(this.colours.hatch, kind === "cross"), { pixelRatio: 2 });
      }
      this.dark = isDark(this.props);
      this.settle();
    }

    /** Brings level, filters, labels in line with the picture. */
    settle() {
      const picture = this.picture;
      for (const level of picture.levels.slice(0, -1)) {
        const here = picture.region.level === level.id && level.id !== picture.levels[0].id;
        for (const kind of ["region-casing-", "region-"]) {
          const id = kind + level.id;
          if (here) this.map.setFilter(id, ["==", ["get", "i"], picture.region.position]);
          this.toggle(id, here);
        }
      }
      this.name();
      this.due = true;
      this.wanted = "";
      this.choose();
    }

    /* -- camera -- */

    /** Whether the camera is there already: [zoom, lat, lon]. */
    stands(camera) {
      const { lng, lat } = this.map.getCenter();
      return (
        Math.abs(this.map.getZoom() - camera[0]) < 0.02 &&
        Math.abs(lat - camera[1]) < 0.0005 &&
        Math.abs(lng - camera[2]) < 0.0005
      );
    }

    place(picture, at_once) {
      const still = at_once || calm();
      const duration = this.props.flight || FLIGHT_MS;
      const arc = duration > ARC_MS;
      const { camera, region } = picture;
      this.fitted = !camera;
      if (camera) {
        const to = { zoom: camera[0], center: [camera[2], camera[1]] };
        if (still) this.map.jumpTo(to, { program: true });
        else this.map[arc ? "flyTo" : "easeTo"]({ ...to, duration }, { program: true });
        return;
      }
      let [west, south, east, north] = region.bounds;
      if (region.leaf) {
        // A village is seen among its neighbours.
        const more = 1.1;
        [west, east] = [west - (east - west) * more, east + (east - west) * more];
        [south, north] = [south - (north - south) * more, north + (north - south) * more];
      }
      const cover = this.props.padding || {};
      const edge = Math.round(Math.min(this.box.clientWidth, this.box.clientHeight) * 0.045) + 4;
      const padding = {};
      for (const side of ["top", "right", "bottom", "left"]) {
        padding[side] = edge + (cover[side] || 0);
      }
      this.map.fitBounds(
        [[west, south], [east, north]],
        { padding, maxZoom: 14.5, animate: !still, duration: still ? 0 : duration, linear: !arc },
        { program: true }
      );
    }

    moved() {
      this.follow();
      this.steer();
      if (this.labels.length) {
        this.carry();
        if (!this.timers.labels) this.after("labels", LABEL_WAIT_MS, () => this.sort());
      }
    }

    rested(event) {
      this.sort();
      if (!this.cross.hidden) this.aim();
      if (event.program) return;
      this.fitted = false;
      this.after("camera", CAMERA_WAIT_MS, () => {
        if (!this.map) return;
        const { lng, lat } = this.map.getCenter();
        const round = (value, digits) => Number(value.toFixed(digits));
        this.set({ camera: [round(this.map.getZoom(), 2), round(lat, 5), round(lng, 5)] });
      });
    }

    follow() {
      if (this.ready && this.picture.follow) this.choose();
    }

    /* -- level and values -- */

    /** The level that should be coloured now. */
    right() {
      const { levels, level, follow } = this.picture;
      if (!follow) return levels.find((one) => one.id === level) || levels[levels.length - 1];
      // A little reluctance keeps two levels from flickering at the threshold.
      const zoom = this.map.getZoom();
      const now = levels.findIndex((one) => one.id === this.wanted);
      let found = 0;
      levels.forEach((one, depth) => {
        const from = depth && one.zoom_from !== null ? one.zoom_from : -1;
        if (zoom >= from + (now >= 0 && depth > now ? 0.08 : now >= depth ? -0.08 : 0)) {
          found = depth;
        }
      });
      return levels[found];
    }

    /** Loads the right level's values and shows them, unless something newer was asked since. */
    choose() {
      const level = this.right();
      if (level.id === this.wanted) return;
      this.wanted = level.id;
      const picture = this.picture;
      const current = () =>
        !this.dead && this.ready && this.picture === picture && this.wanted === level.id;
      const show = (values) => {
        if (!current()) return;
        this.tell({ loading: false, problem: null });
        this.activate(level, values);
      };
      if (!level.values) return show(null);
      const known = bangfu.arrays.peek(level.values);
      if (known) return show(known);
      this.tell({ loading: true });
      if (!this.level) this.visible(level); // tiles come while the values come
      bangfu.arrays.load(level.values).then(show, () => {
        if (!current()) return;
        this.tell({ loading: false, problem: "load_failed" });
        this.after("retry", RETRY_MS, () => {
          if (!current()) return;
          this.wanted = "";
          this.choose();
        });
      });
    }

    activate(level, values) {
      const changed = !this.level || this.level.id !== level.id;
      if (changed && this.level) {
        this.leaving = this.level.id;
        this.after("leaving", LEAVING_MS, () => this.left());
      }
      if (this.leaving === level.id) this.leaving = "";
      this.level = level;
      this.values = values;
      this.outside = null;
      if (level.inside) {
        this.outside = new Uint8Array(level.count).fill(1);
        for (const [start, stop] of level.inside) this.outside.fill(0, start, stop);
      }
      if (changed) this.leave();
      this.visible(level);
      this.due = true;
      if (this.drawing) this.dress();
      this.steer();
      this.recolour();
      this.sort();
      const id = this.props.id;
      bangfu.level = { map: id, level: level.id, edition: this.picture.edition };
      window.dispatchEvent(new CustomEvent("bangfu-level", { detail: bangfu.level }));
      if (changed) this.set({ level: level.id });
    }

    /** Lets go of the level shown before. */
    left() {
      if (!this.leaving) return;
      this.leaving = "";
      this.visible();
    }

    hidden() {
      return new Set(this.props.hide || this.picture.hide || []);
    }

    /** Which layers are drawn; never reloads, only shows and hides. */
    visible(level) {
      const active = level || this.level;
      if (!this.ready || !active) return;
      const { levels } = this.picture;
      const hidden = this.hidden();
      const depth = levels.findIndex((one) => one.id === active.id);
      const underlaid = Boolean(this.picture.underlay) && !hidden.has("underlay");
      levels.forEach((one, at) => {
        const on = at === depth;
        this.toggle("fill-" + one.id, on || one.id === this.leaving);
        for (const [kind, called] of PATTERNS) {
          this.toggle(kind + "-" + one.id, on && Boolean(this.values && this.values[called]));
        }
        this.paint("fill-" + one.id, "fill-opacity", this.drawing ? 0 : underlaid ? UNDERLAID : 1);
        // One level more than is coloured, once the zoom has room for it.
        const shown = !hidden.has("line-" + one.id) && at <= depth + 1;
        const from = at > depth ? Math.max(one.zoom_from || 0, one.min_zoom) : 0;
        for (const kind of ["casing-", "line-"]) {
          const layer = this.map.getLayer(kind + one.id);
          if (!layer) continue;
          if (shown && (layer.minzoom || 0) !== from) this.map.setLayerZoomRange(layer.id, from, 24);
          this.toggle(layer.id, shown);
        }
      });
      this.paint("land", "fill-opacity", underlaid || this.drawing ? 0 : 1);
      this.toggle("underlay", underlaid);
      this.toggle("underlay-labels", underlaid);
      this.sort();
    }

    toggle(id, on) {
      const wanted = on ? "visible" : "none";
      if (!this.map.getLayer(id)) return;
      if ((this.map.getLayoutProperty(id, "visibility") || "visible") !== wanted) {
        this.map.setLayoutProperty(id, "visibility", wanted);
      }
    }

    paint(id, name, value) {
      const before = this.map.getPaintProperty(id, name);
      if (JSON.stringify(before) !== JSON.stringify(value)) {
        this.map.setPaintProperty(id, name, value);
      }
    }

    /** Another look: the chrome's colours by paint properties, the regions' by their state. */
    repaint() {
      this.colours = theme(this.frame);
      if (!this.ready) return;
      for (const layer of style(this.picture, this.colours).layers) {
        for (const name of Object.keys(layer.paint || {})) {
          if (/-color$/.test(name) && layer.id.indexOf("fill-") !== 0) {
            this.paint(layer.id, name, layer.paint[name]);
          }
        }
      }
      for (const [kind] of PATTERNS) {
        this.map.updateImage(kind, hatch(this.colours.hatch, kind === "cross"));
      }
      this.due = true;
    }

    /* -- colours -- */

    /** Index into the values' periods of what the picture's period says. */
    period() {
      const { periods, period: first } = this.picture;
      const given = this.led === null ? this.props.period : Math.round(this.led);
      const last = periods.length - 1;
      const index = Math.max(0, Math.min(last, given === null || given === undefined ? first : given));
      return { index, at: this.within(index) };
    }

    /** Where a period of the picture stands among the values'. */
    within(index) {
      const { periods } = this.picture;
      const found = this.values && periods[index] ? this.values.periods.indexOf(periods[index].id) : -1;
      return found >= 0 ? found : Math.min(index, this.values ? this.values.periods.length - 1 : 0);
    }

    /** For the bench and the wall: show a period at once, without a round through Dash. */
    show(period) {
      this.props = { ...this.props, period };
      this.recolour();
      return bangfu.lastRecolour;
    }

    /** For the bench: every region another class than before, whatever the values say. */
    shuffle(turn) {
      const { classes, count } = this.level;
      const length = this.values ? this.values.count : count;
      this.sample = Uint8Array.from({ length }, (_, position) => (position * 7 + turn) % classes.length);
      this.recolour();
      this.sample = null;
      return bangfu.lastRecolour;
    }

    /** What a feature is told for each class: inside the region first, then outside. */
    states() {
      const { classes } = this.level;
      const dark = isDark(this.props);
      const { off: given, highlight } = this.props;
      const off = new Set(given || this.picture.off || []);
      const lit = highlight !== null && highlight !== undefined;
      const ground = packed(this.colours.ground);
      const land = packed(this.colours.land);
      const slots = classes.map((one, code) => [code, packed(dark ? one.dark : one.light)]);
      slots.push(
        [SUPPRESSED, packed(this.colours.suppressed)],
        [OUT_OF_SCOPE, land],
        [MISSING, packed(this.colours.missing)]
      );
      const states = [];
      const signs = [];
      for (const outside of [false, true]) {
        for (const [code, colour] of slots) {
          let share = off.has(code) ? OFF : lit && highlight !== code ? BEHIND : 0;
          if (outside) share = 1 - (1 - share) * (1 - OUTSIDE);
          const v = share ? mix(colour, ground, share) : colour;
          const c = !share ? code
            : code === MISSING ? MISSING_FADED
              : code === SUPPRESSED ? SUPPRESSED_FADED : code;
          states.push({ c, v });
          signs.push((c << 24) | v);
        }
      }
      return { states, signs, size: slots.length };
    }

    /** Tells every feature of the active level its class and colour, if they changed. */
    recolour() {
      if (!this.ready || !this.level || !this.map) return;
      if (this.drawing) this.tint();
      // While the mesh draws, nobody sees the features: they are told when it ends.
      if (this.drawing && !this.landing) return;
      const started = performance.now();
      const { map, level, values, outside } = this;
      const { index, at } = this.period();
      const { states, signs, size } = this.states();
      const count = values ? values.count : level.count;
      let sent = this.sent.get(level.id);
      if (!sent || sent.length !== count) {
        sent = new Int32Array(count).fill(NEVER);
        this.sent.set(level.id, sent);
      }
      const codes = this.sample || (values ? values.classes(at, level.classes) : null);
      const beside = slotsBeside(size - 3);
      // One target for all calls: MapLibre reads it at once and keeps only the state's values.
      const target = { source: level.id, sourceLayer: level.id, id: 0 };
      let told = 0;
      for (let position = 0; position < count; position++) {
        const code = codes ? codes[position] : OUT_OF_SCOPE;
        let slot = beside(code);
        if (outside && outside[position]) slot += size;
        if (sent[position] !== signs[slot]) {
          sent[position] = signs[slot];
          target.id = position;
          map.setFeatureState(target, states[slot]);
          told += 1;
        }
      }
      this.stated = index;
      const script = performance.now() - started;
      const shown = [level.id, index, this.picture.query].join(" ");
      if (told || shown !== this.shown) {
        this.shown = shown;
        this.due = true;
        bangfu.lastRecolour = { script_ms: script, n: told, at: started, level: level.id, period: index };
        map.triggerRepaint(); // so that idle comes even if nothing changed
        if (this.hover && this.cursor) this.tip(this.hover, this.cursor);
      }
    }

    idle() {
      if (!this.ready || !this.map) return;
      if (this.picture.region.leaf || this.props.pointed) this.trace();
      // A click's mark stays until the region's own outline has taken its place.
      if (!this.picture.region.leaf && !this.pending) this.mark("select", null);
      this.left();
      this.sort();
      if (this.landing && !this.fade) this.landed();
      const whole = this.level && this.level.id === this.wanted;
      if (whole) {
        this.worked = true;
        this.suffer(null);
        this.keep();
      }
      // While playing, a month is told of in the frame that shows it: see `rendered`.
      if (!this.drawing || this.landing) this.painted();
    }

    /** Says what is on the screen, if it was not said yet. */
    painted() {
      if (!this.due || !this.level || this.level.id !== this.wanted) return;
      this.due = false;
      this.paints += 1;
      const picture = this.picture;
      const painted = {
        edition: picture.edition,
        measure: picture.measure ? picture.measure.id : null,
        round: picture.round.id,
        level: this.level.id,
        region: picture.region.code,
        period: this.period().index,
        n: this.paints,
      };
      bangfu.painted = { ...painted, at: performance.now() };
      this.after("prepare", 200, () => this.prepare());
      window.dispatchEvent(new CustomEvent("bangfu-painted", { detail: bangfu.painted }));
      this.set({ painted });
    }

    /* -- playing: the mesh instead of the fills -- */

    /** What scripts may ask of the mesh; `window.bangfu.mesh`. */
    handle() {
      const engine = this;
      return {
        /** Whether `play` moves colours between months, and not only from month to month. */
        get ready() {
          return engine.able();
        },
        /** Fetches the mesh; a promise of whether it is there. */
        load: () => engine.fetched(),
        /** Shows the periods around a position, 2.4 being 60 % of the third and 40 % of the fourth.
         *  A frame is one uniform. Holds until `stop`, or until the property `playing` ends. */
        play: (position) => engine.lead(position),
        /** Back to the tiles, at the property `period`. */
        stop() {
          engine.led = null;
          engine.steer();
          engine.recolour();
        },
      };
    }

    lead(position) {
      if (!this.picture) return;
      const last = this.picture.periods.length - 1;
      const wanted = Math.max(0, Math.min(last, position));
      const before = this.led === null ? -1 : Math.round(this.led);
      this.led = calm() ? Math.round(wanted) : wanted;
      this.steer();
      const news = Math.round(this.led) !== before;
      if (this.drawing && !this.landing) {
        this.fade = null;
        const from = Math.floor(this.led);
        this.mesh.at(from, from + 1, this.led - from);
        this.goal = Math.round(this.led);
        if (news) this.due = true;
        if (news && this.hover && this.cursor) this.tip(this.hover, this.cursor);
        this.map.triggerRepaint();
      } else if (news) {
        this.recolour();
      }
    }

    /** Whether the mesh can draw what is shown: fetched, coloured, and as exact as the tiles. */
    able() {
      const { mesh } = this.picture || {};
      return Boolean(
        this.ready && this.map && this.values && mesh && this.meshOf === mesh.url &&
          // The picture's own level, not one of the picture before whose values still show.
          this.picture.levels.indexOf(this.level) >= 0 &&
          !(this.mesh && this.mesh.broken) && this.map.getZoom() < mesh.until &&
          this.picture.periods.length > 1 &&
          bangfu.meshes.MeshLayer.fits(
            this.map, this.picture.periods.length, this.level.classes.length
          )
      );
    }

    fetched() {
      const { mesh } = this.picture || {};
      if (!mesh || !bangfu.meshes) return Promise.resolve(false);
      if (this.meshOf === mesh.url) return Promise.resolve(true);
      return bangfu.meshes.load(mesh.url).then(
        (found) => {
          if (this.dead || !this.picture.mesh || this.picture.mesh.url !== mesh.url) return false;
          this.meshOf = mesh.url;
          this.meshData = found;
          this.steer();
          return true;
        },
        () => {
          this.meshless = mesh.url; // the tiles go on showing each month
          return false;
        }
      );
    }

    /** Lets the mesh take over, follow or end, as playing, zoom and data would have it. */
    steer() {
      const { mesh } = this.picture || {};
      const playing = Boolean(this.props.playing || this.led !== null);
      if (playing && mesh && this.meshOf !== mesh.url && this.meshless !== mesh.url) this.fetched();
      if (playing && this.able()) {
        if (!this.drawing || this.landing) this.lift();
        if (this.led === null) this.turn(this.period().index);
      } else if (this.drawing && !this.landing && !this.coming()) {
        this.land();
      }
    }

    /** Whether a new picture's values are under way: until then the last frame stands. */
    coming() {
      const { levels } = this.picture;
      return Boolean(this.props.playing) && this.ready && levels.indexOf(this.level) < 0;
    }

    /** From the tiles to the mesh, which starts with what they show. */
    lift() {
      if (!this.mesh) {
        this.mesh = new bangfu.meshes.MeshLayer(MESH, this.meshData);
        const { layers } = style(this.picture, this.colours);
        const fills = layers.map((one) => one.type === "fill" && one.id !== "land");
        this.map.addLayer(this.mesh, layers[fills.lastIndexOf(true) + 1].id);
      }
      if (!this.drawing) {
        this.goal = this.stated === null ? this.period().index : this.stated;
        this.mesh.at(this.goal, this.goal, 0);
      }
      this.landing = false;
      this.drawing = true;
      this.dress();
      this.tint();
      this.cover(true);
    }

    /** Gives the mesh all months of the active level's values, inside and outside the region. */
    dress() {
      const { level, values, outside, picture } = this;
      if (!values || !this.mesh) return;
      const key = [picture.mesh.url, level.values, picture.region.code, Boolean(outside)].join(" ");
      if (key === this.dressed) return;
      const was = this.dressed;
      this.dressed = key;
      const own = level.classes.length;
      const beside = slotsBeside(own);
      const slots = new Uint8Array(values.count);
      const classes = (index) => {
        const codes = values.classes(this.within(index), level.classes);
        for (let one = 0; one < slots.length; one++) {
          const slot = beside(codes[one]);
          slots[one] = outside && outside[one] ? slot + own + 3 : slot;
        }
        return slots;
      };
      this.mesh.show(level.id, values.count, picture.periods.length, classes);
      this.tinted = "";
      if (was && this.led === null) {
        // Months of another measure or level: nothing to fade from.
        this.fade = null;
        this.goal = this.period().index;
        this.mesh.at(this.goal, this.goal, 0);
      }
    }

    /** The mesh's colours: those that the features are told. */
    tint() {
      const { states, signs } = this.states();
      const { hatch, missing } = this.colours;
      const underlaid = Boolean(this.picture.underlay) && !this.hidden().has("underlay");
      const key = [signs, hatch, missing, underlaid].join(" ");
      if (key === this.tinted || !this.mesh) return;
      this.tinted = key;
      const colours = states.map(({ c, v }) => ({
        v,
        hatch: c === MISSING || c === SUPPRESSED ? HATCH
          : c === MISSING_FADED || c === SUPPRESSED_FADED ? HATCH_FADED : 0,
      }));
      this.mesh.tint(colours, packed(hatch), underlaid ? UNDERLAID : 1);
      this.map.triggerRepaint();
    }

    /** Fades to a whole period. */
    turn(index) {
      if (index === this.goal) return;
      const from = this.goal;
      this.goal = index;
      if (this.hover && this.cursor) this.tip(this.hover, this.cursor);
      if (calm()) {
        this.fade = null;
        this.mesh.at(index, index, 0);
        this.due = true;
        this.map.triggerRepaint();
        return;
      }
      const running = Boolean(this.fade);
      this.fade = { from, to: index, start: 0 };
      if (!running) window.requestAnimationFrame((now) => this.step(now));
    }

    /** One frame of a fade: a share for the card, and a repaint. */
    step(now) {
      const { fade } = this;
      if (!fade || this.dead || !this.map || !this.mesh) return;
      if (!fade.start) fade.start = now;
      const time = Math.min(1, (now - fade.start) / FADE_MS);
      this.mesh.at(fade.from, fade.to, time * time * (3 - 2 * time));
      if (time < 1) {
        window.requestAnimationFrame((next) => this.step(next));
      } else {
        this.fade = null;
        this.mesh.at(fade.to, fade.to, 0);
        this.due = true;
      }
      this.map.triggerRepaint();
    }

    /** After each frame: a month that has come to stand is told of. */
    rendered() {
      if (!this.drawing || this.landing || this.fade) return;
      if (this.mesh.broken) this.steer();
      else this.painted();
    }

    /** From the mesh to the tiles: they are told the period first, and are seen when they have
     *  painted it (`landed`), so that no frame shows anything else. */
    land() {
      const { index } = this.period();
      if (!this.fade || this.fade.to !== index) {
        this.fade = null;
        this.mesh.at(index, index, 0);
        if (this.goal !== index) this.due = true;
        this.goal = index;
      }
      this.landing = true;
      const due = this.due;
      this.recolour();
      this.due = due;
      this.map.triggerRepaint();
    }

    landed() {
      this.landing = false;
      this.drawing = false;
      this.cover(false);
    }

    /** Mesh or fills: both change hands in the same frame. */
    cover(on) {
      this.toggle(MESH, on);
      for (const level of this.picture.levels) {
        for (const [kind] of PATTERNS) {
          const hatched = this.map.getLayer(kind + "-" + level.id);
          // Hiding it by the style would make MapLibre build the source's tiles anew.
          if (hatched && on) hatched.isHidden = () => true;
          else if (hatched) delete hatched.isHidden;
        }
      }
      this.visible();
    }

    /** Lets go of the mesh's layer; the map or its style is about to go. */
    scrap() {
      if (this.mesh) this.mesh.release();
      this.mesh = null;
      this.drawing = this.landing = false;
      this.fade = null;
      this.dressed = this.tinted = "";
      this.stated = null;
    }

    /* -- the last picture, for when there is none -- */

    /** Copies what was just painted; only in the frame that painted it is it still there. */
    keep() {
      if (!this.props.keep_snapshot || this.trouble) return;
      const from = this.map.getCanvas();
      if (!this.kept) {
        const canvas = document.createElement("canvas");
        canvas.className = "atlas-snapshot";
        canvas.setAttribute("aria-hidden", "true");
        canvas.hidden = true;
        this.box.insertAdjacentElement("afterend", canvas);
        this.kept = { canvas, names: null };
      }
      const { canvas } = this.kept;
      if (canvas.width !== from.width || canvas.height !== from.height) {
        canvas.width = from.width;
        canvas.height = from.height;
      }
      canvas.getContext("2d").drawImage(from, 0, 0);
      this.veil(false);
    }

    /** Lays the last picture, names and all, over the map, or takes it away. */
    veil(on) {
      if (!this.kept) return;
      const { canvas } = this.kept;
      if (on && canvas.hidden) {
        canvas.hidden = false;
        if (this.layer) {
          this.kept.names = this.layer.cloneNode(true);
          this.kept.names.classList.add("atlas-snapshot-names");
          canvas.insertAdjacentElement("afterend", this.kept.names);
        }
      } else if (!on && !canvas.hidden) {
        canvas.hidden = true;
        if (this.kept.names) this.kept.names.remove();
        this.kept.names = null;
      }
    }

    /** Classes all periods while nothing else is to do, so that playing only paints. */
    prepare() {
      const { values, level } = this;
      if (!values || !window.requestIdleCallback) return;
      let period = 0;
      const some = (free) => {
        if (this.dead || this.values !== values || this.level !== level) return;
        while (period < values.periods.length && free.timeRemaining() > 2) {
          values.classes(period, level.classes);
          period += 1;
        }
        if (period < values.periods.length) window.requestIdleCallback(some);
      };
      window.requestIdleCallback(some);
    }

    failed(event) {
      // A tile that could not be had: MapLibre shows what it has; the next move asks again.
      const error = event && event.error;
      if (error && error.name === "AbortError") return;
      bangfu.mapError = String((error && error.message) || error);
    }

    /* -- marks -- */

    mark(kind, lines, sign) {
      if (!this.ready) return;
      const before = this.marks[kind];
      if (!lines && !before) return;
      if (lines && before && before.sign === sign) return;
      if (lines) this.marks[kind] = { lines, sign };
      else delete this.marks[kind];
      const features = Object.keys(this.marks).map((name) => ({
        type: "Feature",
        properties: { kind: name },
        geometry: { type: "MultiLineString", coordinates: this.marks[name].lines },
      }));
      this.map.getSource("marks").setData({ type: "FeatureCollection", features });
    }

    /** A region's outline from all tiles of its level that are loaded. */
    traced(level, position) {
      const found = this.map.querySourceFeatures(level, {
        sourceLayer: level,
        filter: ["==", ["get", "i"], position],
      });
      return outline(found);
    }

    /** Outlines that must stay true while tiles come and go. */
    trace() {
      const { region } = this.picture;
      const { pointed } = this.props;
      if (region.leaf) this.draw("select", region.level, region.position);
      if (pointed) this.draw("pointed", pointed.level, pointed.position);
    }

    draw(kind, level, position) {
      if (!this.map.getSource(level)) return;
      const { lines, tiles } = this.traced(level, position);
      if (lines.length) this.mark(kind, lines, [level, position, tiles].join(" "));
    }

    selected() {
      const { region } = this.picture;
      const mark = this.marks.select;
      if (mark && mark.sign.indexOf(region.level + " " + region.position + " ") !== 0) {
        this.mark("select", null);
      }
      this.draw("select", region.level, region.position);
    }

    pointed() {
      const { pointed } = this.props;
      if (!this.ready) return;
      this.mark("pointed", null);
      if (pointed) this.draw("pointed", pointed.level, pointed.position);
    }

    /** The parts of a feature in neighbouring tiles: asks where the known parts reach. */
    parts(feature) {
      const layers = ["fill-" + this.level.id];
      const filter = ["==", ["get", "i"], feature.id];
      let parts = [feature];
      for (let turn = 0; turn < 3; turn++) {
        let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
        for (const [lon, lat] of outline(parts).lines.reduce((all, line) => all.concat(line), [])) {
          const { x, y } = this.map.project([lon, lat]);
          left = Math.min(left, x);
          right = Math.max(right, x);
          top = Math.min(top, y);
          bottom = Math.max(bottom, y);
        }
        if (!(right >= left)) return parts;
        const found = this.map.queryRenderedFeatures([[left, top], [right, bottom]], { layers, filter });
        if (found.length <= parts.length) return found.length ? found : parts;
        parts = found;
      }
      return parts;
    }

    /* -- pointing -- */

    at(point) {
      if (!this.ready || !this.level || !this.map.getLayer("fill-" + this.level.id)) return null;
      const found = this.map.queryRenderedFeatures(point, { layers: ["fill-" + this.level.id] });
      return found.length ? found[0] : null;
    }

    point(event) {
      this.cursor = event.point;
      if (this.frameAsked) return;
      // At most once a frame, however fast the mouse reports.
      this.frameAsked = window.requestAnimationFrame(() => {
        this.frameAsked = 0;
        if (this.dead || !this.map || !this.cursor || this.map.isMoving()) return;
        this.over(this.at(this.cursor));
      });
    }

    over(feature) {
      if (!feature) {
        this.leave();
        return;
      }
      const position = Number(feature.id);
      const same = this.hover && this.hover.position === position && this.hover.level === this.level.id;
      if (!same) {
        this.hover = {
          level: this.level.id,
          position,
          code: String(feature.properties.code),
          name: String(feature.properties.name),
        };
        const { lines, tiles } = outline(this.parts(feature));
        this.mark("hover", lines, [this.level.id, position, tiles].join(" "));
        this.map.getCanvas().style.cursor = "pointer";
        this.hovers += 1;
        const { level, code } = this.hover;
        this.set({ hovered: { level, code, position, n: this.hovers } });
      }
      this.tip(this.hover, this.cursor);
    }

    leave() {
      this.cursor = null;
      this.tip(null);
      if (!this.hover) return;
      this.hover = null;
      this.mark("hover", null);
      if (this.map) this.map.getCanvas().style.cursor = "";
      this.set({ hovered: null });
    }

    click(event) {
      const feature = this.at(event.point);
      if (feature) this.take(feature);
    }

    take(feature) {
      const position = Number(feature.id);
      // Seen at once; the server's answer follows.
      const { lines, tiles } = outline(this.parts(feature));
      this.mark("select", lines, [this.level.id, position, tiles].join(" "));
      this.clicks += 1;
      this.pending = String(feature.properties.code);
      if (this.pending === this.picture.region.code) this.pending = "";
      this.set({
        clicked: {
          code: String(feature.properties.code),
          level: this.level.id,
          position,
          n: this.clicks,
        },
      });
    }

    /* -- keyboard -- */

    focus(on) {
      let seen = on;
      try {
        seen = on && this.map.getCanvas().matches(":focus-visible");
      } catch (error) {
        seen = on; // Chromium before 86 knows no :focus-visible
      }
      this.cross.hidden = !seen;
      if (seen) this.aim();
      else if (this.map) this.leave();
    }

    /** Points at the middle of the map, for those who steer with arrow keys. */
    aim() {
      if (!this.map || !this.ready) return;
      const point = this.map.project(this.map.getCenter());
      this.cursor = point;
      this.over(this.at(point));
      if (this.hover) this.tell({ live: [this.hover.name, this.told(this.hover)].join("，") });
    }

    key(event) {
      if (event.key === "Enter") {
        const point = this.cursor && this.hover ? this.cursor : this.map.project(this.map.getCenter());
        const feature = this.at(point);
        if (feature) this.take(feature);
        event.preventDefault();
      } else if (event.key === "Escape") {
        this.leave();
        this.ups += 1;
        this.set({ up: this.ups });
      } else if (this.cross.hidden && /^(Arrow|[+=-])/.test(event.key)) {
        this.cross.hidden = false;
      }
    }

    /* -- tooltip -- */

    /** A region's value in words. */
    told(region) {
      const { words } = this.props;
      const { measure } = this.picture;
      if (!this.values || !measure) return "";
      const { at } = this.period();
      const value = this.values.value(at, region.position);
      const status = this.values.status(at, region.position);
      const word = say(words, "status." + status);
      if (value === null) return word;
      return [this.number(value, at, region.position), word].join(" · ");
    }

    number(value, at, position) {
      const { measure, levels } = this.picture;
      const leaf = levels[levels.length - 1].id === this.level.id;
      if (leaf && String(measure.rule).indexOf("share") === 0) {
        const code = this.values.classes(at, this.level.classes)[position];
        return this.level.classes[code] ? this.level.classes[code].label : "";
      }
      return figure(value, measure.digits) + " " + measure.unit;
    }

    tip(region, point) {
      const tip = this.frame.querySelector(".atlas-tip");
      if (!tip) return;
      if (!region || !point) {
        tip.hidden = true;
        return;
      }
      const [name, value, status] = tip.children;
      name.textContent = region.name;
      value.textContent = "";
      status.textContent = "";
      if (this.values && this.picture.measure) {
        const { at } = this.period();
        const number = this.values.value(at, region.position);
        const word = this.values.status(at, region.position);
        if (number !== null) value.textContent = this.number(number, at, region.position);
        status.textContent = say(this.props.words, "status." + word);
        status.className = "atlas-tip-status atlas-is-" + word.replace(/_/g, "-");
      }
      tip.hidden = false;
      const { clientWidth: w, clientHeight: hgt } = this.frame;
      const box = tip.getBoundingClientRect();
      const left = point.x + 16 + box.width > w ? point.x - 14 - box.width : point.x + 16;
      const top = point.y + 18 + box.height > hgt ? point.y - 12 - box.height : point.y + 18;
      tip.style.transform =
        "translate(" + Math.max(4, Math.round(left)) + "px," + Math.max(4, Math.round(top)) + "px)";
    }

    /* -- names -- */

    /** One element a name, measured once; which ones fit is decided by `sort`. */
    name() {
      const { labels, levels, path, region } = this.picture;
      const before = new Map(this.labels.map((one) => [one.level + one.code, one]));
      // The breadcrumb says where we are; the map names what is inside and around.
      const around = new Set(path.map((one) => one.code));
      if (region.leaf) around.delete(region.code);
      const depth = {};
      levels.forEach((one, at) => (depth[one.id] = at));
      const fresh = [];
      this.labels = labels
        .filter((one) => !around.has(one.code))
        .map((one) => {
          const known = before.get(one.level + one.code);
          if (known && known.name === one.name) {
            before.delete(one.level + one.code);
            return { ...known, ...one };
          }
          const element = document.createElement("span");
          element.className = "atlas-label atlas-depth-" + depth[one.level];
          element.setAttribute("role", "listitem");
          element.setAttribute("aria-hidden", "true");
          element.textContent = one.name;
          this.layer.appendChild(element);
          const made = { ...one, depth: depth[one.level], element, shown: false };
          fresh.push(made);
          return made;
        })
        .sort((a, b) => a.rank - b.rank);
      before.forEach((one) => one.element.remove());
      // One reading of the layout for all names.
      for (const one of fresh) {
        one.width = one.element.offsetWidth;
        one.height = one.element.offsetHeight;
      }
      this.sort();
    }

    /** Moves the names that are shown along with the map. */
    carry() {
      for (const one of this.labels) {
        if (!one.shown) continue;
        const { x, y } = this.map.project([one.lon, one.lat]);
        one.element.style.transform =
          "translate(" + Math.round(x - one.width / 2) + "px," + Math.round(y - one.height / 2) + "px)";
      }
    }

    /** Greedy by rank: a name is shown where no more important one stands in its way. */
    sort() {
      if (!this.map || !this.labels.length || !this.level) return;
      const { levels } = this.picture;
      const active = levels.findIndex((one) => one.id === this.level.id);
      const zoom = this.map.getZoom();
      const off = this.hidden().has("labels");
      const w = this.box.clientWidth;
      const hgt = this.box.clientHeight;
      const taken = [];
      for (const one of this.labels) {
        // Districts always; what is coloured; the rest once the zoom has room.
        let shown =
          !off &&
          (one.depth <= 1 || one.depth === active || zoom >= (levels[one.depth].zoom_from || 0));
        let x = 0;
        let y = 0;
        if (shown) {
          ({ x, y } = this.map.project([one.lon, one.lat]));
          shown = x > 0 && y > 0 && x < w && y < hgt;
        }
        if (shown) {
          const gap = LABEL_GAP + 4 * (one.depth > 1 ? 1 : 0);
          const box = [
            x - one.width / 2 - gap, y - one.height / 2 - gap / 2,
            x + one.width / 2 + gap, y + one.height / 2 + gap / 2,
          ];
          shown = !taken.some(
            (other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]
          );
          if (shown) taken.push(box);
        }
        if (shown !== one.shown) {
          one.shown = shown;
          one.element.classList.toggle("atlas-shown", shown);
          one.element.setAttribute("aria-hidden", shown ? "false" : "true");
        }
      }
      this.carry();
    }
  }

  /* ---- React --------------------------------------------------------------------------- */

  /** The list of layers: a button that opens tick boxes. */
  function Layers({ picture, hide, words, setProps }) {
    const [open, setOpen] = useState(false);
    const hidden = new Set(hide || picture.hide || []);
    const rows = picture.levels
      .slice(1)
      .map((one) => ["line-" + one.id, say(words, "boundaries", { level: one.label })]);
    rows.push(["labels", say(words, "place_names")]);
    if (picture.underlay) rows.push(["underlay", picture.underlay.label || say(words, "underlay")]);
    const flip = (id) => {
      const next = new Set(hidden);
      if (!next.delete(id)) next.add(id);
      setProps({ hide: Array.from(next).sort() });
    };
    const label = say(words, "layers");
    return h(
      "div",
      { className: "atlas-layers" },
      h(
        "button",
        {
          type: "button", className: "atlas-button", "aria-expanded": open, "aria-label": label,
          title: label, onClick: () => setOpen(!open),
        },
        h(
          "svg",
          { viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": true },
          h("path", { d: "M10 3 2.5 7 10 11l7.5-4z", fill: "currentColor" }),
          h("path", {
            d: "M2.5 10.2 10 14.2l7.5-4M2.5 13.2 10 17.2l7.5-4",
            fill: "none", stroke: "currentColor", strokeWidth: 1.5, strokeLinejoin: "round",
          })
        )
      ),
      open &&
        h(
          "fieldset",
          {
            className: "atlas-layers-list",
            onKeyDown: (event) => {
              if (event.key !== "Escape") return;
              event.preventDefault();
              event.stopPropagation();
              setOpen(false);
            },
          },
          h("legend", null, label),
          rows.map(([id, text]) =>
            h(
              "label",
              { key: id },
              h("input", { type: "checkbox", checked: !hidden.has(id), onChange: () => flip(id) }),
              text
            )
          )
        )
    );
  }

  function Notices({ notices, underlay, words }) {
    const parts = [];
    const told = (text, className) => parts.push(h("span", { key: text, className }, text));
    if (notices.source) told(say(words, "source", { text: notices.source }), "atlas-source");
    if (notices.cutoff) told(say(words, "cutoff", { text: notices.cutoff }));
    // Where a map must say that it has no number, the page's words say how.
    const approval = notices.approval_number
      ? say(words, "approval", { text: notices.approval_number })
      : say(words, "no_approval");
    if (approval) told(approval, "atlas-approval");
    if (underlay && underlay.attribution) told(underlay.attribution);
    return h(
      "p",
      { className: "atlas-notices" },
      notices.demo && h("strong", { className: "atlas-demo" }, say(words, "demo")),
      parts
    );
  }

  /** See dashboard/atlas_map.py for the properties. */
  function AtlasMap(props) {
    const { id, className, picture, words } = props;
    const frame = useRef(null);
    const box = useRef(null);
    const engine = useRef(null);
    const [state, setState] = useState({ problem: null, loading: false, live: "" });
    useLook();

    useEffect(() => {
      const made = new Engine(frame.current, box.current, (patch) =>
        setState((before) =>
          Object.keys(patch).some((key) => patch[key] !== before[key])
            ? { ...before, ...patch }
            : before
        )
      );
      engine.current = made;
      const sizes = new ResizeObserver(() => made.resize());
      sizes.observe(box.current);
      return () => {
        sizes.disconnect();
        made.destroy();
      };
    }, []);
    useEffect(() => engine.current.update(props));

    // A wall tells of its troubles in a manner of its own.
    const message = state.problem && !props.still ? say(words, state.problem) : "";
    return h(
      "div",
      {
        id,
        ref: frame,
        className: ["atlas-map", isDark(props) ? "atlas-dark" : "atlas-light", className]
          .filter(Boolean)
          .join(" "),
        "data-loading": state.loading || undefined,
      },
      h("div", { ref: box, className: "atlas-canvas" }),
      picture && !props.still && h(Layers, { picture, hide: props.hide, words, setProps: props.setProps }),
      !props.still && h(
        "div",
        { className: "atlas-foot" },
        h("div", { className: "atlas-scale" }),
        picture &&
          picture.notices &&
          h(Notices, { notices: picture.notices, underlay: picture.underlay, words })
      ),
      h(
        "div",
        { className: "atlas-tip", hidden: true, "aria-hidden": true },
        h("strong", null),
        h("span", { className: "atlas-tip-value" }),
        h("span", { className: "atlas-tip-status" })
      ),
      h("div", { className: "atlas-message", role: "status", hidden: !message }, message),
      h("div", { className: "atlas-unseen", "aria-live": "polite" }, state.live)
    );
  }

  bangfu.AtlasMap = AtlasMap;
  bangfu.mapParts = { say, figure, isDark, useLook, packed, mix, outline, style };
})();
