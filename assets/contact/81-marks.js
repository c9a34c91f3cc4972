/* Marks on the map of contact points: drawn once as small pictures, told apart by their shapes. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});

  const SIZE = 30; // of a mark's picture, in pixels of the screen
  const ROOM = 7; // around it, for badges that stand beside it
  const SHARP = 2;
  const REACH = 22; // around a finger: half of 44 pixels
  const SOURCE = "contact-marks";
  const LAYERS = ["contact-under", "contact-marks", "contact-badges"];
  const LOUPE = 1.6; // levels of zoom that a village is looked at closer than its district

  /* Drawing order: what somebody looks for lies on top. */
  const ORDER = { free: 0, struck: 0, "p-open": 1, other: 2, "p-back": 2, proposal: 3, "p-late": 3, mine: 4 };

  /** The colours of the page, light or dark, that pictures are drawn in. */
  function colours() {
    const style = window.getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      accent: read("--accent"), onAccent: read("--accent-ink"), ink: read("--ink"),
      surface: read("--surface"), warn: read("--warn"), good: read("--good"), quiet: read("--ink-2"),
    };
  }

  /* ---- pictures ------------------------------------------------------------------------------- */

  const circle = (pen, x, y, r) => {
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
  };

  const lines = (pen, ...points) => {
    pen.beginPath();
    points.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  };

  const diamond = (pen, r) => {
    lines(pen, [15, 15 - r], [15 + r, 15], [15, 15 + r], [15 - r, 15]);
    pen.closePath();
  };

  /** A line in `colour` on a wider one that sets it off from the map. */
  function cased(pen, colour, casing, width) {
    pen.strokeStyle = casing;
    pen.lineWidth = width + 2.6;
    pen.setLineDash([]);
    pen.stroke();
    pen.strokeStyle = colour;
    pen.lineWidth = width;
  }

  const letter = (pen, text, colour, size) => {
    pen.fillStyle = colour;
    pen.font = "600 " + size + 'px "PingFang SC","Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif';
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    const box = pen.measureText(text);
    const up = box.actualBoundingBoxAscent || size * 0.8;
    const down = box.actualBoundingBoxDescent || 0;
    pen.fillText(text, 15, 15 + (up - down) / 2);
  };

  /* Each takes a pen on a square of 30, the colours, and an initial. */
  const DRAWN = {
    /* A small hollow ring: a place that is free. */
    free(pen, c) {
      circle(pen, 15, 15, 5.4);
      pen.fillStyle = c.surface;
      pen.fill();
      cased(pen, c.ink, c.surface, 2.2);
      pen.stroke();
    },
    /* Full, with a tick: mine. */
    mine(pen, c) {
      circle(pen, 15, 15, 10.5);
      pen.fillStyle = c.accent;
      pen.fill();
      pen.strokeStyle = c.surface;
      pen.lineWidth = 2.2;
      pen.stroke();
      lines(pen, [10, 15.4], [13.6, 19], [20.2, 11.6]);
      pen.strokeStyle = c.onAccent;
      pen.lineWidth = 2.8;
      pen.lineCap = pen.lineJoin = "round";
      pen.stroke();
    },
    /* Light, with the first character of whose it is. */
    other(pen, c, initial) {
      circle(pen, 15, 15, 9.6);
      pen.fillStyle = c.surface;
      pen.fill();
      cased(pen, c.ink, c.surface, 1.8);
      pen.stroke();
      letter(pen, initial, c.ink, 11.5);
    },
    /* A dashed diamond: nobody has decided yet. */
    proposal(pen, c) {
      diamond(pen, 10.5);
      pen.fillStyle = c.surface;
      pen.fill();
      cased(pen, c.accent, c.surface, 2.4);
      pen.setLineDash([4.2, 3.2]);
      pen.stroke();
      pen.setLineDash([]);
      circle(pen, 15, 15, 2.2);
      pen.fillStyle = c.accent;
      pen.fill();
    },
    /* A second ring around: the office has confirmed it. */
    confirmed(pen, c) {
      circle(pen, 15, 15, 13);
      pen.strokeStyle = c.surface;
      pen.lineWidth = 3.6;
      pen.stroke();
      pen.strokeStyle = c.ink;
      pen.lineWidth = 1.5;
      pen.stroke();
    },
    /* The village that the panel speaks about. */
    chosen(pen, c) {
      circle(pen, 15, 15, 12.6);
      pen.strokeStyle = c.surface;
      pen.lineWidth = 5;
      pen.stroke();
      pen.strokeStyle = c.accent;
      pen.lineWidth = 2.8;
      pen.stroke();
    },
    /* Badges stand beside the mark, above right and below right. */
    due(pen, c) {
      circle(pen, 27, 3.6, 5.4);
      pen.fillStyle = c.surface;
      pen.fill();
      pen.strokeStyle = c.warn;
      pen.lineWidth = 1.7;
      pen.stroke();
      lines(pen, [27, 0.7], [27, 3.9], [29.1, 5]);
      pen.stroke();
    },
    problem(pen, c) {
      lines(pen, [27.4, 20], [33.2, 30.6], [21.6, 30.6]);
      pen.closePath();
      pen.fillStyle = c.warn;
      pen.strokeStyle = c.surface;
      pen.lineWidth = 2;
      pen.lineJoin = "round";
      pen.stroke();
      pen.fill();
      pen.strokeStyle = c.surface;
      pen.lineWidth = 1.7;
      pen.lineCap = "butt";
      lines(pen, [27.4, 23.4], [27.4, 27]);
      pen.stroke();
      lines(pen, [27.4, 28], [27.4, 29.6]);
      pen.stroke();
    },
    /* The board's marks: open a square, overdue a triangle, sent back an arrow, struck off a tick. */
    "p-open"(pen, c) {
      pen.fillStyle = c.surface;
      pen.fillRect(7, 7, 16, 16);
      pen.beginPath();
      pen.rect(8, 8, 14, 14);
      cased(pen, c.ink, c.surface, 2.2);
      pen.stroke();
      pen.fillStyle = c.ink;
      pen.fillRect(12.4, 12.4, 5.2, 5.2);
    },
    "p-late"(pen, c) {
      lines(pen, [15, 4.4], [26, 24], [4, 24]);
      pen.closePath();
      pen.lineJoin = "round";
      pen.strokeStyle = c.surface;
      pen.lineWidth = 3;
      pen.stroke();
      pen.fillStyle = c.accent;
      pen.fill();
      pen.fillStyle = c.onAccent;
      pen.fillRect(13.7, 10.6, 2.6, 7);
      pen.fillRect(13.7, 19, 2.6, 2.6);
    },
    "p-back"(pen, c) {
      pen.beginPath();
      pen.rect(6, 6, 18, 18);
      pen.fillStyle = c.ink;
      pen.strokeStyle = c.surface;
      pen.lineWidth = 2;
      pen.stroke();
      pen.fill();
      pen.strokeStyle = c.surface;
      pen.lineWidth = 2.2;
      pen.lineJoin = "round";
      lines(pen, [20, 19.5], [20, 13], [10, 13]);
      pen.stroke();
      lines(pen, [13.4, 9.4], [9.8, 13], [13.4, 16.6]);
      pen.stroke();
    },
    struck(pen, c) {
      lines(pen, [9.4, 15.4], [13.4, 19.4], [20.8, 11]);
      pen.lineCap = pen.lineJoin = "round";
      cased(pen, c.good, c.surface, 2.6);
      pen.stroke();
    },
  };

  /* How far a badge is moved to stand alone. */
  const BADGES = { due: [-12, 11.4], problem: [-12.4, -10.3] };

  /** A mark as a canvas: for the map, and for the legend beside it. */
  function canvasOf(kind, initial, sharp, palette) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = (SIZE + 2 * ROOM) * sharp;
    const pen = canvas.getContext("2d");
    pen.scale(sharp, sharp);
    pen.translate(ROOM, ROOM);
    DRAWN[kind](pen, palette || colours(), initial || "");
    return canvas;
  }

  const read = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);

  /** A mark in the legend and in lists. */
  contact.Mark = function ({ kind, initial, under }) {
    const { useLayoutEffect, useRef } = window.React;
    const place = useRef(null);
    const isDark = bangfu.useDark();
    useLayoutEffect(() => {
      const palette = colours();
      const pen = place.current.getContext("2d");
      pen.clearRect(0, 0, SIZE * SHARP, SIZE * SHARP);
      // A badge by itself stands in the middle.
      const [x, y] = BADGES[kind] || [0, 0];
      for (const one of [under, kind].filter(Boolean)) {
        pen.drawImage(canvasOf(one, initial, SHARP, palette), (x - ROOM) * SHARP, (y - ROOM) * SHARP);
      }
    }, [kind, initial, under, isDark]);
    return window.React.createElement("canvas", {
      ref: place, className: "contact-mark", width: SIZE * SHARP, height: SIZE * SHARP,
      "aria-hidden": true, "data-mark": kind,
    });
  };

  /* ---- on the map --------------------------------------------------------------------------- */

  /**
   * Puts marks on whatever map AtlasMap has at the moment: it makes a new one after the graphics
   * card was away, and a new style with a new edition.
   *
   * `on`: tap(code, polygon), rest([west, south, east, north]).
   */
  class Marks {
    constructor(on) {
      this.on = on;
      this.map = null;
      this.rows = [];
      this.look = "";
      this.images = new Set();
      this.settled = () => this.ensure();
      this.tapped = (event) => this.tap(event);
      this.rested = () => this.rest();
      this.missing = (event) => this.image(event.id);
      window.addEventListener("bangfu-painted", this.settled);
      window.addEventListener("bangfu-level", this.settled);
    }

    stop() {
      window.removeEventListener("bangfu-painted", this.settled);
      window.removeEventListener("bangfu-level", this.settled);
      this.leave();
    }

    leave() {
      if (!this.map) return;
      this.map.off("click", this.tapped);
      this.map.off("moveend", this.rested);
      this.map.off("styleimagemissing", this.missing);
      this.map = null;
    }

    /** The present map with source, layers and pictures in it; false while there is none. */
    ensure() {
      const map = bangfu.map;
      if (!map) return false;
      if (map !== this.map) {
        this.leave();
        this.map = map;
        map.on("click", this.tapped);
        map.on("moveend", this.rested);
        map.on("styleimagemissing", this.missing);
      }
      if (!map.style || !map.getLayer("pointed-line")) return false;
      const look = document.documentElement.getAttribute("data-look") || "";
      if (!map.getSource(SOURCE)) {
        this.images.clear();
        map.addSource(SOURCE, { type: "geojson", data: this.collection() });
        const size = this.sizes();
        const common = {
          "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-padding": 0,
          "icon-size": size, "symbol-sort-key": ["get", "order"],
        };
        const layer = (id, field, nearer) =>
          map.addLayer({
            id, minzoom: nearer || 0, type: "symbol", source: SOURCE, filter: ["has", field],
            layout: { ...common, "icon-image": ["concat", ["get", field], "/" + look] },
            paint: { "icon-opacity": ["case", ["get", "dim"], 0.4, 1] },
          });
        layer("contact-under", "under");
        layer("contact-marks", "image");
        layer("contact-badges", "badge", this.badgesFrom());
        this.rest();
      } else if (look !== this.look) {
        [["contact-under", "under"], ["contact-marks", "image"], ["contact-badges", "badge"]].forEach(
          ([id, field]) => map.setLayoutProperty(id, "icon-image", ["concat", ["get", field], "/" + look])
        );
      }
      this.look = look;
      // The outline of what is chosen is drawn by `pointed`; a tap may mean a mark near by.
      for (const id of ["select-line", "select-casing"]) {
        if (map.getLayer(id) && map.getLayoutProperty(id, "visibility") !== "none") {
          map.setLayoutProperty(id, "visibility", "none");
        }
      }
      const accent = colours().accent;
      if (map.getPaintProperty("pointed-line", "line-color") !== accent) {
        map.setPaintProperty("pointed-line", "line-color", accent);
        map.setPaintProperty("pointed-line", "line-width", 3);
        map.setPaintProperty("pointed-casing", "line-width", 6);
      }
      return true;
    }

    /**
     * Small where the whole is seen, full size where villages are. Far away hundreds of free places
     * are a pattern of dots, on which one's own and what is late stand out.
     */
    sizes() {
      const from = this.zoom || 9;
      // As large as the letters around the map: on a screen of twice the size, twice as many pixels.
      const letters = parseFloat(window.getComputedStyle(document.documentElement).fontSize) / 16 || 1;
      const size = (free, other, own) =>
        ["match", ["get", "kind"], "free", free * letters, "other", other * letters, own * letters];
      return ["interpolate", ["linear"], ["zoom"],
        from - 2.5, size(0.36, 0.44, 0.66), from - 1, size(0.66, 0.78, 0.9),
        from, letters, from + 3, 1.2 * letters];
    }

    /** Badges would cover the marks around where these stand close; the list names them always. */
    badgesFrom() {
      return Math.max(0, (this.zoom || 9) - 1.6);
    }

    /** A picture that the style asks for: `kind:initial/look`, badges joined by `+`. */
    image(id) {
      if (this.images.has(id) || !this.map) return;
      const name = id.slice(0, id.lastIndexOf("/"));
      const palette = colours();
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = (SIZE + 2 * ROOM) * SHARP;
      const pen = canvas.getContext("2d");
      for (const part of name.split("+")) {
        const [kind, initial] = part.split(":");
        if (!DRAWN[kind]) return;
        pen.drawImage(canvasOf(kind, initial, SHARP, palette), 0, 0);
      }
      this.images.add(id);
      if (!this.map.hasImage(id)) this.map.addImage(id, read(canvas), { pixelRatio: SHARP });
    }

    collection() {
      return {
        type: "FeatureCollection",
        features: this.rows.map((row) => {
          const properties = {
            code: row.code, kind: row.kind, order: ORDER[row.kind] || 0, dim: Boolean(row.dim),
            image: row.kind === "other" ? "other:" + (row.initial || "") : row.kind,
          };
          if (row.under) properties.under = row.under;
          if (row.badges && row.badges.length) properties.badge = row.badges.join("+");
          return {
            type: "Feature", properties, geometry: { type: "Point", coordinates: [row.lon, row.lat] },
          };
        }),
      };
    }

    /** Rows {code, lon, lat, kind, initial, under, badges, dim}; `zoom`: from where villages are seen. */
    show(rows, zoom) {
      this.rows = rows;
      contact.shown = rows; // for whoever looks from outside what is on the map
      if (zoom && zoom !== this.zoom) {
        this.zoom = zoom;
        if (this.map && this.map.getLayer("contact-marks")) {
          LAYERS.forEach((id) => this.map.setLayoutProperty(id, "icon-size", this.sizes()));
          this.map.setLayerZoomRange("contact-badges", this.badgesFrom(), 24);
        }
      }
      if (!this.ensure()) return;
      this.map.getSource(SOURCE).setData(this.collection());
    }

    /** The mark nearest to a finger, or null. */
    nearest(point) {
      if (!this.map || !this.map.getLayer("contact-marks")) return null;
      const box = [[point.x - REACH, point.y - REACH], [point.x + REACH, point.y + REACH]];
      let found = null;
      let least = REACH;
      for (const feature of this.map.queryRenderedFeatures(box, { layers: ["contact-marks"] })) {
        const at = this.map.project(feature.geometry.coordinates);
        const far = Math.hypot(at.x - point.x, at.y - point.y);
        if (far <= least) {
          least = far;
          found = String(feature.properties.code);
        }
      }
      return found;
    }

    tap(event) {
      this.on.tap(this.nearest(event.point));
    }

    rest() {
      if (!this.map) return;
      const bounds = this.map.getBounds();
      this.on.rest([bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()]);
    }

    /** Brings a village into what is seen of the map above a sheet `cover` pixels high. */
    lookAt(place, cover, from) {
      if (!this.map) return;
      const box = this.map.getContainer();
      const at = this.map.project([place.lon, place.lat]);
      const edge = 48;
      const low = box.clientHeight - cover - edge;
      const seen = at.x > edge && at.x < box.clientWidth - edge && at.y > edge + 40 && at.y < low;
      const far = from && this.map.getZoom() < from - LOUPE;
      if (seen && !far) return;
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.map.easeTo({
        center: [place.lon, place.lat], zoom: far ? from - LOUPE / 2 : this.map.getZoom(),
        offset: [0, -cover / 2], duration: calm ? 0 : 450,
      });
    }
  }

  Object.assign(contact, { Marks, canvasOf });
})();
