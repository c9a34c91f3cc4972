/* What can be taken along: the figures as files, the map as a picture, the view as a link. */
"use strict";
(function () {
  const bangfu = window.bangfu;
  const { createElement: h, useEffect, useRef, useState } = window.React;
  const { address } = bangfu;
  const { fill } = bangfu.say;
  const { once, url, provenance, workbook } = bangfu.public;

  /* ---- the figures ----------------------------------------------------------------------------- */

  const PARTS = ["numerator", "denominator", "reported", "expected", "verified"];

  /** The current region and level with all periods:
   *  {atlas, measure, periods, regions, values, numbers, name, notes}. */
  async function gather(atlas, query, notes) {
    const look = await bangfu.public.resolve(atlas, bangfu.public.fromQuery(query));
    const { measure, region, level } = look;
    const depth = atlas.levels.indexOf(level);
    if (depth > 1 && region.depth === 0) await atlas.whole();
    let regions = atlas.descendants(region.code, depth);
    // A level above the region: the one that holds it.
    if (!regions.length) regions = atlas.ancestors(region.code).filter((one) => one.depth === depth);
    const [values, numbers] = await Promise.all([
      atlas.values(measure, look.round.id, level.id),
      atlas.numbers(measure, look.round.id, level.id),
    ]);
    if (!values) return null;
    return {
      atlas, measure, regions, values, numbers, level, round: look.round, region,
      periods: look.periods,
      name: [atlas.title, look.round.label, measure.label, region.name, level.label]
        .join("_").replace(/[\\/:*?"<>|\s]+/g, " ").trim(),
      notes: [
        [notes.measure, measure.label + (measure.unit ? "（" + measure.unit + "）" : "")],
        [notes.definition, measure.definition],
        [notes.round, look.round.label],
        ...provenance(atlas.facts, measure, notes),
        [notes.edition, atlas.edition],
      ].filter(([, said]) => said),
    };
  }

  /** A number as the map shows it: with the measure's digits and no noise behind them. */
  const shown = (data, at, position) => {
    const value = data.values.value(at, position);
    return value === null ? null : Number(value.toFixed(data.measure.digits));
  };
  const word = (data, status, at, position) => status[data.values.status(at, position)] || "";
  const above = (atlas, one) => (atlas.known.get(one.parent) || { name: "" }).name;

  /** A cell of a CSV file. A text that a spreadsheet would take for a formula is told to be none. */
  function quoted(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  /** One line a region and period, after the lines that say what the figures are. */
  function csv(data, words, status) {
    const { atlas, measure, numbers, periods, regions, values } = data;
    const parts = numbers ? PARTS : [];
    const lines = data.notes.map(([label, said]) => ["# " + label, said].map(quoted).join(","));
    const unit = measure.unit ? "（" + measure.unit + "）" : "";
    lines.push("", [
      words.code, words.name, words.parent, words.period, words.period_label, words.value + unit,
      ...parts.map((part) => words[part]), words.status,
    ].map(quoted).join(","));
    for (const one of regions) {
      values.periods.forEach((period, at) => {
        const named = periods.find((each) => each.id === period);
        lines.push([
          one.code, one.name, above(atlas, one), period, named ? named.label : period,
          shown(data, at, one.position),
          ...parts.map((part) => numbers.at(part, at, one.position)),
          word(data, status, at, one.position),
        ].map(quoted).join(","));
      });
    }
    // The mark by which Excel knows that this is UTF-8.
    return new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv;charset=utf-8" });
  }

  /** A sheet of values, one of statuses, those of the numbers behind them, and the notes. */
  function xlsx(data, words, status) {
    const { atlas, numbers, periods, regions, values } = data;
    const labels = values.periods.map((id) => (periods.find((one) => one.id === id) || { label: id }).label);
    const head = [words.code, words.name, words.parent, ...labels];
    const widths = [16, 14, 14, ...labels.map(() => 12)];
    const page = (name, of) => ({
      name, widths, frozen: 1,
      rows: [head, ...regions.map((one) => [
        one.code, one.name, above(atlas, one), ...labels.map((_, at) => of(at, one.position)),
      ])],
    });
    const sheets = [
      page(words.value, (at, position) => {
        const value = shown(data, at, position);
        return value === null ? word(data, status, at, position) : value;
      }),
      page(words.status, (at, position) => word(data, status, at, position)),
    ];
    for (const part of numbers ? PARTS : []) {
      sheets.push(page(words[part], (at, position) => numbers.at(part, at, position)));
    }
    sheets.push({ name: words.notes, widths: [18, 90], rows: data.notes });
    return workbook(sheets);
  }

  /** Regions as shapes with their values by period; the notes beside the features. */
  async function geojson(data, words, status) {
    const { atlas, level, regions, values } = data;
    const depth = atlas.levels.indexOf(level);
    const second = (one) => (one.depth <= 1 ? one : atlas.ancestors(one.code)[1]);
    const files = depth === 1
      ? [atlas.shapes[atlas.root]]
      : Array.from(new Set(regions.map((one) => atlas.shapes[second(one).code])));
    const shapes = new Map();
    for (const path of files.filter(Boolean)) {
      const found = await once(path, (buffer) => JSON.parse(new TextDecoder().decode(new Uint8Array(buffer))));
      for (const feature of (found[level.id] || { features: [] }).features) {
        shapes.set(feature.properties.code, feature.geometry);
      }
    }
    const features = regions.filter((one) => shapes.has(one.code)).map((one) => {
      const properties = { code: one.code, name: one.name, parent: above(atlas, one) };
      values.periods.forEach((period, at) => {
        properties[period] = shown(data, at, one.position);
        if (properties[period] === null) properties[period + " status"] = word(data, status, at, one.position);
      });
      return { type: "Feature", properties, geometry: shapes.get(one.code) };
    });
    const notes = {};
    data.notes.forEach(([label, said]) => (notes[label] = said));
    return new Blob([JSON.stringify({ type: "FeatureCollection", name: data.name, notes, features })], {
      type: "application/geo+json",
    });
  }

  const FORMATS = { csv, xlsx, geojson };

  /** Hands a finished file to the reader. */
  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.appendChild(link);
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  /* ---- the picture ------------------------------------------------------------------------------- */

  /** What the map's canvas shows: readable only in the frame that painted it. */
  function painted(map) {
    return new Promise((done) => {
      map.once("render", () => {
        const from = map.getCanvas();
        const copy = document.createElement("canvas");
        copy.width = from.width;
        copy.height = from.height;
        copy.getContext("2d").drawImage(from, 0, 0);
        done(copy);
      });
      map.triggerRepaint();
    });
  }

  /** Cuts a text into lines that fit. */
  function lines(pen, text, width) {
    const found = [];
    let now = "";
    for (const one of Array.from(text)) {
      if (now && pen.measureText(now + one).width > width) {
        found.push(now);
        now = one;
      } else {
        now += one;
      }
    }
    return now ? found.concat(now) : found;
  }

  function swatch(pen, row, x, y, w, hgt, ink) {
    pen.fillStyle = row.colour;
    pen.fillRect(x, y, w, hgt);
    pen.save();
    pen.beginPath();
    pen.rect(x, y, w, hgt);
    pen.clip();
    pen.strokeStyle = ink;
    pen.lineWidth = hgt / 14;
    for (const way of row.lines) {
      for (let n = -hgt; n < w + hgt; n += hgt / 2.4) {
        pen.beginPath();
        pen.moveTo(x + n, way > 0 ? y + hgt : y);
        pen.lineTo(x + n + hgt, way > 0 ? y : y + hgt);
        pen.stroke();
      }
    }
    pen.restore();
    pen.strokeStyle = ink;
    pen.lineWidth = hgt / 20;
    pen.strokeRect(x, y, w, hgt);
  }

  /** The map with all that it must carry, as a canvas: title, legend, names, source, cut-off,
   *  number of review, watermark. Its property `told` lists the texts on it. */
  async function compose(atlas, picture, period, words, notes) {
    const map = bangfu.map;
    const ground = await painted(map);
    const box = map.getCanvas().getBoundingClientRect();
    const scale = ground.width / box.width;
    const size = (n) => n * scale;
    const frame = document.getElementById("map");
    const style = window.getComputedStyle(frame);
    const colour = (name) => style.getPropertyValue(name).trim();
    const dark = frame.classList.contains("atlas-dark");
    const font = (n, weight) => (weight || 400) + " " + size(n) + "px " + window.getComputedStyle(document.body).fontFamily;
    const { measure, notices } = picture;
    const at = picture.periods[bangfu.periodOf(picture, period)];
    const title = [picture.region.name, measure ? measure.label : picture.round.label].join(" · ");
    const under = [picture.round.label, at && picture.periods.length > 1 ? at.label : "", measure && measure.unit ? words.unit + measure.unit : ""]
      .filter(Boolean).join("　");
    const { comfort } = bangfu.public;
    const foot = [
      notices.approval_number ? fill(words.approval, { text: notices.approval_number }) : notices.demo ? notes.no_approval : "",
      fill(words.source, { text: notices.source }), fill(words.cutoff, { text: notices.cutoff }),
      comfort.text(atlas.programme || ""), notices.demo ? notes.demo : "",
    ].filter(Boolean).join("　");

    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    pen.font = font(12);
    const pad = size(16);
    const footed = lines(pen, foot, ground.width - 2 * pad);
    const top = size(68);
    const bottom = size(20) + footed.length * size(18);
    canvas.width = ground.width;
    canvas.height = top + ground.height + bottom;
    canvas.told = [];
    const write = (text, x, y) => {
      pen.fillText(text, x, y);
      canvas.told.push(text);
    };
    pen.fillStyle = dark ? "#1a2126" : "#ffffff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(ground, 0, top);
    pen.textBaseline = "middle";

    // Names where the map has them.
    pen.textAlign = "center";
    pen.lineJoin = "round";
    for (const one of frame.querySelectorAll(".atlas-label.atlas-shown")) {
      const own = one.getBoundingClientRect();
      const letters = window.getComputedStyle(one);
      pen.font = letters.fontWeight + " " + size(parseFloat(letters.fontSize)) + "px " + letters.fontFamily;
      const x = (own.left + own.width / 2 - box.left) * scale;
      const y = top + (own.top + own.height / 2 - box.top) * scale;
      pen.strokeStyle = colour("--atlas-halo");
      pen.lineWidth = size(3);
      pen.strokeText(one.textContent, x, y);
      pen.fillStyle = letters.color;
      write(one.textContent, x, y);
    }

    // Over the map, under the legend.
    const mark = comfort.text(atlas.notices.watermark);
    if (mark) {
      pen.save();
      pen.beginPath();
      pen.rect(0, top, ground.width, ground.height);
      pen.clip();
      pen.font = font(26, 700);
      pen.fillStyle = dark ? "rgba(255,255,255,0.13)" : "rgba(60,20,10,0.13)";
      pen.translate(0, top);
      pen.rotate(-Math.PI / 7.5);
      for (let y = 0; y < ground.height + ground.width; y += size(120)) {
        for (let x = -ground.height; x < ground.width; x += size(270)) pen.fillText(mark, x + (y % size(240)) / 2, y);
      }
      pen.restore();
      canvas.told.push(mark);
    }

    // The legend.
    const shownLevel = bangfu.level && picture.follow ? bangfu.level.level : picture.level;
    const level = picture.levels.find((one) => one.id === shownLevel);
    const values = level && level.values && bangfu.arrays.peek(level.values);
    if (measure && level && level.classes.length) {
      const codes = values && at ? values.classes(Math.max(0, values.periods.indexOf(at.id)), level.classes) : [];
      const counted = bangfu.arrays.counts(codes, level.classes.length, level.inside);
      const rows = level.classes.map((one) => ({ label: one.label, colour: dark ? one.dark : one.light, lines: [] }));
      if (counted.missing) rows.push({ label: words.missing, colour: colour("--atlas-missing"), lines: [1] });
      if (counted.suppressed) rows.push({ label: words.suppressed, colour: colour("--atlas-suppressed"), lines: [1, -1] });
      if (counted.out_of_scope) rows.push({ label: words.out_of_scope, colour: colour("--atlas-land"), lines: [] });
      pen.font = font(13);
      const wide = Math.max(...rows.map((one) => pen.measureText(one.label).width)) + size(58);
      const tall = rows.length * size(22) + size(14);
      const [x, y] = [pad, top + ground.height - tall - pad];
      pen.fillStyle = dark ? "rgba(26,33,38,0.94)" : "rgba(255,255,255,0.94)";
      pen.fillRect(x, y, wide, tall);
      pen.textAlign = "left";
      rows.forEach((row, n) => {
        const middle = y + size(18) + n * size(22);
        swatch(pen, row, x + size(10), middle - size(7), size(24), size(14), colour("--atlas-hatch"));
        pen.fillStyle = colour("--atlas-ink");
        pen.font = font(13);
        write(row.label, x + size(42), middle);
      });
    }

    pen.textAlign = "left";
    pen.fillStyle = colour("--atlas-ink");
    pen.font = font(22, 700);
    write(title, pad, size(26));
    pen.font = font(13);
    write(under, pad, size(52));
    pen.textAlign = "right";
    write(picture.title, canvas.width - pad, size(26));
    pen.textAlign = "left";
    pen.font = font(12);
    footed.forEach((one, n) => write(one, pad, top + ground.height + size(19) + n * size(18)));
    return canvas;
  }

  const asBlob = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

  /* ---- dialogs ----------------------------------------------------------------------------------- */

  /** A modal dialog of the house's kind; the focus goes back to where it was. */
  function Dialog({ id, title, close, onClose, children }) {
    const box = useRef(null);
    useEffect(() => {
      const before = document.activeElement;
      const dialog = box.current;
      if (dialog.showModal) dialog.showModal();
      else dialog.setAttribute("open", "");
      return () => {
        if (before && before.focus) before.focus();
      };
    }, []);
    return h("dialog", {
      ref: box, id, className: "about sheet-dialog", "aria-labelledby": id + "-title",
      onClose, onClick: (event) => event.target === box.current && onClose(),
    },
      h("div", { className: "about-body" },
        h("header", null,
          h("h2", { id: id + "-title" }, title),
          h("button", { type: "button", className: "tool", "aria-label": close, title: close, onClick: onClose }, bangfu.icon("close"))),
        children));
  }

  /** Files of figures, and the picture. */
  function Take({ atlas, picture, period, words, notes, status, onClose }) {
    const [job, setJob] = useState(null); // {name, running, saved, failed}
    const query = address.query({}).replace(/^\?/, "");
    const level = picture.levels.find((one) => one.id === picture.level);
    const has = Boolean(picture.measure && level && level.values);
    const depth = picture.levels.indexOf(level);

    const run = async (name, make) => {
      if (job && job.running) return;
      setJob({ name, running: true });
      try {
        const [blob, file] = await make();
        save(blob, file);
        setJob({ name, saved: true });
      } catch (error) {
        setJob({ name, failed: true });
      }
    };
    const file = (format) => run(words[format], async () => {
      const data = await gather(atlas, query, notes);
      return [await FORMATS[format](data, words, status), data.name + "." + format];
    });
    const image = () => run(words.png, async () => {
      const canvas = await compose(atlas, picture, period, words, notes);
      const name = [picture.title, picture.region.name, picture.measure && picture.measure.label].filter(Boolean).join("_");
      return [await asBlob(canvas), name.replace(/[\\/:*?"<>|\s]+/g, " ") + ".png"];
    });
    const entry = (name, action, able) =>
      h("button", {
        key: name, type: "button", className: "export-entry", disabled: !able, onClick: action,
      }, h("span", null, words[name]), h("span", { className: "export-note" }, words[name + "_note"]));

    return h(Dialog, { id: "take", title: words.title, close: words.close, onClose },
      h("p", { className: "note" }, has
        ? fill(words.what, { region: picture.region.name, level: level.label, measure: picture.measure.label, count: picture.periods.length })
        : words.nothing),
      h("h3", null, words.data),
      entry("csv", () => file("csv"), has),
      entry("xlsx", () => file("xlsx"), has),
      entry("geojson", () => file("geojson"), has && depth > 0),
      h("h3", null, words.image),
      entry("png", image, Boolean(bangfu.map)),
      h("p", { className: "export-job", role: "status", "aria-live": "polite" },
        job ? fill(job.failed ? words.failed : job.saved ? words.saved : words.making, job) : ""));
  }

  /** Puts a text on the clipboard; a promise of whether that went. */
  function copy(text, field) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(text).then(() => true, () => false);
    }
    field.select();
    try {
      return Promise.resolve(document.execCommand("copy"));
    } catch (error) {
      return Promise.resolve(false);
    }
  }

  const attribute = (text) =>
    String(text).replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  /** The address of the view, and a piece of page that shows it elsewhere. */
  function Share({ atlas, picture, words, onClose }) {
    const [lock, setLock] = useState({ region: true, measure: true });
    const [said, setSaid] = useState("");
    const site = (atlas.site_url || "").replace(/\/?$/, "/");
    const place = (page, query) => (site.length > 1 ? site + page : url(page)) + query;
    // What the sender's own comfort is is no part of what is shared but its script.
    const view = { elder: null, table: null, look: null };
    const locked = ["region", "measure"].filter((name) => lock[name]);
    const shown = picture.measure
      ? { round: picture.round.id, measure: picture.measure.id, region: picture.region.code }
      : { round: picture.round.id, region: picture.region.code };
    const link = place("index.html", address.query({ ...view, lock: null })).replace(/index\.html(?=\?|$)/, "");
    const frame = place("embed.html", address.query({ ...view, ...shown, lock: locked }));
    const title = [picture.region.name, picture.measure && picture.measure.label, picture.title].filter(Boolean).join(" · ");
    const snippet =
      '<iframe src="' + attribute(frame) + '" title="' + attribute(title) +
      '" width="100%" height="520" style="border:0" loading="lazy" allowfullscreen></iframe>';
    const field = (id, label, text, tag) => {
      const box = { current: null };
      return h("div", { className: "share-field" },
        h("label", { htmlFor: id }, label),
        h(tag, {
          id, ref: box, readOnly: true, value: text, rows: tag === "textarea" ? 4 : undefined,
          onFocus: (event) => event.target.select(),
        }),
        h("button", {
          type: "button", className: "button",
          "aria-label": fill(words.copy_what, { what: label }),
          onClick: () => copy(text, box.current).then((done) => setSaid(done ? words.copied : words.copy_failed)),
        }, words.copy));
    };
    const tick = (name) =>
      h("label", { key: name, className: "tick" },
        h("input", { type: "checkbox", checked: lock[name], onChange: () => setLock({ ...lock, [name]: !lock[name] }) }),
        words["lock_" + name]);
    return h(Dialog, { id: "share", title: words.title, close: words.close, onClose },
      field("share-link", words.link, link, "input"),
      h("h3", null, words.embed),
      h("fieldset", { className: "ticks" }, h("legend", null, words.lock), tick("region"), tick("measure")),
      field("share-embed", words.snippet, snippet, "textarea"),
      h("p", { className: "note" }, atlas.embed && atlas.embed.length
        ? fill(words.allowed, { sites: atlas.embed.join("、") }) : words.anywhere),
      h("p", { className: "export-job", role: "status", "aria-live": "polite" }, said));
  }

  bangfu.public.take = { Take, Share, gather, csv, xlsx, geojson, compose };
})();
