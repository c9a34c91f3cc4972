/* Charts of the wall: a curve that draws itself as the months move, and ranked bars.
 *
 * Drawn here and not by plotly: its script is 1.5 MB that a screen would load for two pictures,
 * and it lays a whole figure out anew for each step. Here a frame of the animation sets four
 * attributes of an SVG that stays as it is. */
"use strict";
(function () {
  const wall = (window.bangfuWall = window.bangfuWall || {});
  const { createElement: h, useEffect, useLayoutEffect, useRef, useState } = window.React;
  const { say, figure } = window.bangfu.mapParts;

  /* ---- time ---------------------------------------------------------------------------- */

  /* What follows the running month; each is told the float position in every frame. */
  const followers = new Set();

  /** Called by the wall in every frame of a play: `position` is a float index of a period. */
  wall.onPeriod = (position) => followers.forEach((follow) => follow(position));

  /** Calls `follow(position)` in each frame of a play, and not after the element is gone. */
  function useFrames(follow) {
    const now = useRef(follow);
    now.current = follow;
    useEffect(() => {
      const told = (position) => now.current(position);
      followers.add(told);
      return () => followers.delete(told);
    }, []);
  }

  /** The whole period that is shown: as given, and while playing the nearest one. */
  function usePeriod(given) {
    const [at, setAt] = useState(given);
    const last = useRef(given);
    const now = useRef(given);
    if (last.current !== given) {
      last.current = given;
      if (at !== given) setAt(given);
    }
    now.current = at;
    // One rendering a month, not one a frame; and in the frame that shows the month, since on a
    // busy machine React's own turn comes many frames later.
    useFrames((position) => {
      const month = Math.round(position);
      if (month !== now.current) window.ReactDOM.flushSync(() => setAt(month));
    });
    return at;
  }

  /* ---- size ---------------------------------------------------------------------------- */

  const rem = () => parseFloat(window.getComputedStyle(document.documentElement).fontSize) || 16;

  /** Size of an element in pixels, before its first picture and after each change. */
  function useSize() {
    const box = useRef(null);
    const [size, setSize] = useState({ width: 0, height: 0, rem: 16 });
    useLayoutEffect(() => {
      const read = () => {
        const element = box.current;
        if (!element) return;
        const next = { width: element.clientWidth, height: element.clientHeight, rem: rem() };
        setSize((before) =>
          before.width === next.width && before.height === next.height && before.rem === next.rem
            ? before
            : next
        );
      };
      read();
      const watch = new ResizeObserver(read);
      watch.observe(box.current);
      return () => watch.disconnect();
    }, []);
    return [box, size];
  }

  /** Width of a text in its own size, about: Chinese and full-width signs 1, digits a good half. */
  function ems(text) {
    let sum = 0;
    for (const sign of String(text)) {
      const code = sign.codePointAt(0);
      if (code > 0x2e7f || code === 0x2014) sum += 1;
      else if (code === 0x2060) continue;
      else if (sign === " " || code === 0xa0) sum += 0.26;
      else if (".,:;'|".indexOf(sign) >= 0) sum += 0.3;
      else if (sign === "%" || /[A-Z]/.test(sign)) sum += 0.9;
      else sum += 0.59;
    }
    return sum;
  }

  /* ---- the curve ----------------------------------------------------------------------- */

  /** Round numbers from `low` to `high`, about `wanted` of them. */
  function ticks(low, high, wanted) {
    const span = high - low || 1;
    const rough = span / Math.max(1, wanted);
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999) * power;
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-6; at++) {
      found.push(Number((at * step).toPrecision(12)));
    }
    return found;
  }

  /** Decimals that a list of ticks needs. */
  function decimals(values) {
    return values.reduce((most, value) => {
      const text = String(value);
      return Math.max(most, text.indexOf(".") < 0 ? 0 : text.length - text.indexOf(".") - 1);
    }, 0);
  }

  /** `M..L..` through points; a null lifts the pen, a point alone becomes a dot. */
  function path(points) {
    let text = "";
    let down = false;
    points.forEach((point, at) => {
      if (!point) {
        down = false;
        return;
      }
      text += (down ? "L" : "M") + point[0].toFixed(1) + " " + point[1].toFixed(1);
      if (!down && !points[at + 1]) text += "h0";
      down = true;
    });
    return text;
  }

  /** Where a list stands at a float position: there, or across a gap at the last one reported. */
  function placeOf(values, position) {
    const last = values.length - 1;
    const low = Math.max(0, Math.min(last, Math.floor(position)));
    const isNumber = (one) => one !== null && one !== undefined;
    if (isNumber(values[low]) && isNumber(values[Math.min(last, low + 1)])) return Math.min(position, last);
    for (let at = low; at >= 0; at--) if (isNumber(values[at])) return at;
    return null;
  }

  /** Value of a list at a place of its own, as `placeOf` tells it; null where it has none. */
  function valueAt(values, place) {
    if (place === null) return null;
    const low = Math.floor(place);
    const [a, b] = [values[low], values[Math.min(values.length - 1, low + 1)]];
    return place === low ? a : a + (b - a) * (place - low);
  }

  /** Periods that get a label: the first of each year, thinned until they have room. */
  function years(periods, x, room) {
    const found = [];
    periods.forEach((one, at) => {
      const year = String(one.id).slice(0, 4);
      if (at === 0 || year !== String(periods[at - 1].id).slice(0, 4)) found.push({ at, year });
    });
    // A year that has only begun, or ends at once, would run into its neighbour.
    return found.filter((one, turn) => {
      const next = found[turn + 1];
      return !next || x(next.at) - x(one.at) >= room;
    });
  }

  let count = 0;

  /** The scale of a curve in a box: margins, `x(index)`, `y(value)`, ticks. */
  function scaleOf(series, size) {
    const unit = size.rem;
    const last = Math.max(1, series.periods.length - 1);
    const low = Math.min(series.min, series.max);
    let high = Math.max(series.max, low + 1e-9);
    const marks = ticks(low, high, size.height / unit > 12 ? 5 : size.height / unit > 7 ? 3 : 2);
    const digits = decimals(marks);
    const labels = marks.map((one) => figure(one, digits));
    const widest = labels.reduce((most, text) => Math.max(most, ems(text)), 0);
    const now = Math.max.apply(
      null,
      series.value.map((one) => (one === null ? 0 : ems(amount(one, series))))
    );
    const left = (widest + 0.7) * unit;
    // The value walks along to the right of its point; it needs room at the end.
    const right = (now * 1.4 + 1.1) * unit;
    const top = 2.1 * unit;
    const bottom = 2 * unit;
    const wide = Math.max(1, size.width - left - right);
    const tall = Math.max(1, size.height - top - bottom);
    return {
      left, right, top, bottom, marks, labels,
      x: (index) => left + (wide * index) / last,
      y: (value) => top + tall - (tall * (value - low)) / (high - low),
    };
  }

  /** A value with its unit as the curve writes it. */
  function amount(value, series) {
    const unit = series.unit === "%" ? "%" : series.unit ? " " + series.unit : "";
    return figure(value, series.digits) + unit;
  }

  /** The curve: what was reached, the plan's line and points, the month that is shown.
   *
   * `period` is where it stands when nothing plays. Text in it is never smaller than 1rem. */
  function Curve({ series, partial, period, words, label }) {
    const [box, size] = useSize();
    const [id] = useState(() => "wall-clip-" + ++count);
    const svg = useRef(null);
    const drawn = size.width > 0 && size.height > 0;
    const scale = drawn ? scaleOf(series, size) : null;

    const move = (position) => {
      const root = svg.current;
      if (!root || !scale) return;
      const [clip, gap, dot, text] = ["rect", ".wall-gap", ".wall-now", ".wall-now-text"].map((one) =>
        root.querySelector(one)
      );
      clip.setAttribute("width", Math.max(0, scale.x(position)).toFixed(1));
      // A month without a report has no point of its own: the last one stays where it was.
      const place = placeOf(series.value, position);
      const x = scale.x(place === null ? position : place);
      const value = valueAt(series.value, place);
      const plan = valueAt(series.plan_line, placeOf(series.plan_line, place === null ? position : place));
      const shown = value === null ? "hidden" : "visible";
      dot.setAttribute("visibility", shown);
      text.setAttribute("visibility", shown);
      gap.setAttribute("visibility", value !== null && plan !== null ? "visible" : "hidden");
      if (value === null) return;
      const y = scale.y(value);
      dot.setAttribute("transform", "translate(" + x.toFixed(1) + "," + y.toFixed(1) + ")");
      // Beside its point; out of the way of a plan point's label that stands as high.
      const low = Math.max(scale.top, Math.min(size.height - scale.bottom - size.rem * 0.3, y));
      text.setAttribute(
        "transform",
        "translate(" + (x + size.rem * 0.6).toFixed(1) + "," + (low + size.rem * 0.5).toFixed(1) + ")"
      );
      if (plan !== null) {
        gap.setAttribute("d", "M" + x.toFixed(1) + " " + y.toFixed(1) + "V" + scale.y(plan).toFixed(1));
      }
      const whole = series.value[Math.round(position)];
      const written = amount(whole === null || whole === undefined ? value : whole, series);
      if (text.textContent !== written) text.textContent = written;
    };
    useFrames(move);
    useLayoutEffect(() => move(period));

    let drawing = null;
    if (drawn) {
      const { x, y, left, right, top, bottom } = scale;
      const ends = size.width - right;
      const points = (values) =>
        values.map((one, at) => (one === null || one === undefined ? null : [x(at), y(one)]));
      const line = path(points(series.value));
      const plan = path(points(series.plan_line || []));
      const foot = size.height - bottom;
      drawing = h(
        "svg",
        { ref: svg, width: size.width, height: size.height, role: "img", "aria-label": label },
        h(
          "defs",
          null,
          h("clipPath", { id }, h("rect", { x: 0, y: 0, width: 0, height: size.height }))
        ),
        scale.marks.map((one, at) =>
          h(
            "g",
            { key: one },
            h("path", { className: "wall-rule", d: "M" + left + " " + y(one).toFixed(1) + "H" + ends }),
            h(
              "text",
              { x: left - size.rem * 0.45, y: y(one) + size.rem * 0.36, textAnchor: "end" },
              scale.labels[at]
            )
          )
        ),
        years(series.periods, x, size.rem * 2.8).map((one) =>
          h(
            "g",
            { key: one.at },
            h("path", { className: "wall-tick", d: "M" + x(one.at).toFixed(1) + " " + foot + "v" + size.rem * 0.35 }),
            h("text", { x: x(one.at), y: foot + size.rem * 1.4 }, one.year)
          )
        ),
        plan && h("path", { className: "wall-plan wall-plan-ahead", d: plan }),
        h("path", { className: "wall-gap", d: "" }),
        h(
          "g",
          { clipPath: "url(#" + id + ")" },
          plan && h("path", { className: "wall-plan", d: plan }),
          h("path", { className: "wall-line", d: line }),
          series.value.map(
            (one, at) =>
              partial &&
              one !== null &&
              series.partial[at] &&
              size.width / series.periods.length > size.rem * 0.7 &&
              h("circle", { key: at, className: "wall-partial", cx: x(at), cy: y(one), r: size.rem * 0.16 })
          )
        ),
        series.plan.map((point) => h(PlanPoint, { key: point.period + point.value, point, scale, size, words })),
        h("circle", { className: "wall-now", r: size.rem * 0.34 }),
        h("text", { className: "wall-now-text" })
      );
    }
    return h("div", { ref: box, className: "wall-curve" }, drawing);
  }

  /** A promise: a diamond and, above and to the left of it, where the line to it leaves room. */
  function PlanPoint({ point, scale, size, words }) {
    const [x, y] = [scale.x(point.index), scale.y(point.value)];
    const r = size.rem * 0.42;
    const text = say(words, "plan_point", { text: point.text });
    const wide = ems(text) * size.rem;
    const start = x - wide * 0.5 < scale.left + size.rem * 0.2;
    const end = x + wide * 0.5 > size.width - scale.right;
    return h(
      "g",
      { className: "wall-point" },
      h("path", {
        d: "M" + x + " " + (y - r) + "l" + r + " " + r + "l" + -r + " " + r + "l" + -r + " " + -r + "z",
      }),
      h(
        "text",
        {
          x: start ? Math.max(scale.left, x - r) : end ? x + r : x,
          y: Math.max(size.rem * 1.05, y - size.rem * 0.85),
          textAnchor: start ? "start" : end ? "end" : "middle",
        },
        text
      )
    );
  }

  /* ---- pairs of bars ------------------------------------------------------------------- */

  /** What came up in each month and what was put right in it: an outlined and a filled bar.
   *
   * `rows`: {id, label, found, fixed}. Text in it is never smaller than 1rem; months that have no
   * room for their name go without. */
  function Months({ rows, label, words }) {
    const [box, size] = useSize();
    let drawing = null;
    // Lower than this there is room for nothing but names of months.
    if (size.width > 0 && size.height > 5.5 * size.rem) {
      const unit = size.rem;
      const top = rows.reduce((most, one) => Math.max(most, one.found, one.fixed), 1);
      const marks = ticks(0, top, size.height / unit > 12 ? 4 : 2).filter(Number.isInteger);
      const high = Math.max(top, marks[marks.length - 1]);
      const left = (widest(marks.map((one) => figure(one, 0))) + 0.7) * unit;
      const foot = size.height - 2.9 * unit;
      const y = (value) => foot - ((foot - 0.9 * unit) * value) / high;
      // A single month is no wall of colour.
      const slot = Math.min(6 * unit, (size.width - left) / rows.length);
      const bar = slot * 0.36;
      const every = Math.max(1, Math.ceil((2.5 * unit) / slot));
      const month = (one) => say(words, "problems.month", { month: Number(one.id.slice(5)) });
      const year = (one, at) => at === 0 || one.id.slice(5) === "01";
      const years = rows.filter(year).length;
      drawing = h(
        "svg",
        { width: size.width, height: size.height, role: "img", "aria-label": label },
        marks.map((one) =>
          h(
            "g",
            { key: one },
            h("path", { className: "wall-rule", d: "M" + left + " " + y(one).toFixed(1) + "H" + size.width }),
            h("text", { x: left - unit * 0.45, y: y(one) + unit * 0.36, textAnchor: "end" }, figure(one, 0))
          )
        ),
        rows.map((one, at) => {
          const x = left + slot * at;
          const middle = x + slot / 2;
          const close = at === 0 && years > 1 && rows.findIndex((other, n) => n > 0 && year(other, n)) * slot < 3.4 * unit;
          return h(
            "g",
            { key: one.id },
            one.found > 0 &&
              h("rect", {
                className: "wall-found", x: middle - bar - 1, y: y(one.found) + 1, width: bar - 2,
                height: Math.max(0, foot - y(one.found) - 1),
              }),
            one.fixed > 0 &&
              h("rect", {
                className: "wall-fixed", x: middle + 1, y: y(one.fixed), width: bar,
                height: foot - y(one.fixed),
              }),
            (rows.length - 1 - at) % every === 0 &&
              h("text", { x: middle, y: foot + unit * 1.25, textAnchor: "middle" }, month(one)),
            year(one, at) &&
              !close &&
              h("text", { x: Math.max(left, x), y: foot + unit * 2.5 }, say(words, "problems.year", { year: one.id.slice(0, 4) }))
          );
        })
      );
    }
    return h("div", { ref: box, className: "wall-curve wall-months" }, drawing);
  }

  /* ---- ranked bars --------------------------------------------------------------------- */

  /** Which rows of a list fit into `room` rows: {before, after, more}.
   *
   * Of a list with two ends the middle goes, else the end; the line that says how many others
   * there are takes a row. `total`: how many there are in all; what never was in the list counts. */
  function cut(rows, room, total, ends) {
    const all = Math.max(total || 0, rows.length);
    if (rows.length <= room && all === rows.length) return { before: rows, after: [], more: 0 };
    const fit = Math.min(rows.length, Math.max(1, room - 1));
    const last = ends ? Math.floor(fit / 2) : 0;
    return {
      before: rows.slice(0, fit - last),
      after: last ? rows.slice(rows.length - last) : [],
      more: all - fit,
    };
  }

  const SIGNS = { ahead: "▲", behind: "▼" };

  /* Between columns, and the shortest bar that still compares, in ems. */
  const GAP = 0.6;
  const BAR = 4;
  /* A list with room to spare is written larger, up to this. */
  const LARGEST = 1.5;

  const widest = (texts) => texts.reduce((most, text) => Math.max(most, ems(text || "")), 0) * 1.04;

  /** What a list shows in a width of so many rem, and how large: {ranks, notes, reported,
   *  size}. Notes give way to the bars, and both to names and values. */
  function fitting(rows, { width, height, bare, wide, numbered, leaf }) {
    const of = (read) => widest(rows.map(read));
    const rank = (numbered ? wall.BADGE : of((one) => String(one.rank))) + GAP;
    const need =
      rank + of((one) => one.text) + Math.min(leaf ? 9 : Infinity, of((one) => one.name)) + GAP +
      (bare ? 0 : GAP + BAR);
    const note = of((one) => (one.flag ? SIGNS[one.flag] + "  " : "") + (one.note || ""));
    const told = wide && !bare ? of((one) => one.reported_text) : 0;
    const notes = !bare && note > 0 && need + note + GAP <= width;
    const reported = told > 0 && need + (notes ? note + GAP : 0) + told + GAP <= width;
    const whole = need + (notes ? note + GAP : 0) + (reported ? told + GAP : 0);
    const size = Math.max(1, Math.min(LARGEST, height / ((rows.length + 1) * wall.ROW), width / whole));
    return { ranks: numbered || !bare || need <= width, notes, reported, size };
  }

  /** A list of bars: rank, name, bar with the target's mark, value, and how it stands to the plan.
   *
   * `rows`: {code, name, rank, share (0..1), text, flag, note, reported_text}; `target` is a share
   * too, or null. It takes the box that it is given, shows as many rows as fit and says how many
   * more. `bare`: no bars, for a narrow column. `numbered`: ranks as the badges on the map. */
  function Bars({ rows, total, target, words, level, leaf, ends, numbered, bare, wide }) {
    const [box, size] = useSize();
    const [width, height] = [size.width / size.rem, size.height / size.rem];
    const fit = fitting(rows, { width, height: height + 0.05, bare, wide, numbered, leaf });
    const room = Math.floor((height + 0.05) / (wall.ROW * fit.size));
    const { before, after, more } = cut(rows, room, total, ends);
    const row = (one) => [
      fit.ranks &&
        h("span", { key: one.code + "r", className: "wall-rank" + (numbered ? " wall-badge" : "") }, one.rank || "—"),
      h("span", { key: one.code + "n", className: "wall-name" + (leaf ? " wall-leaf" : "") }, one.name),
      !bare &&
        h(
          "span",
          { key: one.code + "b", className: "wall-bar", "aria-hidden": true },
          h("i", { style: { width: Math.max(0, Math.min(1, one.share)) * 100 + "%" } }),
          target !== null && h("b", { style: { left: Math.min(1, target) * 100 + "%" } })
        ),
      h("span", { key: one.code + "v", className: "wall-value" }, one.text),
      fit.notes &&
        h(
          "span",
          { key: one.code + "f", className: "wall-note" },
          one.flag && h("i", { "aria-label": say(words, "flag." + one.flag) }, SIGNS[one.flag]),
          one.note
        ),
      fit.reported && h("span", { key: one.code + "p", className: "wall-note" }, one.reported_text),
    ];
    const rest =
      more > 0 &&
      h("span", { key: "more", className: "wall-rest" }, say(words, "more", { count: more, level: level || "" }));
    const free = "minmax(0, 1fr)";
    const columns = [
      fit.ranks ? "auto" : "", bare ? free : "auto", bare ? "" : free, "auto", fit.notes ? "auto" : "",
      fit.reported ? "auto" : "",
    ];
    return h(
      "div",
      { ref: box, className: "wall-bars-box" },
      size.height > 0 &&
        room > 0 &&
        h(
          "div",
          {
            className: "wall-bars",
            style: { gridTemplateColumns: columns.filter(Boolean).join(" "), fontSize: fit.size.toFixed(3) + "rem" },
          },
          before.map(row),
          after.length > 0 && rest,
          after.map(row),
          after.length === 0 && rest
        )
    );
  }

  /** Width of a badge in rem, here and on the map; wall.css sets the same. */
  wall.BADGE = 1.5;

  /** Height of a row of a list, in rem; wall.css sets the same. */
  wall.ROW = 1.72;

  wall.charts = { Bars, Curve, Months, ems, usePeriod, useSize };
})();
