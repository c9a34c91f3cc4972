/* Where the pairing card stands: where it covers least of what the scene shows. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});
  const wall = (window.bangfuWall = window.bangfuWall || {});

  const MARGIN = 1; // rem, to the screen's edges
  const STEPS = 36; // places to try across the screen
  const CELLS = 22; // samples of the map across
  const TEXT = 3; // a word that is covered is worse than as much of the map
  /* A place has to be so much better before the card moves. */
  const STAY = 0.85;

  /** How much of the boxes ({left, top, right, bottom, weight}) lies under a box, in pixels. */
  function covered(taken, left, top, width, height) {
    return taken.reduce((sum, one) => {
      const across = Math.min(one.right, left + width) - Math.max(one.left, left);
      const down = Math.min(one.bottom, top + height) - Math.max(one.top, top);
      return across > 0 && down > 0 ? sum + across * down * one.weight : sum;
    }, 0);
  }

  /**
   * Where a card covers least: {left, top}; low and to the left where there is a choice.
   *
   * `taken` : boxes with what they are worth. `room` : {left, top, right, bottom} that the card
   * keeps within. `before` : where it stands now, and stays unless it is clearly better elsewhere.
   */
  wall.freest = (taken, card, room, before) => {
    const step = Math.max(4, (room.right - room.left) / STEPS);
    const [last, lowest] = [room.right - card.width, room.bottom - card.height];
    let best = { left: room.left, top: Math.max(room.top, lowest), cost: Infinity };
    for (let top = lowest; top >= room.top && best.cost; top -= step) {
      for (let left = room.left; left <= last && best.cost; left += step) {
        const cost = covered(taken, left, top, card.width, card.height);
        if (cost < best.cost) best = { left, top, cost };
      }
    }
    const fits = before && before.left <= last && before.top <= lowest;
    const kept = fits ? covered(taken, before.left, before.top, card.width, card.height) : Infinity;
    return kept <= best.cost || kept * STAY < best.cost
      ? { left: before.left, top: before.top } : { left: best.left, top: best.top };
  };

  /** The words and drawings of the scene that is shown. */
  function written() {
    const found = [];
    document.querySelectorAll(".wall-scene:not(.wall-leave) *, .wall-corner *").forEach((element) => {
      const says = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
      if (!says && (element.childElementCount || element.tagName === "DIV")) return;
      const { left, top, right, bottom } = element.getBoundingClientRect();
      if (right > left && bottom > top) found.push({ left, top, right, bottom, weight: TEXT });
    });
    return found;
  }

  /** Where the map shows regions, as cells of a grid; none while it is hidden. */
  function mapped() {
    const box = document.querySelector(".wall-map:not(.is-hidden)");
    const { map } = bangfu;
    if (!box || !map || !map.getStyle()) return [];
    const layers = map.getStyle().layers.map((one) => one.id).filter((id) => /^fill-/.test(id));
    const { left, top, width, height } = box.getBoundingClientRect();
    const size = Math.max(8, width / CELLS);
    const found = [];
    for (let y = 0; y < height; y += size) {
      for (let x = 0; x < width; x += size) {
        const middle = [x + size / 2, y + size / 2];
        if (!map.queryRenderedFeatures(middle, { layers }).length) continue;
        const cell = { left: left + x, top: top + y };
        found.push({ ...cell, right: cell.left + size, bottom: cell.top + size, weight: 1 });
      }
    }
    return found;
  }

  /** The place of a card of the page, {left, top} in pixels; `before` as in `freest`. */
  wall.placeOfCard = (card, before) => {
    const rem = parseFloat(window.getComputedStyle(document.documentElement).fontSize) || 16;
    const edge = MARGIN * rem;
    const corner = document.querySelector(".wall-corner");
    const bottom = corner ? corner.getBoundingClientRect().top : window.innerHeight;
    const room = { left: edge, top: edge, right: window.innerWidth - edge, bottom: bottom - edge / 2 };
    const { width, height } = card.getBoundingClientRect();
    return wall.freest(written().concat(mapped()), { width, height }, room, before);
  };
})();
