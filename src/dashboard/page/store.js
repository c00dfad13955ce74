// The state of the page: the newest snapshot, and the history of the last quarter of an hour. Times are those of the
// snapshots: milliseconds since the client was made.
// /stats.json → [store] → tables, charts
"use strict";

const $ = (id) => document.getElementById(id);
const kKept = 15 * 60 * 1000, kNews = 200, kSlack = 3000;
const kChanges = 64;  // a snapshot holds no more of them: of more, the last

let store;
function forget() {
  store = {
    last: null,         // the newest snapshot
    clock: 0,           // wall time at which the snapshot's time is 0
    samples: new Map(), // region → attempts that ended: {at_ms, latency_ms, first_content_ms, error}
    states: new Map(),  // region → what it was, oldest first: {at, state, words}; state null: not known
    reported: new Map(),    // region → time of its newest change that is in `states`
    failovers: [],      // {at, from, to, cause, count}
    rates: [],          // {from, to, requests, errors} per second
    placed: null,       // the moment that the visitor chose by keys
  };
}
forget();

const isFailure = (sample) => sample.error !== undefined && sample.error !== "cancelled";
const sum = (list, of) => list.reduce((total, entry) => total + of(entry), 0);

/// Data that remains the same between snapshots of one program, and differs between programs.
const traces = (stats) => [...stats.changes.map(({region, at_ms: at}) => `${region} ${at}`),
  ...stats.regions.flatMap(({id, history}) => history.map(({at_ms: at, latency_ms: took}) => `${id} ${at} ${took}`))];

/// Whether another program answers than before. After a while without snapshots, its uptime may exceed the last one seen.
function isAnother(before, stats) {
  const went = (counter) => stats[counter] - before[counter];
  if (["uptime_seconds", "calls", "attempts", "succeeded", "failed", "failovers", "streams"].some((name) => went(name) < 0)) return true;
  const up = stats.uptime_seconds * 1000, passed = Date.now() - store.clock - before.uptime_seconds * 1000;
  const later = passed - 1000 * went("uptime_seconds");
  if (Math.abs(later) < kSlack) return false;
  // The start moved. So it does, too, where a machine slept, for then the program's clock stood still, or where the clock on
  // the wall was set: the program is the same if it remembers what the one before did.
  const known = new Set(traces(before));
  if (traces(stats).some((trace) => known.has(trace))) return false;
  return later > 0 ? up < passed + kSlack : known.size > 0;
}

/// Adds a snapshot.
function take(stats) {
  const now = stats.uptime_seconds * 1000;
  const again = store.last !== null && isAnother(store.last, stats);
  if (again) forget();
  // An answer is some time on its way, not always the same: the times on the axis should not tremble with it.
  if (Math.abs(Date.now() - now - store.clock) > 1000) store.clock = Date.now() - now;
  if (again) tell(0, "the program was started again");
  const before = store.last;
  for (const region of stats.regions) keepSamples(region, now);
  keepStates(stats, now);
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

const stateOf = ({liveness, breaker}) => breaker === "open" ? "down" : liveness;

function keepStates({regions, changes}, now) {
  const looked = store.last ? store.last.uptime_seconds * 1000 : 0;
  const entry = (at, of) => ({at, state: stateOf(of), words: `${of.liveness}, breaker ${of.breaker}: ${of.reason}`});
  const news = changes.filter(({region, at_ms: at}) => at > (store.reported.get(region) ?? -1));
  const oldest = changes[0]?.at_ms ?? 0, mayLack = changes.length >= kChanges && oldest > looked;
  for (const {id, ...region} of regions) {
    const kept = store.states.get(id) ?? [], own = news.filter((change) => change.region === id);
    store.states.set(id, kept);
    if (mayLack) {
      // Regions that change all the time leave no room for the others' changes. What did not change since the oldest one
      // was then what it is now.
      if (kept.length) kept.push({at: looked, state: null, words: ""});
      if (!own.length) kept.push(entry(oldest, region));
    } else if (!kept.length) {
      kept.push({at: 0, state: "unknown", words: ""});
    }
    kept.push(...own.map((change) => entry(change.at_ms, change)));
    // Some states end by the clock alone, and nobody tells: the table shows it, and so do the bands.
    if (kept[kept.length - 1].state !== stateOf(region)) kept.push(entry(now, region));
    while (kept.length > 1 && kept[1].at < now - kKept) kept.shift();
    if (kept.length > 2000) kept.splice(0, 500);
  }
  for (const change of news) {
    store.reported.set(change.region, change.at_ms);
    tell(change.at_ms, `${change.region} is ${change.liveness}, breaker ${change.breaker}: ${change.reason}`);
  }
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

/// Reconstructs the time before the page was opened from the histories of attempts.
function lookBack(stats, now) {
  let start = now - kKept;
  const ended = [];
  for (const region of stats.regions) {
    if (region.attempts > region.history.length) start = Math.max(start, region.history[0]?.at_ms ?? now);
    for (const sample of region.history) {
      ended.push(sample);
      if (sample.kind === "failover") store.failovers.push({at: sample.at_ms, from: "", to: region.id, cause: "", count: 1});
    }
  }
  store.failovers.sort((a, b) => a.at - b.at);
  for (let from = Math.max(0, start); from + 1000 <= now; from += 1000) {
    const within = ended.filter((sample) => sample.at_ms >= from && sample.at_ms < from + 1000);
    store.rates.push({from, to: from + 1000, requests: within.length, errors: within.filter(isFailure).length});
  }
}
