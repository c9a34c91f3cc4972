/* The time bar: play, pause, a slider over the periods, the plan's points as ticks. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});
  const { createElement: h, useEffect, useRef, useState } = window.React;
  const { say } = bangfu.mapParts;

  const PACE_MS = 700;
  /* A slow machine shows every period, later: playing waits for the map, but not for ever. */
  const PATIENCE_MS = 3000;

  /** Indices of the periods under which a label is written: the first of each year, or the ends. */
  function marked(periods) {
    const years = periods.map((one) => String(one.id).slice(0, 4));
    const firsts = years.map((year, at) => at === 0 || year !== years[at - 1]);
    const found = [];
    firsts.forEach((first, at) => first && found.push(at));
    return { found, years };
  }

  function AtlasTime(props) {
    const { id, className, picture, words, setProps } = props;
    const periods = (picture && picture.periods) || [];
    const last = periods.length - 1;
    const given = props.period;
    const index = Math.max(
      0, Math.min(last, given === null || given === undefined ? (picture || {}).period || 0 : given)
    );
    const [mine, setMine] = useState(false);
    const controlled = props.playing === true || props.playing === false;
    const playing = controlled ? props.playing : mine;
    const now = useRef({});
    now.current = { index, last, setProps };

    const play = (on) => {
      setMine(on);
      const changes = { playing: on };
      if (on && index === last) changes.period = 0;
      setProps(changes);
    };

    // One period after the other; each waits for its turn and for the map to have drawn.
    useEffect(() => {
      if (!playing || last < 1) return undefined;
      let over = false;
      let timer = 0;
      const pace = props.pace || PACE_MS;
      const started = performance.now();
      const drawn = () => !bangfu.map || (bangfu.painted && bangfu.painted.period === index);
      const step = () => {
        if (over) return;
        if (!drawn() && performance.now() - started < PATIENCE_MS) {
          timer = window.setTimeout(step, 40);
          return;
        }
        const { index: at, last: end } = now.current;
        if (at >= end) {
          setMine(false);
          setProps({ playing: false });
        } else {
          setProps({ period: at + 1 });
        }
      };
      timer = window.setTimeout(step, pace);
      return () => {
        over = true;
        window.clearTimeout(timer);
      };
    }, [playing, index, last, props.pace]);

    if (last < 1) return h("div", { id, className: "atlas-time", hidden: true });
    const share = (at) => (at / last) * 100;
    const { found, years } = marked(periods);
    const plan = ((picture && picture.plan) || [])
      .map((point) => ({ ...point, at: periods.findIndex((one) => one.id === point.period) }))
      .filter((point) => point.at >= 0);
    const label = say(words, playing ? "time.pause" : "time.play");
    return h(
      "div",
      {
        id,
        className: ["atlas-time", className].filter(Boolean).join(" "),
        role: "group",
        "aria-label": say(words, "time.title"),
      },
      h(
        "button",
        {
          type: "button", className: "atlas-button atlas-play", "aria-label": label, title: label,
          "aria-pressed": playing, onClick: () => play(!playing),
        },
        h(
          "svg",
          { viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": true },
          h("path", {
            d: playing ? "M5 4h3.4v12H5zM11.6 4H15v12h-3.4z" : "M6 3.6 16.2 10 6 16.4z",
            fill: "currentColor",
          })
        )
      ),
      // Not spoken by itself: the screen's own sentence says the month with its value.
      h("output", { className: "atlas-time-now", "aria-live": "off" }, periods[index].label),
      h(
        "div",
        { className: "atlas-time-track" },
        h("input", {
          type: "range",
          min: 0,
          max: last,
          step: 1,
          value: index,
          "aria-label": say(words, "time.slider"),
          "aria-valuetext": periods[index].label,
          style: { "--atlas-done": share(index) + "%" },
          onChange: (event) => {
            if (playing) play(false);
            setProps({ period: Number(event.target.value) });
          },
          onKeyDown: (event) => {
            if (event.key !== " ") return;
            event.preventDefault();
            play(!playing);
          },
        }),
        h(
          "div",
          { className: "atlas-time-marks", "aria-hidden": true },
          plan.map((point) =>
            h("i", {
              key: "plan" + point.at,
              className: "atlas-time-plan",
              style: { left: share(point.at) + "%" },
              title: say(words, "time.plan", {
                period: periods[point.at].label,
                value: [point.value, (picture.measure || {}).unit].filter((one) => one !== undefined).join(" "),
              }),
            })
          ),
          found.map((at) =>
            h(
              "span",
              { key: at, className: "atlas-time-year", style: { left: share(at) + "%" } },
              years[at]
            )
          )
        )
      )
    );
  }

  bangfu.AtlasTime = AtlasTime;
})();
