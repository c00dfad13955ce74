// Draws latencies, states and rates over time on one axis, and describes the position of the cursor.
// store → [charts] → page

const kRight = 8;
const kParts = 90;      // of the span: what falls into the same one is drawn as one, however much it is
const kMaxRoutes = 3;
let left = 52;          // of the time axis: room for figures and for regions' names
let hovered = null;     // the share of the span that lies between the pointer and now; null: it is elsewhere
let cursors = [];       // one per chart: {line, x}

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

/// Clears a chart and returns its scales.
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
    shape(svg, "text", {class: i === marks ? "newest" : "", x: x(at), y: height - 3, "text-anchor": anchor}, i === marks ? age() : clock(at));
  }
  return {x, y, now, from: now - 1000 * seconds, width};
}

function cursor(svg, {x}, height) {
  cursors.push({line: shape(svg, "line", {class: "cursor", y1: 4, y2: height - 18, visibility: "hidden"}), x});
}

/// Groups entries by the part of the span that they begin in.
function inParts(entries, width, timeOf) {
  const parts = new Map();
  for (const entry of entries) {
    const i = Math.floor(timeOf(entry) / width);
    if (!parts.has(i)) parts.set(i, []);
    parts.get(i).push(entry);
  }
  return [...parts.values()];
}

/// The failover routes, most frequent first.
function routesOf(failovers) {
  const sums = new Map();
  for (const {from, to, cause, count} of failovers) {
    const key = [from, to, cause].join("\n");
    sums.set(key, {from, to, cause, count: count + (sums.get(key)?.count ?? 0)});
  }
  return [...sums.values()].sort((a, b) => b.count - a.count);
}

/// Only the first routes, because they are read aloud.
function inWords(routes) {
  const shown = routes.slice(0, kMaxRoutes).map(({from, to, cause, count}) =>
    `${whole.format(count)} \u00d7 ${from || "another region"} \u2192 ${to} ${cause}`.trim());
  const others = routes.slice(kMaxRoutes);
  if (others.length) shown.push(`${whole.format(sum(others, ({count}) => count))} more on ${others.length} other ${others.length > 1 ? "routes" : "route"}`);
  return shown;
}

/// The mean latency of successful attempts in each part of the span.
function means(samples, from, now, metric) {
  const width = (now - from) / kParts, parts = new Map();
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
  const part = (now - from) / kParts;
  for (const failovers of inParts(store.failovers.filter(({at}) => at >= from), part, ({at}) => at)) {
    const {at} = failovers[failovers.length - 1], routes = routesOf(failovers), [most] = routes;
    const px = x(at), of = most.from ? classOf(most.from) : "", count = sum(routes, (route) => route.count);
    const mark = shape(svg, "g", {class: "failover-mark", "data-from": most.from, "data-to": most.to, "data-count": count});
    shape(mark, "line", {class: `failover line ${of}`, x1: px, x2: px, y1: 8, y2: y(0)});
    shape(mark, "path", {class: `failover ${of}`, d: `M${px - 4} 2H${px + 4}L${px} 9Z`});
    shape(mark, "title", {}, [clock(at), ...inWords(routes)].join(" \u00b7 "));
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
    const crosses = inParts(failed, part, (sample) => sample.at_ms).map((samples) => x(samples[samples.length - 1].at_ms).toFixed(1));
    if (!crosses.length) continue;
    shape(svg, "path", {class: `failed ${region.class}`, d: crosses.map((px) => `M${px - 3} ${y(0) - 6}l6 6m-6 0l6 -6`).join("")});
  }
  cursor(svg, scales, 220);
}

/// The states of a region over time: [{from, to, state, words}]; gaps where they are unknown.
function bandsOf(id, now) {
  const kept = store.states.get(id) ?? [];
  return kept.map(({at, ...what}, i) => ({from: at, to: kept[i + 1]?.at ?? now, ...what})).filter(({state}) => state);
}

const kWorstFirst = ["down", "suspect", "recovering", "draining", "unknown", "healthy"];
/// A worse state is higher, so that colours are not required.
const kHeights = {healthy: 4, unknown: 4, draining: 8, suspect: 8, recovering: 8, down: 12};

/// Merges states that are too short to distinguish into one with the worst state among them. The last one, the present
/// state, remains separate.
function joined(bands, part) {
  const result = [];
  let run = null;
  bands.forEach((band, i) => {
    const begins = Math.floor(band.from / part), isShort = band.to - band.from < part && i + 1 < bands.length;
    if (isShort && run && run.begins === begins && run.to === band.from) {
      if (kWorstFirst.indexOf(band.state) < kWorstFirst.indexOf(run.state)) Object.assign(run, {state: band.state, words: band.words});
      run.to = band.to;
      ++run.changes;
    } else {
      result.push({...band, begins, changes: 0});
      run = isShort ? result[result.length - 1] : null;
    }
  });
  return result;
}

function drawStates(stats) {
  const svg = $("states"), height = 18 * stats.regions.length + 20;
  svg.style.height = `${height}px`;
  const scales = frame(svg, height, 1, null), {x, now, from} = scales;
  stats.regions.forEach((region, i) => {
    const fits = Math.floor((left - 8) / 6.5);
    const label = region.id.length > fits ? `${region.id.slice(0, fits - 1)}\u2026` : region.id;
    shape(shape(svg, "text", {x: left - 6, y: 18 * i + 12, "text-anchor": "end"}, label), "title", {}, region.id);
    const bands = bandsOf(region.id, now).filter(({to}) => to > from);
    for (const {state, words, changes, ...band} of joined(bands, (now - from) / 180)) {
      const begin = x(Math.max(from, band.from)), width = Math.max(2, x(band.to) - begin), tall = kHeights[state] ?? 4;
      const rectangle = shape(svg, "rect", {class: state, x: Math.min(begin, x(now) - 2), y: 18 * i + 14 - tall, width, height: tall,
        "data-region": region.id, "data-state": state});
      const more = changes > 0 ? `, and ${changes} more ${changes > 1 ? "changes" : "change"} until ${clock(band.to)}` : "";
      shape(rectangle, "title", {}, `${region.id} from ${clock(band.from)}: ${words || state}${more}`);
    }
  });
  cursor(svg, scales, height);
}

function drawRates(stats) {
  const now = stats.uptime_seconds * 1000, from = now - 1000 * Number($("span").value);
  const part = (now - from) / kParts, within = store.rates.filter(({to}) => to > from);
  const seconds = (rate) => (rate.to - rate.from) / 1000, isLong = (rate) => rate.to - rate.from > part;
  const mean = (rates, kind) => sum(rates, (rate) => rate[kind] * seconds(rate)) / sum(rates, seconds);
  // A rate over more than a part, after a time in which nobody looked, stands by itself.
  const shown = within.filter(isLong);
  for (const rates of inParts(within.filter((rate) => !isLong(rate)), part, (rate) => rate.from)) {
    shown.push({from: rates[0].from, to: rates[rates.length - 1].to, requests: mean(rates, "requests"), errors: mean(rates, "errors")});
  }
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

/// Describes a moment as text.
function describe(stats, at) {
  const now = stats.uptime_seconds * 1000, metric = $("metric").value;
  const width = 1000 * Number($("span").value) / kParts;
  const regions = stats.regions.map((region) => {
    const near = store.samples.get(region.id).filter((sample) => Math.abs(sample.at_ms - at) <= width && sample.error === undefined && sample[metric] !== undefined);
    const band = bandsOf(region.id, now).findLast(({from, to}) => from <= at && at <= to);
    return `${region.id} ${near.length ? ms(sum(near, (sample) => sample[metric]) / near.length) : "\u2013"}, ${band ? band.state : "state not known"}`;
  });
  const rate = store.rates.findLast(({from, to}) => from <= at && at <= to + 1000);
  const failovers = store.failovers.filter((failover) => Math.abs(failover.at - at) <= width);
  return [clock(at), ...regions, rate ? `${few.format(rate.requests)} requests/s, ${few.format(rate.errors)} errors/s` : "no figures",
    ...inWords(routesOf(failovers))].join(" \u00b7 ");
}

/// Seconds between now and the position of the cursor; null: there is none. A moment chosen by keys moves with the data; the
/// pointer keeps its position.
function secondsBack() {
  const span = Number($("span").value);
  if (hovered !== null) return hovered * span;
  return store.placed === null ? null : Math.min(span, store.last.uptime_seconds - store.placed / 1000);
}

/// Moves the cursor and describes its position, without redrawing: the pointer moves far more often than data arrives.
function showMoment() {
  if (!store.last) return;
  const back = secondsBack(), at = 1000 * (store.last.uptime_seconds - (back ?? 0));
  for (const {line, x} of cursors) {
    line.setAttribute("visibility", back === null ? "hidden" : "visible");
    line.setAttribute("x1", x(at));
    line.setAttribute("x2", x(at));
  }
  const words = describe(store.last, at), timeline = $("timeline");
  write($("readout"), words);
  timeline.setAttribute("aria-valuenow", String(-Math.round(back ?? 0)));
  timeline.setAttribute("aria-valuetext", back === null ? age() : words);
  timeline.setAttribute("aria-valuemin", `-${$("span").value}`);
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
  cursors = [];
  drawLatency(stats);
  drawStates(stats);
  drawRates(stats);
  showMoment();
}
