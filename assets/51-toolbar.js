/* The bars above the map: title, search, measure, round, level, look, export and help. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const { useEffect, useRef, useState } = window.React;
  const h = window.React.createElement;
  const { address, look } = bangfu;
  const { fill } = bangfu.say;

  /* ---- pieces --------------------------------------------------------------------------- */

  const ICONS = {
    search: "M11 4a7 7 0 1 1 0 14a7 7 0 0 1 0-14zM16 16l5 5",
    table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
    map: "M9 4L3 6.5v13.5l6-2.5l6 2.5l6-2.5V4l-6 2.5zM9 4v13.5M15 6.5V20",
    save: "M12 4v11M7.5 11L12 15.5L16.5 11M4 20h16",
    link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17",
    help: "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.8-.9 1.7M12 16.6v.1",
    light: "M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8zM12 2.5V5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3L7 7M17 17l1.7 1.7M18.7 5.3L17 7M7 17l-1.7 1.7",
    dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
    auto: "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18zM12 3v18M12 7.5h6.6M12 12h9M12 16.5h6.6",
    down: "M6 9l6 6l6-6",
    close: "M6 6l12 12M18 6L6 18",
    check: "M5 12.5l4.5 4.5L19 7.5",
  };

  /** A line drawing of 24 units; decoration only, the words beside it speak. */
  const icon = (name) =>
    h("svg", { className: "icon", viewBox: "0 0 24 24", "aria-hidden": true, focusable: false },
      h("path", { d: ICONS[name] })
    );
  bangfu.icon = icon;

  /** Open and close something on click outside or Escape; Escape gives the focus back. */
  function useOpen() {
    const [open, setOpen] = useState(false);
    const box = useRef(null);
    const button = useRef(null);
    useEffect(() => {
      if (!open) return undefined;
      const outside = (event) => {
        if (box.current && !box.current.contains(event.target)) setOpen(false);
      };
      const escape = (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        setOpen(false);
        if (button.current) button.current.focus();
      };
      document.addEventListener("pointerdown", outside);
      document.addEventListener("keydown", escape, true);
      return () => {
        document.removeEventListener("pointerdown", outside);
        document.removeEventListener("keydown", escape, true);
      };
    }, [open]);
    return { open, setOpen, box, button };
  }
  bangfu.useOpen = useOpen;

  /* ---- AtlasBrand ------------------------------------------------------------------------- */

  /** Title, programme and the 演示数据 badge. `home`: where the whole view lies, / by default. */
  function AtlasBrand({ id, picture, words, title, demo, home }) {
    const notices = (picture && picture.notices) || {};
    const shown = (picture && picture.title) || title || words.product;
    const isDemo = picture ? notices.demo : demo;
    return h("div", { id, className: "brand" },
      h("h1", null, h("a", { href: home || "/", onClick: address.follow(CLEAR) }, shown)),
      isDemo ? h("span", { className: "badge demo", title: words.demo_title }, words.demo) : null
    );
  }
  const CLEAR = {
    round: null, measure: null, period: null, region: null, level: null,
    off: null, hide: null, camera: null,
  };

  /* ---- AtlasSearch ------------------------------------------------------------------------ */

  const ask = (url, text) =>
    window.fetch(url + "?q=" + encodeURIComponent(text)).then((answer) => {
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    });

  /** Accessible combobox over the region search; a screen may say what choosing does.
   *
   * `find`: a function from a text to a promise of rows, where there is no server to ask.
   */
  function AtlasSearch({ id, picture, words, url, find, onChoose }) {
    const [text, setText] = useState("");
    const [found, setFound] = useState([]);
    const [open, setOpen] = useState(false);
    const [at, setAt] = useState(0);
    const [note, setNote] = useState("");
    const box = useRef(null);
    const input = useRef(null);
    const query = useRef(0);

    useEffect(() => {
      const wanted = text.trim();
      query.current += 1;
      const mine = query.current;
      if (!wanted) {
        setFound([]);
        setNote("");
        return undefined;
      }
      const timer = window.setTimeout(() => {
        (find ? find(wanted) : ask(url || "/api/v1/search", wanted))
          .then((body) => {
            if (mine !== query.current) return;
            const rows = Array.isArray(body) ? body : body.regions || body.results || [];
            setFound(rows);
            setAt(0);
            setOpen(true);
            setNote(rows.length ? fill(words.count, { count: rows.length })
              : fill(words.none, { text: wanted }));
          })
          .catch(() => {
            if (mine === query.current) {
              setFound([]);
              setNote(words.failed);
            }
          });
      }, 120);
      return () => window.clearTimeout(timer);
    }, [text]);

    useEffect(() => {
      const outside = (event) => {
        if (box.current && !box.current.contains(event.target)) setOpen(false);
      };
      document.addEventListener("pointerdown", outside);
      return () => document.removeEventListener("pointerdown", outside);
    }, []);

    const choose = (row) => {
      setOpen(false);
      setText("");
      if (onChoose) onChoose(row);
      else if (picture) address.go(address.region(picture, row.code));
      if (input.current) input.current.blur();
    };

    const keys = (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!found.length) return;
        setOpen(true);
        setAt((at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (open && found[at]) choose(found[at]);
      } else if (event.key === "Escape") {
        event.preventDefault();
        if (open) setOpen(false);
        else if (text) setText("");
        else input.current.blur();
      }
    };

    const showing = open && text.trim() !== "";
    const pathOf = (row) =>
      (Array.isArray(row.path) ? row.path.map((p) => (p && p.name) || p).join(" › ") : row.path) || "";
    return h("div", { id, className: "search", ref: box, role: "search" },
      icon("search"),
      h("input", {
        ref: input,
        type: "search",
        id: id + "-input",
        role: "combobox",
        "aria-label": words.label,
        "aria-expanded": showing && found.length > 0,
        "aria-controls": id + "-list",
        "aria-autocomplete": "list",
        "aria-activedescendant": showing && found[at] ? id + "-option-" + at : undefined,
        autoComplete: "off",
        spellCheck: false,
        placeholder: words.placeholder,
        value: text,
        maxLength: 40,
        onChange: (event) => setText(event.target.value),
        onFocus: () => setOpen(true),
        onKeyDown: keys,
      }),
      h("ul", {
        id: id + "-list", role: "listbox", "aria-label": words.label, className: "search-list",
        hidden: !showing || !found.length,
      },
        found.map((row, index) =>
          h("li", {
            key: row.code, id: id + "-option-" + index, role: "option",
            "aria-selected": index === at,
            className: index === at ? "on" : "",
            onPointerMove: () => setAt(index),
            onClick: () => choose(row),
          },
            h("span", { className: "search-name" }, row.name),
            h("span", { className: "search-level" }, row.label || row.level),
            h("span", { className: "search-path" }, pathOf(row) || row.code)
          )
        )
      ),
      h("p", { className: showing && !found.length && note ? "search-note" : "unseen",
        role: "status", "aria-live": "polite" }, showing ? note : "")
    );
  }

  /* ---- AtlasToolbar ----------------------------------------------------------------------- */

  const THEMES = ["coverage", "gaps", "progress"];

  /** Moves a roving focus among siblings with the arrow keys. */
  const arrows = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const items = Array.from(event.currentTarget.querySelectorAll("[data-item]"));
    const at = items.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    items[(at + step + items.length) % items.length].focus();
  };

  /** Measures of a theme, grouped by family in the catalogue's order. */
  function families(measures, theme) {
    const groups = [];
    for (const measure of measures) {
      if (measure.theme !== theme) continue;
      const name = measure.family || "";
      let group = groups.find((item) => item.name === name);
      if (!group) groups.push((group = { name, measures: [] }));
      group.measures.push(measure);
    }
    return groups;
  }
  bangfu.families = families;

  /** Themes as tabs, the measure as the map's title, round, level.
   *
   * `given`: the catalogue {measures, rounds, withdrawn, withdrawn_title}, where there is no server to ask.
   */
  function AtlasToolbar({ id, picture, words, url, given }) {
    const [asked, setCatalogue] = useState(null);
    const catalogue = given || asked;
    const [theme, setTheme] = useState(null);
    const { open, setOpen, box, button } = useOpen();
    const edition = picture && picture.edition;
    const list = useRef(null);

    useEffect(() => {
      if (!edition || given) return undefined;
      let stale = false;
      window
        .fetch(url || "/api/v1/edition")
        .then((answer) => answer.json())
        .then((body) => {
          if (!stale && body && body.measures) setCatalogue(body);
        })
        .catch(() => undefined); // The next edition or reload brings it; the map does not need it.
      return () => {
        stale = true;
      };
    }, [edition]);

    const measure = picture && picture.measure;
    // Closed without a choice, the list opens next time at the theme of the map.
    useEffect(() => {
      if (!open) setTheme(null);
    }, [open]);

    useEffect(() => {
      if (!open || !list.current) return;
      const now = list.current.querySelector("[aria-current]");
      if (now) now.scrollIntoView({ block: "nearest" });
    }, [open, theme]);

    const round = picture && picture.round;
    const rounds = (catalogue && catalogue.rounds) || (round ? [round] : []);
    const has = (name) => {
      const one = rounds.find((item) => item.id === name);
      return (one && one.measures) || [];
    };
    const measures = !catalogue ? (measure ? [measure] : [])
      : catalogue.measures.filter((item) => round && has(round.id).indexOf(item.id) >= 0);
    const shownTheme = theme || (measure && measure.theme) || THEMES[0];
    const groups = round ? families(measures, shownTheme) : [];

    const chooseRound = (event) => {
      const next = event.target.value;
      const keeps = measure && has(next).indexOf(measure.id) >= 0;
      address.go({
        round: next, measure: keeps ? measure.id : null, period: null,
        off: keeps ? address.value("off") : null,
      });
    };

    const levels = (picture && picture.levels) || [];
    const own = picture ? levels.findIndex((item) => item.id === picture.region.level) : -1;
    const below = levels.slice(own + 1);
    const levelPatch = (name) => ({
      level: name === picture.child_level ? null : name,
      off: null,
    });
    const isLevel = (name) => picture && (picture.follow ? name === "zoom" : picture.level === name);
    const levelLink = (name, label) =>
      h("a", {
        key: name, "data-item": true, href: address.href(levelPatch(name)),
        "aria-current": isLevel(name) ? "true" : undefined,
        onClick: address.follow(levelPatch(name)),
      }, label);

    const measurePatch = (item) => ({
      round: round.id, measure: item.id, off: null,
    });

    return h("div", { id, className: "toolbar-body", role: "region", "aria-label": words.measure },
      h("div", { className: "measure", ref: box },
        h("nav", { className: "tabs", "aria-label": words.themes, onKeyDown: arrows },
          THEMES.map((name) =>
            h("button", {
              key: name, type: "button", "data-item": true, className: "tab",
              "aria-expanded": open && shownTheme === name,
              "aria-controls": id + "-measures",
              "aria-current": measure && measure.theme === name ? "true" : undefined,
              onClick: () => {
                setOpen(!(open && shownTheme === name));
                setTheme(name);
              },
            }, words[name])
          )
        ),
        h("button", {
          ref: button, type: "button", className: "measure-now", id: id + "-measure",
          "aria-haspopup": "true", "aria-expanded": open, "aria-controls": id + "-measures",
          onClick: () => setOpen(!open),
          disabled: !picture,
        },
          h("span", { className: "unseen" }, words.measure + "："),
          h("span", { className: "measure-label" }, measure ? measure.label : picture ? words.base : " "),
          icon("down")
        ),
        h("div", {
          id: id + "-measures", className: "popover measures", hidden: !open, ref: list,
          role: "group", "aria-label": words.measures,
        },
          groups.length
            ? groups.map((group) =>
                h("section", { key: group.name },
                  h("h2", null, group.name || words[shownTheme]),
                  h("ul", { onKeyDown: arrows },
                    group.measures.map((item) =>
                      h("li", { key: item.id },
                        h("a", {
                          href: address.href(measurePatch(item)), "data-item": true,
                          "aria-current": measure && measure.id === item.id ? "true" : undefined,
                          title: item.definition || undefined,
                          onClick: (event) => {
                            address.follow(measurePatch(item))(event);
                            setOpen(false);
                            if (button.current) button.current.focus();
                          },
                        },
                          h("span", { className: "item-label" }, item.label),
                          item.unit ? h("span", { className: "item-unit" }, item.unit) : null
                        )
                      )
                    )
                  )
                )
              )
            : h("p", { className: "empty" }, words.empty),
          catalogue && catalogue.withdrawn && catalogue.withdrawn.length
            ? h("section", { className: "withdrawn" },
                h("h2", null, catalogue.withdrawn_title),
                h("ul", null, catalogue.withdrawn.map((item) =>
                  h("li", { key: item.id },
                    h("span", { className: "item-label" }, item.label),
                    h("span", { className: "item-sentence" }, item.sentence)))))
            : null
        )
      ),
      h("label", { className: "round" },
        h("span", { className: "unseen" }, words.round),
        h("select", {
          id: id + "-round", value: round ? round.id : "", onChange: chooseRound,
          disabled: !picture,
        },
          rounds.map((item) =>
            h("option", { key: item.id, value: item.id }, item.label)
          )
        )
      ),
      below.length > 1
        ? h("nav", { className: "segments", "aria-label": words.level, onKeyDown: arrows },
            below.map((item) => levelLink(item.id, item.label)),
            levelLink("zoom", words.follow)
          )
        : null
    );
  }

  /* ---- AtlasActions ----------------------------------------------------------------------- */

  const ASK_MS = 500;
  const MOST_MISSED = 40; // looks in a row without an answer: as long as a server takes to restart
  const SIDES = [320, 7680];

  /** Hands a finished file to the browser, under the name that the server gave it. */
  function fetchFile(url) {
    const link = document.createElement("a");
    link.href = url;
    link.download = "";
    document.body.appendChild(link);
    link.click();
    document.body.removeChild(link);
  }

  /** The screen in its own pixels, as far as the server draws. */
  function screenPixels() {
    const ratio = window.devicePixelRatio || 1;
    const side = (length) =>
      Math.min(SIDES[1], Math.max(SIDES[0], Math.round(length * ratio)));
    return { width: side(window.screen.width), height: side(window.screen.height) };
  }

  /** A file that the server makes: asked for, looked after, fetched. One at a time.
   *
   * `job` is null or {name, running, done, total, label, error, saved, begin}. What was asked for
   * stays what it was when the map goes on.
   */
  function useExport(words) {
    const [job, setJob] = useState(null);
    const current = useRef(null);

    const stop = () => {
      if (current.current) window.clearTimeout(current.current.timer);
      current.current = null;
      setJob(null);
    };
    useEffect(() => stop, []);

    const begin = (body, name) => {
      if (current.current) return;
      const run = { timer: 0, missed: 0 };
      current.current = run;
      const start = { name, running: true, done: 0, total: 0, label: words.asking };
      const mine = () => current.current === run;
      const tell = (patch) => mine() && setJob(Object.assign({}, start, patch));
      const end = (patch) => {
        if (!mine()) return;
        tell(Object.assign({ running: false, again: () => begin(body, name) }, patch));
        current.current = null;
      };
      const look = (id) => {
        run.timer = window.setTimeout(() => ask("/api/v1/exports/" + id), ASK_MS);
      };
      const heed = (said) => {
        if (!mine()) return;
        run.missed = 0;
        run.id = said.id;
        if (said.status === "failed") end({ error: said.error || words.lost });
        else if (said.status === "done") {
          fetchFile(said.url);
          end({ done: said.total, total: said.total, saved: true });
        } else {
          tell({ done: said.done, total: said.total, label: said.label });
          look(said.id);
        }
      };
      const missed = () => {
        run.missed += 1;
        if (!run.id || run.missed > MOST_MISSED) end({ error: words.lost });
        else if (mine()) look(run.id);
      };
      const ask = (url, options) =>
        window.fetch(url, options).then(
          (answer) =>
            answer.json().then(
              (said) => {
                // Too busy to begin is an answer; too busy while it is at work is a hiccup.
                if (answer.ok) heed(said);
                else if (answer.status >= 500 && run.id) missed();
                else end({ error: said.error });
              },
              missed
            ),
          missed
        );
      setJob(start);
      ask("/api/v1/exports", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    };
    return { job, begin, stop };
  }

  /** Save and export: the page as it is, pictures and slides of this view, whole briefings. */
  function AtlasExport({ id, picture, words, say }) {
    const { open, setOpen, box, button } = useOpen();
    const { job, begin, stop } = useExport(words);
    const [briefings, setBriefings] = useState([]);
    const running = Boolean(job && job.running);
    const menu = useRef(null);

    useEffect(() => {
      if (!open) return undefined;
      let stale = false;
      window
        .fetch("/api/v1/briefings")
        .then((answer) => (answer.ok ? answer.json() : { briefings: [] }))
        .then((body) => !stale && setBriefings(body.briefings || []))
        .catch(() => undefined); // This view can be taken away all the same.
      return () => {
        stale = true;
      };
    }, [open]);

    useEffect(() => {
      if (job && job.saved && !open) say(fill(words.saved, job));
      // An error waits to be read: it does not pass like a toast.
      if (job && job.error) setOpen(true);
    }, [job && job.saved, job && job.error]);

    const place = picture
      ? [picture.region.name, picture.measure && picture.measure.label].filter(Boolean).join(" ")
      : "";
    const take = (format) => {
      const body = { what: "view", query: address.query({}).replace(/^\?/, ""), format };
      if (format === "png") Object.assign(body, screenPixels());
      begin(body, place + " " + format.toUpperCase());
    };
    const takeBriefing = (item, format) =>
      begin({ what: "briefing", briefing: item.id, format },
        item.title + " " + format.toUpperCase());

    const entry = (name) =>
      h("button", {
        key: name, type: "button", "data-item": true, className: "export-entry",
        "aria-disabled": running || !picture, onClick: () => picture && take(name),
      },
        h("span", null, words[name]), h("span", { className: "export-note" }, words[name + "_note"])
      );

    const keys = (event) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      setOpen(true);
      // The list is there already, only hidden: React shows it before the next frame.
      window.requestAnimationFrame(() => {
        const first = menu.current && menu.current.querySelector("[data-item]");
        if (first) first.focus();
      });
    };

    const share = running && job.total ? job.done / job.total : 0;
    const counted = running && job.total > 1 ? fill(words.count, job) : "";
    return h("div", { id, className: "export", ref: box },
      h("button", {
        ref: button, type: "button", className: running ? "tool working" : "tool",
        title: words.save_title,
        "aria-label": words.save_title + (running ? "：" + fill(words.making, job) : ""),
        "aria-haspopup": "true", "aria-expanded": open, "aria-controls": id + "-menu",
        onClick: () => setOpen(!open), onKeyDown: keys,
      },
        icon("save"),
        h("span", { className: "tool-word" }, counted || words.save),
        running
          ? h("span", { className: "tool-bar", "aria-hidden": true },
              h("span", { style: { transform: "scaleX(" + Math.max(0.04, share) + ")" } }))
          : null
      ),
      h("div", {
        id: id + "-menu", className: "popover exports", hidden: !open, ref: menu,
        role: "group", "aria-label": words.save_title, onKeyDown: arrows,
      },
        h("h3", null, words.view),
        h("a", {
          className: "export-entry", "data-item": true, href: "/save" + address.query({}),
          download: "",
          // The address changes without a render (period, camera); the link is made on the way.
          onClick: (event) => {
            event.currentTarget.href = "/save" + address.query({});
          },
        }, h("span", null, words.html), h("span", { className: "export-note" }, words.html_note)),
        ["png", "pdf", "pptx"].map(entry),
        briefings.length ? h("h3", null, words.briefings) : null,
        briefings.map((item) =>
          h("div", { key: item.id, className: "export-briefing" },
            h("span", { className: "export-title" }, item.title,
              h("span", { className: "export-note" },
                item.problem ? words.problem : fill(words.scenes, { count: item.scenes }))),
            ["pdf", "pptx"].map((format) =>
              h("button", {
                key: format, type: "button", "data-item": true, className: "export-format",
                "aria-disabled": running, "aria-label": fill(words["as_" + format], item),
                onClick: () => takeBriefing(item, format),
              }, format.toUpperCase())
            )
          )
        ),
        job ? h("div", { className: "export-job" },
          h("p", { role: "status", "aria-live": "polite" },
            fill(job.error ? words.failed : job.saved ? words.saved : words.making, job)),
          job.error ? h("p", { className: "export-error", role: "alert" }, job.error) : null,
          running
            ? h("div", { className: "export-progress" },
                h("progress", {
                  max: job.total || 1, value: job.total ? job.done : undefined,
                  "aria-label": job.label,
                }),
                h("span", { className: "export-note" },
                  [counted, job.label].filter(Boolean).join(" · ")))
            : null,
          running || job.error
            ? h("div", { className: "export-choices" },
                job.error ? h("button", { type: "button", className: "tool", "data-item": true,
                  onClick: job.again }, words.again) : null,
                h("button", { type: "button", className: "tool", "data-item": true,
                  onClick: () => {
                    stop();
                    if (button.current) button.current.focus();
                  } }, running ? words.stop : words.close))
            : null
        ) : null
      )
    );
  }

  /** Table, save and export, copy the link, help. Out: `table`. */
  function AtlasActions(props) {
    const { id, picture, table, words, setProps } = props;
    const [said, setSaid] = useState("");
    const dialog = useRef(null);

    useEffect(() => {
      if (!said) return undefined;
      const timer = window.setTimeout(() => setSaid(""), 3000);
      return () => window.clearTimeout(timer);
    }, [said]);

    const copy = () => {
      const text = window.location.href;
      const done = () => setSaid(words.copied);
      const failed = () => setSaid(words.copy_failed);
      if (navigator.clipboard && window.isSecureContext) {
        navigator.clipboard.writeText(text).then(done, failed);
        return;
      }
      // An intranet page without TLS has no clipboard object; the old way still works there.
      const area = document.createElement("textarea");
      area.value = text;
      area.setAttribute("readonly", "");
      area.className = "unseen";
      document.body.appendChild(area);
      area.select();
      let copied = false;
      try {
        copied = document.execCommand("copy");
      } catch (error) {
        copied = false;
      }
      document.body.removeChild(area);
      (copied ? done : failed)();
    };

    const button = (name, title, action, extra) =>
      h("button", Object.assign({
        type: "button", className: "tool", title, "aria-label": title, onClick: action,
      }, extra), icon(name), h("span", { className: "tool-word" }, words[name]));

    return h("div", { id, className: "actions" },
      picture && picture.measure
        ? button(table ? "map" : "table", table ? words.map_title : words.table_title,
            () => setProps({ table: !table }), { "aria-pressed": Boolean(table) })
        : null,
      h(AtlasExport, { id: id + "-export", picture, words, say: setSaid }),
      button("link", words.link_title, copy),
      button("help", words.help_title, () => dialog.current.showModal && dialog.current.showModal()),
      h("p", { className: said ? "said" : "unseen", role: "status", "aria-live": "polite" }, said),
      h(AtlasAbout, { dialog, picture, words: props.about_words, close: words.close, id: id + "-about" })
    );
  }

  /** What the measure means, where it comes from, which keys there are. */
  function AtlasAbout({ dialog, picture, words, close, id }) {
    const measure = picture && picture.measure;
    const notices = (picture && picture.notices) || {};
    const levels = (picture && picture.levels) || [];
    const leaf = levels.length ? levels[levels.length - 1].label : "";
    const part = (title, text) =>
      text ? [h("dt", { key: title }, title), h("dd", { key: title + "-text" }, text)] : null;
    return h("dialog", {
      ref: dialog, className: "about", id, "aria-labelledby": id + "-title",
      onClick: (event) => event.target === dialog.current && dialog.current.close(),
    },
      h("div", { className: "about-body" },
        h("header", null,
          h("h2", { id: id + "-title" }, words.title),
          h("button", { type: "button", className: "tool", "aria-label": close, title: close,
            onClick: () => dialog.current.close() }, icon("close"))
        ),
        notices.demo ? h("p", { className: "callout" }, words.demo) : null,
        h("dl", null,
          measure ? part(words.measure, measure.label + (measure.unit ? "（" + measure.unit + "）" : "") +
            (measure.definition ? "：" + measure.definition : "")) : null,
          // What follows the ledger is counted as its definition says.
          measure && !picture.live ? part(words.rule, fill(words[measure.rule], { leaf })) : null,
          part(words.source, (measure && measure.source) || notices.source),
          part(words.cutoff, notices.cutoff),
          part(words.approval, notices.approval_number),
          part(words.status, words.status_text),
          part(words.keys, words.keys_text),
          part(words.edition, picture && picture.edition)
        )
      )
    );
  }

  /* ---- AtlasLook -------------------------------------------------------------------------- */

  const LOOKS = ["", "light", "dark"];

  /** Light, dark, or what the system wishes: one button that goes round. What is chosen stands at
   *  the page's root, where all that is drawn reads it. */
  function AtlasLook({ id, words }) {
    const [chosen, setChosen] = useState(look.chosen());
    const name = chosen || "auto";
    const label = fill(words.now, { look: words[name] });
    return h("button", {
      id, type: "button", className: "tool", title: label, "aria-label": label,
      onClick: () => {
        const next = LOOKS[(LOOKS.indexOf(chosen) + 1) % LOOKS.length];
        look.choose(next);
        setChosen(next);
      },
    }, icon(name), h("span", { className: "tool-word" }, words[name]));
  }

  Object.assign(bangfu, {
    AtlasBrand, AtlasSearch, AtlasToolbar, AtlasActions, AtlasAbout, AtlasLook,
  });
})();
