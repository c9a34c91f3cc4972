/* Notices that the session of an open page has ended, and says so: calmly, and never by leaving the
 * page, since somebody may be in the middle of something. */
(function () {
  "use strict";

  // A wall and a phone have no session; the contact points say it themselves, beside their drafts.
  const WITHOUT = ["/wall", "/remote", "/contact-points"];
  const CALLBACK = "/_dash-update-component";

  const fetches = window.fetch;
  const refused = new Set();
  let asked = 0;
  let refusedAt = 0;
  let bar = null;

  const words = () => JSON.parse(document.getElementById("bangfu-words").textContent);

  /** Where signing in leads back to: what the page shows now. */
  const place = () =>
    "/signin?next=" + encodeURIComponent(window.location.pathname + window.location.search);

  function show() {
    if (bar) return;
    const said = words();
    const link = document.createElement("a");
    link.textContent = said["session.again"];
    link.href = place();
    // The address of a view changes while the bar is there.
    ["pointerenter", "focus", "click"].forEach((name) =>
      link.addEventListener(name, () => {
        link.href = place();
      })
    );
    bar = document.createElement("div");
    bar.className = "session-bar";
    bar.setAttribute("role", "status");
    document.body.insertBefore(bar, document.body.firstChild);
    const sentence = document.createElement("p");
    sentence.append(said["session.ended"], link);
    bar.append(sentence);
    document.documentElement.setAttribute("data-session", "ended");
  }

  function hide() {
    refused.clear();
    if (!bar) return;
    bar.remove();
    bar = null;
    document.documentElement.removeAttribute("data-session");
  }

  /** What is asked of one kind needs one right: paths that begin alike, or one of Dash's callbacks. */
  function kindOf(path, body) {
    if (path !== CALLBACK) return path.split("/")[1];
    const output = /^\{"output":"([^"]*)"/.exec(typeof body === "string" ? body : "");
    return path + (output ? output[1] : "");
  }

  function look(answer, turn, body) {
    const { origin, pathname } = window.location;
    if (answer.url.indexOf(origin + "/") !== 0) return;
    if (WITHOUT.indexOf(pathname.replace(/\/+$/, "")) >= 0) return;
    const kind = kindOf(new URL(answer.url).pathname, body);
    if (answer.status === 401) {
      refused.add(kind);
      refusedAt = asked;
      show();
    } else if ((answer.status < 400 || answer.status === 403) && refused.has(kind) && turn > refusedAt) {
      // Asked after the refusal, and needs as much: somebody has signed in, in another tab.
      hide();
    }
  }

  /** A page that renews itself by one of Dash's callbacks (`quiet` in what it asks) is no person. */
  function marked(resource, options) {
    const path = typeof resource === "string" ? resource : "";
    const body = options && options.body;
    if (path.indexOf(CALLBACK) < 0 || typeof body !== "string" || body.indexOf('"quiet":true') < 0) return options;
    return Object.assign({}, options, { headers: Object.assign({}, options.headers, { "X-Background": "1" }) });
  }

  window.fetch = function (resource, options) {
    const turn = (asked += 1);
    const promise = fetches.call(window, resource, marked(resource, options));
    promise.then((answer) => look(answer, turn, options && options.body)).catch(() => undefined);
    return promise;
  };
})();
