/* Follows the ledger: tells who listens when what live measures show is another. Asked about only
 * while somebody listens and looks; one question at a time. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});

  const EVERY_MS = 3000;
  const NOTHING_MS = 30000; // where nothing was ever decided, or may be seen
  const LIMIT_MS = 8000;
  const BACKGROUND = { "X-Background": "1" };

  const listeners = new Set();
  let timer = 0;
  let busy = false;
  let empty = false;

  /** A request that a page makes by itself: it keeps nobody signed in, and ends. */
  function ask(url) {
    const limit = window.AbortController ? new AbortController() : null;
    const cut = window.setTimeout(() => limit && limit.abort(), LIMIT_MS);
    const read = window
      .fetch(url, {
        credentials: "same-origin",
        headers: BACKGROUND,
        cache: "no-cache", // the browser asks whether what it holds still holds: 304
        signal: limit ? limit.signal : undefined,
      })
      .then((answer) => {
        if (!answer.ok) throw new Error(answer.status + " " + url);
        return answer.json();
      });
    const end = () => window.clearTimeout(cut);
    read.then(end, end);
    return read;
  }

  function later() {
    window.clearTimeout(timer);
    timer = listeners.size ? window.setTimeout(poll, empty ? NOTHING_MS : EVERY_MS) : 0;
  }

  function poll() {
    if (busy || !listeners.size) return;
    if (document.hidden) {
      window.clearTimeout(timer);
      timer = 0;
      return; // asked when somebody looks again
    }
    busy = true;
    ask("/live/seq")
      .then((said) => {
        empty = !said.revision;
        if (said.revision) listeners.forEach((listener) => listener(said.revision));
      })
      .catch(() => undefined) // the last picture stays; the next question is soon
      .then(() => {
        busy = false;
        later();
      });
  }

  /** Whether one revision, `number-day-sign`, came before another. */
  function isOlder(one, other) {
    const [seq, day] = one.split("-").map(Number);
    const [otherSeq, otherDay] = other.split("-").map(Number);
    return seq < otherSeq || (seq === otherSeq && day < otherDay);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) poll();
  });

  bangfu.live = {
    ask,
    isOlder,
    /** Calls `listener(revision)` after each answer, until the function that comes back is called. */
    watch(listener) {
      listeners.add(listener);
      if (!timer && !busy) poll();
      return () => {
        listeners.delete(listener);
        if (!listeners.size) later();
      };
    },
  };
})();
