/* Paper: a browser prints a WebGL drawing as nothing, so a plain copy of it stands in for it; in
   light colours, whatever the screen's are. */
"use strict";
(function () {
  const bangfu = window.bangfu;
  const PAPER = 700; // a sheet's width in px, about: names are as large there as they are here
  const LETTER = 16; // the root's size in px on an ordinary screen
  const root = document.documentElement;
  let copy = null;

  /** Another look, now: the browser takes the page as it is when `beforeprint` ends. */
  function dress(name) {
    window.ReactDOM.flushSync(() => bangfu.look.apply(name));
  }

  /** Draws the names where the map has them, in letters that a sheet's width leaves readable. */
  function names(pen, frame, scale, letters) {
    const box = frame.getBoundingClientRect();
    const halo = window.getComputedStyle(frame).getPropertyValue("--atlas-halo").trim();
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    frame.querySelectorAll(".atlas-label.atlas-shown").forEach((one) => {
      const own = one.getBoundingClientRect();
      const style = window.getComputedStyle(one);
      const size = parseFloat(style.fontSize) * scale * letters;
      const x = (own.left + own.width / 2 - box.left) * scale;
      const y = (own.top + own.height / 2 - box.top) * scale;
      pen.font = style.fontWeight + " " + size + "px " + style.fontFamily;
      pen.strokeStyle = halo;
      pen.lineWidth = size / 5;
      pen.strokeText(one.textContent, x, y);
      pen.fillStyle = style.color;
      pen.fillText(one.textContent, x, y);
    });
  }

  function before() {
    const frame = document.getElementById("map");
    if (copy || !bangfu.map || !frame) return;
    const screen = bangfu.look.isDark() ? "dark" : "light";
    dress("light");
    const drawn = bangfu.map.getCanvas();
    copy = document.createElement("canvas");
    copy.className = "printed-map";
    copy.width = drawn.width;
    copy.height = drawn.height;
    bangfu.map.redraw(); // what it draws can be read until this task ends
    const pen = copy.getContext("2d");
    pen.drawImage(drawn, 0, 0);
    // Large screens have large letters already; a sheet has the same ones from every screen.
    const letters = (drawn.clientWidth / PAPER) * (LETTER / parseFloat(getComputedStyle(root).fontSize));
    names(pen, frame, drawn.width / drawn.clientWidth, Math.max(1, letters));
    frame.insertBefore(copy, frame.firstChild);
    root.setAttribute("data-printed", screen);
  }

  function after() {
    if (!copy) return;
    copy.remove();
    copy = null;
    root.removeAttribute("data-printed");
    dress(); // what the reader or the system wishes
  }

  window.addEventListener("beforeprint", before);
  window.addEventListener("afterprint", after);
})();
