// Tiles, tables and lists. Elements stay where they are, so that the focus stays, and only what changed is written.
// store → [tables] → page

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

/// The cells after the first ones of a row: [text, value, name] each.
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

/// Sums of money by currency.
function total(models, ...members) {
  const sums = new Map();
  for (const {amount, currency} of models.flatMap((model) => members.flatMap((member) => model[member]))) {
    sums.set(currency, (sums.get(currency) ?? 0) + amount);
  }
  return [...sums].map(([currency, amount]) => ({currency, amount}));
}
const amounts = (sums) => sums.map(({amount}) => amount).join(" + ") || "0";

/// The cost of all calls, the estimated part, and whether it is incomplete.
function costOf(models) {
  const all = total(models, "cost", "cost_estimated"), about = total(models, "cost_estimated");
  const unpriced = sum(models, (model) => model.unpriced), isEstimate = about.length > 0;
  if (!all.length && unpriced) return "unknown";
  return [(isEstimate ? "about " : "") + money(all), isEstimate ? `${money(about)} of it estimated` : "",
    unpriced ? `without ${whole.format(unpriced)} ${unpriced > 1 ? "calls" : "call"} of unknown cost` : ""].filter(Boolean).join(", ");
}

function drawTiles(stats) {
  const rate = store.rates[store.rates.length - 1];
  const tiles = [
    ["Up", span(stats.uptime_seconds), stats.uptime_seconds, "uptime_seconds"],
    ["Calls", whole.format(stats.calls), stats.calls, "calls"],
    ["Succeeded", percent(stats.success_rate), stats.success_rate ?? "", "success_rate"],
    ["Failed", whole.format(stats.failed), stats.failed, "failed"],
    ["In flight", whole.format(stats.in_flight), stats.in_flight, "in_flight"],
    ["Requests per second", rate ? few.format(rate.requests) : "\u2013"],
    ["Errors per second", rate ? few.format(rate.errors) : "\u2013"],
    ["Failovers", whole.format(stats.failovers), stats.failovers, "failovers"],
    ["Failover overhead, p99", stats.failover_overhead.count ? ms(exactly(stats.failover_overhead, "p99_ms")) : "\u2013", stats.failover_overhead.p99_ms, "failover_overhead.p99_ms"],
    ["Hedges, races, rescues, backups", whole.format(stats.hedges + stats.races + stats.rescues + stats.backups), stats.hedges + stats.races + stats.rescues + stats.backups],
    ["Cut streams", whole.format(stats.streams_cut), stats.streams_cut, "streams_cut"],
    ["Wasted tokens", whole.format(stats.wasted_tokens), stats.wasted_tokens, "wasted_tokens"],
    ["Cost", costOf(stats.models)],
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

const kQuantiles = {p50_ms: 0.5, p95_ms: 0.95, p99_ms: 0.99};
/// A quantile is the middle of a bucket, with an error of up to 1/32. The largest sample is known exactly, and a high quantile
/// is never shown below the average.
function exactly(summary, member) {
  const value = summary[member], share = kQuantiles[member];
  if (share === undefined) return value;
  if (Math.ceil(share * summary.count) >= summary.count) return summary.max_ms;
  return member === "p99_ms" && summary.average_ms < value * 33 / 32 ? Math.max(value, summary.average_ms) : value;
}

function drawRegions(stats) {
  list($("regions").tBodies[0], stats.regions, "tr", (region) => region.id,
    (row, region) => {
      heading(row, "");
      const button = make("button");
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
    (row, region, i) => {
      row.firstChild.firstChild.className = `toggle ${colour(i)}`;  // the charts' colour, which goes by the order, too
      row.firstChild.firstChild.setAttribute("aria-pressed", String(!hidden.has(region.id)));
      const [mark, state, reason] = row.children[1].children;
      mark.className = `mark ${region.liveness}`;
      row.children[1].dataset.field = "liveness";
      row.children[1].dataset.value = region.liveness;
      write(state, region.liveness + (region.breaker === "closed" ? "" : `, breaker ${region.breaker.replace("_", " ")}`));
      const paused = region.limited_for_ms !== undefined ? `asked for a pause, ${ms(region.limited_for_ms)} left` : "";
      // That a region answers needs no word; that it does so slowly does.
      const words = region.reason.split("; ").filter((word) => word !== "answers" && !word.startsWith("asked for a pause"));
      write(reason, [...words, paused].filter(Boolean).join("; "));
      const of = (summary, member) => [summary.count ? ms(exactly(summary, member)) : "\u2013", summary[member]];
      const latency = (member) => [...of(region.latency, member), `latency.${member}`];
      // What is down has no answer to probes, and what gets no calls no share of them: the figures are those of before.
      const isDown = region.liveness === "down", isShut = isDown || region.liveness === "draining" || region.breaker === "open";
      cells(row, [
        [whole.format(region.attempts), region.attempts, "attempts"],
        [percent(region.success_rate), region.success_rate ?? "", "success_rate"],
        [whole.format(region.in_flight), region.in_flight, "in_flight"],
        latency("average_ms"), latency("min_ms"), latency("p50_ms"), latency("p95_ms"), latency("p99_ms"), latency("max_ms"),
        [...of(region.first_content, "p50_ms"), "first_content.p50_ms"],
        [whole.format(region.failovers_away), region.failovers_away, "failovers_away"],
        [whole.format(region.failovers_to), region.failovers_to, "failovers_to"],
        [isDown ? "\u2013" : ms(region.probe_ms), region.probe_ms ?? "", "probe_ms"],
        [whole.format(region.score), region.score, "score"],
        [isShut ? "\u2013" : few.format(region.weight), region.weight, "weight"],
      ], 2);
    });
}

function drawModels(stats) {
  const all = new Map(total(stats.models, "cost", "cost_estimated").map(({currency, amount}) => [currency, amount]));
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
        [model.cost.length || model.cost_estimated.length || !model.unpriced ? money(model.cost) : "unknown", amounts(model.cost), "cost"],
        [money(model.cost_estimated), amounts(model.cost_estimated), "cost_estimated"],
        [whole.format(model.unpriced), model.unpriced, "unpriced"],
      ]);
      const cell = row.children[10] ?? row.appendChild(make("td", "bar"));
      const shareOf = ({currency, amount}) => all.get(currency) > 0 ? amount / all.get(currency) : 0;
      const shares = total([model], "cost", "cost_estimated").map((of) => ({...of, share: shareOf(of)}));
      list(cell, shares, "div", ({currency}) => currency, (bar) => bar.append(make("i"), make("span")), (bar, {currency, share}) => {
        bar.firstChild.style.width = `${50 * share}%`;
        write(bar.lastChild, percent(share) + (all.size > 1 ? ` of ${currency}` : ""));
      });
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
