/* The wall's side of steering: is known to the server under one id, asks it for commands, tells
 * it what is shown. One request at a time, the next only after the last has ended. */
"use strict";
(function () {
  const wall = (window.bangfuWall = window.bangfuWall || {});
  const { ask, Patience } = wall;

  const LIMIT_MS = 3000;
  const POINTED_MS = 100;
  const PAIRED_MS = 250;
  const ALONE_MS = 1000;
  const REPORT_MS = 300;
  const NO_STEERING_MS = 2000;
  const ASK_AGAIN_MS = 60000;
  /* With the limit above: news of a server that came back reaches the wall within 7 seconds. */
  const LONGEST_WAIT_MS = 4000;

  /** What the browser keeps, or nothing where it may not. */
  const memory = {
    read(store, key) {
      try {
        return JSON.parse(window[store].getItem(key));
      } catch (error) {
        return null;
      }
    },
    write(store, key, value) {
      try {
        window[store].setItem(key, JSON.stringify(value));
      } catch (error) {
        // Private windows may refuse; the wall is then a new one after each start.
      }
    },
  };

  class Steering {
    /**
     * `briefing` () => id. `screen` tells two walls of one browser apart. `on`: commands(list),
     * news({edition, briefing, fingerprint}), pointer({lon, lat, age_ms} | null), link(alive),
     * card(card | null). `stats` counts polls.
     */
    constructor({ briefing, screen, on, stats }) {
      this.briefing = briefing;
      this.on = on;
      this.stats = stats;
      this.key = "bangfu.wall" + (screen ? "." + screen : "");
      this.wall = null; // {wall, secret, name}
      this.after = null; // seq of the last command seen
      this.tag = "";
      this.card = null;
      this.pointed = false;
      this.paired = 0;
      this.patience = new Patience(LONGEST_WAIT_MS);
      this.timer = 0;
      this.busy = null; // AbortController of the request under way
      this.stopped = true;
      this.absent = 0; // when the server last said that it has no steering
      this.wanted = null; // what is shown, as text, still to be told
      this.told = "";
      this.reportTimer = 0;
      this.reporting = false;
    }

    start() {
      this.stopped = false;
      this.later(0);
    }

    stop() {
      this.stopped = true;
      window.clearTimeout(this.timer);
      window.clearTimeout(this.reportTimer);
      if (this.busy) this.busy.abort();
    }

    /** Ask now: the machine slept, or the network came back. */
    wake() {
      this.patience.reset();
      if (!this.busy) this.later(0);
    }

    later(wait) {
      window.clearTimeout(this.timer);
      if (!this.stopped) this.timer = window.setTimeout(() => this.turn(), wait);
    }

    async turn() {
      if (this.busy || this.stopped) return;
      this.busy = new AbortController();
      this.stats.polls += 1;
      this.stats.pollsInFlight += 1;
      this.stats.mostInFlight = Math.max(this.stats.mostInFlight, this.stats.pollsInFlight);
      let wait = null;
      try {
        if (this.absent && performance.now() - this.absent < ASK_AGAIN_MS) await this.health();
        else if (this.wall) await this.poll();
        else await this.register();
        if (!this.stopped) this.on.link(true);
        this.patience.reset();
        wait = this.absent ? NO_STEERING_MS : this.pointed ? POINTED_MS : this.paired ? PAIRED_MS : ALONE_MS;
        if (this.after === null && this.wall) wait = 0;
      } catch (error) {
        wait = this.patience.next();
        if (!this.stopped) this.on.link(await this.reachable(error));
      } finally {
        this.stats.pollsInFlight -= 1;
        this.busy = null;
        this.later(wait === null ? ALONE_MS : wait);
      }
    }

    /** Steering may be ill while the rest is well: then new editions are told by /healthz. */
    async reachable(error) {
      if (!(error && error.status >= 500)) return false;
      try {
        await this.health();
        return true;
      } catch (other) {
        return false;
      }
    }

    async health() {
      const answer = await this.ask("/healthz", { cache: "no-store" });
      if (answer.body && answer.body.edition) this.on.news({ edition: answer.body.edition });
    }

    ask(url, options) {
      return ask(url, { limit: LIMIT_MS, signal: this.busy.signal, ...options });
    }

    /** The same wall as before, if the server still knows it. */
    async register() {
      const known = memory.read("localStorage", this.key) || {};
      let answer;
      try {
        answer = await this.ask("/steer/walls", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({
            ...(known.wall && known.secret ? { wall: known.wall, secret: known.secret } : {}),
            briefing: this.briefing(),
          }),
        });
      } catch (error) {
        if (error.status === 404 || error.status === 405) {
          // A server without steering (a public one): the wall runs by itself.
          this.absent = performance.now();
          return this.health();
        }
        // Whatever it does not like about what we remember, it will take nothing.
        if (error.status >= 400 && error.status < 500) memory.write("localStorage", this.key, null);
        throw error;
      }
      this.absent = 0;
      const { wall: id, secret, name } = answer.body;
      this.wall = { wall: id, secret, name };
      memory.write("localStorage", this.key, { wall: id, secret });
      this.after = null;
      this.tag = "";
      this.told = "";
      this.show(answer.body);
      this.send();
    }

    async poll() {
      const first = this.after === null;
      const headers = { "X-Wall-Secret": this.wall.secret };
      if (this.tag) headers["If-None-Match"] = this.tag;
      const url =
        "/steer/walls/" + encodeURIComponent(this.wall.wall) + (first ? "" : "?after=" + this.after);
      const answer = await this.ask(url, { headers, cache: "no-store", any: true });
      if (answer.status === 304) return;
      if (answer.status !== 200) {
        const error = new Error(answer.status + " " + url);
        error.status = answer.status;
        // It does not know us (any more): introduce ourselves again.
        if (answer.status < 500 && answer.status !== 429) this.wall = null;
        throw error;
      }
      const said = answer.body;
      this.tag = answer.headers.get("ETag") || "";
      const fresh = first ? [] : said.commands.filter((one) => one.seq > this.after);
      // What was ordered before this page was opened is not done now.
      this.after = Math.max(said.seq, first ? 0 : this.after);
      this.paired = said.paired || 0;
      this.pointed = Boolean(said.pointer);
      this.show(said);
      this.on.news({ edition: said.edition, briefing: said.briefing, fingerprint: said.fingerprint });
      this.on.pointer(said.pointer || null);
      if (fresh.length) this.on.commands(fresh);
      this.send();
    }

    /** The pairing card: what a phone needs, renewed with the code. */
    show(said) {
      const before = this.card || {};
      const card = {
        name: this.wall.name,
        code: said.code,
        remote_url: said.remote_url || before.remote_url,
        qr: said.qr || before.qr,
        paired: said.paired === undefined ? this.paired : said.paired,
      };
      if (JSON.stringify(card) === JSON.stringify(this.card)) return;
      this.card = card;
      this.on.card(card);
    }

    /** Tells the server what is shown, if it changed; a few times a second at most. */
    report(showing) {
      this.wanted = JSON.stringify(showing);
      this.send();
    }

    send() {
      if (this.reporting || this.reportTimer || this.stopped) return;
      if (!this.wall || this.wanted === null || this.wanted === this.told) return;
      this.reporting = true;
      const text = this.wanted;
      ask("/steer/walls/" + encodeURIComponent(this.wall.wall) + "/showing", {
        limit: LIMIT_MS,
        method: "PUT",
        headers: { "Content-Type": "application/json", "X-Wall-Secret": this.wall.secret },
        body: text,
      })
        .then(() => {
          this.told = text;
          this.reportTimer = window.setTimeout(() => {
            this.reportTimer = 0;
            this.send();
          }, REPORT_MS);
        })
        .catch(() => undefined) // The next poll that succeeds tells it.
        .then(() => {
          this.reporting = false;
        });
    }
  }

  Object.assign(wall, { Steering, memory });
})();
