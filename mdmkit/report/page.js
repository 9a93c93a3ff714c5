"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const page = JSON.parse(byId("page").textContent);
  const stops = page.thresholds;
  const IGNORED = 2, ANOMALOUS = 1;
  const COLOURS = { tp: [0, 158, 115], fp: [213, 94, 0], fn: [86, 180, 233], tn: [26, 26, 26],
                    ignored: [187, 187, 187], stripe: [141, 141, 141] };
  const palette = page.palette.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const state = { frame: -1, stop: 0, shown: null };
  const whole = new Intl.NumberFormat("en");

  // ------------------------------------------------------------------ pictures
  async function pixelsOf(base64, type) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    // bytes are values here, not colours: nothing may convert them
    const bitmap = await createImageBitmap(new Blob([bytes], { type }),
      { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  }

  async function bytesOf(base64) {
    const rgba = await pixelsOf(base64, "image/png");
    const values = new Uint8Array(rgba.length / 4);
    for (let i = 0; i < values.length; i++) values[i] = rgba[4 * i];
    return values;
  }

  const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

  function paint(canvas, [height, width], colourAt) {
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const image = context.createImageData(width, height);
    const out = new Uint32Array(image.data.buffer);
    for (let i = 0; i < out.length; i++) out[i] = colourAt(i);
    context.putImageData(image, 0, 0);
  }

  const striped = (i, width) => ((i % width) + Math.floor(i / width)) % 8 < 4;

  /** Colours of an area: plain, or mixed with the grey image beneath (one of 256 greys). */
  function tints(beneath) {
    const tables = {};
    for (const [name, colour] of Object.entries(COLOURS)) {
      tables[name] = new Uint32Array(256);
      const share = name === "tn" ? 0.35 : 0.72;
      for (let grey = 0; grey < 256; grey++) {
        const mixed = colour.map((c) => Math.round(share * c + (1 - share) * grey));
        tables[name][grey] = packed(beneath ? mixed : colour);
      }
    }
    return tables;
  }
  const TINTS = { plain: tints(false), mixed: tints(true) };
  const isBeneath = () => Boolean(state.shown.grey && byId("beneath") && byId("beneath").checked);

  function paintAreas(canvas, predicted) {
    const { truth, grey, payload } = state.shown;
    const width = payload.drawn[1];
    const mixed = isBeneath();
    const tint = mixed ? TINTS.mixed : TINTS.plain;
    paint(canvas, payload.drawn, (i) => {
      const shade = mixed ? grey[i] : 0;
      if (truth[i] === IGNORED) return (striped(i, width) ? tint.ignored : tint.stripe)[shade];
      if (truth[i] === ANOMALOUS) return (predicted(i) ? tint.tp : tint.fn)[shade];
      return (predicted(i) ? tint.fp : tint.tn)[shade];
    });
  }

  // ------------------------------------------------------------------ counts
  function countsAt(method, stop) {
    const tp = method.tp[stop], fp = method.fp[stop];
    const fn = method.anomalous - tp;
    const size = 2 * tp + fp + fn;
    return { tp, fp, fn, f1: size ? (2 * tp) / size : null };
  }
  const percent = (value) => (value === null ? "-" : (100 * value).toFixed(1));
  const shortly = (z) => String(Number(z.toFixed(4)));

  function stopAtOrBelow(z) {
    let low = 0, high = stops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (stops[middle] <= z) low = middle + 1; else high = middle;
    }
    return Math.max(0, low - 1);
  }

  let speaking = 0, painting = 0;
  function moveTo(stop) {
    state.stop = Math.min(stops.length - 1, Math.max(0, stop));
    const z = stops[state.stop];
    const slider = byId("z");
    slider.value = String(z);
    slider.setAttribute("aria-valuetext", shortly(z));
    if (document.activeElement !== byId("z-number")) byId("z-number").value = shortly(z);
    byId("counts-title").textContent = `Counts at z = ${shortly(z)}`;
    byId("counts").dataset.z = String(z);
    for (const button of byId("jumps").children) {
      button.setAttribute("aria-pressed", String(stopAtOrBelow(Number(button.dataset.z)) === state.stop));
    }
    if (!state.shown) return;
    const words = [];
    state.shown.payload.methods.forEach((method, m) => {
      const { tp, fp, fn, f1 } = countsAt(method, state.stop);
      const cells = byId("counts").tBodies[0].rows[m].cells;
      [percent(f1), ...[tp, fp, fn].map((n) => whole.format(n))].forEach((text, c) => {
        cells[c + 1].textContent = text;
      });
      const said = `${page.methods[m]}: F1 ${percent(f1)}, TP ${tp}, FP ${fp}, FN ${fn}`;
      byId(`prediction-${m}`).setAttribute("aria-label", `prediction at z = ${shortly(z)}, ${said}`);
      byId(`at-${m}`).textContent = `score > ${shortly(z)}: F1 ${percent(f1)}`;
      words.push(said);
    });
    markHere(z);
    clearTimeout(speaking); // a screen reader hears where the slider comes to rest
    speaking = setTimeout(() => { byId("spoken").textContent = `z ${shortly(z)}. ${words.join(". ")}`; }, 500);
    cancelAnimationFrame(painting);
    painting = requestAnimationFrame(paintPredictions);
  }

  function paintPredictions() {
    state.shown.levels.forEach((levels, m) => {
      paintAreas(byId(`prediction-${m}`), (i) => levels[i] > state.stop);
    });
    byId("counts").dataset.painted = String(stops[state.stop]);
  }

  // ------------------------------------------------------------------ the frame's own curves
  const SVG = "http://www.w3.org/2000/svg";
  const place = { x: (z) => 28 + 284 * z, y: (v) => 156 - 146 * v };

  function drawn(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function drawOwnCurves(payload) {
    const parts = [];
    for (const tick of [0, 0.5, 1]) {
      parts.push(drawn("path", { class: "grid", d: `M28 ${place.y(tick)}H312` }));
      parts.push(drawn("text", { class: "end", x: 24, y: place.y(tick) + 4 }, 100 * tick));
      parts.push(drawn("text", { class: "middle", x: place.x(tick), y: 172 }, tick));
    }
    payload.methods.forEach((method, m) => {
      let d = "";
      stops.forEach((z, stop) => {
        const f1 = countsAt(method, stop).f1;
        if (f1 === null) return;
        const y = place.y(f1).toFixed(1);
        const end = place.x(stop + 1 < stops.length ? stops[stop + 1] : 1).toFixed(1);
        d += `${d ? "V" + y : `M${place.x(z).toFixed(1)} ${y}`}H${end}`;
      });
      const group = drawn("g", { class: `m${m % 28}` });
      group.append(drawn("path", { class: "curve", d }));
      parts.push(group);
    });
    parts.push(drawn("path", { class: "here", id: "here", d: "" }));
    byId("own-curves").replaceChildren(...parts);
  }
  const markHere = (z) => byId("here").setAttribute("d", `M${place.x(z)} 6V160`);

  // ------------------------------------------------------------------ frames
  const loaded = new Map(); // the last few, decoded
  async function load(index) {
    if (!loaded.has(index)) {
      const payload = JSON.parse(byId(`frame-${index}`).textContent);
      const [truth, levels, image] = await Promise.all([
        bytesOf(payload.truth),
        Promise.all(payload.methods.map((method) => bytesOf(method.map))),
        payload.image ? pixelsOf(payload.image, "image/jpeg") : null,
      ]);
      const grey = image && new Uint8Array(truth.length);
      if (image) {
        for (let i = 0; i < grey.length; i++) {
          grey[i] = 0.299 * image[4 * i] + 0.587 * image[4 * i + 1] + 0.114 * image[4 * i + 2];
        }
      }
      loaded.set(index, { payload, truth, levels, image, grey });
      if (loaded.size > 4) loaded.delete(loaded.keys().next().value);
    }
    return loaded.get(index);
  }

  async function show(index) {
    state.frame = index;
    const buttons = Array.from(document.querySelectorAll(".list button"));
    buttons.forEach((button, i) => button.setAttribute("aria-current", String(i === index)));
    byId("previous").disabled = index === 0;
    byId("next").disabled = index === buttons.length - 1;
    const found = await load(index);
    if (state.frame !== index) return; // another one was asked for meanwhile
    state.shown = found;
    const { payload, truth, image } = found;
    byId("frame-title").textContent = payload.name;
    const [height, width] = payload.shape;
    const smaller = payload.drawn[1] === width ? ""
      : `, drawn at ${payload.drawn[1]} × ${payload.drawn[0]}; counts are of all pixels`;
    const { anomalous, normal } = payload.methods[0];
    byId("frame-size").textContent =
      `${width} × ${height} pixels, ${whole.format(anomalous)} anomalous, ${whole.format(normal)} normal${smaller}`;
    byId("ignored-key").hidden = !truth.includes(IGNORED);
    byId("image-figure").hidden = !image;
    if (image) {
      const rgba = new Uint32Array(image.buffer);
      paint(byId("image"), payload.drawn, (i) => rgba[i]);
      byId("image").setAttribute("aria-label", `image of ${payload.name}`);
    }
    paintTruth();
    const colours = palette.map(packed);
    const blank = [packed(COLOURS.ignored), packed(COLOURS.stripe)];
    found.levels.forEach((levels, m) => {
      const wide = payload.drawn[1];
      paint(byId(`scores-${m}`), payload.drawn, (i) =>
        truth[i] === IGNORED ? blank[striped(i, wide) ? 0 : 1] : colours[levels[i]]);
    });
    drawOwnCurves(payload);
    moveTo(state.stop);
    document.body.dataset.frame = String(index);
  }
  const paintTruth = () => paintAreas(byId("truth"), (i) => state.shown.truth[i] === ANOMALOUS);

  // ------------------------------------------------------------------ controls
  function addJump(label, z, owner) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.z = String(z);
    if (owner !== undefined) {
      button.className = `m${owner % 28}`;
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      button.append(swatch);
    }
    button.append(`${label} ${z.toFixed(owner === undefined ? 1 : 3)}`);
    button.addEventListener("click", () => moveTo(stopAtOrBelow(z)));
    byId("jumps").append(button);
  }
  for (const z of page.marked) addJump("z =", z);
  page.jumps.forEach((found, m) => {
    for (const [what, z] of found) addJump(`${page.methods[m]}, ${what}:`, z, m);
  });

  // a slider may round the last digit away: what it names is the stop, not the one below
  const named = (text) => stopAtOrBelow(Number(text) + 1e-12);
  byId("z").addEventListener("input", (event) => moveTo(named(event.target.value)));
  byId("z").addEventListener("keydown", (event) => {
    const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moveTo(state.stop + moves[event.key]);
  });
  byId("z-number").addEventListener("change", (event) => {
    const z = Number(event.target.value);
    if (event.target.value !== "" && z >= 0 && z <= 1) moveTo(named(event.target.value));
    event.target.value = shortly(stops[state.stop]);
  });
  document.querySelectorAll(".list button").forEach((button, index) => {
    button.addEventListener("click", () => show(index));
  });
  const turn = (step) => show(state.frame + step).then(() => byId("frame-title").focus());
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  if (byId("beneath")) {
    byId("beneath").addEventListener("change", () => { paintTruth(); paintPredictions(); });
  }

  state.stop = stopAtOrBelow(0.5);
  show(0);
})();
