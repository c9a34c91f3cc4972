/* What the public panel adds to the portal's: the series as a drawing and a table, and the notes. */
"use strict";
(function () {
  const bangfu = window.bangfu;
  const { createElement: h } = window.React;
  const { fill, number, isNumber, isYesNo, valueText } = bangfu.say;

  const WIDTH = 320;
  const HEIGHT = 132;
  const EDGE = { left: 34, right: 12, top: 12, bottom: 20 };

  /** A round step that cuts a span into two to five parts. */
  function stepOf(span) {
    const ten = Math.pow(10, Math.floor(Math.log10(span / 2 || 1)));
    return [5, 2, 1].map((one) => one * ten).find((one) => span / one >= 2) || ten;
  }

  /** Runs of neighbouring periods that have a value: a gap is a gap, not a line across it. */
  function runs(values) {
    const found = [];
    let now = null;
    values.forEach((value, at) => {
      if (!isNumber(value)) now = null;
      else if (now) now.push(at);
      else found.push((now = [at]));
    });
    return found;
  }

  /** The measure over time: a line, the plan's points, the period that the map shows. */
  function Chart({ picture, at, words }) {
    const { measure, periods, plan, series } = picture;
    const points = (plan || [])
      .map((one) => ({ ...one, at: periods.findIndex((each) => each.id === one.period) }))
      .filter((one) => one.at >= 0 && isNumber(one.value));
    const all = series.value.concat(points.map((one) => one.value)).filter(isNumber);
    if (!all.length) return null;
    const low = Math.min(0, ...all);
    const step = stepOf(Math.max(0, ...all) - low || 1);
    const from = Math.floor(low / step) * step;
    const high = Math.max(Math.ceil(Math.max(0, ...all) / step) * step, from + step);
    const last = periods.length - 1;
    const x = (n) => EDGE.left + (n / last) * (WIDTH - EDGE.left - EDGE.right);
    const y = (value) =>
      HEIGHT - EDGE.bottom - ((value - from) / (high - from)) * (HEIGHT - EDGE.top - EDGE.bottom);
    const ticks = [];
    for (let tick = from; tick <= high + step / 1000; tick += step) ticks.push(tick);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const value = series.value[at];
    return h("svg", {
      className: "line-chart", viewBox: [0, 0, WIDTH, HEIGHT].join(" "), role: "img",
      "aria-label": summary(picture, words),
    },
      ticks.map((tick) =>
        h("g", { key: tick },
          h("line", { className: tick === 0 ? "axis" : "rule", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(tick), y2: y(tick) }),
          h("text", { className: "tick", x: EDGE.left - 5, y: y(tick) + 3.5, textAnchor: "end" }, number(tick, digits)))),
      [0, last].map((n) =>
        h("text", {
          key: n, className: "tick", x: x(n), y: HEIGHT - 5, textAnchor: n ? "end" : "start",
        }, periods[n].label)),
      h("line", { className: "now", x1: x(at), x2: x(at), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
      runs(series.value).map((run) =>
        run.length > 1
          ? h("polyline", { key: run[0], className: "line", points: run.map((n) => x(n).toFixed(1) + "," + y(series.value[n]).toFixed(1)).join(" ") })
          : h("circle", { key: run[0], className: "dot", cx: x(run[0]), cy: y(series.value[run[0]]), r: 2.5 })),
      points.map((one) => {
        const [px, py] = [x(one.at), y(one.value)];
        return h("path", { key: one.period, className: "plan-mark", d: `M${px} ${py - 5}l5 5l-5 5l-5 -5z` },
          h("title", null, (one.label || one.period) + " " + number(one.value, measure.digits) + " " + measure.unit));
      }),
      isNumber(value) ? h("circle", { className: "here", cx: x(at), cy: y(value), r: 4 }) : null);
  }

  /** The series in one sentence: from where to where. */
  function summary(picture, words) {
    const { measure, periods, series, region } = picture;
    const have = series.value.map((value, n) => (isNumber(value) ? n : -1)).filter((n) => n >= 0);
    if (!have.length) return fill(words.series_none, { region: region.name, measure: measure.label });
    const told = (n) => valueText(picture, series.value[n], region.leaf);
    const said = (n) => (told(n).text + " " + told(n).unit).trim();
    const [first, last] = [have[0], have[have.length - 1]];
    return fill(words.series, {
      region: region.name, measure: measure.label, from: periods[first].label, first: said(first),
      to: periods[last].label, last: said(last),
    });
  }

  /** The series: a sentence, the drawing, and the same as a table. */
  function Series({ picture, period, words, status }) {
    const { measure, periods, series, region } = picture;
    if (!measure || periods.length < 2 || !series.value.length) return null;
    const yesNo = isYesNo(picture, region.leaf);
    const at = bangfu.periodOf(picture, period);
    const cell = (n) => {
      const { text } = valueText(picture, series.value[n], region.leaf);
      return text || status[bangfu.arrays.STATUS[series.status[n]]] || "";
    };
    return h("section", { className: "series" },
      h("h3", null, words.series_title),
      h("p", { className: "note" }, summary(picture, words)),
      yesNo ? null : h(Chart, { picture, at, words }),
      h("details", null,
        h("summary", null, words.series_table),
        h("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": words.series_table },
          h("table", null,
            h("caption", { className: "unseen" }, region.name + " " + measure.label),
            h("thead", null, h("tr", null,
              h("th", { scope: "col" }, words.period),
              h("th", { scope: "col", className: "number" }, words.value + (measure.unit && !yesNo ? "（" + measure.unit + "）" : "")),
              h("th", { scope: "col" }, words.status))),
            h("tbody", null, periods.map((one, n) =>
              h("tr", { key: one.id, className: n === at ? "on" : undefined },
                h("th", { scope: "row" }, one.label),
                h("td", { className: "number" }, cell(n)),
                h("td", null, status[bangfu.arrays.STATUS[series.status[n]]] || ""))))))));
  }

  /** The region's name alone, where its level is none of those that the measure is published at. */
  function NotHere({ picture, words, level }) {
    return h("section", { className: "figures" },
      h("header", null,
        h("h2", { tabIndex: -1, className: "region-name" }, picture.region.name),
        h("p", { className: "round-name" }, picture.round.label)),
      h("p", { className: "callout" },
        fill(words.not_at_level, { measure: picture.measure.label, level })));
  }

  /** Batches in words; they come as names or with a status. */
  const batchesOf = (measure) =>
    ((measure && measure.batches) || []).map((one) =>
      typeof one === "string" ? one : one.name || one.batch || one.label || ""
    ).filter(Boolean);

  const percent = (share) => number(share * 100, 1) + "%";

  /** Everything that a figure must be read with, as [label, sentence] rows. */
  function provenance(atlas, measure, words) {
    const { notices, suppression } = atlas;
    const rows = [[words.source, (measure && measure.source) || notices.source]];
    const batches = batchesOf(measure);
    if (batches.length) rows.push([words.batches, batches.join("、")]);
    rows.push([words.cutoff, (measure && measure.cutoff) || notices.cutoff]);
    if (measure && isNumber(measure.verified)) rows.push([words.verified, percent(measure.verified)]);
    if (measure && measure.counts) {
      rows.push([words.suppression, suppression
        ? fill(words.suppressed_some, {
            threshold: suppression.threshold, share: percent(suppression.share || 0),
          })
        : words.suppressed_rule]);
    }
    rows.push([words.approval, notices.approval_number || (notices.demo ? words.no_approval : "")]);
    rows.push([words.licence, notices.licence]);
    if (notices.demo) rows.push([words.nature, words.demo]);
    rows.push([words.contact, notices.contact]);
    return rows.filter(([, said]) => said);
  }

  /** Source, batches, cut-off, protection, contact; and the pages of text. */
  function Notes({ atlas, picture, words }) {
    const { comfort, url } = bangfu.public;
    const measure = picture.measure ? comfort.told(atlas.measure(picture.measure.id)) : null;
    const page = atlas.pages && url(atlas.pages.replace("{code}", encodeURIComponent(picture.region.code)));
    return h("section", { className: "notes" },
      h("h3", null, words.notes),
      h("dl", null, provenance(comfort.told(atlas.facts), measure, words).map(([label, said]) =>
        h("div", { key: label }, h("dt", null, label), h("dd", null, said)))),
      h("p", { className: "more-links" },
        page ? h("a", { href: page }, fill(words.page, { region: picture.region.name })) : null,
        h("a", { href: url("about.html") }, words.about),
        h("a", { href: url("list.html") }, words.list)));
  }

  Object.assign(bangfu.public, { Series, NotHere, Notes, provenance, summary });
})();
