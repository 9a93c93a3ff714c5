// Pictures: decoding and painting of maps, and the curves of one frame.
const IGNORED = 2, ANOMALOUS = 1;
const COLOURS = { tp: [0, 158, 115], fp: [213, 94, 0], fn: [86, 180, 233], tn: [26, 26, 26],
                  ignored: [187, 187, 187], stripe: [141, 141, 141] };
const palette = page.palette.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));

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

function countsAt(method, stop) {
  const tp = method.tp[stop], fp = method.fp[stop];
  const fn = method.anomalous - tp;
  const size = 2 * tp + fp + fn;
  return { tp, fp, fn, f1: size ? (2 * tp) / size : null };
}

function stopAtOrBelow(z) {
  let low = 0, high = stops.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stops[middle] <= z) low = middle + 1; else high = middle;
  }
  return Math.max(0, low - 1);
}

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
