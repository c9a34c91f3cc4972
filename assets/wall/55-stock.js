/* What a wall has in memory: the scenes of one briefing in one edition, their contents, their
 * pictures and value arrays; asked for one after another, and again until all of it is there. */
"use strict";
(function () {
  const wall = (window.bangfuWall = window.bangfuWall || {});

  const CONTENT_LIMIT_MS = 15000;
  const FIRST_WAIT_MS = 400;
  const LONGEST_WAIT_MS = 4000;
  /* Blob addresses stay a little after their scenes: the last one may still be fading out. */
  const REVOKE_MS = 10000;

  /** A request that ends, whatever the network does: rejects after `limit` ms or when `signal`
   *  aborts. An answer that is no 2xx rejects with `status`, unless `any` is set. */
  function ask(url, { limit, signal, any, ...options } = {}) {
    const control = new AbortController();
    const stop = () => control.abort();
    const timer = window.setTimeout(stop, limit || CONTENT_LIMIT_MS);
    if (signal) {
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop);
    }
    const end = () => {
      window.clearTimeout(timer);
      if (signal) signal.removeEventListener("abort", stop);
    };
    const read = fetch(url, { credentials: "same-origin", ...options, signal: control.signal }).then(
      (answer) => {
        if (!answer.ok && !any) {
          const error = new Error(answer.status + " " + url);
          error.status = answer.status;
          throw error;
        }
        // The body is read under the same limit: headers may come and the rest never.
        const json = (answer.headers.get("Content-Type") || "").indexOf("json") >= 0;
        const body = answer.status === 204 || answer.status === 304 ? null : json ? answer.json() : answer.blob();
        return Promise.resolve(body).then((content) => ({ status: answer.status, headers: answer.headers, body: content }));
      }
    );
    read.then(end, end);
    return read;
  }

  const json = (url, options) => ask(url, options).then((answer) => answer.body);

  /** Grows to its longest and begins anew after a success. */
  class Patience {
    constructor(longest) {
      this.longest = longest || LONGEST_WAIT_MS;
      this.reset();
    }
    reset() {
      this.wait = FIRST_WAIT_MS;
    }
    next() {
      const now = this.wait;
      this.wait = Math.min(this.longest, this.wait * 2);
      return now;
    }
  }

  /** The scenes.json of the briefing `wanted`, or of the first one where that is not offered. */
  function find(wanted, options) {
    return json("/api/v1/briefings", { cache: "no-store", ...options }).then((list) => {
      const found = list.briefings.find((one) => one.id === wanted) || list.briefings[0];
      const parts = [list.edition, found.id, found.fingerprint].map(encodeURIComponent);
      return json("/briefings/" + parts.join("/") + "/scenes.json", options);
    });
  }

  /** Value arrays that a content's map will show: of its level, or of all where it follows. */
  function arraysOf(content) {
    const picture = content.picture;
    if (!picture) return [];
    return picture.levels
      .filter((one) => one.values && (picture.follow || one.id === picture.level))
      .map((one) => one.values);
  }

  class Stock {
    /** `index` is a scenes.json; `told` is called after each thing that came or failed. */
    constructor(index, told) {
      this.index = index;
      this.scenes = index.scenes;
      this.told = told || (() => undefined);
      this.contents = new Map(); // scene id -> content
      this.regions = new Map(); // code -> content of a region asked for on the way
      this.arrays = new Set(); // addresses that came once: in memory, or in the browser's cache
      this.failed = new Set(); // scene ids whose last attempt failed
      this.blobs = [];
      this.patience = new Patience();
      this.control = null;
      this.timer = 0;
      this.first = 0;
      this.stopped = false;
      this.passes = 0;
    }

    get key() {
      return this.index.edition + "/" + this.index.fingerprint;
    }

    content(id) {
      return this.contents.get(id) || null;
    }

    /** Whether a scene can be shown with no server at all. */
    sure(id) {
      const content = this.contents.get(id);
      return Boolean(content) && arraysOf(content).every((url) => this.arrays.has(url));
    }

    get complete() {
      return this.scenes.every((one) => this.sure(one.id));
    }

    /** Begins (or goes on) to load everything, the scene at `first` before the others. */
    fill(first) {
      if (first !== undefined) this.first = first;
      if (this.stopped || this.control || this.complete) return;
      window.clearTimeout(this.timer);
      this.timer = 0;
      const control = (this.control = new AbortController());
      this.pass(control.signal).then((all) => {
        if (this.control === control) this.control = null;
        if (this.stopped || control.signal.aborted || this.timer) return;
        if (all) this.patience.reset();
        else this.timer = window.setTimeout(() => this.again(), this.patience.next());
      });
    }

    again() {
      this.timer = 0;
      this.fill();
    }

    /** Asks for what is missing at once: the server has come back, or a scene is wanted now. */
    wake(first) {
      this.patience.reset();
      if (this.control) this.control.abort();
      this.control = null;
      window.clearTimeout(this.timer);
      this.timer = 0;
      this.fill(first);
    }

    /** One attempt at everything missing: contents first, since they are small; then arrays. */
    async pass(signal) {
      const { scenes, first } = this;
      const order = scenes.map((_, at) => scenes[(first + at) % scenes.length]);
      let all = true;
      for (const load of [(scene) => this.read(scene, signal), (scene) => this.measure(scene, signal)]) {
        for (const scene of order) {
          if (this.stopped || signal.aborted) return false;
          try {
            await load(scene);
            if (this.sure(scene.id)) this.failed.delete(scene.id);
          } catch (error) {
            if (this.stopped || signal.aborted) return false;
            this.failed.add(scene.id);
            all = false;
          }
          this.told();
        }
      }
      this.passes += 1;
      return all;
    }

    async read(scene, signal) {
      if (this.contents.has(scene.id)) return;
      const content = await json(scene.url, { signal });
      await this.keepImages(content, signal);
      if (!this.stopped) this.contents.set(scene.id, content);
    }

    /** Small pictures are kept as blobs: an address would be asked again for each new element,
     *  and then the server may be gone. */
    async keepImages(content, signal) {
      for (const one of content.multiples || []) {
        if (!one.image || one.image.indexOf("blob:") === 0) continue;
        const { body } = await ask(one.image, { signal });
        if (this.stopped) return;
        one.image = URL.createObjectURL(body);
        this.blobs.push(one.image);
      }
    }

    async measure(scene, signal) {
      const content = this.contents.get(scene.id);
      if (!content) throw new Error("no content");
      for (const url of arraysOf(content)) {
        if (this.arrays.has(url)) continue;
        await within(window.bangfu.arrays.load(url), url, signal);
        this.arrays.add(url);
      }
    }

    /** The content of a region that is not a scene of the briefing. */
    async region(code, signal) {
      const known = this.regions.get(code);
      if (known) return known;
      const url = "/briefings/" + [this.index.edition, "region", code].map(encodeURIComponent).join("/") + ".json";
      const content = await json(url, { signal });
      await this.keepImages(content, signal);
      this.regions.set(code, content);
      while (this.regions.size > 12) this.regions.delete(this.regions.keys().next().value);
      return content;
    }

    stop() {
      this.stopped = true;
      window.clearTimeout(this.timer);
      if (this.control) this.control.abort();
      const blobs = this.blobs;
      if (blobs.length) {
        window.setTimeout(() => blobs.forEach((one) => URL.revokeObjectURL(one)), REVOKE_MS);
      }
    }
  }

  /** An array, or a rejection when it takes too long: it is then asked for anew the next time. */
  function within(promise, url, signal) {
    return new Promise((resolve, reject) => {
      const stop = () => {
        if (!window.bangfu.arrays.peek(url)) window.bangfu.arrays.cache.delete(url);
        end(() => reject(new Error("late " + url)));
      };
      const timer = window.setTimeout(stop, CONTENT_LIMIT_MS);
      const end = (last) => {
        window.clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        last();
      };
      signal.addEventListener("abort", stop);
      promise.then((value) => end(() => resolve(value)), (error) => end(() => reject(error)));
    });
  }

  Object.assign(wall, { ask, json, find, Patience, Stock });
})();
