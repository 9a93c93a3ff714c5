// Facts: what the page knows of the comparison, and how numbers are spelled.
const byId = (id) => document.getElementById(id);
const page = JSON.parse(byId("page").textContent);
const stops = page.thresholds;
const whole = new Intl.NumberFormat("en");
const percent = (value) => (value === null ? "-" : (100 * value).toFixed(1));
const shortly = (z) => String(Number(z.toFixed(4)));
const state = { frame: -1, stop: 0, shown: null };
