/* How the contact-points screen speaks with the server: polls that never pile up, writes that are
 * neither doubled nor lost in silence, drafts and photographs that survive a reload. */
(function () {
  "use strict";

  const bangfu = (window.bangfu = window.bangfu || {});
  const contact = (bangfu.contact = bangfu.contact || {});

  const POLL_MS = 3000;
  const LONGEST_WAIT_MS = 15000;
  const READ_LIMIT_MS = 10000;
  const WRITE_LIMIT_MS = 20000;
  const PHOTO_LIMIT_MS = 120000;
  const LONGEST_RETRY_MS = 30000;
  /* What was pressed so long ago is not sent behind somebody's back: they press again. */
  const FRESH_MS = 60 * 60 * 1000;
  const OUTBOX = "bangfu.contact.outbox.";
  const DRAFT = "bangfu.contact.draft.";
  const ME = "bangfu.contact.me";

  /** 32 hex digits; `crypto.randomUUID` is missing on an intranet page without TLS. */
  const identifier = (contact.identifier = () =>
    Array.from(window.crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0")
    ).join(""));

  /** A request that ends: {status, body, headers}; rejects when the network or time fails it. */
  const ask = (contact.ask = function (path, { method, json, form, tag, key, account, background, limit } = {}) {
    const control = new AbortController();
    const timer = window.setTimeout(() => control.abort(), limit || READ_LIMIT_MS);
    const headers = { Accept: "application/json" };
    if (tag) headers["If-None-Match"] = tag;
    if (key) headers["Idempotency-Key"] = key;
    // Somebody else may have signed in meanwhile, in another tab: it must not become their act.
    if (account) headers["X-Account"] = account;
    if (background) headers["X-Background"] = "1";
    if (json !== undefined) headers["Content-Type"] = "application/json";
    const read = window
      .fetch(path, {
        method: method || "GET", headers, cache: "no-store", signal: control.signal,
        credentials: "same-origin", body: json === undefined ? form : JSON.stringify(json),
      })
      .then((answer) => {
        // The body is read under the same limit: headers may come and the rest never.
        const isJson = (answer.headers.get("Content-Type") || "").indexOf("json") >= 0;
        return Promise.resolve(isJson && answer.status !== 304 ? answer.json() : null).then((body) => ({
          status: answer.status, headers: answer.headers, body,
        }));
      });
    const end = () => window.clearTimeout(timer);
    read.then(end, end);
    return read;
  });

  /** A reading that is there or explains itself: resolves with the body, rejects with {error, cure}. */
  contact.read = async function (path, options) {
    let answer;
    try {
      answer = await ask(path, options);
    } catch (error) {
      throw { error: contact.say("wire.unreachable"), cure: contact.say("wire.again"), offline: true };
    }
    if ((answer.status === 200 || answer.status === 202) && answer.body) return answer.body;
    throw problemOf(answer);
  };

  /** What an answer that is no success says. */
  function problemOf(answer) {
    const body = answer.body || {};
    return {
      status: answer.status,
      error: body.error || contact.say("wire.failed"),
      cure: body.cure || "",
      breaches: body.breaches || [],
      near: body.near || [],
      fields: body.fields || {},
    };
  }

  /* ---- what this browser keeps -------------------------------------------------------------- */

  /* Where storage is forbidden, things are kept until the page is left, and the page says so. */
  const held = new Map();
  const keep = (contact.keep = {
    works: true,
    read(name) {
      try {
        const text = window.localStorage.getItem(name);
        return text === null ? (held.has(name) ? held.get(name) : null) : JSON.parse(text);
      } catch (error) {
        return held.has(name) ? held.get(name) : null;
      }
    },
    write(name, value) {
      if (value === null) held.delete(name);
      else held.set(name, value);
      try {
        if (value === null) window.localStorage.removeItem(name);
        else window.localStorage.setItem(name, JSON.stringify(value));
      } catch (error) {
        keep.works = false;
      }
    },
    names(prefix) {
      const found = new Set(Array.from(held.keys()).filter((name) => name.indexOf(prefix) === 0));
      try {
        for (let at = 0; at < window.localStorage.length; at++) {
          const name = window.localStorage.key(at);
          if (name.indexOf(prefix) === 0) found.add(name);
        }
      } catch (error) {
        keep.works = false;
      }
      return Array.from(found);
    },
  });

  /** What somebody began to write; of each account its own, since tablets are passed on. */
  contact.drafts = {
    name: (account, kind, village) => DRAFT + account + "." + kind + "." + village,
    all: (account, kind) =>
      keep.names(DRAFT + account + "." + kind + ".").map((name) => ({ name, ...keep.read(name) })),
    read: (name) => keep.read(name),
    write: (name, draft) => keep.write(name, draft),
    drop(name) {
      const draft = keep.read(name);
      if (draft) (draft.photos || []).forEach((photo) => contact.photos.drop(photo.id));
      keep.write(name, null);
    },
  };

  /** Photographs that are not sent yet; too large for localStorage. */
  const shots = new Map();
  contact.photos = {
    open() {
      if (!this.opening) {
        this.opening = new Promise((resolve, reject) => {
          const asked = window.indexedDB.open("bangfu-contact", 1);
          asked.onupgradeneeded = () => asked.result.createObjectStore("photos");
          asked.onsuccess = () => resolve(asked.result);
          asked.onerror = () => reject(asked.error);
        });
      }
      return this.opening;
    },
    async turn(mode, work) {
      const base = await this.open();
      return new Promise((resolve, reject) => {
        const store = base.transaction("photos", mode).objectStore("photos");
        const asked = work(store);
        asked.onsuccess = () => resolve(asked.result);
        asked.onerror = () => reject(asked.error);
      });
    },
    async put(id, blob) {
      shots.set(id, blob);
      try {
        await this.turn("readwrite", (store) => store.put(blob, id));
      } catch (error) {
        keep.works = false;
      }
    },
    async get(id) {
      if (shots.has(id)) return shots.get(id);
      try {
        return (await this.turn("readonly", (store) => store.get(id))) || null;
      } catch (error) {
        return null;
      }
    },
    drop(id) {
      shots.delete(id);
      this.turn("readwrite", (store) => store.delete(id)).catch(() => undefined);
    },
  };

  /* ---- the wire ------------------------------------------------------------------------------ */

  /**
   * One a page. Asks for the state of the ledger and sends what people decide.
   *
   * `on(change)` is called with what changed: state, online, signedOut, entries.
   */
  class Wire {
    constructor(on) {
      this.on = on;
      this.state = null;
      this.tag = "";
      this.failures = 0;
      this.timer = 0;
      this.busy = false;
      this.again = false;
      this.stopped = false;
      this.sending = false;
      this.later = 0;
      this.waiting = new Map(); // key -> resolve of whoever pressed and still looks
      this.seen = () => this.wake();
      this.elsewhere = (event) => {
        if (event.key && event.key.indexOf(OUTBOX) === 0) this.tellEntries();
      };
      document.addEventListener("visibilitychange", this.seen);
      window.addEventListener("online", this.seen);
      window.addEventListener("storage", this.elsewhere);
      this.turn();
    }

    stop() {
      this.stopped = true;
      window.clearTimeout(this.timer);
      window.clearTimeout(this.later);
      document.removeEventListener("visibilitychange", this.seen);
      window.removeEventListener("online", this.seen);
      window.removeEventListener("storage", this.elsewhere);
    }

    /** Who is signed in; while the server cannot be reached, who it was the last time. */
    get account() {
      return this.state ? this.state.me.id : (this.failures && keep.read(ME)) || "";
    }

    /** Ask now: something was done, or somebody looks again. */
    wake() {
      if (this.stopped || document.hidden) return;
      if (this.busy) {
        this.again = true; // the answer under way may be older than what was just done
        return;
      }
      window.clearTimeout(this.timer);
      this.turn();
    }

    async turn() {
      if (this.stopped || document.hidden) return; // visibilitychange wakes it
      this.busy = true;
      this.again = false;
      try {
        const answer = await ask("/ledger/state", { tag: this.tag, background: true });
        if (this.stopped) return;
        if (answer.status < 500) this.failures = 0;
        if (answer.status === 401 || answer.status === 403) {
          this.on({ signedOut: answer.status === 401, forbidden: answer.status === 403 ? problemOf(answer) : null, online: true });
          this.out = true;
        } else if (answer.status === 304 || (answer.status === 200 && answer.body)) {
          this.out = false;
          if (answer.status === 200) {
            this.tag = answer.headers.get("ETag") || "";
            this.state = answer.body;
            keep.write(ME, answer.body.me.id);
            this.on({ state: answer.body, online: true, signedOut: false, forbidden: null, at: Date.now() });
            this.tellEntries();
          } else {
            this.on({ online: true, signedOut: false, at: Date.now() });
          }
          this.pump();
        } else {
          throw new Error(answer.status);
        }
      } catch (error) {
        this.failures += 1;
        // One lost question says nothing; the second does.
        if (!this.stopped && (this.failures > 1 || !this.state)) {
          this.on({ online: false });
          this.tellEntries();
        }
      } finally {
        this.busy = false;
        const wait = this.again
          ? 0
          : this.failures
            ? Math.min(LONGEST_WAIT_MS, POLL_MS * Math.pow(1.5, Math.min(this.failures - 1, 5)))
            : POLL_MS;
        window.clearTimeout(this.timer);
        if (!this.stopped) this.timer = window.setTimeout(() => this.turn(), wait);
      }
    }

    /* -- what waits to be sent -- */

    entries() {
      const mine = this.account;
      return keep.names(OUTBOX)
        .map((name) => keep.read(name))
        .filter((entry) => entry && entry.key && entry.account === mine)
        .sort((a, b) => a.at - b.at);
    }

    tellEntries() {
      this.on({ entries: this.entries() });
    }

    save(entry) {
      keep.write(OUTBOX + entry.key, entry);
      this.tellEntries();
    }

    /** Takes it out: it was acknowledged, refused to somebody's face, or given up. */
    discard(key) {
      const entry = keep.read(OUTBOX + key);
      if (!entry) return;
      keep.write(OUTBOX + key, null);
      if (entry.draft) {
        const draft = contact.drafts.read(entry.draft);
        if (draft) contact.drafts.write(entry.draft, { ...draft, submitted: "" });
      }
      this.tellEntries();
    }

    /**
     * Sends what a person decided: {path, body, label, village, method, photos, draft, key}.
     *
     * Resolves with {ok, body}, {problem} when it was refused, or {unsent} when the server could
     * not be reached: then it is kept, says so, and is tried again with the same key.
     */
    submit(order) {
      const key = order.key || identifier();
      const entry = {
        key, account: this.account, path: order.path, body: order.body || {}, label: order.label || "",
        method: order.method || "POST", village: order.village || "", photos: order.photos || [],
        draft: order.draft || "", at: Date.now(), tries: 0, next: 0, answer: null, problem: null,
      };
      this.save(entry);
      return new Promise((resolve) => {
        this.waiting.set(key, resolve);
        this.pump();
      });
    }

    /** Once more, now: somebody pressed it. */
    retry(key) {
      const entry = keep.read(OUTBOX + key);
      if (!entry) return;
      this.save({ ...entry, next: 0, problem: null, at: Date.now() });
      this.pump();
    }

    settle(key, result) {
      const resolve = this.waiting.get(key);
      this.waiting.delete(key);
      if (resolve) resolve(result);
      return Boolean(resolve);
    }

    /** One entry after another; those that must wait don't keep back the others. */
    async pump() {
      if (this.sending || this.stopped) return;
      this.sending = true;
      window.clearTimeout(this.later);
      try {
        for (;;) {
          const now = Date.now();
          const due = this.entries().find(
            (entry) => !entry.problem && entry.next <= now &&
              (now - entry.at < FRESH_MS || this.waiting.has(entry.key))
          );
          if (!due) break;
          await this.deliver(due);
        }
      } finally {
        this.sending = false;
      }
      const next = this.entries().filter((entry) => !entry.problem && Date.now() - entry.at < FRESH_MS)
        .reduce((least, entry) => Math.min(least, entry.next), Infinity);
      if (next < Infinity && !this.stopped) {
        this.later = window.setTimeout(() => this.pump(), Math.max(250, next - Date.now()));
      }
    }

    async deliver(entry) {
      const failed = (wait) => {
        // Read again: it may have been given up meanwhile.
        const now = keep.read(OUTBOX + entry.key);
        if (now) {
          const tries = now.tries + 1;
          const rest = wait || Math.min(LONGEST_RETRY_MS, 1000 * Math.pow(2, Math.min(tries - 1, 5)));
          this.save({ ...now, tries, next: Date.now() + rest });
        }
        this.settle(entry.key, { unsent: true });
      };
      const refused = (problem) => {
        // The form may be mended and sent again, then as something new.
        const draft = entry.draft && contact.drafts.read(entry.draft);
        if (draft) contact.drafts.write(entry.draft, { ...draft, submitted: "" });
        // To somebody's face, or kept until they have read it.
        if (this.waiting.has(entry.key)) {
          keep.write(OUTBOX + entry.key, null);
          this.tellEntries();
          this.settle(entry.key, { problem });
        } else {
          this.save({ ...entry, problem });
        }
        return null;
      };
      const tell = async (path, options, no) => {
        let answer;
        try {
          answer = await ask(path, options);
        } catch (error) {
          failed();
          return null;
        }
        if (answer.status >= 200 && answer.status < 300) return answer.body || {};
        if (answer.status === 401) {
          this.out = true;
          this.on({ signedOut: true });
          failed(POLL_MS);
        } else if (answer.status === 429 || answer.status >= 500) {
          const seconds = parseInt(answer.headers.get("Retry-After"), 10);
          failed(seconds > 0 ? seconds * 1000 : 0);
        } else {
          return no(problemOf(answer));
        }
        return null;
      };

      if (!entry.answer) {
        const body = await tell(entry.path, {
          method: entry.method, json: entry.body, key: entry.key, account: entry.account, limit: WRITE_LIMIT_MS,
        }, refused);
        if (!body) return;
        entry = { ...entry, answer: body, tries: 0 };
        if (entry.photos.length) this.save(entry);
      }
      while (entry.photos.length) {
        const photo = entry.photos[0];
        const blob = await contact.photos.get(photo.id);
        if (blob) {
          const form = new FormData();
          form.append("photo", blob, "photo.jpg");
          form.append("caption", photo.caption || "");
          form.append("problem", "");
          const path = "/ledger/visits/" + encodeURIComponent(entry.answer.visit.id) + "/photos";
          const options = { method: "POST", form, key: photo.id, account: entry.account, limit: PHOTO_LIMIT_MS };
          // The visit itself is written down: a picture that is none must not send it again.
          const body = await tell(path, options, (problem) => ({ problem }));
          if (!body) return;
          if (body.problem) this.on({ photoRefused: body.problem });
        }
        contact.photos.drop(photo.id);
        entry = { ...entry, photos: entry.photos.slice(1) };
        this.save(entry);
      }
      keep.write(OUTBOX + entry.key, null);
      if (entry.draft) contact.drafts.drop(entry.draft);
      this.tellEntries();
      const watched = this.settle(entry.key, { ok: true, body: entry.answer });
      if (!watched) this.on({ delivered: { label: entry.label, body: entry.answer, order: entry } });
      this.wake();
    }
  }

  contact.Wire = Wire;
})();
