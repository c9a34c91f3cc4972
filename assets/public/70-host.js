/* The public map's ground: what the page says of itself, and its files by relative address. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});

  /** The JSON of a script element of the page; {} where it is not there. */
  function read(id) {
    const element = document.getElementById(id);
    return element ? JSON.parse(element.textContent) : {};
  }

  const boot = { base: "", atlas: "", later: "", region: "", embed: false, ...read("bangfu-atlas") };
  /* The bundle's folder, whatever it was put below. */
  const folder = new URL(boot.base || "./", window.location.href.split(/[?#]/)[0]).href;

  /** A file of the bundle by its path in it. */
  const url = (path) => (path ? folder + path : path);

  const kept = new Map(); // path -> promise

  function fetched(path) {
    return window.fetch(url(path), { credentials: "same-origin" }).then((answer) => {
      if (!answer.ok) throw new Error(answer.status + " " + path);
      return answer.arrayBuffer();
    }).then(bangfu.arrays.inflate);
  }

  /** What `make` makes of a file's bytes: asked for once, and again after a failure. */
  function once(path, make) {
    let found = kept.get(path);
    if (!found) {
      found = fetched(path).then(make);
      found.catch(() => kept.delete(path));
      kept.set(path, found);
    }
    return found;
  }

  const json = (path) =>
    once(path, (buffer) => JSON.parse(new TextDecoder().decode(new Uint8Array(buffer))));

  /* ---- tiles: any folder can hold them ------------------------------------------------------ */

  const SCHEME = "bangfu";
  const EMPTY = new ArrayBuffer(0);

  /** Lets MapLibre ask for `bangfu://PATH`: a relative file, inflated; one that is missing is
   *  empty, since nothing lies there. */
  function tiles() {
    window.maplibregl.addProtocol(SCHEME, (asked, abort) =>
      window
        .fetch(url(asked.url.slice(SCHEME.length + 3)), {
          credentials: "same-origin", signal: abort && abort.signal,
        })
        .then((answer) => {
          if (answer.status === 404) return EMPTY;
          if (!answer.ok) throw new Error(answer.status + " " + asked.url);
          return answer.arrayBuffer().then(bangfu.arrays.inflate);
        })
        .then((data) => ({ data }))
    );
  }

  /* ---- scripts that the first map does not need --------------------------------------------- */

  let loading = null;

  /** Downloads, pictures, sharing and the mesh: a promise of their script, fetched once. */
  function later() {
    if (bangfu.public.take) return Promise.resolve();
    if (!loading) {
      loading = new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = url(boot.later);
        script.onload = () => done();
        script.onerror = () => {
          loading = null;
          script.remove();
          failed(new Error(boot.later));
        };
        document.head.appendChild(script);
      });
    }
    return loading;
  }

  bangfu.public = {
    boot,
    folder,
    json,
    later,
    once,
    scheme: SCHEME,
    tiles,
    url,
    /** The words, by section: {public, map, portal}; in the script, or in the page. */
    words: { public: {}, map: {}, portal: {}, ...(bangfu.words || read("bangfu-words")) },
  };

  /** The words of some tables of a section, their keys without the table. */
  bangfu.public.part = (section, ...tables) => {
    const found = {};
    for (const key of Object.keys(section)) {
      const cut = key.lastIndexOf(".");
      const table = cut < 0 ? "" : key.slice(0, cut);
      if (tables.indexOf(table) >= 0) found[key.slice(cut + 1)] = section[key];
    }
    return found;
  };
})();
