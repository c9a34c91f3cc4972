/* The legend: a swatch, a label and a count for each class; points on hover, filters on click. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});
  const { createElement: h, useEffect, useMemo, useState } = window.React;
  const { MISSING, OUT_OF_SCOPE, SUPPRESSED } = bangfu.arrays;
  const { say, isDark, useLook } = bangfu.mapParts;

  /** The level that the map shows: as the picture says, or as the zoom has chosen. */
  function useLevel(picture, map) {
    const [chosen, setChosen] = useState(bangfu.level || null);
    useEffect(() => {
      const heard = (event) => setChosen(event.detail);
      window.addEventListener("bangfu-level", heard);
      return () => window.removeEventListener("bangfu-level", heard);
    }, []);
    if (!picture) return null;
    const told =
      chosen && chosen.edition === picture.edition && (!map || chosen.map === map) && picture.follow;
    const id = told ? chosen.level : picture.level;
    return picture.levels.find((one) => one.id === id) || null;
  }

  /** The values of a level, once they are there; the map asks for the same ones. */
  function useValues(url) {
    const [values, setValues] = useState(null);
    useEffect(() => {
      let current = true;
      setValues(url ? bangfu.arrays.peek(url) || null : null);
      if (url && !bangfu.arrays.peek(url)) {
        bangfu.arrays.load(url).then(
          (found) => current && setValues(found),
          () => undefined // the map says so, and asks again
        );
      }
      const painted = () => current && url && setValues(bangfu.arrays.peek(url) || null);
      window.addEventListener("bangfu-painted", painted);
      return () => {
        current = false;
        window.removeEventListener("bangfu-painted", painted);
      };
    }, [url]);
    return values;
  }

  function AtlasLegend(props) {
    const { id, className, picture, period, words, setProps } = props;
    useLook();
    const level = useLevel(picture, props.map);
    const values = useValues(level && level.values);
    const index = !picture ? 0 : period === null || period === undefined ? picture.period : period;
    const found = useMemo(() => {
      if (!values || !level || !picture) return null;
      const named = picture.periods[index];
      const at = named ? values.periods.indexOf(named.id) : -1;
      const codes = values.classes(at >= 0 ? at : 0, level.classes);
      return bangfu.arrays.counts(codes, level.classes.length, level.inside);
    }, [values, level, index, picture]);

    if (!picture || !picture.measure || !level || !level.values) return h("div", { id, className: "atlas-legend" });
    const dark = isDark(props);
    const off = new Set(props.off || picture.off || []);
    const rows = level.classes.map((one, code) => ({
      code,
      label: one.label,
      style: { background: dark ? one.dark : one.light },
      count: found ? found.classes[code] : null,
    }));
    rows.push({
      code: MISSING,
      label: say(words, "legend.missing"),
      kind: "atlas-swatch-missing",
      count: found ? found.missing : null,
    });
    if (found && (found.suppressed || values.hides)) {
      rows.push({
        code: SUPPRESSED,
        label: say(words, "legend.suppressed"),
        kind: "atlas-swatch-suppressed",
        count: found.suppressed,
      });
    }
    if (found && found.out_of_scope) {
      rows.push({
        code: OUT_OF_SCOPE,
        label: say(words, "legend.out_of_scope"),
        kind: "atlas-swatch-scope",
        count: found.out_of_scope,
      });
    }
    const flip = (code) => {
      const next = new Set(off);
      if (!next.delete(code)) next.add(code);
      setProps({ off: Array.from(next).sort((a, b) => a - b), highlight: null });
    };
    const light = (code) => setProps({ highlight: code });
    const total = found ? Math.max(1, found.total) : 1;

    const row = (one) => {
      const count = one.count === null ? say(words, "legend.no_data_yet") : String(one.count);
      const hidden = off.has(one.code);
      return h(
        "li",
        { key: one.code },
        h(
          "button",
          {
            type: "button",
            className: "atlas-class" + (hidden ? " atlas-off" : ""),
            "data-class": one.code,
            "aria-pressed": !hidden,
            onClick: () => flip(one.code),
            onMouseEnter: () => light(one.code),
            onMouseLeave: () => light(null),
            onFocus: () => light(one.code),
            onBlur: () => light(null),
          },
          h("span", { className: "atlas-swatch " + (one.kind || ""), style: one.style }),
          h("span", { className: "atlas-class-label" }, one.label),
          h("span", { className: "atlas-class-count" }, count),
          // A name that begins with what is seen: who steers by voice says that.
          h("span", { className: "atlas-unseen" }, say(words, "legend.filter", { level: level.label })),
          h("span", {
            className: "atlas-class-share",
            "aria-hidden": true,
            style: { transform: "scaleX(" + (one.count ? one.count / total : 0) + ")" },
          })
        )
      );
    };
    return h(
      "section",
      {
        id,
        className: ["atlas-legend", dark ? "atlas-dark" : "atlas-light", className]
          .filter(Boolean)
          .join(" "),
        "aria-label": say(words, "legend.title"),
      },
      h(
        "header",
        null,
        h("span", { className: "atlas-legend-title" }, picture.measure.label),
        h("span", { className: "atlas-legend-unit" }, picture.measure.unit)
      ),
      h("ul", null, rows.map(row)),
      h(
        "footer",
        null,
        h("span", null, found ? say(words, "legend.count", { count: found.total, level: level.label }) : ""),
        off.size > 0 &&
          h(
            "button",
            { type: "button", className: "atlas-link", onClick: () => setProps({ off: [] }) },
            say(words, "legend.reset")
          )
      )
    );
  }

  bangfu.AtlasLegend = AtlasLegend;
  bangfu.useLevel = useLevel;
  bangfu.useValues = useValues;
})();
