// Objects: the components of the ground truth, sorted and filtered by size.
const AT_ONCE = 25;
const objects = { order: "size", direction: -1, most: AT_ONCE };
const sizeLimit = (id, otherwise) => {
  const text = byId(id).value;
  return text === "" ? otherwise : Number(text);
};
const inSize = (size) => size >= sizeLimit("size-from", 0) && size < sizeLimit("size-to", Infinity);
const isFound = (object, m) => object.found[m] > state.stop;
const foundUpTo = (object, m) => (object.found[m] ? stops[object.found[m] - 1] : -1);

function chosenObjects() {
  const missed = byId("missed-by").value;
  return page.objects.filter((object) =>
    inSize(object.size) && (missed === "" || !isFound(object, Number(missed))));
}

function valueOf(object) {
  if (objects.order in { size: 1, row: 1, frame: 1 }) return object[objects.order];
  return foundUpTo(object, Number(objects.order));
}

function objectRow(object) {
  const row = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  name.className = "name";
  if (object.place === null) name.textContent = object.frame;
  else {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = object.frame;
    button.addEventListener("click", () => show(object.place).then(() => byId("frame-title").focus()));
    name.append(button);
  }
  row.append(name);
  const texts = [whole.format(object.size), whole.format(object.row)];
  page.methods.forEach((_, m) => {
    const up = foundUpTo(object, m);
    texts.push(`${isFound(object, m) ? "\u2713" : "\u2013"} ${up < 0 ? "never" : shortly(up)}`);
  });
  for (const text of texts) row.insertCell().textContent = text;
  page.methods.forEach((_, m) => row.cells[m + 3].classList.toggle("found", isFound(object, m)));
  return row;
}

function showObjects() {
  const chosen = chosenObjects();
  if (objects.direction) {
    chosen.sort((a, b) => {
      const x = valueOf(a), y = valueOf(b);
      return objects.direction * (x < y ? -1 : x > y ? 1 : 0);
    });
  }
  byId("objects").tBodies[0].replaceChildren(...chosen.slice(0, objects.most).map(objectRow));
  const all = page.objects.filter((object) => inSize(object.size));
  const found = page.methods.map((name, m) =>
    `${name} ${all.filter((object) => isFound(object, m)).length}`);
  byId("objects-found").textContent =
    `Of ${all.length} objects of that size are found at z = ${shortly(stops[state.stop])}: ${found.join(", ")}.`;
  byId("more-objects").hidden = chosen.length <= objects.most;
}

Array.from(byId("objects").tHead.rows[0].cells).forEach((heading) => {
  heading.querySelector("button").addEventListener("click", () => {
    const order = nextOrder(heading);
    objects.order = heading.dataset.order;
    objects.direction = { ascending: 1, descending: -1 }[order] ?? 0;
    markOrder(byId("objects").tHead.rows[0], heading, order);
    showObjects();
  });
});
byId("more-objects").addEventListener("click", () => { objects.most += 4 * AT_ONCE; showObjects(); });
byId("missed-by").addEventListener("change", showObjects);
