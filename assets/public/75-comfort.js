/* What a reader may ask of every page: large type and fewer things, traditional characters. */
"use strict";
(function () {
  const bangfu = window.bangfu;
  const { boot, json } = bangfu.public;
  const { address } = bangfu;
  const root = document.documentElement;
  const language = root.getAttribute("lang") || "zh-CN";

  // A page's own keys follow the portal's: a link then shows what its sender saw.
  address.keys.push("table", "elder", "script", "lock");

  const VALUES = { elder: "1", script: "hant" };
  /* Keys of data under which people's words stand; all else are codes, addresses and numbers. */
  const TEXTS = new Set([
    "all_label", "batches", "contact", "cutoff", "definition", "denominator_label", "family", "label",
    "licence", "name", "note", "numerator_label", "path", "programme", "sentence", "source", "title",
    "unit", "watermark", "years",
  ]);

  /* ---- choices ------------------------------------------------------------------------------ */

  const listeners = new Set();
  const held = {}; // where storage is forbidden

  function kept(name) {
    try {
      return window.localStorage.getItem("bangfu." + name) || "";
    } catch (error) {
      return held[name] || "";
    }
  }

  /** Whether a choice is on. The address wins; an embedded map knows nothing else. */
  function on(name) {
    const named = address.value(name);
    if (named !== null) return named === VALUES[name];
    return !boot.embed && kept(name) === VALUES[name];
  }

  function choose(name, wish) {
    held[name] = wish ? VALUES[name] : "";
    try {
      window.localStorage.setItem("bangfu." + name, held[name]);
    } catch (error) {
      // Not kept for the next visit, still applied to this one.
    }
    address.note({ [name]: wish ? VALUES[name] : null });
    return apply();
  }

  /* ---- characters --------------------------------------------------------------------------- */

  let table = null; // {chars: Map, phrases: Map of first character -> [[from, to]], longest first}
  let source = "";

  function read(raw) {
    const phrases = new Map();
    const order = Object.entries(raw.phrases || {}).sort((a, b) => b[0].length - a[0].length);
    for (const pair of order) {
      const own = phrases.get(pair[0][0]);
      if (own) own.push(pair);
      else phrases.set(pair[0][0], [pair]);
    }
    return { chars: new Map(Object.entries(raw.chars || {})), phrases };
  }

  /** A text in traditional characters: the longest phrase first, else one by one. */
  function traditional(text) {
    let found = "";
    for (let at = 0; at < text.length; ) {
      const near = table.phrases.get(text[at]);
      const hit = near && near.find(([from]) => text.startsWith(from, at));
      if (hit) {
        found += hit[1];
        at += hit[0].length;
      } else {
        const one = String.fromCodePoint(text.codePointAt(at));
        found += table.chars.get(one) || one;
        at += one.length;
      }
    }
    return found;
  }

  const active = () => Boolean(table) && on("script");

  /** A text as the reader wishes to read it. */
  const text = (said) => (active() && said ? traditional(String(said)) : said);

  /** Data with all that people read in it as the reader wishes; the same object where nothing
   *  is to be done. */
  function told(value, reads) {
    if (!active()) return value;
    if (typeof value === "string") return reads ? traditional(value) : value;
    if (Array.isArray(value)) return value.map((one) => told(one, reads));
    if (!value || typeof value !== "object") return value;
    const found = {};
    for (const key of Object.keys(value)) found[key] = told(value[key], TEXTS.has(key));
    return found;
  }

  let said = { by: null, words: null };

  /** The words of all sections, as the reader wishes to read them. */
  function words() {
    const by = active();
    if (said.by !== by) {
      const found = {};
      for (const name of Object.keys(bangfu.public.words)) {
        found[name] = {};
        const section = bangfu.public.words[name];
        for (const key of Object.keys(section)) found[name][key] = text(section[key]);
      }
      said = { by, words: found };
    }
    return said.words;
  }

  /** What was typed in traditional characters as the simplified names are written. */
  function simplified(typed) {
    if (!table) return typed;
    if (!table.back) {
      table.back = new Map();
      table.chars.forEach((to, from) => !table.back.has(to) && table.back.set(to, from));
    }
    return Array.from(typed, (one) => table.back.get(one) || one).join("");
  }

  /* ---- the page's own text ------------------------------------------------------------------- */

  const before = new Map(); // text node -> what the page said

  /** Texts of the page outside the app, there and back. */
  function page() {
    const app = document.getElementById("bangfu-root");
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      const { parentNode } = node;
      if ((app && app.contains(node)) || /^(SCRIPT|STYLE)$/.test(parentNode.nodeName)) continue;
      if (!before.has(node)) before.set(node, node.nodeValue);
      const wanted = text(before.get(node));
      if (node.nodeValue !== wanted) node.nodeValue = wanted;
    }
    root.setAttribute("lang", active() ? "zh-Hant" : language);
  }

  /* ---- applying ------------------------------------------------------------------------------ */

  /** A promise that resolves when the page is as the reader wishes it. */
  async function apply() {
    root.toggleAttribute("data-elder", on("elder"));
    root.toggleAttribute("data-embed", Boolean(boot.embed));
    if (on("script") && !table && source) {
      try {
        table = read(await json(source));
      } catch (error) {
        // Simplified characters stay; the next switch asks again.
      }
    }
    page();
    listeners.forEach((listener) => listener());
  }

  /** Chromium before 84 lays flexible boxes out without gaps: the style sheet has margins for it. */
  function gaps() {
    const box = document.createElement("div");
    box.style.cssText = "display:flex;flex-direction:column;row-gap:1px;position:absolute";
    box.appendChild(document.createElement("i"));
    box.appendChild(document.createElement("i"));
    document.body.appendChild(box);
    root.toggleAttribute("data-no-gap", box.scrollHeight !== 1);
    box.remove();
  }

  bangfu.public.comfort = {
    apply,
    choose,
    gaps,
    on,
    simplified,
    text,
    told,
    words,
    /** Whether there is a table of traditional characters. */
    get scripts() {
      return Boolean(source);
    },
    /** Where the atlas says that the table lies. */
    from(path) {
      source = path || "";
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
})();
