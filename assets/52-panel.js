/* The panel beside the map: where we are, headline figures, plan, and the ranked table of children. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const { useEffect, useMemo, useState } = window.React;
  const h = window.React.createElement;
  const { address } = bangfu;
  const { fill, number, isNumber, isYesNo, valueText } = bangfu.say;

  // The integers of `vocabulary.Status`.
  const STATUS = ["out_of_scope", "missing", "self_reported", "verified", "partial", "suppressed"];
  const MISSING = 1;
  const PARTIAL = 4;
  const SUPPRESSED = 5;
  const FIRST_ROWS = 60;
  const FIRST_FIGURES = 6;

  /** What must be said of the figures, each sentence once, after the figures it is about. */
  const notes = (figures) => {
    const about = new Map();
    figures.filter((figure) => figure.note).forEach((figure) => {
      about.set(figure.note, (about.get(figure.note) || []).concat(figure.label));
    });
    return Array.from(about, ([note, labels]) => labels.join("、") + "：" + note).join("；");
  };

  /* ---- AtlasCrumbs ------------------------------------------------------------------------ */

  /** 全市 › 区 › 镇 › 村, each a link, the last one the current page. */
  function AtlasCrumbs({ id, picture, words }) {
    const path = (picture && picture.path) || [];
    return h("nav", { id, className: "crumbs", "aria-label": words.label },
      h("ol", null,
        path.map((step, index) => {
          const patch = address.region(picture, step.code);
          const last = index === path.length - 1;
          return h("li", { key: step.code },
            last
              ? h("span", { "aria-current": "page" }, step.name)
              : h("a", { href: address.href(patch), onClick: address.follow(patch) }, step.name)
          );
        })
      )
    );
  }

  /* ---- AtlasFigures ----------------------------------------------------------------------- */

  /** `2018` or `2018-Q4` or `2018-12` as the number of its last month, to compare periods. */
  function endOf(period) {
    const match = /^(\d{4})(?:-(?:Q(\d)|(\d{2})))?$/.exec(period || "");
    if (!match) return NaN;
    const month = match[2] ? Number(match[2]) * 3 : match[3] ? Number(match[3]) : 12;
    return Number(match[1]) * 12 + month;
  }

  /** The first period that has a value, and how far the value is from it now. */
  function change(values, at) {
    const first = values.findIndex(isNumber);
    if (first < 0 || first >= at || !isNumber(values[at])) return null;
    return { first, by: values[at] - values[first] };
  }

  /** How a plan point stands at a period: met, due (still time), short, unknown. */
  function standing(point, value, period, direction) {
    if (!isNumber(value)) return "unknown";
    const met = direction === "less" ? value <= point.value : value >= point.value;
    const due = endOf(period) < endOf(point.period);
    if (met) return due ? "ahead" : "met";
    return due ? "due" : "short";
  }

  Object.assign(bangfu.say, { change, standing, endOf });

  const isShare = (measure) => measure.rule.indexOf("share") === 0;
  const unitOf = (measure, words) => (measure.unit === "%" ? words.points : measure.unit);

  function Headline({ picture, at, words }) {
    const { measure, region, series, periods } = picture;
    const value = series.value[at];
    const status = series.status[at];
    const shown = valueText(picture, value, region.leaf);
    const leafLabel = picture.levels[picture.levels.length - 1].label;
    const numerator = series.numerator[at];
    const denominator = series.denominator[at];
    const expected = series.expected[at];
    const reported = series.reported[at];
    const verified = series.verified[at];
    const moved = isYesNo(picture, region.leaf) ? null : change(series.value, at);
    const nothing = status === MISSING ? words.nothing_reported
      : status === SUPPRESSED ? words.suppressed : words.nothing_in_scope;
    const amount = (n) => number(n, Number.isInteger(n) ? 0 : measure.digits);
    return h("div", { className: "headline" },
      h("p", { className: "headline-label" },
        h("span", null, measure.label),
        periods[at] ? h("span", { className: "period" }, periods[at].label) : null
      ),
      shown.text
        ? h("p", { className: "hero" }, h("span", { className: "hero-number" }, shown.text),
            shown.unit ? h("span", { className: "hero-unit" }, shown.unit) : null)
        : h("p", { className: "hero nothing" }, nothing),
      h("ul", { className: "facts" },
        isShare(measure) && isNumber(numerator) && isNumber(denominator) && !region.leaf
          ? h("li", null,
              measure.numerator_label && measure.denominator_label
                ? fill(words.of_words, {
                    numerator: amount(numerator), denominator: amount(denominator),
                    numerator_label: measure.numerator_label,
                    denominator_label: measure.denominator_label,
                  })
                : fill(words.of, { numerator: amount(numerator), denominator: amount(denominator) }))
          : null,
        moved
          ? h("li", null,
              Math.abs(moved.by) < 0.5 * Math.pow(10, -measure.digits)
                ? fill(words.same, { period: periods[moved.first].label })
                : [
                    fill(words.change, { period: periods[moved.first].label }),
                    h("strong", { key: "by" },
                      (moved.by > 0 ? " +" : " ") + number(moved.by, measure.digits)),
                    " " + unitOf(measure, words),
                  ])
          : null,
        !region.leaf && expected > 0
          ? h("li", { className: status === PARTIAL ? "partial" : "" },
              fill(reported < expected ? words.reported : words.reported_all, {
                reported, expected, leaf: leafLabel,
              }) + (verified > 0
                ? "，" + (verified >= reported ? words.verified_all : fill(words.verified_of, { verified }))
                : ""))
          : region.leaf && status > MISSING && status !== SUPPRESSED
            ? h("li", null, h("span", { className: "status s" + status }, words[STATUS[status]]))
            : null
      )
    );
  }

  function PlanList({ picture, at, words }) {
    const { measure, plan, periods, series, region } = picture;
    if (!plan || !plan.length || region.leaf) return null;
    const value = series.value[at];
    const top = Math.max(
      isShare(measure) ? 100 : 0, value || 0, ...plan.map((point) => point.value)) || 1;
    return h("section", { className: "plan" },
      h("h3", null, words.plan),
      h("ul", null,
        plan.map((point) => {
          const state = standing(point, value, periods[at] && periods[at].id, measure.direction);
          const gap = isNumber(value)
            ? number(Math.abs(point.value - value), measure.digits) + " " + unitOf(measure, words)
            : "";
          return h("li", { key: point.period, className: "plan-point " + state },
            h("span", { className: "plan-label" },
              point.label ||
                fill(words.plan_point, { period: point.period }) + " " +
                number(point.value, Number.isInteger(point.value) ? 0 : measure.digits) +
                " " + measure.unit),
            h("span", { className: "plan-state" },
              state === "short" ? fill(words.short, { gap })
                : state === "due" ? words.due + "，" + fill(words.short, { gap }) : words[state]),
            h("span", { className: "bullet", "aria-hidden": true },
              h("span", { className: "bullet-fill", style: { width: Math.max(0, Math.min(100, (value || 0) / top * 100)) + "%" } }),
              h("span", { className: "bullet-mark", style: { left: Math.min(100, point.value / top * 100) + "%" } })
            )
          );
        })
      ),
      picture.path.length > 1
        ? h("p", { className: "note" }, fill(words.plan_root, { root: picture.path[0].name }))
        : null
    );
  }

  /** The region's name, its value in large type, the plan, the round's figures, the definition. */
  function AtlasFigures({ id, picture, period, words }) {
    const [every, setEvery] = useState(false);
    if (!picture) {
      return h("section", { id, className: "figures" }, h("p", { className: "note" }, words.loading));
    }
    const at = bangfu.periodOf(picture, period);
    const { measure, region, round } = picture;
    // Of a single leaf they would say that it is one village.
    const figures = region.leaf ? [] : picture.figures || [];
    // A measure without a time of its own holds for the whole round: no date to name.
    const asOf = picture.periods.length > 1 ? picture.periods[picture.period] : null;
    const listed = every ? figures : figures.slice(0, FIRST_FIGURES);
    return h("section", { id, className: "figures" },
      h("header", null,
        h("h2", { tabIndex: -1, className: "region-name" }, region.name),
        h("p", { className: "round-name" }, round.label,
          round.years ? h("span", null, round.years) : null)
      ),
      measure ? h(Headline, { picture, at, words }) : null,
      measure ? h(PlanList, { picture, at, words }) : null,
      figures.length
        ? h("section", { className: "round-figures" },
            h("h3", null, words.round_figures,
              asOf ? h("span", { className: "as-of" }, fill(words.as_of, { period: asOf.label })) : null),
            h("dl", null,
              listed.map((figure, index) =>
                h("div", { key: index, title: figure.note || undefined },
                  h("dt", null, figure.label),
                  h("dd", null,
                    isNumber(figure.value)
                      ? [h("strong", { key: "n" },
                          number(figure.value, Number.isInteger(figure.value) ? 0
                            : isNumber(figure.digits) ? figure.digits : 1)),
                         figure.unit ? h("span", { key: "u" }, " " + figure.unit) : null]
                      : words.unknown)
                )
              )
            ),
            figures.length > FIRST_FIGURES
              ? h("button", {
                  type: "button", className: "link", "aria-expanded": every,
                  onClick: () => setEvery(!every),
                }, every ? words.fewer : fill(words.all_figures, { count: figures.length }))
              : null,
            listed.some((figure) => figure.note)
              ? h("p", { className: "note" },
                  notes(listed))
              : null
          )
        : null,
      !measure ? h("p", { className: "callout" }, round.note || words.totals_only) : null,
      measure && measure.definition
        ? h("p", { className: "definition" },
            h("span", { className: "unseen" }, words.definition + "："), measure.definition,
            measure.direction === "more" ? "（" + words.more_is_better + "）"
              : measure.direction === "less" ? "（" + words.less_is_better + "）" : "")
        : null
    );
  }

  /* ---- ranked children -------------------------------------------------------------------- */

  /** The child level's values, fetched once and shared with the map. */
  function useArray(picture) {
    const level = picture && picture.measure && picture.child_level
      ? picture.levels.find((item) => item.id === picture.child_level)
      : null;
    const url = level && level.values;
    const [loaded, setLoaded] = useState({ url: null, array: null, failed: false });
    useEffect(() => {
      if (!url) return undefined;
      let stale = false;
      let timer = 0;
      const load = () =>
        Promise.resolve()
          .then(() => bangfu.arrays.load(url))
          .then((array) => !stale && setLoaded({ url, array, failed: false }))
          .catch(() => {
            if (stale) return;
            setLoaded({ url, array: null, failed: true });
            timer = window.setTimeout(load, 5000);
          });
      load();
      return () => {
        stale = true;
        window.clearTimeout(timer);
      };
    }, [url]);
    return { level, array: loaded.url === url ? loaded.array : null,
      failed: loaded.url === url && loaded.failed };
  }

  /** Children with value, status and rank (equal values share one), best-filled first. */
  function rank(children, array, at, digits) {
    const rows = children.map((child) => {
      const value = array ? array.value(at, child.position) : null;
      const status = array ? STATUS.indexOf(array.status(at, child.position)) : MISSING;
      return { child, value: isNumber(value) ? value : null, status, rank: null, change: null };
    });
    if (array) {
      const first = 0;
      rows.forEach((row) => {
        const start = array.value(first, row.child.position);
        if (at > 0 && isNumber(start) && row.value !== null) row.change = row.value - start;
      });
    }
    const ranked = rows.filter((row) => row.value !== null)
      .sort((a, b) => b.value - a.value || (a.child.code < b.child.code ? -1 : 1));
    ranked.forEach((row, index) => {
      const before = ranked[index - 1];
      row.rank = before && before.value.toFixed(digits) === row.value.toFixed(digits)
        ? before.rank : index + 1;
    });
    const rest = rows.filter((row) => row.value === null)
      .sort((a, b) => b.status - a.status || (a.child.code < b.child.code ? -1 : 1));
    return ranked.concat(rest);
  }
  bangfu.say.rank = rank;

  // Made when first asked for: to read the order of all characters takes as long as to draw a panel.
  let collator = null;
  const named = (a, b) => {
    collator = collator || new Intl.Collator("zh-Hans-CN");
    return collator.compare(a.child.name, b.child.name);
  };

  const ORDERS = {
    value: () => 0,
    name: named,
    change: (a, b) => (b.change === null ? -1e300 : b.change) - (a.change === null ? -1e300 : a.change),
    status: (a, b) => b.status - a.status,
  };

  /** The class that a value falls into: the last whose lower bound it reaches (as the map). */
  function classOf(classes, value) {
    let found = classes[0];
    for (const one of classes) if (one.lower === null || value >= one.lower) found = one;
    return found;
  }

  function Bar({ value, span, colour }) {
    const zero = -span.low / (span.high - span.low) * 100;
    const end = (value - span.low) / (span.high - span.low) * 100;
    return h("span", { className: "bar", "aria-hidden": true },
      h("span", {
        className: "bar-fill",
        style: { left: Math.min(zero, end) + "%", width: Math.abs(end - zero) + "%", background: colour },
      })
    );
  }

  /**
   * A real table of the region's children, sortable, each a link that goes down.
   *
   * `wide` shows it in place of the map, with change and status in columns of their own.
   * Out: `pointed` {level, position} or null, the row under the pointer or the focus.
   */
  function AtlasRanking({ id, picture, period, words, wide, shown, setProps }) {
    const { level, array, failed } = useArray(shown === false ? null : picture);
    const isDark = bangfu.useDark();
    const [sort, setSort] = useState({ by: "value", down: true });
    const [all, setAll] = useState(false);
    const code = picture && picture.region.code;
    useEffect(() => setAll(false), [code]);
    const at = picture ? bangfu.periodOf(picture, period) : 0;
    const measure = picture && picture.measure;

    const rows = useMemo(() => {
      if (!picture || !measure || !level) return [];
      return rank(picture.children || [], array, at, measure.digits);
    }, [picture, array, at]);

    if (shown === false || !picture) return h("section", { id, className: "ranking", hidden: true });
    const children = picture.children || [];
    const child = picture.levels.find((item) => item.id === picture.child_level);
    if (!child || !children.length) {
      return h("section", { id, className: "ranking", hidden: !wide },
        wide ? h("p", { className: "note" }, words.empty) : null);
    }
    const go = (row) => {
      const patch = address.region(picture, row.code);
      return h("a", {
        href: address.href(patch),
        onClick: (event) => {
          address.follow(patch)(event);
          // The row will be gone: reading goes on at the new region's name, or at its table.
          const next = wide ? document.getElementById(id) : document.querySelector(".region-name");
          if (event.defaultPrevented && next) next.focus();
        },
      }, row.name);
    };
    const title = fill(measure ? words.title : words.list, { level: child.label, region: picture.region.name });
    if (!measure) {
      return h("section", { id, className: "ranking" + (wide ? " wide" : "") },
        h(wide ? "h2" : "h3", null, title),
        h("ul", { className: "plain-list" }, children.map((row) => h("li", { key: row.code }, go(row)))));
    }
    const yesNo = isYesNo(picture, child.id === picture.levels[picture.levels.length - 1].id);
    const values = rows.map((row) => row.value).filter(isNumber);
    const span = {
      low: Math.min(0, ...values),
      high: Math.max(isShare(measure) ? 100 : 0, ...values, 0) || 1,
    };
    const ordered = sort.by === "value" && sort.down ? rows : rows.slice().sort(ORDERS[sort.by]);
    if (!sort.down) {
      // Rows without a value stay at the end, whichever way the table runs.
      const have = ordered.filter((row) => row.value !== null).reverse();
      ordered.splice(0, ordered.length, ...have, ...ordered.filter((row) => row.value === null));
    }
    const visible = all ? ordered : ordered.slice(0, FIRST_ROWS);
    const missing = rows.filter((row) => row.value === null && row.status === MISSING).length;
    const hidden = rows.filter((row) => row.value === null && row.status === SUPPRESSED).length;
    const out = rows.filter((row) => row.value === null).length - missing - hidden;

    const head = (by, label, className) =>
      h("th", {
        scope: "col", className,
        "aria-sort": sort.by === by ? (sort.down ? "descending" : "ascending") : "none",
      },
        h("button", {
          type: "button", title: fill(words.sort, { column: label }),
          onClick: () => setSort({ by, down: sort.by === by ? !sort.down : true }),
        }, label,
          h("span", { className: "sort-mark", "aria-hidden": true },
            sort.by === by ? (sort.down ? "▾" : "▴") : "")
        )
      );
    const partial = (row) => {
      if (row.status !== PARTIAL) return null;
      const reported = row.child.reported;
      const expected = row.child.expected;
      const pick = (list) => (Array.isArray(list) ? list[at] : list);
      return isNumber(pick(reported))
        ? fill(words.reported, { reported: pick(reported), expected: pick(expected) })
        : words[STATUS[PARTIAL]];
    };
    const cells = (row) => {
      const text = valueText(picture, row.value, yesNo).text;
      const one = row.value === null ? null : classOf(child.classes, row.value);
      const point = () => setProps({ pointed: { level: child.id, position: row.child.position } });
      return h("tr", {
        key: row.child.code, className: row.value === null ? "no-value" : "",
        onPointerEnter: wide ? undefined : point, onFocus: wide ? undefined : point,
      },
        h("td", { className: "rank" }, row.rank === null ? "" : row.rank),
        h("th", { scope: "row" }, go(row.child),
          !wide && row.status === PARTIAL
            ? h("span", { className: "row-note" }, partial(row)) : null),
        h("td", { className: "value" },
          row.value === null
            ? h("span", { className: "absent" }, words[STATUS[row.status]])
            : [
                h("span", { key: "v", className: "number" }, text),
                yesNo ? null : h(Bar, { key: "b", value: row.value, span,
                  colour: one ? (isDark ? one.dark : one.light) : "currentColor" }),
              ]
        ),
        wide ? h("td", { className: "change" },
          row.change === null || yesNo ? "" : (row.change > 0 ? "+" : "") + number(row.change, measure.digits)) : null,
        wide ? h("td", null, partial(row) || words[STATUS[row.status]]) : null
      );
    };
    const unit = measure.unit && !yesNo ? "（" + measure.unit + "）" : "";
    const caption = fill(words.caption, {
      region: picture.region.name, level: child.label, measure: measure.label,
      period: picture.periods[at] ? picture.periods[at].label : "",
    });
    return h("section", {
      id, className: "ranking" + (wide ? " wide" : ""),
      tabIndex: wide ? -1 : undefined, "aria-label": wide ? caption : undefined,
    },
      h("h3", null, title),
      failed && !array ? h("p", { className: "note", role: "status" }, words.failed) : null,
      h("table", null,
        h("caption", { className: wide ? "" : "unseen" }, caption),
        h("thead", null,
          h("tr", null,
            h("th", { scope: "col", className: "rank" }, h("span", { className: wide ? "" : "unseen" }, words.rank)),
            head("name", words.name, ""),
            head("value", measure.label && wide ? measure.label + unit : words.value + unit, "value"),
            wide ? head("change", words.change, "change") : null,
            wide ? head("status", words.status, "") : null
          )
        ),
        h("tbody", {
          onPointerLeave: () => setProps({ pointed: null }), onBlur: () => setProps({ pointed: null }),
        }, visible.map(cells))
      ),
      ordered.length > visible.length
        ? h("button", { type: "button", className: "button", onClick: () => setAll(true) },
            fill(words.more, { count: ordered.length - visible.length }))
        : null,
      array && missing + hidden + out > 0
        ? h("p", { className: "note" }, [
            missing ? fill(words.missing_tail, { count: missing }) : "",
            hidden ? fill(words.hidden_tail, { count: hidden }) : "",
            out ? fill(words.out_tail, { count: out }) : "",
          ].filter(Boolean).join("，")) : null
    );
  }

  /* ---- AtlasSheet, AtlasFold ------------------------------------------------------------- */

  /** The handle that raises and lowers the panel on a phone. */
  function AtlasSheet({ id, panel, words }) {
    const [open, setOpen] = useState(false);
    useEffect(() => {
      const element = document.getElementById(panel);
      if (element) element.setAttribute("data-open", open ? "1" : "0");
      if (element && !open) element.scrollTop = 0;
    }, [open]);
    return h("button", {
      id, type: "button", className: "sheet-handle", "aria-expanded": open, "aria-controls": panel,
      onClick: () => setOpen(!open),
    }, h("span", { className: "grip", "aria-hidden": true }),
      h("span", { className: "unseen" }, open ? words.close : words.open));
  }

  /** A legend that a phone can fold away. */
  function AtlasFold({ id, target, words }) {
    const [open, setOpen] = useState(true);
    const [narrow] = useState(() => window.matchMedia("(max-width: 700px)").matches);
    useEffect(() => {
      if (narrow) setOpen(false);
    }, []);
    useEffect(() => {
      const element = document.getElementById(target);
      if (element) element.setAttribute("data-folded", open ? "0" : "1");
    }, [open]);
    return h("button", {
      id, type: "button", className: "fold", "aria-expanded": open, "aria-controls": target,
      onClick: () => setOpen(!open),
    }, words.toggle);
  }

  Object.assign(bangfu, {
    AtlasCrumbs, AtlasFigures, AtlasRanking, AtlasSheet, AtlasFold,
  });
})();
