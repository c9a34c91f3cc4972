/* Text pages: large type and traditional characters, as the reader chose here or on the map. */
"use strict";
(function () {
  const own = document.currentScript;
  const root = document.documentElement;
  const asked = new URLSearchParams(window.location.search);
  const words = (own.getAttribute("data-words") || "").split("|");
  const hant = own.getAttribute("data-hant");
  // The same names and values as on the map (75-comfort.js), the same look (50-address.js).
  const VALUES = { elder: "1", script: "hant" };
  const held = {};
  const before = new Map(); // text node -> what the page said
  let table = null;

  function kept(name) {
    try {
      return window.localStorage.getItem("bangfu." + name) || "";
    } catch (error) {
      return held[name] || "";
    }
  }

  function on(name) {
    if (name in held) return held[name] === VALUES[name];
    const named = asked.get(name);
    return (named === null ? kept(name) : named) === VALUES[name];
  }

  /** A text by the table: at each place the longest phrase that fits, else the character. */
  function traditional(text) {
    let found = "";
    for (let at = 0; at < text.length; ) {
      let length = Math.min(table.longest, text.length - at);
      while (length > 1 && !(text.substr(at, length) in table.phrases)) length -= 1;
      const part = text.substr(at, length);
      found += (length > 1 ? table.phrases[part] : table.chars[part]) || part;
      at += length;
    }
    return found;
  }

  function page() {
    const change = on("script") && table;
    if (!change && !before.size) return;
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      if (!before.has(node)) before.set(node, node.nodeValue);
      node.nodeValue = change ? traditional(before.get(node)) : before.get(node);
    }
    root.setAttribute("lang", change ? "zh-Hant" : "zh-CN");
  }

  async function apply() {
    const look = asked.get("look") || kept("look");
    if (look === "light" || look === "dark") root.setAttribute("data-look", look);
    root.toggleAttribute("data-elder", on("elder"));
    if (on("script") && hant && !table) {
      try {
        const told = await (await fetch(hant)).json();
        const longest = Object.keys(told.phrases).reduce((most, one) => Math.max(most, one.length), 1);
        table = {
          chars: Object.assign(Object.create(null), told.chars),
          phrases: Object.assign(Object.create(null), told.phrases),
          longest,
        };
      } catch (error) {
        // Simplified characters stay; the next press asks again.
      }
    }
    page();
  }

  function button(name, word) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = word;
    made.setAttribute("aria-pressed", String(on(name)));
    made.addEventListener("click", () => {
      held[name] = on(name) ? "" : VALUES[name];
      try {
        window.localStorage.setItem("bangfu." + name, held[name]);
      } catch (error) {
        // Not kept for the next page, still applied to this one.
      }
      made.setAttribute("aria-pressed", String(on(name)));
      apply();
    });
    return made;
  }

  const head = document.querySelector("body > header");
  if (head && words[0]) {
    const group = document.createElement("span");
    group.className = "tg";
    group.appendChild(button("elder", words[0]));
    if (hant && words[1]) group.appendChild(button("script", words[1]));
    head.appendChild(group);
  }
  apply();
})();
