// Frames: which one is shown, at which threshold.
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
    const own = page.own[m][1];
    const told = [percent(f1), ...[tp, fp, fn].map((n) => whole.format(n)), shortly(own),
      percent(countsAt(method, stopAtOrBelow(own)).f1)];
    told.forEach((text, c) => {
      cells[c + 1].textContent = text;
    });
    const said = `${page.methods[m]}: F1 ${percent(f1)}, TP ${tp}, FP ${fp}, FN ${fn}`;
    byId(`prediction-${m}`).setAttribute("aria-label", `prediction at z = ${shortly(z)}, ${said}`);
    byId(`at-${m}`).textContent = `score > ${shortly(z)}: F1 ${percent(f1)}`;
    words.push(said);
  });
  markHere(z);
  markHistogram(z);
  showObjects();
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
  for (const item of items) {
    item.querySelector("button").setAttribute("aria-current", String(placeOf(item) === index));
  }
  markNeighbours();
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
  drawHistogram();
  paintOwn();
  moveTo(state.stop);
  document.body.dataset.frame = String(index);
}
function paintOwn() {
  state.shown.levels.forEach((levels, m) => {
    const [what, z] = page.own[m];
    const stop = stopAtOrBelow(z);
    const { tp, fp, fn, f1 } = countsAt(state.shown.payload.methods[m], stop);
    paintAreas(byId(`own-${m}`), (i) => levels[i] > stop);
    const said = `${what}, score > ${shortly(z)}: F1 ${percent(f1)}`;
    byId(`own-at-${m}`).textContent = said;
    byId(`own-${m}`).setAttribute("aria-label",
      `prediction at its own threshold, ${said}, TP ${tp}, FP ${fp}, FN ${fn}`);
  });
}
const paintTruth = () => paintAreas(byId("truth"), (i) => state.shown.truth[i] === ANOMALOUS);

// ---- the list of frames, in an order to choose, those with objects of a size
const items = Array.from(document.querySelectorAll(".list li"));
const placeOf = (item) => Number(item.querySelector("button").dataset.frame);
const sizesIn = items.map((item) => JSON.parse(item.dataset.sizes));
const ORDERS = {
  hardest: (item) => placeOf(item),
  anomalous: (item) => -Number(item.dataset.anomalous),
  largest: (item) => -Math.max(0, ...sizesIn[placeOf(item)]),
  smallest: (item) => Math.min(Infinity, ...sizesIn[placeOf(item)]),
};

function orderFrames() {
  const order = byId("frame-order").value;
  const sorted = [...items].sort(order === "name"
    ? (a, b) => a.textContent.localeCompare(b.textContent)
    : (a, b) => (ORDERS[order](a) - ORDERS[order](b)) || placeOf(a) - placeOf(b));
  const limited = byId("size-from").value !== "" || byId("size-to").value !== "";
  for (const item of items) item.hidden = limited && !sizesIn[placeOf(item)].some(inSize);
  document.querySelector(".list").append(...sorted);
  const seen = items.filter((item) => !item.hidden).length;
  byId("frames-left").textContent = seen < items.length
    ? `${seen} of ${items.length} frames have such an object.` : "";
  markNeighbours();
}

function neighbour(step) {
  const seen = Array.from(document.querySelectorAll(".list li")).filter((item) => !item.hidden);
  const at = seen.findIndex((item) => placeOf(item) === state.frame);
  const next = at < 0 ? seen[0] : seen[at + step];
  return next ? placeOf(next) : null;
}

function markNeighbours() {
  byId("previous").disabled = neighbour(-1) === null;
  byId("next").disabled = neighbour(1) === null;
}

// ---- controls
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
for (const item of items) {
  item.querySelector("button").addEventListener("click", () => show(placeOf(item)));
}
const turn = (step) => show(neighbour(step)).then(() => byId("frame-title").focus());
byId("frame-order").addEventListener("change", orderFrames);
for (const id of ["size-from", "size-to"]) {
  byId(id).addEventListener("input", () => { orderFrames(); showObjects(); });
}
byId("previous").addEventListener("click", () => turn(-1));
byId("next").addEventListener("click", () => turn(1));
if (byId("beneath")) {
  byId("beneath").addEventListener("change", () => { paintTruth(); paintOwn(); paintPredictions(); });
}

state.stop = stopAtOrBelow(0.5);
show(0);
