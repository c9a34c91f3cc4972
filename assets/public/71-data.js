/* The bundle's data: regions in chunks, values, numbers, and the search without a server. */
"use strict";
(function () {
  const bangfu = window.bangfu;
  const { json, once, url } = bangfu.public;

  const TYPES = {
    float64: Float64Array, float32: Float32Array,
    int32: Int32Array, int16: Int16Array, int8: Int8Array,
  };
  const NONE = { int32: -2147483648, int16: -32768, int8: -128 };

  /* ---- numbers: what stands behind the values ------------------------------------------------ */

  /** Numerator, denominator, reported, expected, verified of a level: `[periods][positions]`. */
  class Numbers {
    constructor(header, parts) {
      this.periods = header.periods;
      this.count = header.count;
      this.parts = parts;
    }

    /** The number of a part at a period and a position, or null. */
    at(part, period, position) {
      const held = this.parts[part];
      if (!held) return null;
      const raw = held.values[period * this.count + position];
      return raw === held.none || raw !== raw ? null : raw;
    }

    /** A part's numbers of one position over all periods, sums without the noise of adding. */
    series(part, position) {
      return this.periods.map((_, period) => {
        const value = this.at(part, period, position);
        return value === null ? null : Number(value.toFixed(6));
      });
    }
  }

  /** Decodes a BFN1 file (geodata.arrays); raises on anything else. */
  function decode(buffer) {
    const bytes = new Uint8Array(buffer);
    if (String.fromCharCode.apply(null, bytes.subarray(0, 4)) !== "BFN1") {
      throw new Error("not a BFN1 array");
    }
    const length = new DataView(buffer).getUint32(4, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const size = header.count * header.periods.length;
    const parts = {};
    for (const { name, dtype, offset } of header.parts) {
      parts[name] = { values: new TYPES[dtype](buffer, offset, size), none: NONE[dtype] };
    }
    return new Numbers(header, parts);
  }

  /* ---- regions ------------------------------------------------------------------------------- */

  /** The catalogue, and all regions that are here so far. */
  class Atlas {
    constructor(raw) {
      Object.assign(this, raw);
      this.known = new Map();
      this.below = new Map(); // code -> codes of its children, in order
      this.waiting = new Map(Object.entries(raw.chunks || {})); // chunks that are not here
      this.add(raw.regions);
    }

    add(columns) {
      const { code, name, level, parent, position, lon, lat, bounds, leaves } = columns;
      code.forEach((own, n) => {
        if (this.known.has(own)) return;
        this.known.set(own, {
          code: own, name: name[n], depth: level[n], level: this.levels[level[n]].id,
          parent: parent[n], position: position[n], lon: lon[n], lat: lat[n],
          bounds: bounds[n], leaves: leaves[n],
        });
        const children = this.below.get(parent[n]);
        if (children) children.push(own);
        else this.below.set(parent[n], [own]);
      });
    }

    /** What stands beside every map and in every file. */
    get facts() {
      return { notices: this.notices, suppression: this.suppression };
    }

    get top() {
      return this.known.get(this.root);
    }

    /** Fetches the regions below a region of the second level. */
    chunk(code) {
      const path = this.waiting.get(code);
      if (!path) return Promise.resolve();
      return json(path).then((columns) => {
        if (this.waiting.delete(code)) this.add(columns);
      });
    }

    /** Fetches all regions. */
    whole() {
      return Promise.all(Array.from(this.waiting.keys(), (code) => this.chunk(code)));
    }

    /** Regions of the second level, those first whose code begins most like this one. */
    likely(code) {
      const alike = (other) => {
        let n = 0;
        while (n < other.length && other[n] === code[n]) n++;
        return n;
      };
      return Array.from(this.waiting.keys()).sort((a, b) => alike(b) - alike(a));
    }

    /** The region with a code, canonical or without its padding, if it is here. */
    here(code) {
      const found = this.known.get(code);
      if (found || !code) return found;
      const size = this.root.length;
      return code.length < size ? this.known.get(code.padEnd(size, this.root[size - 1])) : undefined;
    }

    /** A promise of the region with a code and all below it that it needs; undefined for none. */
    async region(code) {
      let found = this.here(code);
      for (const near of found ? [] : this.likely(code)) {
        await this.chunk(near);
        found = this.here(code);
        if (found) break;
      }
      if (found) await this.chunk(found.code);
      return found;
    }

    children(code) {
      return (this.below.get(code) || []).map((one) => this.known.get(one));
    }

    /** Regions above, root first, without itself. */
    ancestors(code) {
      const found = [];
      let one = this.known.get(this.known.get(code).parent);
      while (one) {
        found.unshift(one);
        one = this.known.get(one.parent);
      }
      return found;
    }

    /** What lies in a region at a depth, in order of positions; itself at its own; none above. */
    descendants(code, depth) {
      const region = this.known.get(code);
      if (depth < region.depth) return [];
      let found = [region];
      for (let at = region.depth; at < depth; at++) {
        found = [].concat(...found.map((one) => this.children(one.code)));
      }
      return found.sort((a, b) => a.position - b.position);
    }

    measure(id) {
      return this.measures.find((one) => one.id === id);
    }

    /** The files of a measure at a level of a round: {values, numbers, classes}, or undefined. */
    files(measure, round, level) {
      const own = measure && measure.rounds[round];
      return own && own.levels[level];
    }

    /** Promise of a level's values; null where the measure is not published there. */
    values(measure, round, level) {
      const files = this.files(measure, round, level);
      return files ? bangfu.arrays.load(url(files.values)) : Promise.resolve(null);
    }

    /** Promise of the numbers behind a level's values; null where there are none. */
    numbers(measure, round, level) {
      const files = this.files(measure, round, level);
      return files && files.numbers ? once(files.numbers, decode) : Promise.resolve(null);
    }
  }

  /** A promise of the atlas that the page names. */
  const open = () => json(bangfu.public.boot.atlas).then((raw) => new Atlas(raw));

  /* ---- search, as geodata.search ------------------------------------------------------------- */

  /** As keys are compared: full width made half, small letters, no blanks or apostrophes. */
  const normal = (text) =>
    text.normalize("NFKC").toLowerCase().replace(/ü/g, "v").replace(/[\s'’·-]/g, "");

  /** Answers best first: the whole key, then the beginning of a key, then the middle of a name or
   *  of its pinyin; within each in the order of the entries. */
  class Index {
    constructor(entries, levels) {
      this.entries = entries; // code, name, pinyin, initials, depth, row of the parent or -1
      // Codes are compared without their padding.
      const bare = (code, level) => (levels[level].bare ? code.slice(0, levels[level].bare) : code);
      this.keys = entries.map(([code, name, pinyin, initials, level]) =>
        [normal(name), pinyin, initials, normal(bare(code, level))].filter(Boolean)
      );
      this.texts = entries.map(([, name, pinyin]) => normal(name) + "\n" + pinyin + "\n");
    }

    /** Names of the regions above an entry, root first. */
    path(n) {
      const found = [];
      for (let at = this.entries[n][5]; at >= 0; at = this.entries[at][5]) {
        found.unshift(this.entries[at][1]);
      }
      return found;
    }

    /** Places among the entries of the best `limit` answers. */
    find(text, limit) {
      const wanted = normal(text);
      if (!wanted) return [];
      const tiers = [[], [], []];
      this.keys.forEach((keys, n) => {
        if (keys.indexOf(wanted) >= 0) tiers[0].push(n);
        else if (keys.some((key) => key.startsWith(wanted))) tiers[1].push(n);
        else if (this.texts[n].indexOf(wanted) >= 0) tiers[2].push(n);
      });
      return [].concat(...tiers).slice(0, limit || 10);
    }
  }

  const indexes = new WeakMap(); // by atlas: a promise of its index

  /** The pieces of the index, put together; asked for again after a failure. */
  function index(atlas) {
    let found = indexes.get(atlas);
    if (!found) {
      found = Promise.all(atlas.search.map(json)).then(
        (files) => new Index([].concat(...files.map((file) => file.entries)), atlas.levels)
      );
      found.catch(() => indexes.delete(atlas));
      indexes.set(atlas, found);
    }
    return found;
  }

  /** Promise of the rows for a text: {code, name, label, path}. */
  async function find(atlas, text) {
    const whole = await index(atlas);
    return whole.find(text, 10).map((n) => {
      const [code, name, , , level] = whole.entries[n];
      return { code, name, label: atlas.levels[level].label, path: whole.path(n) };
    });
  }

  Object.assign(bangfu.public, { open, find, Index, decodeNumbers: decode });
})();
