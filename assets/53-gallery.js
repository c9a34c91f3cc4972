/* The gallery's filter: shows the cards of a theme and round, and keeps both in the address. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const { useEffect, useState } = window.React;
  const h = window.React.createElement;
  const { fill } = bangfu.say;

  const read = () => {
    const query = new URLSearchParams(window.location.search);
    return { theme: query.get("theme") || "", round: query.get("round") || "" };
  };

  const href = (wanted) => {
    const query = new URLSearchParams();
    if (wanted.theme) query.set("theme", wanted.theme);
    if (wanted.round) query.set("round", wanted.round);
    const text = query.toString();
    return window.location.pathname + (text ? "?" + text : "");
  };

  /**
   * Cards under a filter by theme and round.
   *
   * Out: `asked` {n} at first and with each new edition. In: `cards`, `rounds` [{id, label}].
   */
  function AtlasGallery({ id, cards, rounds, words, poll_seconds: pollSeconds, health, setProps }) {
    const [wanted, setWanted] = useState(read());

    useEffect(() => {
      let number = 1;
      let edition = null;
      let timer = 0;
      let stopped = false;
      setProps({ asked: { n: number } });
      const poll = () => {
        const again = () => {
          if (!stopped) timer = window.setTimeout(poll, (pollSeconds || 5) * 1000);
        };
        if (document.hidden) return again();
        return window.fetch(health || "/healthz", { cache: "no-store" })
          .then((answer) => answer.json())
          .then((now) => {
            if (edition && now.edition && now.edition !== edition) {
              number += 1;
              setProps({ asked: { n: number } });
            }
            edition = now.edition || edition;
          })
          .catch(() => undefined) // The pictures stay; the next answer tells.
          .then(again);
      };
      poll();
      const back = () => setWanted(read());
      window.addEventListener("popstate", back);
      return () => {
        stopped = true;
        window.clearTimeout(timer);
        window.removeEventListener("popstate", back);
      };
    }, []);

    const choose = (next) => (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button > 0) return;
      event.preventDefault();
      window.history.pushState(null, "", href(next));
      setWanted(next);
    };
    const group = (label, key, options) =>
      h("nav", { className: "segments", "aria-label": label },
        [{ id: "", label: words.all }].concat(options).map((option) => {
          const next = Object.assign({}, wanted, { [key]: option.id });
          return h("a", {
            key: option.id, href: href(next), onClick: choose(next),
            "aria-current": wanted[key] === option.id ? "true" : undefined,
          }, option.label);
        })
      );
    const isDark = bangfu.useDark();
    const shown = (cards || []).filter(
      (card) => (!wanted.theme || card.theme === wanted.theme) &&
        (!wanted.round || card.round === wanted.round)
    );
    return h("div", { id, className: "gallery-body" },
      h("div", { className: "gallery-filters", role: "group", "aria-label": words.filter },
        group(words.theme, "theme",
          ["coverage", "gaps", "progress"].map((name) => ({ id: name, label: words[name] }))),
        rounds && rounds.length > 1 ? group(words.round, "round", rounds) : null,
        h("p", { className: "note", role: "status" },
          !cards ? "" : shown.length ? fill(words.count, { count: shown.length }) : words.empty)
      ),
      h("ul", { className: "cards" },
        shown.map((card) =>
          h("li", { key: card.round + "/" + card.id, className: "card" },
            // The name is the link; its area is stretched over the card, so that one stop of the
            // keyboard serves picture and text.
            h("img", { src: card.image + (isDark ? "?look=dark" : ""), alt: card.alt, loading: "lazy", width: 400, height: 300 }),
            h("div", { className: "card-text" },
              h("p", { className: "card-kind" },
                h("span", null, words[card.theme]), h("span", null, card.round_label)),
              h("h3", null, h("a", { href: card.href }, card.label)),
              h("p", { className: "card-definition" }, card.definition)
            )
          )
        )
      )
    );
  }

  bangfu.AtlasGallery = AtlasGallery;
})();
