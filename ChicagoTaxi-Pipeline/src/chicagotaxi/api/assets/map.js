"use strict";
const layout = __LAYOUT__;
const steps = [0.5, 2, 5, 15, 50];
const find = (id) => document.getElementById(id);
const names = new Map(layout.tiles.map((tile) => [tile.area, tile.name]));
const days = new Map();
let key = "";
let batch = "";
let chosen = null;

class Refused extends Error {}

async function ask(path) {
  const answer = await fetch(path, key ? { headers: { "X-API-Key": key } } : {});
  if (answer.status === 401) throw new Refused();
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || body.title);
  return body;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

const figure = (value) => (value >= 10 ? value.toFixed(0) : value.toFixed(1));
const step = (value) => steps.filter((end) => value >= end).length;
const clock = (hour) => `${String(hour).padStart(2, "0")}:00`;

function drawLayout() {
  const map = find("map");
  map.style.gridTemplateColumns = `repeat(${layout.columns}, minmax(0, 1fr))`;
  for (const tile of layout.tiles) {
    const button = element("button", "", { type: "button", "data-area": tile.area, "aria-pressed": "false" });
    button.style.gridRow = tile.row;
    button.style.gridColumn = tile.column;
    button.append(element("small", tile.area), element("b", ""));
    button.addEventListener("click", () => { chosen = tile.area; draw(); });
    map.append(button);
  }
  const labels = [`under ${steps[0]}`, ...steps.map((end) => `${end}+`)];
  labels.forEach((label, number) => find("legend").append(element("li", label, { class: `step-${number}` })));
}

function draw() {
  const day = find("day").value;
  const hour = Number(find("hour").value);
  const rows = (days.get(day) || []).filter((row) => row.hour === hour);
  const byArea = new Map(rows.map((row) => [row.pickup_community_area, row]));
  find("clock").textContent = `${clock(hour)} to ${clock((hour + 1) % 24)}`;
  find("hour").setAttribute("aria-valuetext", clock(hour));
  for (const button of find("map").children) {
    const area = Number(button.dataset.area);
    const row = byArea.get(area);
    const name = names.get(area);
    button.className = row ? `step-${step(row.predicted_demand)}` : "";
    button.lastChild.textContent = row ? figure(row.predicted_demand) : "";
    button.title = name;
    button.setAttribute("aria-label", row ? `${name}: ${figure(row.predicted_demand)} trips` : `${name}: not predicted`);
    button.setAttribute("aria-pressed", String(area === chosen));
  }
  const total = rows.reduce((sum, row) => sum + row.predicted_demand, 0);
  find("when").textContent = rows.length
    ? `${day}, ${clock(hour)}: ${figure(total)} trips in the city`
    : `${day}, ${clock(hour)}: the clock has no such hour, or it is not predicted`;
  drawBusiest(rows);
  drawDetail(byArea.get(chosen));
}

function drawBusiest(rows) {
  const busiest = [...rows].sort((one, other) => other.predicted_demand - one.predicted_demand).slice(0, 8);
  find("busiest").replaceChildren(...busiest.map((row) => {
    const line = element("tr", "");
    line.append(
      element("td", names.get(row.pickup_community_area)),
      element("td", figure(row.predicted_demand)),
      element("td", `${figure(row.lower)} to ${figure(row.upper)}`));
    return line;
  }));
}

function drawDetail(row) {
  if (!row) return;
  const list = element("dl", "");
  const fare = row.avg_fare === null ? "unknown" : `${layout.currency}${row.avg_fare.toFixed(2)}`;
  const length = row.avg_distance_miles / layout.miles;
  const distance = row.avg_distance_miles === null ? "unknown" : `${length.toFixed(1)} ${layout.distance}`;
  const facts = {
    Area: `${row.pickup_community_area}, ${names.get(row.pickup_community_area)}`,
    Trips: `${figure(row.predicted_demand)} (${figure(row.lower)} to ${figure(row.upper)})`,
    Demand: row.demand_category.toLowerCase().replace("_", " "),
    "Usual fare": fare,
    "Usual distance": distance,
    ...(row.warnings.length ? { Warning: row.warnings.map((one) => one.message).join(" ") } : {}),
  };
  for (const [term, fact] of Object.entries(facts)) list.append(element("dt", term), element("dd", fact));
  find("detail").replaceChildren(list);
}

async function showDay() {
  const day = find("day").value;
  if (!days.has(day)) days.set(day, await ask(`demand?date=${day}&limit=5000`));
  draw();
}

async function refresh() {
  try {
    const { serving } = await ask("pipeline/status");
    if (!serving) throw new Error("There are no predictions yet.");
    if (serving.batch !== batch) {
      days.clear();
      const select = find("day");
      const before = select.value;
      const dates = [];
      const last = serving.last_hour.slice(0, 10);
      for (let day = new Date(`${serving.first_hour.slice(0, 10)}T00:00Z`); ; day.setUTCDate(day.getUTCDate() + 1)) {
        dates.push(day.toISOString().slice(0, 10));
        if (dates.at(-1) >= last) break;
      }
      select.replaceChildren(...dates.map((one) => element("option", one, { value: one })));
      if (dates.includes(before)) select.value = before;
      await showDay();
      batch = serving.batch;
      find("source").textContent = `Batch ${batch}, model ${serving.model.version}, intervals of ${Math.round(serving.interval * 100)} %`;
    }
    find("entry").hidden = true;
  } catch (error) {
    if (error instanceof Refused) {
      find("entry").hidden = false;
      find("when").textContent = "This service requires an API key.";
    } else {
      find("when").textContent = error.message;
    }
  }
}

function report(error) { find("when").textContent = error.message; }

drawLayout();
find("hour").addEventListener("input", draw);
find("day").addEventListener("change", () => showDay().catch(report));
find("controls").addEventListener("submit", (event) => event.preventDefault());
find("entry").addEventListener("submit", (event) => { event.preventDefault(); key = find("key").value; refresh(); });
refresh();
setInterval(refresh, 60000);
