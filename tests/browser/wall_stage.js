/* The page that test_wall_scenes.py draws scenes on: `show` one, `audit` what is to be seen. */
"use strict";
(function () {
  const AA = 4.5; // contrast of text, WCAG 2
  window.audit = () => {
    const wrong = [];
    const root = document.querySelector(".wall");
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const luminance = (colour) => {
      const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map((one) => {
        const share = one / 255;
        return share <= 0.03928 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = getComputedStyle(at).backgroundColor;
        if (colour !== "rgba(0, 0, 0, 0)" && colour !== "transparent") return colour;
      }
      return "rgb(255, 255, 255)";
    };
    const texts = [];
    for (const element of root.querySelectorAll("*")) {
      const style = getComputedStyle(element);
      const own = Array.from(element.childNodes).filter((one) => one.nodeType === 3 && one.data.trim());
      const box = element.getBoundingClientRect();
      if (style.display !== "inline" && !(element instanceof SVGElement) && element.clientWidth) {
        const [w, hgt] = [element.scrollWidth - element.clientWidth, element.scrollHeight - element.clientHeight];
        const ellipsis = style.textOverflow === "ellipsis";
        // Letters may reach out of their line, panels may not.
        if (w > 2 && !ellipsis) wrong.push(["wider than its box", element.className, element.textContent, w]);
        if (hgt > 2 && style.overflowY !== "visible") wrong.push(["higher than its box", element.className, element.textContent, hgt]);
      }
      if (!own.length || style.visibility === "hidden") continue;
      const size = parseFloat(style.fontSize);
      if (size < scale - 0.2) wrong.push(["small", element.textContent, size]);
      const colour = element instanceof SVGElement ? style.fill : style.color;
      const [a, b] = [luminance(colour), luminance(ground(element))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < AA) wrong.push(["pale", element.textContent, ratio]);
      for (const node of own) {
        const range = document.createRange();
        range.selectNodeContents(node);
        const rects = element instanceof SVGElement ? [box] : Array.from(range.getClientRects());
        for (const rect of rects) {
          // The letters themselves, without what the font keeps above and below them.
          const inset = Math.max(0, (rect.height - size * 0.8) / 2);
          const seen = { left: rect.left, right: rect.right, top: rect.top + inset, bottom: rect.bottom - inset };
          texts.push({ element, text: node.data, ...seen });
          if (seen.left < -1 || seen.top < -1 || seen.right > innerWidth + 1 || seen.bottom > innerHeight + 1) {
            wrong.push(["off the screen", node.data, seen]);
          }
          for (let at = element.parentElement; at && at !== root; at = at.parentElement) {
            const clip = getComputedStyle(at);
            if (clip.overflowX !== "hidden") continue;
            const frame = at.getBoundingClientRect();
            if (seen.right > frame.right + 2 || seen.bottom > frame.bottom + 2 || seen.left < frame.left - 2 || seen.top < frame.top - 2) {
              wrong.push(["cut off", node.data, at.className]);
            }
          }
        }
      }
    }
    for (let one = 0; one < texts.length; one++) {
      for (let other = one + 1; other < texts.length; other++) {
        const [a, b] = [texts[one], texts[other]];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const along = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (a.element !== b.element && across > 3 && along > 3) wrong.push(["over each other", a.text, b.text]);
      }
    }
    return { wrong, texts: texts.length, scale };
  };
  const { createElement: h, Fragment } = React;
  const wall = window.bangfuWall;
  const words = JSON.parse(document.getElementById("words").textContent);
  const element = document.getElementById("stage");
  const root = window.ReactDOM.createRoot ? window.ReactDOM.createRoot(element) : null;
  const draw = (tree) =>
    window.ReactDOM.flushSync(() => (root ? root.render(tree) : window.ReactDOM.render(tree, element)));
  window.show = (content, layout, more) => {
    document.documentElement.setAttribute("data-layout", layout);
    const notices = content && content.picture && content.picture.notices;
    draw(content && h("main", { className: "wall" },
      h("div", { className: "wall-scenes" },
        h("section", { className: "wall-scene wall-enter", key: content.id + layout },
          h(wall.SceneView, { content, layout, period: null, words, compact: false, ...more }))),
      h(wall.Corner, { notices, mark: more && more.mark, words })));
    return wall.mapArea(content, layout);
  };
})();
