// Asks /stats.json once a second and draws what it says. Times in the store are those of the snapshot: milliseconds since
// the client was made.
"use strict";

const kEvery = 1000, kPatience = 4000, kKept = 15 * 60 * 1000, kNews = 200;
const $ = (id) => document.getElementById(id);

// ---- what is known ----

let store;
function forget() {
  store = {
    last: null,         // the newest snapshot
    clock: 0,           // wall time at which the snapshot's time is 0
    samples: new Map(), // region → attempts that ended: {at_ms, latency_ms, first_content_ms, error}
    changes: [],        // of regions' states, oldest first
    complete: false,    // whether `changes` reaches back to the start
    failovers: [],      // {at, from, to, cause, count}
    rates: [],          // {from, to, requests, errors} per second
    cost: new Map(),
  };
}
forget();

const isFailure = (sample) => sample.error !== undefined && sample.error !== "cancelled";
const sum = (list, of) => list.reduce((total, entry) => total + of(entry), 0);

/// Takes a snapshot in.
function take(stats) {
  const now = stats.uptime_seconds * 1000;
  const isAnother = store.last !== null && now < store.last.uptime_seconds * 1000;
  if (isAnother) forget();
  store.clock = Date.now() - now;
  if (isAnother) tell(0, "the program was started again");
  const before = store.last;
  for (const region of stats.regions) keepSamples(region, now);
  keepChanges(stats.changes, !before);
  if (before) {
    keepFailovers(before, stats, now);
    const seconds = (now - before.uptime_seconds * 1000) / 1000;
    const failed = (snapshot) => sum(snapshot.regions, (region) => region.failed);
    if (seconds > 0) {
      store.rates.push({from: before.uptime_seconds * 1000, to: now,
        requests: (stats.attempts - before.attempts) / seconds, errors: (failed(stats) - failed(before)) / seconds});
    }
  } else {
    lookBack(stats, now);
  }
  store.last = stats;
  for (const list of [store.failovers, store.rates]) {
    while (list.length && (list[0].to ?? list[0].at) < now - kKept) list.shift();
  }
}

function keepSamples(region, now) {
  const kept = store.samples.get(region.id) ?? [];
  const newest = kept.length ? kept[kept.length - 1].at_ms : -1;
  kept.push(...region.history.filter((sample) => sample.at_ms > newest));
  store.samples.set(region.id, kept.filter((sample) => sample.at_ms >= now - kKept));
}

function keepChanges(changes, first) {
  if (first) store.complete = changes.length < 64;
  const newest = store.changes.length ? store.changes[store.changes.length - 1].at_ms : -1;
  for (const change of changes.filter((entry) => entry.at_ms > newest)) {
    store.changes.push(change);
    tell(change.at_ms, `${change.region} is ${change.liveness}, breaker ${change.breaker}: ${change.reason}`);
  }
  if (store.changes.length > 5000) store.complete = false, store.changes.splice(0, 1000);
}

function keepFailovers(before, stats, now) {
  const key = (entry) => [entry.from, entry.to, entry.cause].join("\n");
  const counts = new Map(before.failovers_by.map((entry) => [key(entry), entry.count]));
  for (const entry of stats.failovers_by) {
    const count = entry.count - (counts.get(key(entry)) ?? 0);
    if (count <= 0) continue;
    store.failovers.push({...entry, at: now, count});
    tell(now, `${entry.from} \u2192 ${entry.to} after ${entry.cause}${count > 1 ? `, ${count} times` : ""}`);
  }
}

/// The page was opened late: what the histories of attempts still tell of the time before.
function lookBack(stats, now) {
  let start = now - kKept;
  const ended = [];
  for (const region of stats.regions) {
    if (region.attempts > region.history.length && region.history.length) start = Math.max(start, region.history[0].at_ms);
    for (const sample of region.history) {
      ended.push(sample);
      if (sample.kind === "failover") store.failovers.push({at: sample.at_ms, from: "", to: region.id, cause: "", count: 1});
    }
  }
  for (let from = Math.max(0, start); from + 1000 <= now; from += 1000) {
    const within = ended.filter((sample) => sample.at_ms >= from && sample.at_ms < from + 1000);
    store.rates.push({from, to: from + 1000, requests: within.length, errors: within.filter(isFailure).length});
  }
}

// ---- words ----

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const few = new Intl.NumberFormat("en", {maximumFractionDigits: 1});

function ms(value) {
  if (value === undefined || value === null) return "\u2013";
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 9999.5 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}
/// Never "100 %" for less than all.
const percent = (share) => share === undefined ? "\u2013" : share < 1 ? `${Math.min(99.9, 100 * share).toFixed(1)} %` : "100 %";

function money(sums) {
  return sums.map(({amount, currency}) => {
    try {
      return new Intl.NumberFormat("en", {style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits: 6}).format(amount);
    } catch {
      return `${amount} ${currency}`;
    }
  }).join(" + ") || "\u2013";
}

function span(seconds) {
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

const clock = (at) => new Date(store.clock + at).toLocaleTimeString([], {hour12: false});

// ---- tables and tiles: elements stay, so that the focus stays, and only what changed is written ----

function write(element, text, value) {
  if (element.textContent !== text) element.textContent = text;
  if (value !== undefined) element.dataset.value = value;
}

function make(name, classes = "") {
  const element = document.createElement(name);
  if (classes) element.className = classes;
  return element;
}

/// One child per entry, by key, in order; `create` fills a new one, `update` writes.
function list(parent, entries, name, keyOf, create, update) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  entries.forEach((entry, i) => {
    const key = keyOf(entry, i);
    let child = old.get(key);
    old.delete(key);
    if (!child) {
      child = make(name);
      child.dataset.key = key;
      create(child, entry, i);
    }
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
    update(child, entry, i);
  });
  for (const child of old.values()) child.remove();
}

/// Cells behind those that a row begins with: [text, value, name] each.
function cells(row, values, first = 1) {
  values.forEach(([text, value, field = ""], i) => {
    const cell = row.children[first + i] ?? row.appendChild(make("td"));
    cell.dataset.field = field;
    write(cell, text, value);
  });
}

function heading(row, text) {
  const cell = make("th");
  cell.scope = "row";
  cell.textContent = text;
  row.append(cell);
}

function total(models, member) {
  const sums = new Map();
  for (const model of models) {
    for (const {amount, currency} of model[member]) sums.set(currency, (sums.get(currency) ?? 0) + amount);
  }
  return [...sums].map(([currency, amount]) => ({currency, amount}));
}

function drawTiles(stats) {
  const rate = store.rates[store.rates.length - 1];
  const about = total(stats.models, "cost_estimated");
  const tiles = [
    ["Up", span(stats.uptime_seconds), stats.uptime_seconds, "uptime_seconds"],
    ["Calls", whole.format(stats.calls), stats.calls, "calls"],
    ["Succeeded", percent(stats.success_rate), stats.success_rate ?? "", "success_rate"],
    ["Failed", whole.format(stats.failed), stats.failed, "failed"],
    ["In flight", whole.format(stats.in_flight), stats.in_flight, "in_flight"],
    ["Requests per second", rate ? few.format(rate.requests) : "\u2013"],
    ["Errors per second", rate ? few.format(rate.errors) : "\u2013"],
    ["Failovers", whole.format(stats.failovers), stats.failovers, "failovers"],
    ["Failover overhead, p99", stats.failover_overhead.count ? ms(stats.failover_overhead.p99_ms) : "\u2013", stats.failover_overhead.p99_ms, "failover_overhead.p99_ms"],
    ["Hedges, races, rescues", whole.format(stats.hedges + stats.races + stats.rescues), stats.hedges + stats.races + stats.rescues],
    ["Cut streams", whole.format(stats.streams_cut), stats.streams_cut, "streams_cut"],
    ["Wasted tokens", whole.format(stats.wasted_tokens), stats.wasted_tokens, "wasted_tokens"],
    ["Cost", money(total(stats.models, "cost")) + (about.length ? ` (and about ${money(about)})` : "")],
  ];
  list($("tiles"), tiles, "div", ([name]) => name, (tile, [name]) => {
      tile.append(make("dt"), make("dd"));
      if (name === "Cost") tile.className = "broad";
    },
    (tile, [name, text, value, field]) => {
      write(tile.children[0], name);
      write(tile.children[1], text, value);
      if (field) tile.children[1].dataset.field = field;
    });
}

const hidden = new Set();  // regions that are not drawn
const colour = (i) => `r${i % 8}${i >= 8 ? " dashed" : ""}`;

function drawRegions(stats) {
  list($("regions").tBodies[0], stats.regions, "tr", (region) => region.id,
    (row, region, i) => {
      heading(row, "");
      const button = make("button", `toggle ${colour(i)}`);
      button.type = "button";
      button.title = "draw its line, or not";
      button.append(make("i"), region.id);
      button.onclick = () => {
        if (!hidden.delete(region.id)) hidden.add(region.id);
        draw();
      };
      row.firstChild.append(button);
      row.append(make("td"));
      row.lastChild.append(make("span", "mark"), make("span"), make("small"));
    },
    (row, region) => {
      row.firstChild.firstChild.setAttribute("aria-pressed", String(!hidden.has(region.id)));
      const [mark, state, reason] = row.children[1].children;
      mark.className = `mark ${region.liveness}`;
      row.children[1].dataset.field = "liveness";
      row.children[1].dataset.value = region.liveness;
      write(state, region.liveness + (region.breaker === "closed" ? "" : `, breaker ${region.breaker.replace("_", " ")}`));
      const well = region.liveness === "healthy" && region.breaker === "closed";
      const paused = region.limited_for_ms !== undefined ? `asked for a pause, ${ms(region.limited_for_ms)} left` : "";
      write(reason, [well ? "" : region.reason, paused].filter(Boolean).join("; "));
      const of = (summary, member) => [summary.count ? ms(summary[member]) : "\u2013", summary[member]];
      const latency = (member) => [...of(region.latency, member), `latency.${member}`];
      cells(row, [
        [whole.format(region.attempts), region.attempts, "attempts"],
        [percent(region.success_rate), region.success_rate ?? "", "success_rate"],
        [whole.format(region.in_flight), region.in_flight, "in_flight"],
        latency("average_ms"), latency("min_ms"), latency("p50_ms"), latency("p95_ms"), latency("p99_ms"), latency("max_ms"),
        [...of(region.first_content, "p50_ms"), "first_content.p50_ms"],
        [whole.format(region.failovers_away), region.failovers_away, "failovers_away"],
        [whole.format(region.failovers_to), region.failovers_to, "failovers_to"],
        [ms(region.probe_ms), region.probe_ms ?? "", "probe_ms"],
        [whole.format(region.score), region.score, "score"],
        [few.format(region.weight), region.weight, "weight"],
      ], 2);
    });
}

function drawModels(stats) {
  const amount = (model) => sum(model.cost, (entry) => entry.amount);
  const most = Math.max(0, ...stats.models.map(amount));
  list($("models").tBodies[0], stats.models, "tr", (model) => model.model,
    (row, model) => heading(row, model.model),
    (row, model) => {
      cells(row, [
        [whole.format(model.calls), model.calls, "calls"],
        [whole.format(model.failed), model.failed, "failed"],
        [whole.format(model.prompt_tokens), model.prompt_tokens, "prompt_tokens"],
        [whole.format(model.cached_input_tokens), model.cached_input_tokens, "cached_input_tokens"],
        [whole.format(model.completion_tokens), model.completion_tokens, "completion_tokens"],
        [whole.format(model.reasoning_tokens), model.reasoning_tokens, "reasoning_tokens"],
        [model.cost.length || !model.unpriced ? money(model.cost) : "unknown", amount(model), "cost"],
        [money(model.cost_estimated), sum(model.cost_estimated, (entry) => entry.amount), "cost_estimated"],
      ]);
      const bar = row.children[9] ?? row.appendChild(make("td", "bar"));
      if (!bar.firstChild) bar.append(make("i"));
      bar.firstChild.style.width = `${most > 0 ? 100 * amount(model) / most : 0}%`;
    });
}

function drawLists(stats) {
  const by = [...stats.failovers_by].sort((a, b) => b.count - a.count);
  list($("failovers").tBodies[0], by, "tr", (entry) => [entry.from, entry.to, entry.cause].join("\n"),
    (row, entry) => heading(row, entry.from),
    (row, entry) => cells(row, [[entry.to], [entry.cause], [whole.format(entry.count), entry.count, "count"]]));
  const lines = [
    ...stats.limits.map((limit) => `${limit.model}: ${limit.requests_limit > 0 ? `${limit.requests_used} of ${limit.requests_limit} requests, ` : ""}` +
      `${limit.tokens_limit > 0 ? `${limit.tokens_used} of ${limit.tokens_limit} tokens, ` : ""}${limit.waiting} waiting`),
    ...stats.keys.map((key) => `key ${key.number}: ${key.refused_with ? `refused (${key.refused_with})` : "in use"}`),
  ];
  $("limits-section").hidden = lines.length === 0;
  list($("limits"), lines, "li", (_, i) => String(i), () => {}, write);
}

function tell(at, text) {
  const entry = make("li"), time = make("time");
  time.textContent = clock(at);
  entry.append(time, ` ${text}`);
  $("news").prepend(entry);
  while ($("news").children.length > kNews) $("news").lastChild.remove();
}

// ---- charts: one time axis for all ----

const kRight = 8;
let left = 52;   // of the time axis: room for figures and for regions' names
let moment = 0;  // seconds before now that the cursor stands at; 0: none

function shape(svg, name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  svg.append(element);
  return element;
}

function nice(value) {
  const step = 10 ** Math.floor(Math.log10(value));
  return step * [1, 2, 5, 10].find((factor) => factor * step >= value);
}

/// Clears a chart and gives its scales.
function frame(svg, height, top, format) {
  const width = svg.clientWidth || 600;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const seconds = Number($("span").value), now = store.last.uptime_seconds * 1000;
  const x = (at) => left + (width - left - kRight) * (1 - (now - at) / (1000 * seconds));
  const y = (value) => height - 18 - (height - 28) * Math.min(1, value / top);
  for (const part of format ? [0, 0.5, 1] : []) {
    shape(svg, "line", {class: "grid", x1: left, x2: width - kRight, y1: y(part * top), y2: y(part * top)});
    shape(svg, "text", {x: left - 6, y: y(part * top) + 4, "text-anchor": "end"}, format(part * top));
  }
  const marks = width < 500 ? 2 : 4;
  for (let i = 0; i <= marks; ++i) {
    const at = now - 1000 * seconds * (1 - i / marks);
    const anchor = i === 0 ? "start" : i === marks ? "end" : "middle";
    shape(svg, "text", {x: x(at), y: height - 3, "text-anchor": anchor}, i === marks ? "now" : clock(at));
  }
  return {x, y, now, from: now - 1000 * seconds, width};
}

function cursor(svg, {x, now}, height) {
  if (moment > 0) shape(svg, "line", {class: "cursor", x1: x(now - 1000 * moment), x2: x(now - 1000 * moment), y1: 4, y2: height - 18});
}

/// The mean of what answered within each of some ninety parts of the span.
function means(samples, from, now, metric) {
  const width = (now - from) / 90, parts = new Map();
  for (const sample of samples) {
    if (sample.at_ms < from || sample.error !== undefined || sample[metric] === undefined) continue;
    const i = Math.floor(sample.at_ms / width);
    const part = parts.get(i) ?? {at: (i + 0.5) * width, sum: 0, count: 0};
    part.sum += sample[metric];
    ++part.count;
    parts.set(i, part);
  }
  return [...parts.values()].sort((a, b) => a.at - b.at).map(({at, sum: all, count}) => ({at: Math.min(at, now), mean: all / count}));
}

function drawLatency(stats) {
  const now = stats.uptime_seconds * 1000, from = now - 1000 * Number($("span").value), metric = $("metric").value;
  const drawn = stats.regions.map((region, i) => ({id: region.id, class: colour(i)})).filter(({id}) => !hidden.has(id));
  for (const region of drawn) region.means = means(store.samples.get(region.id), from, now, metric);
  const top = nice(Math.max(1, ...drawn.flatMap((region) => region.means.map(({mean}) => mean))));
  const svg = $("latency"), scales = frame(svg, 220, top, ms), {x, y} = scales;
  const classOf = (id) => colour(Math.max(0, stats.regions.findIndex((region) => region.id === id)));
  for (const failover of store.failovers.filter(({at}) => at >= from)) {
    const px = x(failover.at), of = failover.from ? classOf(failover.from) : "";
    const mark = shape(svg, "g", {class: "failover-mark", "data-from": failover.from, "data-to": failover.to, "data-count": failover.count});
    shape(mark, "line", {class: `failover line ${of}`, x1: px, x2: px, y1: 8, y2: y(0)});
    shape(mark, "path", {class: `failover ${of}`, d: `M${px - 4} 2H${px + 4}L${px} 9Z`});
    shape(mark, "title", {}, `${clock(failover.at)} ${failover.from} \u2192 ${failover.to} ${failover.cause} \u00d7 ${failover.count}`);
  }
  for (const region of drawn) {
    // A line ends where nothing answered for a tenth of the span.
    const gap = (now - from) / 10;
    let path = "", previous = -Infinity;
    for (const {at, mean} of region.means) {
      path += `${at - previous > gap ? "M" : "L"}${x(at).toFixed(1)} ${y(mean).toFixed(1)}`;
      previous = at;
    }
    if (path) shape(svg, "path", {class: `series ${region.class}`, d: path, "data-region": region.id});
    for (const {at, mean} of region.means.length < 40 ? region.means : []) {
      shape(svg, "circle", {class: `dot ${region.class}`, cx: x(at), cy: y(mean), r: 2.5});
    }
    const failed = store.samples.get(region.id).filter((sample) => sample.at_ms >= from && isFailure(sample));
    for (const {at_ms: at} of failed.slice(-300)) {
      shape(svg, "path", {class: `failed ${region.class}`, d: `M${x(at) - 3} ${y(0) - 6}l6 6m-6 0l6 -6`});
    }
  }
  cursor(svg, scales, 220);
}

/// What a region was over time: [{from, to, state, reason}].
function bandsOf(id, now) {
  const bands = [];
  let band = store.complete ? {from: 0, state: "unknown", reason: ""} : null;
  for (const change of store.changes.filter(({region}) => region === id)) {
    if (band) bands.push({...band, to: change.at_ms});
    band = {from: change.at_ms, state: change.breaker === "open" ? "down" : change.liveness,
      reason: `${change.liveness}, breaker ${change.breaker}: ${change.reason}`};
  }
  if (band) bands.push({...band, to: now});
  return bands;
}

function drawStates(stats) {
  const svg = $("states"), height = 18 * stats.regions.length + 20;
  svg.style.height = `${height}px`;
  const scales = frame(svg, height, 1, null), {x, now, from} = scales;
  stats.regions.forEach((region, i) => {
    const fits = Math.floor((left - 8) / 6.5);
    const label = region.id.length > fits ? `${region.id.slice(0, fits - 1)}\u2026` : region.id;
    shape(shape(svg, "text", {x: left - 6, y: 18 * i + 12, "text-anchor": "end"}, label), "title", {}, region.id);
    for (const band of bandsOf(region.id, now).filter(({to}) => to > from)) {
      const begin = x(Math.max(from, band.from)), width = Math.max(1, x(band.to) - begin);
      const rectangle = shape(svg, "rect", {class: band.state, x: begin, y: 18 * i + 2, width, height: 12, "data-region": region.id, "data-state": band.state});
      shape(rectangle, "title", {}, `${region.id} from ${clock(band.from)}: ${band.reason || band.state}`);
    }
  });
  cursor(svg, scales, height);
}

function drawRates(stats) {
  const now = stats.uptime_seconds * 1000, from = now - 1000 * Number($("span").value);
  const shown = store.rates.filter(({to}) => to > from);
  const top = nice(Math.max(1, ...shown.map(({requests, errors}) => Math.max(requests, errors))));
  const svg = $("rates"), scales = frame(svg, 90, top, (value) => few.format(value)), {x, y} = scales;
  for (const rate of shown) {
    const begin = x(Math.max(from, rate.from)), width = Math.max(1, x(rate.to) - begin - 0.5);
    for (const [kind, value] of [["requests", rate.requests], ["errors", rate.errors]]) {
      if (value > 0) shape(svg, "rect", {class: kind, x: begin, y: y(value), width, height: y(0) - y(value)});
    }
  }
  cursor(svg, scales, 90);
}

/// What the cursor stands on, in words.
function describe(stats) {
  const now = stats.uptime_seconds * 1000, at = now - 1000 * moment, metric = $("metric").value;
  const width = 1000 * Number($("span").value) / 90;
  const regions = stats.regions.map((region) => {
    const near = store.samples.get(region.id).filter((sample) => Math.abs(sample.at_ms - at) <= width && sample.error === undefined && sample[metric] !== undefined);
    const band = bandsOf(region.id, now).findLast(({from}) => from <= at);
    return `${region.id} ${near.length ? ms(sum(near, (sample) => sample[metric]) / near.length) : "\u2013"}, ${band ? band.state : "state not known"}`;
  });
  const rate = store.rates.findLast(({from, to}) => from <= at && at <= to + 1000);
  const failovers = store.failovers.filter((failover) => Math.abs(failover.at - at) <= width);
  return [clock(at), ...regions, rate ? `${few.format(rate.requests)} requests/s, ${few.format(rate.errors)} errors/s` : "no figures",
    ...failovers.map(({from, to, cause, count}) => `${count} \u00d7 ${from || "another region"} \u2192 ${to} ${cause}`)].join(" \u00b7 ");
}

function draw() {
  const stats = store.last;
  if (!stats) return;
  const longest = Math.max(...stats.regions.map(({id}) => id.length));
  left = Math.max(52, Math.min(innerWidth < 600 ? 64 : 130, 10 + 6.5 * longest));
  drawTiles(stats);
  drawRegions(stats);
  drawModels(stats);
  drawLists(stats);
  drawLatency(stats);
  drawStates(stats);
  drawRates(stats);
  const words = describe(stats), timeline = $("timeline");
  write($("readout"), words);
  timeline.setAttribute("aria-valuenow", String(-Math.round(moment)));
  timeline.setAttribute("aria-valuetext", moment > 0 ? words : "now");
  timeline.setAttribute("aria-valuemin", `-${$("span").value}`);
}

// ---- what the visitor does ----

function moveTo(seconds) {
  moment = Math.max(0, Math.min(Number($("span").value), seconds));
  draw();
}

$("timeline").addEventListener("keydown", (event) => {
  const step = Number($("span").value) / (event.shiftKey ? 10 : 60);
  const moves = {ArrowLeft: moment + step, ArrowDown: moment + step, ArrowRight: moment - step, ArrowUp: moment - step,
    PageDown: moment + 10 * step, PageUp: moment - 10 * step, Home: Number($("span").value), End: 0, Escape: 0};
  if (!(event.key in moves)) return;
  event.preventDefault();
  moveTo(moves[event.key]);
});
$("timeline").addEventListener("pointermove", (event) => {
  const box = $("latency").getBoundingClientRect();
  const share = 1 - (event.clientX - box.left - left) / (box.width - left - kRight);
  if (store.last) moveTo(share * Number($("span").value));
});
$("timeline").addEventListener("pointerleave", () => moveTo(0));
$("span").onchange = $("metric").onchange = () => moveTo(moment);
addEventListener("resize", draw);

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $("theme").value = theme;
}
$("theme").onchange = () => {
  setTheme($("theme").value);
  try { localStorage.setItem("holysheep-theme", $("theme").value); } catch { /* it is only not kept */ }
};
try { setTheme(localStorage.getItem("holysheep-theme") ?? ""); } catch { setTheme(""); }

let paused = false;
$("pause").onclick = () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  write($("pause"), paused ? "Go on" : "Pause");
  if (paused) say("paused", "paused");
};

function say(state, text) {
  $("status").className = state;
  write($("status"), text);
  document.documentElement.classList.toggle("stale", state === "lost");
}

async function ask() {
  let response;
  try {
    response = await fetch("stats.json", {cache: "no-store", signal: AbortSignal.timeout(kPatience)});
    if (!response.ok) return say("lost", response.status === 401 ? "the token is no longer accepted: open the page with the new one" : `the server answers ${response.status}`);
    const stats = await response.json();
    if (paused) return;
    take(stats);
  } catch {
    if (!paused) say("lost", "no answer; trying again");
    return;
  }
  say("live", "live");
  draw();
}

async function watch() {
  if (!paused) await ask();
  setTimeout(watch, kEvery);
}
watch();
