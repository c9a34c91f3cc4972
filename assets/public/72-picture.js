/* The picture of an address: what layers/view.py and layers/picture.py make on a server. */
"use strict";
(function () {
  const bangfu = window.bangfu;
  const { url, scheme } = bangfu.public;

  /* As in layers.picture. */
  const MOST_LABELS = 400;
  const ALWAYS = "all";
  const ZOOM = "zoom";
  const LONGEST_NAME = 80;
  const LONGEST_QUERY = 8000;
  const KEYS = ["round", "measure", "period", "region", "level", "off", "hide", "camera", "look"];
  const DESCRIBED = [
    "id", "label", "unit", "digits", "direction", "definition", "theme", "family", "rule",
    "numerator_label", "denominator_label", "source",
  ];
  const PARTIAL = 4;

  /** What is wrong with an address: a kind that the words know, the key and its value. */
  class Problem extends Error {
    constructor(kind, key, value) {
      super(kind + " " + key + ": " + value);
      Object.assign(this, { kind, key, value: String(value) });
    }
  }

  /* ---- the view, as layers.view ------------------------------------------------------------- */

  const PERIOD = /^(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?$/;

  /** Months since year 0 of a period's last month; NaN for what is no period. */
  function endOf(period) {
    const match = PERIOD.exec(period);
    if (!match) return NaN;
    const month = match[2] ? Number(match[2]) * 3 - 1 : match[3] ? Number(match[3]) - 1 : 11;
    return Number(match[1]) * 12 + month;
  }

  const round = (value, digits) => Number(value.toFixed(digits)) + 0;

  const READ = {
    off(text) {
      const parts = text.split(",");
      if (!parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
        throw new Problem("form", "off", text);
      }
      return Array.from(new Set(parts.map(Number))).sort((a, b) => a - b);
    },
    hide(text) {
      const parts = Array.from(new Set(text.split(","))).sort();
      if (parts.length > 40 || !parts.every((part) => /^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(part))) {
        throw new Problem("form", "hide", text);
      }
      return parts;
    },
    camera(text) {
      const parts = text.split("/");
      const limits = [[0, 24], [-90, 90], [-180, 180]];
      const inside = (part, n) =>
        /^-?\d{1,4}(\.\d{1,12})?$/.test(part) && Number(part) >= limits[n][0] && Number(part) <= limits[n][1];
      if (parts.length !== 3 || !parts.every(inside)) throw new Problem("form", "camera", text);
      return [round(Number(parts[0]), 2), round(Number(parts[1]), 5), round(Number(parts[2]), 5)];
    },
    period(text) {
      if (text !== ALWAYS && !PERIOD.test(text)) throw new Problem("form", "period", text);
      return text;
    },
    look(text) {
      if (text !== "light" && text !== "dark") throw new Problem("form", "look", text);
      return text;
    },
  };

  function name(key, text) {
    // eslint-disable-next-line no-control-regex
    if (text.length > LONGEST_NAME || /[\x00-\x20\x7f]/.test(text)) throw new Problem("form", key, text);
    return text;
  }

  /** The view that a query string spells; keys that are not ours are left alone. */
  function fromQuery(query) {
    const view = { off: [], hide: [], look: "" };
    if (query.length > LONGEST_QUERY) throw new Problem("form", "query", query.length);
    const given = new URLSearchParams(query);
    for (const key of KEYS) {
      const all = given.getAll(key);
      if (all.length > 1) throw new Problem("once", key, all[1]);
      if (all.length && all[0]) view[key] = READ[key] ? READ[key](all[0]) : name(key, all[0]);
    }
    return view;
  }

  const quoted = (text) =>
    encodeURIComponent(text)
      .replace(/[!'()*]/g, (one) => "%" + one.charCodeAt(0).toString(16).toUpperCase())
      .replace(/%2C/g, ",")
      .replace(/%2F/g, "/");

  const short = (value) => value.toFixed(5).replace(/0+$/, "").replace(/\.$/, "");

  /** The query string of a view, without `?`; keys in a fixed order, defaults left out. */
  function toQuery(view) {
    const parts = { ...view, off: view.off.join(","), hide: view.hide.join(",") };
    parts.camera = view.camera ? view.camera.map(short).join("/") : "";
    return KEYS.filter((key) => parts[key]).map((key) => key + "=" + quoted(parts[key])).join("&");
  }

  const has = (atlas, measure, id) => Boolean(measure && measure.rounds[id]);

  /** The declared default measure if the round has it, else the round's first, else null. */
  function defaultMeasure(atlas, id) {
    const chosen = atlas.measure(atlas.default.measure);
    if (has(atlas, chosen, id)) return chosen;
    return atlas.measures.find((one) => has(atlas, one, id)) || null;
  }

  /** The last round that has periods and the measure (or any). */
  function lastRound(atlas, measure) {
    const rounds = atlas.rounds.slice().reverse();
    const timed = rounds.find(
      (one) => one.timed !== false && has(atlas, measure || defaultMeasure(atlas, one.id), one.id)
    );
    return timed || (measure && rounds.find((one) => has(atlas, measure, one.id))) || rounds[0];
  }

  /** Index of the nearest period not later than `period`; the last for none, else the first. */
  function snap(there, period) {
    if (!there.length) return 0;
    if (!period || period === ALWAYS) return there.length - 1;
    if (there.indexOf(period) >= 0) return there.indexOf(period);
    const end = endOf(period);
    let found = 0;
    there.forEach((one, at) => {
      if (one !== ALWAYS && endOf(one) <= end) found = at;
    });
    return found;
  }

  /** A promise of the view with every default filled in; raises a Problem for unknown names. */
  async function resolve(atlas, view) {
    const asked = view.measure ? atlas.measure(view.measure) : null;
    if (view.measure && !asked) {
      const gone = (atlas.withdrawn || []).find((one) => one.id === view.measure);
      const problem = new Problem(gone ? "withdrawn" : "measure", "measure", view.measure);
      if (gone) problem.sentence = gone.sentence;
      throw problem;
    }
    let chosen = null;
    if (view.round) {
      chosen = atlas.rounds.find((one) => one.id === view.round);
      if (!chosen) throw new Problem("round", "round", view.round);
      if (asked && !has(atlas, asked, chosen.id)) throw new Problem("not_in_round", "measure", view.measure);
    } else {
      chosen = lastRound(atlas, asked);
    }
    const measure = asked || defaultMeasure(atlas, chosen.id);
    const region = await atlas.region(view.region || atlas.root);
    if (!region) throw new Problem("region", "region", view.region);
    const below = atlas.levels[region.depth + 1];
    const follow = view.level === ZOOM;
    let level = below || atlas.levels[region.depth];
    if (view.level && !follow) {
      level = atlas.levels.find((one) => one.id === view.level);
      if (!level) throw new Problem("level", "level", view.level);
    }
    const { periods = [], labels = [], plan = [] } = measure ? measure.rounds[chosen.id] : {};
    const named = periods.map((one, n) =>
      typeof one === "string" ? { id: one, label: labels[n] } : { id: one.id, label: one.label }
    );
    const period = snap(named.map((one) => one.id), view.period);
    return {
      view: {
        ...view,
        round: chosen.id,
        measure: measure ? measure.id : "",
        period: named.length && view.period ? named[period].id : "",
        region: region.code === atlas.root ? "" : region.code,
      },
      round: chosen, measure, region, level, follow, plan, period,
      child: below || null, periods: named,
    };
  }

  /* ---- the picture, as layers.picture ---------------------------------------------------------- */

  const nameOf = (atlas, region) =>
    region.depth === 0 ? atlas.levels[0].all_label || region.name : region.name;

  const step = (atlas, region) => ({
    code: region.code, name: nameOf(atlas, region), level: region.level,
  });

  /** Positions at a depth inside the region as `[start, stop)` ranges; null where it is all. */
  function inside(atlas, region, depth) {
    if (region.depth === 0) return null;
    const leaf = atlas.levels.length - 1;
    const around = region.depth === leaf && depth === leaf ? atlas.known.get(region.parent) : region;
    const places = atlas.descendants(around.code, depth).map((one) => one.position);
    if (!places.length || places.length === atlas.levels[depth].count) return null;
    const ranges = [];
    for (const place of places) {
      const last = ranges[ranges.length - 1];
      if (last && last[1] === place) last[1] += 1;
      else ranges.push([place, place + 1]);
    }
    return ranges;
  }

  /** Names to put on the map; `whole` is false while some of them are in files not here yet. */
  function labels(atlas, region) {
    const leaf = atlas.levels.length - 1;
    let whole = true;
    let around = region;
    if (region.depth === leaf && region.parent) around = atlas.known.get(region.parent);
    const { depth } = around;
    const wanted = new Map();
    if (leaf > 0 && atlas.levels[1].count <= MOST_LABELS) {
      wanted.set(1, atlas.descendants(atlas.root, 1));
    }
    let count = wanted.has(1) ? wanted.get(1).length : 0;
    for (const below of [depth + 1, depth + 2]) {
      if (below > leaf || (below === leaf && depth + 1 !== leaf) || wanted.has(below)) continue;
      const size = depth === 0 ? atlas.levels[below].count : atlas.descendants(around.code, below).length;
      if (count + size >= MOST_LABELS) break;
      if (depth === 0 && below > 1 && atlas.waiting.size) {
        whole = false;
        break;
      }
      wanted.set(below, atlas.descendants(around.code, below));
      count += size;
    }
    const found = [];
    wanted.forEach((regions, below) => {
      const order = regions.slice().sort((a, b) => b.leaves - a.leaves || a.position - b.position);
      for (const one of order) {
        found.push({
          code: one.code, name: one.name, lon: one.lon, lat: one.lat,
          level: atlas.levels[below].id, rank: found.length,
        });
      }
    });
    return { labels: found, whole };
  }

  const LISTS = ["value", "numerator", "denominator", "reported", "expected", "verified", "status"];

  /** The region's values over all periods, as lists. */
  function series(values, numbers, position) {
    const found = {};
    LISTS.forEach((part) => (found[part] = []));
    if (!values) return found;
    values.periods.forEach((_, at) => {
      const value = values.value(at, position);
      found.value.push(value === null ? null : round(value, 6));
      found.status.push(values.flags[at * values.count + position]);
    });
    for (const part of LISTS.slice(1, -1)) {
      found[part] = numbers
        ? numbers.series(part, position)
        : values.periods.map(() => (part === "numerator" || part === "denominator" ? null : 0));
    }
    return found;
  }

  /** The ranked list's rows; where a child is partial, how many of its leaves reported. */
  function rows(children, values, numbers) {
    return children.map((one) => {
      const row = { code: one.code, name: one.name, position: one.position };
      if (values && numbers) {
        const partial = values.periods.some(
          (_, at) => values.flags[at * values.count + one.position] === PARTIAL
        );
        if (partial) {
          row.reported = numbers.series("reported", one.position);
          row.expected = numbers.series("expected", one.position);
        }
      }
      return row;
    });
  }

  /** The picture that a map needs, without anything to fetch but regions; `look` is `resolve`'s. */
  function ofMap(atlas, look) {
    const { view, measure, region } = look;
    const path = [...atlas.ancestors(region.code), region];
    const named = labels(atlas, region);
    const { notices } = atlas;
    return {
      edition: atlas.edition,
      live: null,
      title: atlas.title,
      query: toQuery(view),
      measure: measure ? DESCRIBED.reduce((all, key) => ({ ...all, [key]: measure[key] }), {}) : null,
      round: {
        id: look.round.id, label: look.round.label, years: look.round.years, note: look.round.note,
      },
      region: {
        code: region.code, name: nameOf(atlas, region), level: region.level,
        position: region.position, bounds: region.bounds, leaf: !look.child,
      },
      path: path.map((one) => step(atlas, one)),
      level: look.level.id,
      follow: look.follow,
      child_level: look.child ? look.child.id : null,
      levels: atlas.levels.map((one, depth) => {
        const files = atlas.files(measure, look.round.id, one.id);
        const own = path.find((each) => each.level === one.id);
        return {
          id: one.id, label: one.label, count: one.count,
          tiles: scheme + "://" + atlas.tiles.replace("{level}", one.id),
          min_zoom: one.min_zoom, max_zoom: one.max_zoom, zoom_from: one.zoom_from,
          values: files ? url(files.values) : null,
          classes: files ? files.classes : [],
          position_in_path: own ? own.position : null,
          inside: inside(atlas, region, depth),
        };
      }),
      bounds: atlas.top.bounds,
      mesh: atlas.mesh ? { url: url(atlas.mesh.url), until: atlas.mesh.until } : null,
      periods: look.periods,
      period: look.period,
      plan: look.plan,
      labels: named.labels,
      whole: named.whole,
      off: view.off,
      hide: view.hide,
      camera: view.camera || null,
      look: view.look,
      notices: {
        demo: notices.demo, source: notices.source, approval_number: notices.approval_number,
        cutoff: notices.cutoff,
      },
      underlay: null,
      children: rows(atlas.children(region.code)),
      // Published for the whole alone, and as they stand now.
      figures: region.depth === 0 && look.period === Math.max(0, look.periods.length - 1)
        ? look.round.figures || []
        : [],
      series: null,
    };
  }

  /** A promise of a picture with all numbers for the panels.
   *
   * `all`: also the numbers behind a leaf, which no screen shows and which are large.
   */
  async function whole(atlas, look, picture, all) {
    const { measure, region } = look;
    const id = look.round.id;
    if (!measure) return { ...picture, series: series(null, null, 0) };
    const own = region.level;
    const child = look.child && look.child.id;
    const leaf = atlas.levels[atlas.levels.length - 1].id;
    const [values, numbers, below] = await Promise.all([
      atlas.values(measure, id, own),
      own !== leaf || all ? atlas.numbers(measure, id, own) : null,
      child ? atlas.values(measure, id, child) : null,
    ]);
    // A leaf has reported or not: never in part.
    const counts = below && child !== leaf && below.flags.indexOf(PARTIAL) >= 0
      ? await atlas.numbers(measure, id, child)
      : null;
    return {
      ...picture,
      series: series(values, numbers, region.position),
      children: rows(atlas.children(region.code), below, counts),
    };
  }

  /** A promise of the whole picture of a query string: what layers.picture.picture gives. */
  async function picture(atlas, query) {
    const look = await resolve(atlas, fromQuery(query));
    await atlas.whole();
    return whole(atlas, look, ofMap(atlas, look), true);
  }

  Object.assign(bangfu.public, { Problem, fromQuery, toQuery, resolve, ofMap, picture, whole });
})();
