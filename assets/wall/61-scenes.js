/* What a scene shows around the map: its sentence, figures, lists, curve, legend, numbers on the map. */
"use strict";
(function () {
  const wall = (window.bangfuWall = window.bangfuWall || {});
  const bangfu = window.bangfu;
  const { createElement: h, Fragment, useEffect, useLayoutEffect, useMemo, useRef } = window.React;
  const { MISSING, OUT_OF_SCOPE } = bangfu.arrays;
  const { say } = bangfu.mapParts;
  // 62-charts.js is read after this file.
  const charts = () => wall.charts;

  /* ---- where things lie ---------------------------------------------------------------- */

  /* Fractions of the screen's width for the panels left of the map, and for the map. wall.css
   * takes them from the element (`--wall-side`, ...), so that they are said once. */
  const SHARES = {
    hd: { side: 0.45, map: 0.55 },
    uhd: { side: 0.45, map: 0.55 },
    strip: { side: 0.26, map: 0.34 },
  };
  /* Scenes whose message is a table or many small maps: at 16:9 the large map gives way. */
  const TABLES = {
    gaps: { side: 0.6, map: 0.4, height: 0.52 },
    standings: { side: 0.58, map: 0.42, height: 0.47 },
  };

  /* The strip beside the region that legend and month stand on, in rem. */
  const GUTTER = 12.2;

  function shares(content, layout) {
    const table = content.kind === "gaps" ? content.multiples : content.standings;
    if (layout !== "strip" && TABLES[content.kind] && table) return TABLES[content.kind];
    return SHARES[layout] || SHARES.hd;
  }

  const rem = () => parseFloat(window.getComputedStyle(document.documentElement).fontSize) || 16;

  /** Height of the corner in rem: as many lines as its notices need. Reckoned and not measured,
   *  so that the map is laid where it stays before anything is drawn. */
  function footOf(notices) {
    const width = window.innerWidth / rem() - 2 * 1.6 - 4;
    const long = noticesOf(notices, null).reduce((sum, text) => sum + charts().ems(text) + 1.3, 0);
    return 1 + 1.35 * Math.max(1, Math.ceil((long * 1.03) / Math.max(1, width)));
  }

  /** Where the map lies, as fractions of the screen; null where a scene has no map. `padding` is
   *  in pixels: what the region itself must keep free of, since legend and month lie there. */
  wall.mapArea = (content, layout) => {
    if (!content || !content.picture) return null;
    const { side, map, height } = shares(content, layout);
    const foot = footOf(content.picture.notices) * rem();
    return {
      left: side,
      top: 0,
      width: map,
      height: height || 1 - foot / Math.max(1, window.innerHeight),
      // Numbers of the worst towns may stand above the region.
      padding: {
        top: content.kind === "gaps" ? Math.round(0.8 * rem()) : 0,
        right: Math.round(GUTTER * rem()),
        bottom: 0,
        left: 0,
      },
    };
  };

  /* ---- text ---------------------------------------------------------------------------- */

  /** Keeps a number and what it counts on one line ("20 万元", "2 个月"), and a lone word before
   *  it ("离 20 万元"). */
  const bound = (text) =>
    String(text || "")
      .replace(/([\d%]) (?=[\u4e00-\u9fff])/g, "$1\u00a0")
      .replace(/(^|[，。；：、（ ])([\u4e00-\u9fff]) (?=\d)/g, "$1$2\u00a0");

  /** A row of counts: what is counted stays beside its number ("问题 35 个"). */
  const counted = (text) => text.replace(/([，；])([\u4e00-\u9fff]{2,5}) (?=\d)/g, "$1$2\u00a0");

  /** Keeps a month and a verb on one line where lines end anywhere. */
  const dated = (text) =>
    text.replace(/(\d)年(\d+)月/g, "$1\u2060年\u2060$2\u2060月").replace(/有人联系/g, "有\u2060人\u2060联\u2060系");

  /** The pieces between which a line may end: at spaces and after punctuation. */
  const pieces = (text) => bound(text).match(/[^ ，。；：、！？]+[，。；：、！？]*[ ]?|[，。；：、！？ ]/g) || [];

  /* What a line that ends within a phrase costs, beside what it leaves empty, in ems squared. */
  const WITHIN = 14;

  /** Lines of at most `width` ems, as few as can be and of like length, ending at punctuation where
   *  they can; null where a piece is wider than a line. */
  function lay(text, width) {
    const parts = pieces(text).map((one) => ({ one, long: charts().ems(one) * 1.02 }));
    if (parts.some((part) => part.long > width)) return null;
    // best[i]: the cheapest way to set the pieces from i on.
    const best = new Array(parts.length + 1);
    best[parts.length] = { count: 0, cost: 0, next: null };
    for (let from = parts.length - 1; from >= 0; from--) {
      let long = 0;
      for (let to = from + 1; to <= parts.length; to++) {
        long += parts[to - 1].long;
        if (long > width) break;
        const after = best[to];
        const last = to === parts.length;
        const ends = last || /[，。；：！？]$/.test(parts[to - 1].one.trim());
        const cost = after.cost + Math.pow(width - long, 2) * (last ? 0.5 : 1) + (ends ? 0 : WITHIN);
        const count = after.count + 1;
        const now = best[from];
        if (!now || count < now.count || (count === now.count && cost < now.cost)) {
          best[from] = { count, cost, next: to };
        }
      }
    }
    const lines = [];
    for (let at = 0; at < parts.length; at = best[at].next) {
      lines.push(parts.slice(at, best[at].next).map((part) => part.one).join("").trim());
    }
    return lines;
  }

  /** Size in rem and lines of a sentence: as large as keeps it within `most` lines.
   *  `lines` null: no piece may be kept whole, the browser breaks where it must. */
  function setOf(sentence, width, most, sizes) {
    const laid = sizes.map((size) => {
      const lines = lay(sentence, width / size);
      return { size, lines, count: lines ? lines.length : Infinity };
    });
    const loose = sizes.map((size) => ({
      size, lines: null, count: Math.ceil((charts().ems(sentence) * 1.08 * size) / width),
    }));
    const fits = (one) => one.count <= most;
    const found = laid.find(fits) || loose.find(fits);
    if (found) return found;
    // Too long for this screen: the smallest size, in whole phrases if that costs no line more.
    const [tight, free] = [laid[laid.length - 1], loose[loose.length - 1]];
    return tight.count <= free.count ? tight : free;
  }

  const broad = (content, layout) => layout !== "strip" && Boolean(TABLES[content.kind]);

  /** Sentence, size and details of a head, and the height it takes in rem. */
  function headOf(content, layout, width) {
    const sizes = layout === "strip" ? [3.4, 3, 2.6, 2.2] : [2.6, 2.4, 2.2, 2];
    const sentence = content.kind === "contact" ? counted(content.sentence) : content.sentence;
    const { size, lines, count } = setOf(sentence, width, broad(content, layout) ? 2 : 3, sizes);
    const short = (text) => charts().ems(text) * 1.04 <= width;
    const details = content.detail || [];
    const detail = details.every(short) ? details : [details.join("；")];
    const rows = detail.reduce((sum, text) => sum + Math.ceil((charts().ems(text) * 1.04) / width), 0);
    return { size, lines, detail, height: 1.85 + count * size * 1.26 + (rows ? rows * 1.35 + 0.5 : 0) };
  }

  function Head({ content, head, clock, compact }) {
    const round = content.picture && content.picture.round ? content.picture.round.label : "";
    return h(
      "header",
      { className: "wall-head" },
      h(
        "p",
        { className: "wall-title" },
        h("strong", null, content.title),
        round && h("span", null, round),
        clock && h("time", null, clock)
      ),
      h(
        "h1",
        { className: "wall-sentence", style: { fontSize: head.size + "rem" } },
        head.lines ? head.lines.map((line, at) => h("span", { key: at }, line)) : dated(bound(content.sentence))
      ),
      !compact &&
        head.detail.some(Boolean) &&
        h("div", { className: "wall-detail" }, head.detail.map((text) => h("p", { key: text }, bound(text))))
    );
  }

  /* ---- figures ------------------------------------------------------------------------- */

  function Figure({ one, size }) {
    const unit = one.value === null ? "" : one.unit;
    return h(
      "li",
      { className: "wall-figure" + (size > FIGURE ? " wall-hero" : "") },
      h("span", { className: "wall-figure-label" }, one.label),
      h(
        "span",
        { className: "wall-figure-value" },
        h("b", { style: { fontSize: size + "rem" } }, one.text, unit === "%" && "%"),
        unit && unit !== "%" && h("span", null, "\u00a0" + unit)
      )
    );
  }

  /* A label longer than this needs more room than a figure has. */
  const LABEL = 6;
  /* Sizes in rem of the first figure and of the others. */
  const HERO = { row: 5.4, tower: 8, line: 3.2 };
  const FIGURE = 2;

  /** Which figures a scene shows: the measure's own value first, then the round's; in as many
   *  columns and rows as there is room for (in rem). {list, columns, height} */
  function figuresOf(content, hero, most, width, room) {
    const { ems } = charts();
    const wide = (one, size) =>
      Math.max(ems(one.label), ems(one.text) * size + (one.unit === "%" ? 0.9 * size : ems(one.unit) + 0.3)) * 1.04;
    const own = content.headline && content.headline.value !== null ? [content.headline] : [];
    const rest = (content.figures || []).filter((one) => one.value !== null && ems(one.label) <= LABEL);
    const all = own.concat(rest).slice(0, most);
    if (!all.length) return { list: [], columns: 1, height: 0 };
    const first = wide(all[0], HERO[hero]);
    const other = all.slice(1).reduce((sum, one) => Math.max(sum, wide(one, FIGURE)), 0);
    const line = hero === "line" ? 1 : 0;
    let columns = Math.max(1, all.length - 1 + line);
    // The first column is as wide as the figure at the head of the line.
    const need = () => (line ? Math.max(first, other) + (columns - 1) * (other + 1.2) : columns * (other + 1.2) - 1.2);
    while (columns > 1 && need() > width) columns -= 1;
    const height = (rows) => (line ? 0.9 : HERO[hero] + 2.5) + rows * 4.3 - 0.7;
    let rows = Math.ceil((all.length - 1 + line) / columns);
    while (rows > 1 && height(rows) > room) rows -= 1;
    // Rows of the same length: three and two rather than four and one.
    columns = Math.ceil(Math.min(all.length - 1 + line, rows * columns) / rows) || 1;
    return { list: all.slice(0, rows * columns + 1 - line), columns, height: height(rows) };
  }

  /** `hero`: "row" and, larger, "tower" put the first one above the rest, "line" at their head. */
  function Figures({ list, hero, columns }) {
    return h(
      "ul",
      {
        className: "wall-figures" + (hero === "line" ? "" : " wall-hero-above"),
        style: { gridTemplateColumns: "repeat(" + columns + ", auto)" },
      },
      list.map((one, at) => h(Figure, { key: one.label, one, size: at === 0 ? HERO[hero] : FIGURE }))
    );
  }

  /* ---- lists and curve ----------------------------------------------------------------- */

  function Panel({ title, aside, className, children }) {
    return h(
      "section",
      { className: "wall-panel " + (className || "") },
      h("h2", null, h("span", null, title), aside && h("small", null, aside)),
      children
    );
  }

  function Ranking({ content, words, numbered, bare, wide }) {
    const { ranking, picture, kind } = content;
    const levels = picture ? picture.levels : [];
    const leaf = levels.length > 0 && ranking.level_label === levels[levels.length - 1].label;
    const worst = kind === "gaps";
    const missing = ranking.missing > 0 && say(words, "list.missing", { count: ranking.missing });
    return h(
      Panel,
      {
        title: worst
          ? ranking.title
          : say(words, bare ? "list.places" : "list.ranked", {
              level: ranking.level_label,
              measure: ranking.measure.label,
            }),
        aside: [bare || worst ? "" : ranking.target_label, missing].filter(Boolean).join("　"),
        className: "wall-ranking",
      },
      h(charts().Bars, {
        // Of the worst, how far they are behind a plan is not the question.
        rows: worst ? ranking.rows.map((one) => ({ ...one, flag: "", note: "" })) : ranking.rows,
        total: ranking.total,
        target: worst || ranking.target_share === undefined ? null : ranking.target_share,
        level: ranking.level_label,
        ends: !worst,
        leaf,
        numbered,
        bare,
        wide,
        words,
      })
    );
  }

  function Progress({ content, period, words }) {
    const { series } = content;
    const partial = series.partial.some(Boolean) && !series.partial.every(Boolean);
    const key = (kind, text) => [h("i", { key: kind, className: "wall-key wall-key-" + kind }), text];
    return h(
      Panel,
      {
        title: series.unit ? say(words, "series", { title: series.title, unit: series.unit }) : series.title,
        aside: h(
          Fragment,
          null,
          key("line", say(words, "actual")),
          series.plan.length > 0 && key("plan", say(words, "plan")),
          partial && key("partial", say(words, "partial"))
        ),
        className: "wall-progress",
      },
      h(charts().Curve, { series, partial, period, words, label: content.sentence })
    );
  }

  /** Problems by month: what was found, and what was put right. */
  function Problems({ content, words }) {
    const key = (kind, text) => [h("i", { key: kind, className: "wall-key wall-key-" + kind }), text];
    return h(
      Panel,
      {
        title: say(words, "problems.title"),
        aside: h(
          Fragment,
          null,
          key("found", say(words, "problems.found")),
          key("fixed", say(words, "problems.fixed"))
        ),
        className: "wall-progress",
      },
      h(charts().Months, { rows: content.problems, words, label: content.sentence })
    );
  }

  /* ---- legend and month ---------------------------------------------------------------- */

  function Legend({ content, period, playing, words }) {
    const { picture } = content;
    const level = bangfu.useLevel(picture);
    const values = bangfu.useValues(level && level.values);
    const at = charts().usePeriod(period);
    const found = useMemo(() => {
      if (!values || !level) return null;
      const named = picture.periods[at];
      const index = named ? values.periods.indexOf(named.id) : -1;
      const codes = values.classes(index >= 0 ? index : 0, level.classes);
      return bangfu.arrays.counts(codes, level.classes.length, level.inside);
    }, [values, level, at, picture]);
    if (!picture.measure || !level) return null;
    const rows = level.classes.map((one, code) => ({
      key: code, label: one.label, style: { background: one.dark }, count: found && found.classes[code],
    }));
    // The largest on top, as a column of a chart is read.
    rows.reverse();
    if (found && found.missing) {
      rows.push({ key: MISSING, label: say(words, "legend.missing"), kind: "wall-missing", count: found.missing });
    }
    if (found && found.out_of_scope) {
      rows.push({
        key: OUT_OF_SCOPE, label: say(words, "legend.out_of_scope"), kind: "wall-scope", count: found.out_of_scope,
      });
    }
    const { label, unit, rule } = picture.measure;
    const leaf = picture.levels[picture.levels.length - 1].id === level.id;
    // Of a single village a share says yes or no.
    const counted = leaf && String(rule).indexOf("share") === 0 ? "" : unit;
    const named = picture.periods[at];
    return h(
      "section",
      { className: "wall-legend" },
      h("h2", null, label),
      !playing && named && h("p", null, named.label),
      h(
        "p",
        { className: "wall-legend-units" },
        h("span", null, counted),
        h("span", null, say(words, "legend.count", { level: level.label }))
      ),
      h(
        "ul",
        null,
        rows.map((one) =>
          h(
            "li",
            { key: one.key },
            h("i", { className: one.kind || "", style: one.style }),
            h("span", null, one.label),
            h("b", null, one.count === null ? "" : one.count)
          )
        )
      )
    );
  }

  /** The running month, as large as the room allows; "2024年" over "12月". */
  function Month({ content, period }) {
    const at = charts().usePeriod(period);
    const one = content.picture.periods[at];
    if (!one) return null;
    const parts = /^(\d{4}年)(.+)$/.exec(one.label);
    const [year, rest] = parts ? [parts[1], parts[2]] : ["", one.label];
    const size = Math.min(4.6, (GUTTER - 2) / charts().ems(rest));
    return h(
      "p",
      { className: "wall-month" },
      h("span", null, year),
      h("b", { style: { fontSize: size + "rem" } }, rest)
    );
  }

  /* ---- the gaps ------------------------------------------------------------------------ */

  /** Width over height of a region as a map draws it. */
  function shape(bounds) {
    const [west, south, east, north] = bounds;
    const narrow = Math.cos((((south + north) / 2) * Math.PI) / 180);
    return Math.max(0.2, Math.min(5, ((east - west) * narrow) / Math.max(1e-9, north - south)));
  }

  /** Columns that give small maps the largest pictures. Their text, `label` by `text` units, stands
   *  beside them or below. {columns, beside, picture} with the picture's height in pixels; null
   *  where the text has no room. */
  function columnsOf(count, width, height, unit, aspect, label, text) {
    let best = null;
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const [w, hgt] = [width / columns - unit, height / rows - unit * 0.7];
      if (w < label * unit || hgt < text * unit) continue;
      const beside = Math.min(hgt, (w - (label + 0.4) * unit) / aspect);
      const under = Math.min(hgt - text * unit, w / aspect);
      const picture = Math.max(0, Math.floor(Math.max(beside, under)));
      // Empty cells cost as much as smaller pictures.
      const score = (picture * count) / (rows * columns);
      if (!best || score > best.score) best = { score, columns, beside: beside >= under, picture };
    }
    return best;
  }

  /* Height of a small map's text with and without the count, in its own size. */
  const TOLD = 4.45;
  const SHORT = 3.2;

  function Multiples({ content, scale }) {
    const [box, size] = charts().useSize();
    const list = content.multiples;
    const numbers = list.map((one) => (one.value === null ? -1 : one.value));
    const most = Math.max.apply(null, numbers);
    const aspect = shape(content.region.bounds);
    const label = list.reduce((all, one) => Math.max(all, charts().ems(one.label), charts().ems(one.count_text)), 4);
    const fit = (unit, text) => columnsOf(list.length, size.width, size.height, unit, aspect, label * 1.05, text);
    const told = fit(size.rem * scale, TOLD);
    const cells = size.width > 0 && (told || fit(size.rem * scale, SHORT));
    return h(
      "div",
      { ref: box, className: "wall-multiples", style: { fontSize: scale + "rem" } },
      cells &&
        h(
          "ul",
          {
            className: cells.beside ? "wall-beside" : "wall-under",
            style: { gridTemplateColumns: "repeat(" + cells.columns + ", minmax(0, 1fr))" },
          },
          list.map((one, at) =>
            h(
              "li",
              { key: one.measure, className: most > 0 && numbers[at] === most ? "wall-most" : "" },
              cells.picture > 0 &&
                h("img", { src: one.image, alt: "", style: { width: cells.picture * aspect, height: cells.picture } }),
              h(
                "p",
                null,
                h("span", null, one.label),
                h("b", null, one.text),
                told && h("small", null, bound(one.count_text))
              )
            )
          )
        )
    );
  }

  /* ---- the closing scene --------------------------------------------------------------- */

  /** Height in rem of a sentence in a list of `rows`, in a width of so many of its own ems. */
  function voiceHeight(rows, width) {
    const long = (one) => Math.ceil((charts().ems(one.sentence) * 1.04) / Math.max(1, width));
    const lines = rows.reduce((most, one) => Math.max(most, long(one)), 1);
    return lines * 1.35 + 0.15;
  }

  /** Sentences about regions, as many as fit. */
  function Voices({ title, rows, words, none, scale }) {
    const [box, size] = charts().useSize();
    const height = voiceHeight(rows, size.width / size.rem / scale) * scale;
    const room = Math.floor((size.height + 1) / (height * size.rem));
    const more = size.height > 0 ? Math.max(0, rows.length - room) : 0;
    return h(
      Panel,
      { title, aside: more > 0 && say(words, "more_short", { count: more }), className: "wall-standing" },
      h(
        "ul",
        { ref: box, className: "wall-voices", style: { fontSize: scale + "rem" } },
        size.height > 0 && !rows.length && h("li", null, none),
        size.height > 0 &&
          rows
            .slice(0, room)
            .map((one) => h("li", { key: one.code, style: { height: height + "rem" } }, bound(one.sentence)))
      )
    );
  }

  function VoicePair({ content, words, scale, width }) {
    const { ahead, stuck, level_label: level } = content.standings;
    const voices = (key, rows) =>
      h(Voices, {
        key,
        title: say(words, "standings." + key),
        rows,
        words,
        scale,
        none: say(words, "standings.none_" + key, { level: level || "" }),
      });
    // Each shares the height by what it has to say, its head included.
    const share = (list) => 2.3 + Math.max(1, list.length) * voiceHeight(list, width / scale) * scale;
    const rows = [ahead, stuck].map((list) => "minmax(0, " + share(list).toFixed(2) + "fr)").join(" ");
    return h(
      "div",
      { className: "wall-voice-pair", style: { gridTemplateRows: rows } },
      voices("ahead", ahead),
      voices("stuck", stuck)
    );
  }

  /** Texts without the unit that all of them end with, and that unit. */
  function shared(texts) {
    const units = texts.map((text) => /^[+−-]?[\d.,]+\s*(\D+)$/.exec(text)).filter(Boolean).map((found) => found[1]);
    const unit = units.length && units.every((one) => one === units[0]) ? units[0] : "";
    return [texts.map((text) => (unit && text.endsWith(unit) ? text.slice(0, -unit.length).trim() : text)), unit];
  }

  /** Two rankings side by side, of the same size: where somebody stands, and how far they came. */
  function RankPair({ content, words }) {
    const { standings } = content;
    const { rows, measure, target } = standings;
    const aimed = target !== null && target !== undefined;
    const size = (value) => Math.abs(value === null || value === undefined ? 0 : value);
    const top = Math.max.apply(null, rows.map((one) => size(one.value)).concat([aimed ? size(target) : 0, 1e-9]));
    const far = Math.max.apply(null, rows.map((one) => size(one.change)).concat([1e-9]));
    const climbers = rows
      .filter((one) => one.change !== null && one.change !== undefined)
      .sort((a, b) => a.change_rank - b.change_rank);
    const [changes, unit] = shared(climbers.map((one) => one.change_text));
    const list = (rows_, aim) =>
      h(charts().Bars, { rows: rows_, target: aim, words, level: standings.level_label, ends: true });
    return h(
      "div",
      { className: "wall-pair" },
      h(
        Panel,
        {
          title: say(words, aimed ? "standings.distance" : "standings.value"),
          aside: aimed ? say(words, "standings.target", { text: standings.target_text }) : measure.label,
        },
        list(
          rows.map((one) => ({
            code: one.code, name: one.name, rank: one.rank, share: size(one.value) / top, text: one.text,
          })),
          aimed ? size(target) / top : null
        )
      ),
      h(
        Panel,
        { title: say(words, "standings.change"), aside: unit },
        list(
          climbers.map((one, at) => ({
            code: one.code, name: one.name, rank: one.change_rank, share: size(one.change) / far, text: changes[at],
          })),
          null
        )
      )
    );
  }

  /* ---- numbers on the map -------------------------------------------------------------- */

  /* Where a badge may stand around its place, in badges; over it first. */
  const SPOTS = [
    [0, 0], [0, -1.2], [0, 1.2], [1.3, 0], [-1.3, 0], [1.1, -1.1], [-1.1, -1.1], [1.1, 1.1], [-1.1, 1.1],
    [2.2, 0], [-2.2, 0], [2, -1.2], [-2, -1.2], [2, 1.2], [-2, 1.2],
  ];

  const moved = (x, y) => "translate(" + x.toFixed(1) + "px," + y.toFixed(1) + "px)";

  const overlap = (a, b) =>
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) *
    Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));

  /** Numbered badges; they walk with the map, and step aside of names and of each other. A line
   *  leads from a badge that stepped aside to its place. */
  function Marks({ marked, area }) {
    const box = useRef(null);
    useEffect(() => {
      let map = null;
      let spots = marked.map(() => SPOTS[0]);
      const at = (one, spot) => {
        const size = wall.BADGE * rem();
        const { x, y } = map.project([one.lon, one.lat]);
        const within = (value, most) => Math.max(size / 2, Math.min(most - size / 2, value));
        const [w, hgt] = [box.current.clientWidth, box.current.clientHeight];
        return { x, y, size, left: within(x + spot[0] * size, w), top: within(y + spot[1] * size, hgt) };
      };
      const place = () => {
        if (!map || !box.current) return;
        Array.from(box.current.children).forEach((element, turn) => {
          const { x, y, size, left, top } = at(marked[turn], spots[turn]);
          const [badge, lead] = [element.lastChild, element.firstChild];
          element.style.visibility = "visible";
          badge.style.transform = moved(left - size / 2, top - size / 2);
          const far = Math.hypot(x - left, y - top);
          lead.style.width = far.toFixed(1) + "px";
          const turned = Math.atan2(y - top, x - left).toFixed(3);
          lead.style.transform = moved(left, top) + " rotate(" + turned + "rad)";
        });
      };
      const settle = () => {
        if (!map || !box.current) return;
        const frame = box.current.getBoundingClientRect();
        const taken = Array.from(document.querySelectorAll(".atlas-label.atlas-shown"))
          .filter((one) => window.getComputedStyle(one).visibility === "visible")
          .map((one) => {
            const { left, top, right, bottom } = one.getBoundingClientRect();
            return [left - frame.left, top - frame.top, right - frame.left, bottom - frame.top];
          });
        spots = marked.map((one) => {
          let best = null;
          SPOTS.forEach((spot, turn) => {
            const { size, left, top } = at(one, spot);
            const side = [left - size / 2 - 2, top - size / 2 - 2, left + size / 2 + 2, top + size / 2 + 2];
            const lost = taken.reduce((sum, other) => sum + overlap(side, other), turn * 0.04 * size);
            if (!best || lost < best.lost) best = { lost, side, spot };
          });
          taken.push(best.side);
          return best.spot;
        });
        place();
      };
      const leave = () => {
        if (!map) return;
        map.off("move", place);
        map.off("moveend", settle);
      };
      const enter = () => {
        // The map may be taken down and up again under the scene.
        if (bangfu.map !== map) {
          leave();
          map = bangfu.map || null;
          if (map) {
            map.on("move", place);
            map.on("moveend", settle);
          }
        }
        settle();
      };
      enter();
      window.addEventListener("bangfu-painted", enter);
      return () => {
        window.removeEventListener("bangfu-painted", enter);
        leave();
      };
    }, [marked]);
    return h(
      "div",
      { ref: box, className: "wall-marks", style: area, "aria-hidden": true },
      marked.map((one) =>
        h("div", { key: one.code }, h("i", null), h("span", { className: "wall-badge" }, one.rank))
      )
    );
  }

  /* ---- a scene ------------------------------------------------------------------------- */

  const percent = (share) => share * 100 + "%";

  /** All of a scene but the map.
   *
   * `content` as layers.briefing gives it; `period` the index that is shown (null: the picture's);
   * `clock` a time to write beside the title, or nothing; `compact` leaves the details out. Which
   * panels there are, and how they share the height, is decided here; how they look in wall.css. */
  wall.SceneView = function SceneView({ content, layout, clock, period, words, compact }) {
    const area = wall.mapArea(content, layout);
    const { side, map } = shares(content, layout);
    const { kind, picture, region } = content;
    const strip = layout === "strip";
    const uhd = layout === "uhd";
    const given = period === null || period === undefined ? (picture || {}).period || 0 : period;
    const foot = footOf(picture && picture.notices);
    const width = (window.innerWidth / rem()) * side - 3;
    const head = headOf(content, layout, width);
    useNames(picture, region);

    const count = (rows) => (rows ? rows.length : 0);
    const has = {
      list: count(content.ranking && content.ranking.rows) > 0,
      curve: Boolean(content.series && content.series.value.some((one) => one !== null)),
      multiples: count(content.multiples) > 0,
      standings: Boolean(content.standings && count(content.standings.rows)),
      problems: count(content.problems) > 0,
    };
    // The strip's panels are wider than their text needs: it is written larger.
    const scale = strip ? 1.25 : 1;
    const tall = window.innerHeight / rem() - foot - 1.8;
    // Panels with what they take of the height: a row of the grid each.
    const parts = {
      head: () => [h(Head, { key: "head", content, head, clock, compact }), "auto"],
      /** `rest`: what the panels below want, in rem. */
      figures: (hero, most, rest) => {
        const found = figuresOf(content, hero, most, width, tall - head.height - 1.1 - rest);
        return found.list.length > 0 && [h(Figures, { key: "figures", hero, ...found }), "auto"];
      },
      list: (options) =>
        has.list && [h(Ranking, { key: "list", content, words, wide: strip || uhd, ...options }), "minmax(0, 1fr)"],
      curve: () =>
        has.curve && [h(Progress, { key: "curve", content, period: given, words }), "minmax(0, 1.2fr)"],
      problems: () =>
        has.problems && [h(Problems, { key: "problems", content, words }), "minmax(0, 1fr)"],
      multiples: () => has.multiples && [h(Multiples, { key: "multiples", content, scale }), "minmax(0, 1fr)"],
      pair: () => has.standings && [h(RankPair, { key: "pair", content, words }), "minmax(0, 1fr)"],
      voices: () => {
        const room = strip ? width : (window.innerWidth / rem()) * map - 2.2;
        return has.standings && [h(VoicePair, { key: "voices", content, words, scale, width: room }), "minmax(0, 1fr)"];
      },
    };
    const { left, right, below, gutter } = arrange(kind, strip, uhd, has, parts);
    const playing = Boolean(content.play);
    const high = area ? Math.round(area.height * window.innerHeight) : 0;
    return h(
      "article",
      {
        className: "wall-view wall-kind-" + kind + " wall-is-" + layout,
        style: {
          "--wall-side": percent(side),
          "--wall-map": percent(map),
          "--wall-foot": foot + "rem",
        },
        "data-scene": content.id,
      },
      area &&
        h("div", {
          className: "wall-edge",
          style: {
            left: percent(area.left), width: percent(area.width), height: high + "px",
          },
        }),
      h(Stack, { className: "wall-side", parts: left }),
      area &&
        h(
          "div",
          { className: "wall-gutter", style: { height: "calc(" + high + "px - " + (below.length ? 1.8 : 3.1) + "rem)" } },
          playing && h(Month, { content, period: given }),
          h("div", { className: "wall-gutter-list" }, gutter && gutter[0]),
          h(Legend, { content, period: given, playing, words })
        ),
      below.length > 0 &&
        h(Stack, {
          className: "wall-below",
          parts: below,
          style: { top: high + "px" },
        }),
      right.length > 0 && h(Stack, { className: "wall-right", parts: right, across: true }),
      area &&
        kind === "gaps" &&
        content.marked.length > 0 &&
        h(Marks, {
          marked: content.marked,
          area: {
            left: percent(area.left), top: percent(area.top), width: percent(area.width),
            height: high + "px",
          },
        })
    );
  };

  /** Which panels stand where: {left, right, below, gutter}. */
  function arrange(kind, strip, uhd, has, parts) {
    const given = (list) => list.filter(Boolean);
    const done = (left, right, below, gutter) => ({
      left: given(left), right: given(right || []), below: given(below || []), gutter: gutter || null,
    });
    const head = parts.head();
    if (kind === "gaps" && has.multiples) {
      return strip
        ? done([head, parts.list({ numbered: true })], [parts.multiples()])
        : done([head, parts.multiples()], [], [parts.list({ numbered: true })]);
    }
    if (kind === "standings" && has.standings) {
      return strip
        ? done([head, parts.voices()], [parts.pair()])
        : done([head, parts.pair()], [], [parts.voices()]);
    }
    if (kind === "contact") {
      if (strip) return done([head, parts.figures("tower", 6, 0)], [parts.problems(), parts.list()]);
      if (!has.problems) return done([head, parts.figures("row", 6, 7), parts.list()]);
      const figures = parts.figures(uhd ? "row" : "line", 6, 10);
      return done([head, figures, parts.problems()], [], [], parts.list({ bare: true }));
    }
    if (strip) return done([head, parts.figures("tower", 8, 0)], [parts.curve(), parts.list()]);
    if (kind === "progress") {
      return done([head, parts.curve()], [], [], uhd && parts.list({ bare: true }));
    }
    if (kind === "overview" && !uhd) return done([head, parts.figures("row", 7, 0)]);
    if (has.curve) {
      // The list goes beside the map, where it is read with the names on it.
      const figures = parts.figures("line", uhd ? 6 : 3, 11);
      return done([head, figures, parts.curve()], [], [], parts.list({ bare: true }));
    }
    return done([head, parts.figures("line", uhd ? 6 : 3, 9), parts.list()]);
  }

  /** Panels under each other (or, on the strip, beside each other), each with its share. */
  function Stack({ className, parts, across, style }) {
    const tracks = parts.map((one) => one[1]).join(" ");
    return h(
      "div",
      { className, style: { ...style, ...(across ? {} : { gridTemplateRows: tracks }) } },
      parts.map((one) => one[0])
    );
  }

  /** Names on the map: of the region's own parts and what is above; more would be a grey of text. */
  function useNames(picture, region) {
    const depth = picture ? picture.levels.findIndex((one) => one.id === region.level) : -1;
    useLayoutEffect(() => {
      document.documentElement.setAttribute("data-names", String(depth + 1));
    }, [depth]);
  }

  /* ---- the corner ---------------------------------------------------------------------- */

  /** What every picture of the map must carry, in the order of what it may not lack. */
  function noticesOf(notices, words) {
    if (!notices) return [];
    // Without words only the length is wanted.
    const text = (key, value) => (words ? say(words, key, { text: value }) : "\u3000\u3000\u3000\u3000" + value);
    return [
      notices.approval_number && text("approval", notices.approval_number),
      notices.cutoff && text("cutoff", notices.cutoff),
      notices.source && text("source", notices.source),
      !words && notices.demo && "\u3000\u3000\u3000\u3000\u3000",
    ].filter(Boolean);
  }

  /** The notices, which scene of how many it is, and the quiet mark when something is amiss. */
  wall.Corner = function Corner({ notices, mark, counter, words }) {
    return h(
      "footer",
      { className: "wall-corner" },
      mark && h("em", { className: "wall-mark", role: "status" }, mark),
      h(
        "p",
        { className: "wall-notices" },
        notices && notices.demo && h("strong", { className: "wall-demo" }, say(words, "demo")),
        noticesOf(notices, words).map((text) => h("span", { key: text }, text))
      ),
      counter && h("p", { className: "wall-counter" }, counter)
    );
  };
})();
