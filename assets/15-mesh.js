/* The mesh: every region as triangles on the graphics card, coloured from two months mixed. */
"use strict";
(function () {
  const bangfu = (window.bangfu = window.bangfu || {});

  /* Regions a row of the texture of classes: any card takes one this wide. */
  const ROW = 2048;
  /* Colours that regions can have: each class, in the region and outside, and no class. */
  const MOST = 64;
  /* Column of a pixel that no region covers. */
  const NOWHERE = 65535;
  /* The hatching of the map's pattern layer: lines every so many pixels, and how wide. */
  const HATCH_GAP = 8;
  const HATCH_WIDTH = 1;

  /* ---- the file ------------------------------------------------------------------------ */

  /** Decodes a BFM1 file (geodata.mesh); raises on anything else. */
  function decode(buffer) {
    const bytes = new Uint8Array(buffer);
    if (String.fromCharCode.apply(null, bytes.subarray(0, 4)) !== "BFM1") {
      throw new Error("not a BFM1 mesh");
    }
    const length = new DataView(buffer).getUint32(4, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const { leaves, corners, offsets } = header;
    const whole = (name, count) => new Uint32Array(buffer, offsets[name], count);
    const half = (name, count) => {
      const at = offsets[name];
      return (n) => bytes[at + n] | (bytes[at + count + n] << 8);
    };
    const [dx, dy] = [half("x", corners), half("y", corners)];
    const points = new Uint16Array(2 * corners); // wraps around as the file's differences do
    for (let n = 0, x = 0, y = 0; n < corners; n++) {
      points[2 * n] = x += dx(n);
      points[2 * n + 1] = y += dy(n);
    }
    const bounds = [65535, 65535, 0, 0];
    for (let n = 0; n < 2 * corners; n++) {
      bounds[n % 2] = Math.min(bounds[n % 2], points[n]);
      bounds[2 + (n % 2)] = Math.max(bounds[2 + (n % 2)], points[n]);
    }
    const own = whole("corners", leaves);
    const cuts = header.cuts.map(({ zoom, triangles }) => {
      const per = whole("triangles-" + zoom, leaves);
      const step = half("index-" + zoom, 3 * triangles);
      // A coarse cut uses few of the corners: they get numbers of their own, side by side.
      const number = new Int32Array(corners).fill(-1);
      const point = new Uint16Array(2 * corners);
      const leaf = new Uint32Array(corners);
      const index = new Uint32Array(3 * triangles);
      let used = 0;
      for (let one = 0, first = 0, corner = 0, n = 0; one < leaves; first += own[one++]) {
        for (const end = n + 3 * per[one]; n < end; n++) {
          const told = step(n);
          if (n % 3 === 0) corner = (corner + told) & 65535;
          const at = first + (n % 3 === 0 ? corner : (corner + told) & 65535);
          if (number[at] < 0) {
            point[2 * used] = points[2 * at];
            point[2 * used + 1] = points[2 * at + 1];
            leaf[used] = one;
            number[at] = used++;
          }
          index[n] = number[at];
        }
      }
      return { zoom, index, points: point.slice(0, 2 * used), leaf: leaf.slice(0, used) };
    });
    const above = {};
    header.levels.slice(0, -1).forEach((level, depth) => {
      above[level] = new Uint32Array(buffer, offsets.above + 4 * depth * leaves, leaves);
    });
    return { step: header.step, origin: header.origin, bounds, cuts, above };
  }

  /** What the card is told of each corner of a cut: place, and where its region's class stands. */
  function corners(cut, up) {
    const found = new Uint16Array(4 * cut.leaf.length);
    for (let n = 0; n < cut.leaf.length; n++) {
      const region = up ? up[cut.leaf[n]] : cut.leaf[n];
      found[4 * n] = cut.points[2 * n];
      found[4 * n + 1] = cut.points[2 * n + 1];
      found[4 * n + 2] = region % ROW;
      found[4 * n + 3] = Math.floor(region / ROW);
    }
    return found;
  }

  let held = { url: "", promise: null };

  /** The mesh behind a URL, fetched once; asked for again after a failure. The last one is kept. */
  function load(url) {
    if (held.url === url) return held.promise;
    const promise = fetch(url, { credentials: "same-origin" })
      .then((answer) => {
        if (!answer.ok) throw new Error(answer.status + " " + url);
        return answer.arrayBuffer();
      })
      .then(bangfu.arrays.inflate)
      .then(decode);
    held = { url, promise };
    promise.catch(() => {
      if (held.promise === promise) held = { url: "", promise: null };
    });
    return promise;
  }

  /* ---- the layer ----------------------------------------------------------------------- */

  /* A frame is two draws. First each region's colour: one pixel a region, of a picture that
   * nobody sees, mixed from the colours of its classes in two months. A colour's alpha is how
   * strongly the region is hatched. */
  const MIX = [
    `#version 300 es
    void main() {
      gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
    }`,
    `#version 300 es
    precision highp float;
    precision highp int;
    precision highp usampler2DArray;
    uniform ivec2 u_periods;
    uniform float u_share;
    uniform vec4 u_colours[${MOST}];
    uniform usampler2DArray u_classes;
    out vec4 colour;
    void main() {
      ivec2 at = ivec2(gl_FragCoord.xy);
      int from = int(texelFetch(u_classes, ivec3(at, u_periods.x), 0).r);
      int to = int(texelFetch(u_classes, ivec3(at, u_periods.y), 0).r);
      colour = mix(u_colours[from], u_colours[to], u_share);
    }`,
  ];
  /* Then each pixel of the screen takes the colour of the region that it lies in, and hatches it
   * bound to the ground, as MapLibre's pattern layer draws it. */
  const SHOW = [
    `#version 300 es
    uniform vec4 u_box;
    void main() {
      vec2 at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
      gl_Position = vec4(mix(u_box.xy, u_box.zw, at), 0.0, 1.0);
    }`,
    `#version 300 es
    precision highp float;
    precision highp int;
    precision highp usampler2D;
    uniform usampler2D u_regions;
    uniform sampler2D u_mixed;
    uniform float u_opacity;
    uniform vec4 u_lines;
    uniform float u_width;
    uniform vec3 u_hatch;
    out vec4 colour;
    void main() {
      uvec2 at = texelFetch(u_regions, ivec2(gl_FragCoord.xy), 0).rg;
      if (at.x == ${NOWHERE}u) discard;
      vec4 mixed = texelFetch(u_mixed, ivec2(at), 0);
      colour = vec4(mixed.rgb, 1.0) * u_opacity;
      if (mixed.a > 0.0) {
        float turn = fract(dot(gl_FragCoord.xy, u_lines.xy) + u_lines.z);
        float away = min(turn, 1.0 - turn) * u_lines.w;
        float inked = clamp(u_width + 0.5 - away, 0.0, 1.0) * mixed.a;
        colour = colour * (1.0 - inked) + vec4(u_hatch * inked, inked);
      }
    }`,
  ];
  /* Which region that is says a picture of the triangles. It stays until the camera moves: while
   * months go by the triangles rest. */
  const LAY = [
    `#version 300 es
    precision highp float;
    precision highp int;
    uniform vec4 u_place;
    in uvec4 a_corner;
    flat out uvec2 v_region;
    void main() {
      v_region = a_corner.zw;
      gl_Position = vec4(vec2(a_corner.xy) * u_place.xy + u_place.zw, 0.0, 1.0);
    }`,
    `#version 300 es
    precision highp int;
    flat in uvec2 v_region;
    out uvec2 region;
    void main() {
      region = v_region;
    }`,
  ];

  let asked = { gl: null, most: 0 };

  /** A program with the places of its uniforms; raises what the card says. */
  function link(gl, sources) {
    const program = gl.createProgram();
    [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].forEach((kind, n) => {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, sources[n]);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      gl.deleteShader(shader); // goes with the program
    });
    gl.bindAttribLocation(program, 0, "a_corner");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error("mesh: " + gl.getProgramInfoLog(program));
    }
    const where = {};
    for (let n = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) - 1; n >= 0; n--) {
      const { name } = gl.getActiveUniform(program, n);
      where[name.slice(2).replace("[0]", "")] = gl.getUniformLocation(program, name);
    }
    return { program, where };
  }

  /** A custom layer of MapLibre that draws a mesh.
   *
   * `show` gives it a level's classes, `tint` the colours, `at` the two months and the share of
   * the second: that alone changes from frame to frame. All that goes to the card goes in
   * `prerender` and `render`, where MapLibre expects its own state to be disturbed. */
  class MeshLayer {
    constructor(id, mesh) {
      this.id = id;
      this.type = "custom";
      this.renderingMode = "2d";
      this.mesh = mesh;
      this.from = this.to = 0;
      this.share = 0;
      this.opacity = 1;
      this.colours = new Float32Array(4 * MOST);
      this.hatch = [0, 0, 0];
      this.stale = { shapes: true, classes: true, colours: true };
      this.lain = "";
      this.gl = null;
      this.broken = false;
    }

    /** Whether a map's graphics card can draw so many periods in so many classes. */
    static fits(map, periods, classes) {
      const gl = map.painter && map.painter.context.gl;
      if (!gl || !window.WebGL2RenderingContext || !(gl instanceof window.WebGL2RenderingContext)) {
        return false;
      }
      // Asked once a card: each question may wait for it.
      if (asked.gl !== gl) asked = { gl, most: gl.getParameter(gl.MAX_ARRAY_TEXTURE_LAYERS) };
      return periods <= asked.most && 2 * (classes + 3) <= MOST;
    }

    /** A level and its classes: `classes(period)` gives a number under 256 for each region. */
    show(level, count, periods, classes) {
      if (level !== this.level) this.stale.shapes = true;
      this.level = level;
      this.periods = periods;
      this.width = Math.min(count, ROW);
      this.height = Math.ceil(count / this.width);
      const size = this.width * this.height;
      this.classes = new Uint8Array(size * periods);
      for (let period = 0; period < periods; period++) this.classes.set(classes(period), size * period);
      this.stale.classes = true;
      this.at(this.from, this.to, this.share);
    }

    /** `colours[n]`: what a region of number n looks like, {v: packed colour, hatch: 0 to 1}. */
    tint(colours, hatch, opacity) {
      const parts = (packed) => [16, 8, 0].map((shift) => ((packed >> shift) & 255) / 255);
      colours.forEach((one, n) => this.colours.set([...parts(one.v), one.hatch], 4 * n));
      this.hatch = parts(hatch);
      this.opacity = opacity;
      this.stale.colours = true;
    }

    /** The months to mix, and the share of the second. */
    at(from, to, share) {
      const inside = (period) => Math.max(0, Math.min((this.periods || 1) - 1, period));
      this.from = inside(from);
      this.to = inside(to);
      this.share = share;
    }

    onAdd(map, gl) {
      this.map = map;
      this.gl = gl;
    }

    onRemove() {
      this.release();
    }

    make(gl) {
      this.mix = link(gl, MIX);
      this.lay = link(gl, LAY);
      this.cover = link(gl, SHOW);
      this.bare = gl.createVertexArray();
      this.frame = gl.createFramebuffer();
      this.ground = gl.createFramebuffer();
      this.texture = this.mixed = this.regions = null;
      this.shapes = new Map();
    }

    /** A cut's triangles on the card; brought there when a zoom first needs them. */
    shape(gl, cut) {
      let found = this.shapes.get(cut.zoom);
      if (found) return found;
      const up = this.mesh.above[this.level];
      found = { array: gl.createVertexArray(), buffers: [gl.createBuffer(), gl.createBuffer()] };
      found.count = cut.index.length;
      gl.bindVertexArray(found.array);
      gl.bindBuffer(gl.ARRAY_BUFFER, found.buffers[0]);
      gl.bufferData(gl.ARRAY_BUFFER, corners(cut, up), gl.STATIC_DRAW);
      gl.enableVertexAttribArray(0);
      gl.vertexAttribIPointer(0, 4, gl.UNSIGNED_SHORT, 0, 0);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, found.buffers[1]);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, cut.index, gl.STATIC_DRAW);
      this.shapes.set(cut.zoom, found);
      return found;
    }

    forget(gl) {
      this.shapes.forEach(({ array, buffers }) => {
        gl.deleteVertexArray(array);
        buffers.forEach((one) => gl.deleteBuffer(one));
      });
      this.shapes.clear();
      this.lain = "";
    }

    /** Brings to the card what changed since the last frame; nothing in most of them. */
    upload(gl) {
      const { stale } = this;
      if (stale.shapes) this.forget(gl);
      if (stale.colours) {
        gl.useProgram(this.mix.program);
        gl.uniform4fv(this.mix.where.colours, this.colours);
      }
      if (stale.classes) {
        const all = gl.TEXTURE_2D_ARRAY;
        const shape = [this.width, this.height, this.periods];
        gl.activeTexture(gl.TEXTURE0);
        if (String(shape) !== this.size) {
          this.size = String(shape);
          gl.deleteTexture(this.texture);
          gl.deleteTexture(this.mixed);
          this.texture = gl.createTexture();
          gl.bindTexture(all, this.texture);
          gl.texStorage3D(all, 1, gl.R8UI, ...shape);
          this.mixed = gl.createTexture();
          gl.bindTexture(gl.TEXTURE_2D, this.mixed);
          gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, this.width, this.height);
          for (const kind of [all, gl.TEXTURE_2D]) {
            gl.texParameteri(kind, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
            gl.texParameteri(kind, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
          }
          gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
          gl.framebufferTexture2D(
            gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.mixed, 0
          );
        }
        gl.bindTexture(all, this.texture);
        gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
        gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
        gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
        gl.texSubImage3D(all, 0, 0, 0, 0, ...shape, gl.RED_INTEGER, gl.UNSIGNED_BYTE, this.classes);
        gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
      }
      this.stale = { shapes: false, classes: false, colours: false };
    }

    /** Before the map's own frame: what changed goes to the card, the months are mixed, and after
     *  a move of the camera the regions are laid out anew. */
    prerender(gl, options) {
      if (this.broken || !this.classes) return;
      try {
        if (!this.cover) this.make(gl);
        this.upload(gl);
        for (const test of [gl.DEPTH_TEST, gl.STENCIL_TEST, gl.BLEND, gl.CULL_FACE]) gl.disable(test);
        this.layOut(gl, this.place(options.defaultProjectionData.mainMatrix));
      } catch (error) {
        this.broken = true; // the engine then goes back to the tiles
        bangfu.mapError = String(error);
        return;
      }
      const { program, where } = this.mix;
      gl.bindVertexArray(this.bare);
      gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
      gl.viewport(0, 0, this.width, this.height);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
      gl.useProgram(program);
      gl.uniform1i(where.classes, 0);
      gl.uniform2i(where.periods, this.from, this.to);
      gl.uniform1f(where.share, this.share);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      gl.bindVertexArray(null);
      gl.bindTexture(gl.TEXTURE_2D_ARRAY, null);
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    }

    /** Draws which region each pixel of the screen lies in; nothing while the camera rests. */
    layOut(gl, place) {
      const cut = this.cut();
      const { width, height } = gl.canvas;
      const key = [cut.zoom, width, height, ...place].join(" ");
      if (key === this.lain) return;
      const shape = this.shape(gl, cut);
      const size = width + " " + height;
      if (size !== this.screen) {
        this.screen = size;
        gl.deleteTexture(this.regions);
        this.regions = gl.createTexture();
        gl.activeTexture(gl.TEXTURE0);
        gl.bindTexture(gl.TEXTURE_2D, this.regions);
        gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RG16UI, width, height);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
        gl.bindFramebuffer(gl.FRAMEBUFFER, this.ground);
        gl.framebufferTexture2D(
          gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.regions, 0
        );
      }
      gl.bindVertexArray(shape.array);
      gl.bindFramebuffer(gl.FRAMEBUFFER, this.ground);
      gl.viewport(0, 0, width, height);
      gl.disable(gl.SCISSOR_TEST);
      gl.clearBufferuiv(gl.COLOR, 0, [NOWHERE, NOWHERE, NOWHERE, NOWHERE]);
      gl.useProgram(this.lay.program);
      gl.uniform4fv(this.lay.where.place, place);
      gl.drawElements(gl.TRIANGLES, shape.count, gl.UNSIGNED_INT, 0);
      gl.bindVertexArray(null);
      gl.bindTexture(gl.TEXTURE_2D, null);
      this.box = this.around(place);
      this.lain = key;
    }

    /** The part of the screen that the mesh can cover: left, bottom, right, top, from -1 to 1. */
    around(place) {
      const [x, y, right, bottom] = this.mesh.bounds;
      const inside = (one) => Math.max(-1, Math.min(1, one));
      const ends = [x * place[0] + place[2], right * place[0] + place[2]].map(inside);
      const rows = [y * place[1] + place[3], bottom * place[1] + place[3]].map(inside);
      return [Math.min(...ends), Math.min(...rows), Math.max(...ends), Math.max(...rows)];
    }

    render(gl) {
      if (this.broken || !this.lain) return;
      const { program, where } = this.cover;
      gl.useProgram(program);
      gl.uniform1i(where.regions, 0);
      gl.uniform1i(where.mixed, 1);
      gl.uniform4fv(where.box, this.box);
      gl.uniform1f(where.opacity, this.opacity);
      this.lines(gl, where);
      gl.bindVertexArray(this.bare);
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, this.mixed);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.regions);
      // The mesh covers what lies under it, and has no depth: both tests would only cost time.
      gl.disable(gl.DEPTH_TEST);
      if (this.opacity === 1) gl.disable(gl.BLEND);
      else {
        gl.enable(gl.BLEND);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      }
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
      gl.bindVertexArray(null);
      gl.bindTexture(gl.TEXTURE_2D, null);
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, null);
      gl.activeTexture(gl.TEXTURE0);
    }

    /** The triangles of the zoom whose tiles MapLibre would draw now: the same shapes. */
    cut() {
      const { cuts } = this.mesh;
      const zoom = Math.floor(this.map.getZoom());
      return cuts.find((one) => one.zoom <= zoom) || cuts[cuts.length - 1];
    }

    /** Grid steps to the screen: scale and shift. Worked out in doubles here, so that what the
     *  card adds up in floats are distances on the screen and not on the globe. */
    place(m) {
      const { step, origin } = this.mesh;
      const [x, y] = [origin[0] * step, origin[1] * step];
      const w = m[3] * x + m[7] * y + m[15];
      return [
        (m[0] * step) / w, (m[5] * step) / w,
        (m[0] * x + m[4] * y + m[12]) / w, (m[1] * x + m[5] * y + m[13]) / w,
      ];
    }

    /** Where the hatching's lines run: as MapLibre's pattern, on the ground of the whole zoom. */
    lines(gl, where) {
      const zoom = this.map.getZoom();
      const world = 512 * Math.pow(2, Math.floor(zoom));
      const grown = Math.pow(2, zoom - Math.floor(zoom));
      const { width, height } = gl.canvas;
      const dense = width / this.map.transform.width;
      const pixel = 1 / (dense * grown * HATCH_GAP);
      const { lng, lat } = this.map.getCenter();
      const x = (lng + 180) / 360;
      const y = (1 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / Math.PI) / 2;
      // From the middle of the canvas, whose rows WebGL counts from below.
      const shift = ((x + y) * world) / HATCH_GAP - (width / 2 - height / 2) * pixel;
      gl.uniform3fv(where.hatch, this.hatch);
      gl.uniform4f(where.lines, pixel, -pixel, shift - Math.floor(shift), 1 / pixel / Math.SQRT2);
      gl.uniform1f(where.width, (HATCH_WIDTH * dense * grown) / 2);
    }

    /** Gives back all that lies on the card; a lost card has nothing to give back. */
    release() {
      const { gl } = this;
      if (gl && this.cover) {
        for (const { program } of [this.mix, this.lay, this.cover]) gl.deleteProgram(program);
        this.forget(gl);
        gl.deleteVertexArray(this.bare);
        for (const one of [this.frame, this.ground]) gl.deleteFramebuffer(one);
        for (const one of [this.texture, this.mixed, this.regions]) gl.deleteTexture(one);
      }
      this.cover = null;
      this.size = this.screen = this.lain = "";
      this.stale = { shapes: true, classes: true, colours: true };
    }
  }

  bangfu.meshes = { MeshLayer, decode, load };
})();
