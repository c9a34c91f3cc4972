/* Value arrays: fetched once a (edition, measure, round, level), decoded, classed, counted. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});

  /* The bytes of the flags: geodata.vocabulary.Status. */
  const STATUS = ["out_of_scope", "missing", "self_reported", "verified", "partial", "suppressed"];
  /* Beside the class indices, as in layers.classify. */
  const SUPPRESSED = 252;
  const OUT_OF_SCOPE = 254;
  const MISSING = 255;
  /* An array of the largest world is 6 MB: a dozen measures' worth is kept, the oldest goes. */
  const KEPT = 24;
  const TYPES = { int8: Int8Array, int16: Int16Array, int32: Int32Array };

  /** One level's values of a measure in a round: `[periods][positions]`. */
  class Values {
    constructor(header, values, flags) {
      this.measure = header.measure;
      this.round = header.round;
      this.level = header.level;
      this.periods = header.periods;
      this.count = header.count;
      this.digits = header.digits;
      this.missing = header.missing;
      this.values = values;
      this.flags = flags;
      this.scale = Math.pow(10, header.digits);
      this.lacks = flags.indexOf(1) >= 0;
      this.hides = flags.indexOf(5) >= 0;
      this.classed = new Map();
      this.classedBy = "";
    }

    /** The number shown for a position, or null where there is none. */
    value(period, position) {
      const at = period * this.count + position;
      const raw = this.values[at];
      return this.flags[at] < 2 || this.flags[at] > 4 || raw === this.missing ? null : raw / this.scale;
    }

    /** `verified`, `partial`, ... as APIs spell it. */
    status(period, position) {
      return STATUS[this.flags[period * this.count + position]] || "missing";
    }

    /** Class index of every position in a period: Uint8Array; 255 no data, 254 out of scope,
     *  252 known and not published.
     *
     * Cached: playing through the months a second time classes nothing. */
    classes(period, classes) {
      const by = boundsKey(classes);
      if (by !== this.classedBy) {
        this.classed.clear();
        this.classedBy = by;
      }
      let found = this.classed.get(period);
      if (!found) {
        found = this.assign(period, classes);
        this.classed.set(period, found);
      }
      return found;
    }

    assign(period, classes) {
      const { count, values, flags, missing, scale } = this;
      const result = new Uint8Array(count);
      const firsts = classes.map((one) => first(one.lower, scale));
      const last = classes.length - 1;
      const start = period * count;
      for (let position = 0; position < count; position++) {
        const flag = flags[start + position];
        const raw = values[start + position];
        if (flag === 0) {
          result[position] = OUT_OF_SCOPE;
        } else if (flag === 5) {
          result[position] = SUPPRESSED;
        } else if (flag === 1 || raw === missing || last < 0) {
          result[position] = MISSING;
        } else {
          let index = last;
          while (index > 0 && raw < firsts[index]) index--;
          result[position] = index;
        }
      }
      return result;
    }
  }

  /** The smallest integer of the file that belongs to a class with this lower bound. Compared as
   *  layers.classify.assign does, as the float that integer / scale is. */
  function first(lower, scale) {
    if (lower === null || lower === undefined) return -Infinity;
    let raw = Math.ceil(lower * scale);
    while ((raw - 1) / scale >= lower) raw -= 1;
    while (raw / scale < lower) raw += 1;
    return raw;
  }

  function boundsKey(classes) {
    let key = "";
    for (const one of classes) key += one.lower + ";";
    return key;
  }

  /** Index of the class that holds a value, as layers.classify.assign decides it: the last one
   *  whose lower bound is not above the value; the first for what is smaller than every bound. */
  function classOf(value, classes) {
    for (let index = classes.length - 1; index > 0; index--) {
      const lower = classes[index].lower;
      if (lower === null || value >= lower) return index;
    }
    return 0;
  }

  /** How many positions each class holds: {classes, missing, out_of_scope, suppressed, total}.
   *  `inside` is a list of [start, stop) position ranges, or null for all. */
  function counts(codes, size, inside) {
    const classes = new Array(size).fill(0);
    let missing = 0;
    let outOfScope = 0;
    let suppressed = 0;
    let total = 0;
    for (const [start, stop] of inside || [[0, codes.length]]) {
      for (let position = start; position < stop; position++) {
        const code = codes[position];
        total += 1;
        if (code === MISSING) missing += 1;
        else if (code === OUT_OF_SCOPE) outOfScope += 1;
        else if (code === SUPPRESSED) suppressed += 1;
        else classes[code] += 1;
      }
    }
    return { classes, missing, out_of_scope: outOfScope, suppressed, total };
  }

  /** A file's bytes as they were before gzip. Some servers send gzip as a content of its own, some
   *  as a coding that the browser has undone already: the first two bytes tell. */
  function inflate(buffer) {
    const bytes = new Uint8Array(buffer, 0, Math.min(2, buffer.byteLength));
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return Promise.resolve(buffer);
    const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  /** Decodes a BFA1 file (geodata.arrays); raises on anything else. */
  function decode(buffer) {
    const bytes = new Uint8Array(buffer);
    if (String.fromCharCode.apply(null, bytes.subarray(0, 4)) !== "BFA1") {
      throw new Error("not a BFA1 array");
    }
    const length = new DataView(buffer).getUint32(4, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const size = header.count * header.periods.length;
    const Typed = TYPES[header.dtype];
    const values = new Typed(buffer, header.values_offset, size);
    const flags = new Uint8Array(buffer, header.flags_offset, size);
    return new Values(header, values, flags);
  }

  const cache = new Map(); // URL -> promise of Values
  const ready = new Map(); // URL -> Values

  /** The array behind a URL; asked for once, and again after a failure. */
  function load(url) {
    let found = cache.get(url);
    if (!found) {
      found = fetch(url, { credentials: "same-origin" })
        .then((answer) => {
          if (!answer.ok) throw new Error(answer.status + " " + url);
          return answer.arrayBuffer();
        })
        .then(inflate)
        .then((buffer) => {
          const values = decode(buffer);
          ready.set(url, values);
          return values;
        });
      found.catch(() => cache.delete(url));
    } else {
      cache.delete(url); // youngest last
    }
    cache.set(url, found);
    while (cache.size > KEPT) {
      const oldest = cache.keys().next().value;
      cache.delete(oldest);
      ready.delete(oldest);
    }
    return found;
  }

  bangfu.arrays = {
    MISSING,
    OUT_OF_SCOPE,
    STATUS,
    SUPPRESSED,
    Values,
    cache,
    classOf,
    counts,
    decode,
    inflate,
    load,
    peek: (url) => ready.get(url),
  };
})();
