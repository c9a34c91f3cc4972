/* Light or dark as it was chosen on the map; without this script the system's wish holds. */
(function () {
  "use strict";
  try {
    const chosen = window.localStorage.getItem("bangfu.look");
    if (chosen === "light" || chosen === "dark") {
      document.documentElement.setAttribute("data-look", chosen);
    }
  } catch (error) {
    // Storage may be forbidden.
  }
})();
