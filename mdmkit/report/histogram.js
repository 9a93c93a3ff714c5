// Histogram: how the scores of normal and of anomalous pixels lie, under the slider.
const BINS = 50;

/** Share of a class's pixels in each bin (k / BINS, (k + 1) / BINS]; scores of 0 are in the first. */
function sharesOf(above, total) {
  const shares = [];
  for (let bin = 0; bin < BINS; bin++) {
    const low = bin ? above[stopAtOrBelow(bin / BINS)] : total;
    shares.push(total ? (low - above[stopAtOrBelow((bin + 1) / BINS)]) / total : 0);
  }
  return shares;
}

/** An outline of bars; heights grow with the root of the share, so that small ones are seen. */
function outline(shares, most) {
  const height = (share) => 40 - 38 * Math.sqrt(most ? share / most : 0);
  const parts = shares.map((share, bin) =>
    `${bin ? "V" : "M0 40V"}${height(share).toFixed(2)}H${(1000 / BINS) * (bin + 1)}`);
  return `${parts.join("")}V40`;
}

function drawHistogram() {
  const m = Number(byId("histogram-of").value);
  const all = byId("histogram-all").checked;
  const [anomalous, normal] = all ? page.classes[m]
    : [state.shown.payload.methods[m].anomalous, state.shown.payload.methods[m].normal];
  const counts = all ? page.pooled[m] : state.shown.payload.methods[m];
  const shares = { normal: sharesOf(counts.fp, normal), anomalous: sharesOf(counts.tp, anomalous) };
  const most = Math.max(...shares.normal, ...shares.anomalous);
  for (const name in shares) byId(`${name}-scores`).setAttribute("d", outline(shares[name], most));
  const [what, z] = page.own[m];
  byId("histogram-own").setAttribute("d", `M${1000 * z} 0V40`);
  byId("histogram-own-name").textContent = `${what}: ${shortly(z)}`;
}
const markHistogram = (z) => byId("histogram-here").setAttribute("d", `M${1000 * z} 0V40`);
byId("histogram-of").addEventListener("change", drawHistogram);
byId("histogram-all").addEventListener("change", drawHistogram);
