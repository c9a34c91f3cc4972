/* The director: what a wall shows, when, and what it does when something fails. It knows nothing
 * of React; the page draws `layers` and the map from it, and tells it what was painted.
 *
 * The rule behind everything here: what is on the screen stays until what follows is complete. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});
  const wall = (window.bangfuWall = window.bangfuWall || {});
  const { find, memory, Patience, Steering, Stock } = wall;

  const TICK_MS = 100;
  /* A clock that jumped this far: the machine slept, or the tab was frozen. */
  const SLEPT_MS = 5000;
  const FLIGHT_MS = 2600;
  /* As long as wall.css takes to bring a scene in. */
  const FADE_MS = 600;
  /* A progress scene waits for its map, but not for ever; and lets its end be read. */
  const PLAY_WAIT_MS = 9000;
  const PLAY_REST_MS = 3000;
  const PLAY_LATE_MS = 10000;
  /* Times a region's dwell that a jump from the phone stays. */
  const DETOUR = 3;
  const WANTED_MS = 10000;
  const MARK_WAIT_MS = 800;
  const ERROR_MARK_MS = 20000;
  const BROKEN_MS = 60000;
  /* New data wait for the last of their scenes so long; then they come without it. */
  const PARTIAL_MS = 120000;
  /* The watchdog: a map owes its picture so long; slow machines get three times what they need. */
  const OWED_MS = 8000;
  const OWED_MOST_MS = 30000;
  const REBUILDS = 3;
  const REBUILDS_MS = 120000;
  const RELOAD_MS = 600000;
  const MEND_MS = 600000;
  const FRAME_PROBE_MS = 2000;
  const PLACE = "bangfu.wall.place";
  const RELOADED = "bangfu.wall.reloaded";
  const POINTER_MS = 2000;

  const media = (query) => (window.matchMedia ? window.matchMedia(query).matches : false);
  const calm = () => media("(prefers-reduced-motion: reduce)");
  const now = () => performance.now();

  class Director {
    /** `options`: {briefing, screen, pace}; `words`: the section `wall`. */
    constructor({ briefing, screen, pace }, words) {
      this.words = words;
      this.wanted = briefing || "";
      this.pace = pace || 1;
      this.reduced = calm();

      this.stock = null; // what is shown comes from here
      this.next_ = null; // a newer stock that is being filled: {stock, since}
      this.news_ = null; // {edition, fingerprint} that the server named last
      this.index = 0;
      this.detour = null; // {content, code} of a jump to a region
      this.pending = null; // {id, until} of a scene that was asked for and is not there yet
      this.layers = []; // [{turn, content, id, period, leaving}], the last one is shown
      this.turn = 0;
      this.elapsed = 0;
      this.shownAt = 0;
      this.play = null; // {from, to, seconds, at, state: before|on|off|done, ended}
      this.hold = false;
      this.paused = false; // the animation was stopped by `hold`
      this.blank = false;
      this.flight = FLIGHT_MS;
      this.toast = null;
      this.card = null;
      this.cardShown = true;
      this.pointer = null;

      this.marks = new Map(); // cause -> when it began
      this.broken = new WeakMap(); // content -> when drawing it failed
      this.alive = true;
      this.frameAt = 0; // when the map last drew a frame
      this.owed = 0; // since when the map owes a picture, 0: it does not
      this.slowest = 0;
      this.askedAt = 0;
      this.trouble = null;
      this.rebuilt = [];
      this.mended = new Map();
      this.reloading = false;
      this.probe = 0;
      this.probed = 0;

      this.stats = {
        changes: 0, rebuilds: 0, reloads: 0, polls: 0, pollsInFlight: 0, mostInFlight: 0,
        errors: 0, failures: 0, stalls: 0, resumes: 0, updates: 0,
      };
      this.listeners = new Set();
      this.timers = new Set();
      this.patience = new Patience();
      this.steering = new Steering({
        briefing: () => (this.stock ? this.stock.index.briefing : this.wanted || "default"),
        screen,
        stats: this.stats,
        on: {
          commands: (list) => list.forEach((one) => this.obey(one)),
          news: (said) => this.news(said),
          pointer: (spot) => this.point(spot),
          link: (alive) => this.linked(alive),
          card: (card) => this.carded(card),
        },
      });
    }

    /* -- life -- */

    start() {
      const place = memory.read("sessionStorage", PLACE);
      if (place) {
        this.hold = Boolean(place.hold);
        this.blank = Boolean(place.blank);
        this.startAt = place.scene;
      }
      const reloaded = memory.read("sessionStorage", RELOADED);
      this.stats.reloads = reloaded ? reloaded.count || 0 : 0;
      this.ticked = now();
      this.ticker = window.setInterval(() => this.guarded(() => this.tick()), TICK_MS);
      this.listen();
      this.later(60000, () => {
        if (this.card && this.card.paired) return;
        this.cardShown = false;
        this.tell();
      });
      this.load();
    }

    stop() {
      this.stopped = true;
      window.clearInterval(this.ticker);
      this.timers.forEach((timer) => window.clearTimeout(timer));
      this.timers.clear();
      window.cancelAnimationFrame(this.frame);
      window.cancelAnimationFrame(this.probe);
      this.steering.stop();
      if (this.stock) this.stock.stop();
      if (this.next_) this.next_.stock.stop();
      (this.unlisten || []).forEach((off) => off());
    }

    listen() {
      const on = (target, name, action) => {
        target.addEventListener(name, action);
        return () => target.removeEventListener(name, action);
      };
      const back = () => {
        if (!document.hidden) this.guarded(() => this.resumed());
      };
      this.unlisten = [
        on(document, "visibilitychange", back),
        on(document, "resume", back),
        on(window, "online", () => this.steering.wake()),
        on(window, "error", (event) => this.failed(event.error || event.message)),
        on(window, "unhandledrejection", (event) => this.failed(event.reason)),
        on(window, "pagehide", () => this.remember()),
      ];
    }

    later(wait, action) {
      const timer = window.setTimeout(() => {
        this.timers.delete(timer);
        if (!this.stopped) this.guarded(action);
      }, wait);
      this.timers.add(timer);
      return timer;
    }

    /** Nothing that goes wrong in an action may end the clock that called it. */
    guarded(action) {
      try {
        return action();
      } catch (error) {
        this.failed(error);
        return undefined;
      }
    }

    subscribe(listener) {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    }

    tell() {
      this.listeners.forEach((listener) => listener());
      this.report();
    }

    /* -- what to show: the briefing -- */

    /** The first briefing; until it is there the waiting screen stands. */
    load() {
      find(this.wanted)
        .then((index) => {
          if (this.stopped || this.stock) return;
          this.patience.reset();
          this.take(new Stock(index, () => this.guarded(() => this.stocked())));
          this.index = Math.max(0, this.stock.scenes.findIndex((one) => one.id === this.startAt));
          this.stock.fill(this.index);
          this.steering.start();
        })
        .catch(() => {
          this.stats.failures += 1;
          if (!this.stopped) this.later(this.patience.next(), () => this.load());
        });
    }

    take(stock) {
      const before = this.stock;
      this.stock = stock;
      if (before) before.stop();
      this.tell();
    }

    /** Something came, or failed to come. */
    stocked() {
      const { stock } = this;
      this.mark("data", stock.failed.size > 0);
      if (!this.content) this.first();
      if (this.pending && stock.content(this.pending.id)) this.go(this.pending.id);
      this.report();
    }

    first() {
      const { stock } = this;
      const at = this.following(this.index - 1);
      if (at >= 0) this.show(stock.scenes[at].id, { cut: true });
    }

    get content() {
      const top = this.layers[this.layers.length - 1];
      return top ? top.content : null;
    }

    get scenes() {
      return this.stock ? this.stock.scenes : [];
    }

    /** Whether the scene can be shown now; `alone`: by the rotation, with nobody to blame. */
    usable(scene, alone) {
      const content = this.stock.content(scene.id);
      if (!content) return false;
      const since = this.broken.get(content);
      if (since !== undefined && now() - since < BROKEN_MS) return false;
      return !alone || this.alive || this.stock.sure(scene.id);
    }

    /** The place of the next scene after `at` that can be shown; -1 where there is none. */
    following(at, back, alone) {
      const { scenes } = this;
      for (let step = 1; step <= scenes.length; step++) {
        const place = (((at + (back ? -step : step)) % scenes.length) + scenes.length) % scenes.length;
        if (this.usable(scenes[place], alone)) return place;
      }
      return -1;
    }

    /* -- scenes -- */

    show(id, options) {
      const at = this.scenes.findIndex((one) => one.id === id);
      if (at < 0) return;
      this.index = at;
      this.detour = null;
      this.pending = null;
      this.enter(this.stock.content(id), id, options);
      this.stock.first = at;
      // What follows is wanted next.
      this.stock.fill((at + 1) % this.scenes.length);
      this.remember();
    }

    /** Puts a content on the screen; the one before fades out. */
    enter(content, id, { cut } = {}) {
      this.turn += 1;
      this.stats.changes += 1;
      const leaving = this.layers.slice(-1).map((one) => ({ ...one, leaving: true }));
      const play = content.play;
      const period = play ? play.from : content.picture ? content.picture.period : 0;
      this.layers = leaving.concat([{ turn: this.turn, content, id, period, leaving: false }]);
      this.elapsed = 0;
      this.shownAt = Date.now();
      this.paused = false;
      this.play = play
        ? { from: play.from, to: play.to, seconds: play.seconds, at: play.from, state: "before", ended: 0 }
        : null;
      window.cancelAnimationFrame(this.frame);
      this.frame = 0;
      this.flight = cut || this.reduced || document.hidden ? 1 : Math.max(1, FLIGHT_MS / this.pace);
      if (content.picture && (content.picture !== this.pictured || this.owed)) {
        this.pictured = content.picture;
        this.askedAt = now();
        // Whoever leafs through in a hurry leaves no map the time to come to rest.
        if (!this.owed || this.moving) this.owed = this.askedAt;
        this.paintedTurn = 0;
        // Two scenes may show the same map: nothing changes, and it would not say that it is idle.
        this.later(60, () => bangfu.map && bangfu.map.triggerRepaint());
      } else {
        this.paintedTurn = this.turn;
        this.owed = 0;
      }
      this.tell();
      if (play) this.position(play.from);
      const turn = this.turn;
      this.later(this.reduced ? 0 : Math.max(50, (FADE_MS + 50) / this.pace), () => {
        if (this.turn !== turn) return;
        this.layers = this.layers.filter((one) => !one.leaving);
        this.tell();
      });
    }

    /** Milliseconds that the scene shown stays, not counting holds. */
    get length() {
      const { content, play } = this;
      const dwell = (content.dwell || 20) * 1000 * (this.detour ? DETOUR : 1);
      if (!play || this.detour) return dwell;
      // The end of an animation is worth a look; one that hangs keeps nobody.
      if (play.state === "done") return Math.max(dwell, play.ended + PLAY_REST_MS);
      return dwell + play.seconds * 1000 + PLAY_LATE_MS;
    }

    tick() {
      const time = now();
      const gap = time - this.ticked;
      this.ticked = time;
      if (gap > SLEPT_MS) this.resumed();
      this.reduced = calm();
      this.settleMarks(time);
      this.watch(time);
      if (!this.content) {
        if (this.stock) this.first();
        return;
      }
      const { play } = this;
      if (play && play.state === "before" && !this.blank) {
        const arrived = this.elapsed >= this.flight && this.paintedTurn === this.turn;
        if (arrived || this.elapsed >= PLAY_WAIT_MS) this.playing(true);
      }
      if (this.pending && time > this.pending.until) this.pending = null;
      const still = this.hold || this.blank;
      // A scene that waits for its animation to begin is not held up by `hold`.
      if (!still || (play && play.state === "before")) {
        if (!(play && play.state === "off")) this.elapsed += Math.min(gap, 1000) * this.pace;
      }
      if (!still && this.elapsed >= this.length) this.advance();
    }

    /** The dwell is over: to the next scene, or back from a detour, or into new data. */
    advance() {
      if (this.renew()) return;
      if (this.detour) {
        this.back();
        return;
      }
      const at = this.following(this.index, false, true);
      // With nothing else to show, the one that is there stays, and is not drawn again.
      if (at < 0 || (at === this.index && this.scenes.length > 1)) return;
      if (at === this.index && !this.play) this.elapsed = 0;
      else this.show(this.scenes[at].id);
    }

    /* -- the animation -- */

    /** Starts, continues or stops the months; from the beginning when they were through. */
    playing(on) {
      const { play } = this;
      if (!play) return;
      window.cancelAnimationFrame(this.frame);
      this.frame = 0;
      if (!on) {
        if (play.state !== "done") play.state = "off";
        this.tell();
        return;
      }
      if (play.state === "done") play.at = play.from;
      play.state = "on";
      this.paused = false;
      let before = now();
      const step = () => {
        this.frame = 0;
        if (this.stopped || this.play !== play || play.state !== "on") return;
        const time = now();
        const months = (play.to - play.from) / Math.max(0.1, play.seconds);
        // A machine that stood still goes on where it was.
        play.at = Math.min(play.to, play.at + (Math.min(time - before, 1000) / 1000) * months * this.pace);
        before = time;
        if (play.at >= play.to) {
          play.state = "done";
          play.ended = this.elapsed;
        } else {
          this.frame = window.requestAnimationFrame(step);
        }
        this.guarded(() => this.position(play.at));
        if (play.state === "done") this.tell();
      };
      this.frame = window.requestAnimationFrame(step);
      this.tell();
    }

    /** A frame: one uniform for the map, one number for the charts; React only for a new month. */
    position(at) {
      const shown = this.reduced ? Math.round(at) : at;
      if (shown !== this.positioned || this.positionedTurn !== this.turn) {
        this.positioned = shown;
        this.positionedTurn = this.turn;
        if (bangfu.mesh && bangfu.mesh.play) this.guarded(() => bangfu.mesh.play(shown));
        if (wall.onPeriod) this.guarded(() => wall.onPeriod(shown));
      }
      const top = this.layers[this.layers.length - 1];
      const month = Math.round(shown);
      if (top.period === month) return;
      this.layers = this.layers.slice(0, -1).concat([{ ...top, period: month }]);
      this.tell();
    }

    /* -- steering, from wherever it comes -- */

    obey(command) {
      this.guarded(() => {
        const { do: what } = command;
        if (what === "next") this.next();
        else if (what === "previous") this.previous();
        else if (what === "first") this.go(0);
        else if (what === "go") this.go(command.scene);
        else if (what === "hold") this.holding(Boolean(command.on));
        else if (what === "play") this.playing(Boolean(command.on));
        else if (what === "blank") this.blanking(Boolean(command.on));
        else if (what === "region") this.region(command.code);
        else if (what === "return") this.back();
      });
    }

    next() {
      this.step(false);
    }

    previous() {
      // From a detour, back is back.
      if (this.detour) this.back();
      else this.step(true);
    }

    step(back) {
      if (!this.stock) return;
      this.blank = false;
      if (this.renew(back ? -1 : 1)) return;
      const at = this.following(this.index, back);
      if (at >= 0) this.show(this.scenes[at].id);
      else this.tell();
    }

    /** To a scene by its place or id; one that is not there yet is shown as soon as it is. */
    go(where) {
      if (!this.stock) return;
      const { scenes } = this;
      const at = typeof where === "number" ? where : scenes.findIndex((one) => one.id === where);
      if (!(at >= 0 && at < scenes.length)) {
        if (typeof where === "number") this.say("no_scene", { number: where + 1 });
        return;
      }
      this.blank = false;
      const { id } = scenes[at];
      if (this.usable(scenes[at])) {
        this.show(id);
      } else {
        this.pending = { id, until: now() + WANTED_MS };
        this.stock.wake(at);
        this.tell();
      }
    }

    last() {
      this.go(this.scenes.length - 1);
    }

    /** `quiet`: without a word on the screen, for scripts. */
    holding(on, quiet) {
      if (!quiet && on !== this.hold) this.say(on ? "held" : "continued");
      this.hold = on;
      const { play } = this;
      if (on && play && play.state === "on") {
        this.playing(false);
        this.paused = true;
      } else if (!on && this.paused && play && play.state === "off") {
        this.playing(true);
      }
      this.remember();
      this.tell();
    }

    blanking(on) {
      this.blank = on;
      this.remember();
      this.tell();
    }

    /** Shows a region that somebody asked for, until `return` or three times its dwell. */
    region(code) {
      const { stock } = this;
      if (!stock) return;
      this.asked = code;
      stock.region(code).then(
        (content) => {
          if (this.stopped || this.stock !== stock || this.asked !== code) return;
          this.blank = false;
          this.detour = { code: (content.region && content.region.code) || code, content };
          this.enter(content, content.id);
        },
        () => {
          this.stats.failures += 1;
          if (this.asked === code) this.say("no_region");
        }
      );
    }

    /** Back from a region to the scene before it. */
    back() {
      this.asked = null;
      if (!this.detour) return;
      const at = this.following(this.index - 1);
      if (at >= 0) this.show(this.scenes[at].id);
    }

    /** A word to the presenter, for a moment. */
    say(key, values) {
      const text = (this.words[key] || "").replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
      const toast = (this.toast = { text });
      this.later(1600, () => {
        if (this.toast !== toast) return;
        this.toast = null;
        this.tell();
      });
      this.tell();
    }

    /** The pointer of the phone; null takes it away. */
    point(spot) {
      this.pointer = spot
        ? { lon: spot.lon, lat: spot.lat, until: now() + Math.max(0, POINTER_MS - (spot.age_ms || 0)) }
        : null;
      if (wall.onPointer) this.guarded(() => wall.onPointer(this.pointer));
    }

    carded(card) {
      const paired = Boolean(card && card.paired);
      const before = Boolean(this.card && this.card.paired);
      this.card = card;
      // Somebody has the code now: the card has done its work.
      if (paired && !before) this.cardShown = false;
      this.tell();
    }

    pairing(on) {
      this.cardShown = on === undefined ? !this.cardShown : Boolean(on);
      this.tell();
    }

    report() {
      if (!this.stock || !this.content) return;
      const { content, play, stock } = this;
      const top = this.layers[this.layers.length - 1];
      const periods = content.picture ? content.picture.periods : [];
      const period = periods[top.period];
      this.steering.report({
        scene: this.scenes[this.index] ? this.scenes[this.index].id : null,
        index: this.index,
        total: this.scenes.length,
        title: content.title,
        hold: this.hold,
        blank: this.blank,
        playing: Boolean(play && (play.state === "on" || play.state === "before")),
        period_label: period ? period.label : "",
        edition: stock.index.edition,
        fingerprint: stock.index.fingerprint,
        region: this.detour ? this.detour.code : null,
      });
    }

    remember() {
      const scene = this.scenes[this.index];
      if (!scene) return;
      memory.write("sessionStorage", PLACE, { scene: scene.id, hold: this.hold, blank: this.blank });
    }

    /* -- new data -- */

    /** What the server has now. A newer edition or briefing is fetched beside the one shown. */
    news({ edition, fingerprint }) {
      if (!this.stock || !edition) return;
      const { index } = this.stock;
      const same = (one) =>
        one.edition === edition && (fingerprint === undefined || one.fingerprint === fingerprint);
      if (same(index)) {
        if (this.next_) this.forget();
        return;
      }
      if (this.next_ && same(this.next_.stock.index)) return;
      if (this.finding || now() < (this.findAgain || 0)) return;
      this.finding = true;
      find(index.briefing)
        .then((found) => {
          this.finding = false;
          if (this.stopped) return;
          this.forget();
          // It may have been put back meanwhile, or the server's word was older than its list.
          const { index: shown } = this.stock;
          if (found.edition === shown.edition && found.fingerprint === shown.fingerprint) return;
          const stock = new Stock(found, () => undefined);
          this.next_ = { stock, since: now() };
          stock.fill(0);
        })
        .catch(() => {
          this.finding = false;
          this.findAgain = now() + this.patience.next();
          this.stats.failures += 1;
        });
    }

    forget() {
      if (this.next_) this.next_.stock.stop();
      this.next_ = null;
      this.patience.reset();
    }

    /** Changes to newer data if they are complete, keeping the place: whether it did. */
    renew(step) {
      const { next_, detour } = this;
      if (!next_) return false;
      const { stock } = next_;
      // One scene that never comes must not keep all news away for ever.
      const late = now() - next_.since > PARTIAL_MS && stock.contents.size * 2 >= stock.scenes.length;
      if (!stock.complete && !late) return false;
      const id = this.scenes[this.index] && this.scenes[this.index].id;
      const found = stock.scenes.findIndex((one) => one.id === id);
      this.next_ = null;
      stock.told = () => this.guarded(() => this.stocked());
      this.index = found >= 0 ? found : Math.min(this.index, stock.scenes.length - 1);
      this.stats.updates += 1;
      this.detour = null;
      this.take(stock);
      const back = step === -1;
      // From a region back to the scene that it interrupted.
      const at = this.following(detour && !step ? this.index - 1 : this.index, back);
      if (at >= 0) this.show(stock.scenes[at].id);
      stock.wake(this.index);
      return true;
    }

    /* -- never broken -- */

    /** Whether the server answers. */
    linked(alive) {
      const before = this.alive;
      this.alive = alive;
      this.mark("server", !alive);
      if (!alive || before) return;
      // It is back: everything that failed meanwhile is asked for at once.
      this.patience.reset();
      this.findAgain = 0;
      if (this.stock) this.stock.wake();
      if (this.owed) this.owed = now();
      if (bangfu.mapError) this.rebuild();
    }

    /** A cause of the quiet mark begins or ends. */
    mark(cause, on) {
      const had = this.marks.has(cause);
      if (on && !had) this.marks.set(cause, now());
      else if (!on && had) {
        this.marks.delete(cause);
        this.tell();
      }
    }

    /** The mark's cause, once it has lasted: a single late answer is nobody's business. */
    get cause() {
      const time = now();
      for (const cause of ["server", "data", "map", "render", "error"]) {
        const since = this.marks.get(cause);
        if (since !== undefined && time - since >= MARK_WAIT_MS) return cause;
      }
      return null;
    }

    settleMarks(time) {
      for (const cause of ["error", "render"]) {
        const since = this.marks.get(cause);
        if (since !== undefined && time - since > ERROR_MARK_MS) this.mark(cause, false);
      }
      const { cause } = this;
      if (cause === this.caused) return;
      this.caused = cause;
      this.tell();
    }

    /** An error that nobody caught: counted and marked; what is on the screen stays. */
    failed(error) {
      if (error && error.name === "AbortError") return;
      this.stats.errors += 1;
      this.lastError = String((error && error.stack) || error);
      this.marks.set("error", now());
    }

    /** A scene could not be drawn: what was there before it is shown again, map and all. */
    undrawable(turn, error) {
      this.stats.errors += 1;
      this.lastError = String((error && error.stack) || error);
      this.mark("render", true);
      const top = this.layers[this.layers.length - 1];
      if (!top || top.turn !== turn) return;
      this.broken.set(top.content, now());
      const before = this.good;
      if (before && !this.broken.has(before.content)) {
        this.layers = [];
        this.detour = null;
        this.enter(before.content, before.id, { cut: true });
        return;
      }
      const at = this.following(this.index);
      if (at >= 0) this.later(0, () => this.show(this.scenes[at].id, { cut: true }));
    }

    /** A scene was drawn whole. */
    drawn(turn) {
      const top = this.layers[this.layers.length - 1];
      if (top && top.turn === turn) this.good = { content: top.content, id: top.id };
    }

    /** The map is idle and shows this. */
    painted(shown) {
      const { content } = this;
      if (!content || !content.picture) return;
      const { picture } = content;
      const right =
        shown.edition === picture.edition &&
        shown.region === picture.region.code &&
        shown.measure === (picture.measure ? picture.measure.id : null);
      if (!right) {
        if (this.owed) this.owed = now(); // it lives, and is behind
        return;
      }
      if (this.paintedTurn !== this.turn) {
        this.paintedTurn = this.turn;
        this.slowest = Math.min(OWED_MOST_MS / 3, Math.max(this.slowest * 0.9, now() - this.askedAt));
      }
      this.owed = 0;
      this.mark("map", false);
    }

    /** The map says what keeps it, or null. */
    troubled(trouble) {
      this.trouble = trouble;
      if (trouble) {
        this.mark("map", true);
        if (!this.owed) this.owed = now();
      } else if (!this.owed) {
        this.mark("map", false);
      }
    }

    /** Whether the map has drawn frames lately: it is slow, not stuck. */
    get moving() {
      return now() - this.frameAt < FRAME_PROBE_MS;
    }

    /** The watchdog. */
    watch(time) {
      if (document.hidden || !this.content) return;
      this.probeFrame(time);
      if (bangfu.map && bangfu.map !== this.watched) {
        this.watched = bangfu.map;
        bangfu.map.on("render", () => {
          this.frameAt = now();
        });
      }
      if (!this.alive) return; // a map that lacks tiles can't be helped now
      const patience = Math.min(OWED_MOST_MS, Math.max(OWED_MS, this.slowest * 3));
      const late = time - this.owed;
      if (this.owed && late > patience && (!this.moving || late > OWED_MOST_MS)) {
        this.mark("map", true);
        this.rebuild(true);
        return;
      }
      // Tiles that failed although the server is there: once for each scene.
      const key = this.content.id;
      if (bangfu.mapError && this.paintedTurn === this.turn && time - this.askedAt > OWED_MS) {
        if (time - (this.mended.get(key) || -MEND_MS) >= MEND_MS) {
          this.mended.set(key, time);
          this.rebuild();
        }
        bangfu.mapError = null;
      }
    }

    /** Whether the screen still gives frames; asked now and then, so that an idle wall idles. */
    probeFrame(time) {
      if (this.probe) {
        if (time - this.probed > OWED_MS && !this.stalled) {
          this.stalled = true;
          this.stats.stalls += 1;
          if (!this.owed) this.owed = this.probed;
        }
        return;
      }
      if (time - this.probed < FRAME_PROBE_MS) return;
      this.probed = time;
      this.probe = window.requestAnimationFrame(() => {
        this.probe = 0;
        if (this.stalled) {
          this.stalled = false;
          if (this.paintedTurn === this.turn) this.owed = 0;
        }
      });
    }

    /** Takes the map down and up; after too many in a short time the page is loaded anew. */
    rebuild(counted) {
      const time = now();
      this.owed = this.content && this.content.picture ? time : 0;
      this.askedAt = time;
      bangfu.mapError = null;
      if (counted) {
        this.rebuilt = this.rebuilt.filter((one) => time - one < REBUILDS_MS);
        if (this.rebuilt.length >= REBUILDS) {
          this.reload();
          return;
        }
        this.rebuilt.push(time);
      }
      this.stats.rebuilds += 1;
      if (bangfu.rebuild) this.guarded(() => bangfu.rebuild());
    }

    /** Only if the server answers, and not again for ten minutes: a page that can't come back is
     *  worse than an old picture. */
    reload() {
      const last = memory.read("sessionStorage", RELOADED) || { at: 0, count: 0 };
      if (this.reloading || Date.now() - last.at < RELOAD_MS) return;
      this.reloading = true;
      wall
        .json("/healthz", { cache: "no-store", limit: 3000 })
        .then(() => {
          if (this.stopped) return;
          this.remember();
          memory.write("sessionStorage", RELOADED, { at: Date.now(), count: last.count + 1 });
          window.location.reload();
        })
        .catch(() => {
          this.reloading = false;
        });
    }

    /** Back from sleep: news at once; the camera stands where it should, without a flight. */
    resumed() {
      const time = now();
      this.stats.resumes += 1;
      this.ticked = time;
      this.flight = 1;
      if (this.owed) this.owed = time;
      this.askedAt = time;
      if (this.probe) this.probed = time;
      this.steering.wake();
      if (this.stock) this.stock.fill();
    }

    /* -- for tests, rehearsals and the curious -- */

    state() {
      const { content, play } = this;
      const top = this.layers[this.layers.length - 1];
      const scene = this.scenes[this.index];
      const animated = Boolean(play && play.state !== "done" && play.state !== "off");
      return {
        scene: scene && content ? scene.id : null,
        index: this.index,
        total: this.scenes.length,
        loaded: this.stock ? this.scenes.filter((one) => this.stock.sure(one.id)).length : 0,
        shown: Boolean(content),
        title: content ? content.title : null,
        content: content ? content.id : null,
        period: top ? top.period : null,
        region: this.detour ? this.detour.code : null,
        hold: this.hold,
        blank: this.blank,
        playing: Boolean(play && play.state === "on"),
        elapsed: this.elapsed / 1000,
        length: content ? this.length / 1000 : 0,
        edition: this.stock ? this.stock.index.edition : null,
        fingerprint: this.stock ? this.stock.index.fingerprint : null,
        alive: this.alive,
        paired: this.card ? this.card.paired : 0,
        trouble: this.trouble,
        error: this.lastError || null,
        settled:
          this.layers.length === 1 && this.paintedTurn === this.turn && !this.trouble && !animated,
      };
    }
  }

  Object.assign(wall, { Director, FADE_MS });
})();
