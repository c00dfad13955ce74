// Fetches statistics once a second, and handles input. Runs last and starts the page.

const kInterval = 1000, kTimeout = 4000, kLate = 2500;

/// Moves the cursor; 0 hides it.
function moveTo(seconds) {
  hovered = null;
  store.placed = store.last && seconds > 0 ? 1000 * (store.last.uptime_seconds - Math.min(Number($("span").value), seconds)) : null;
  showMoment();
}

$("timeline").addEventListener("keydown", (event) => {
  const back = store.last ? secondsBack() ?? 0 : 0, step = Number($("span").value) / (event.shiftKey ? 10 : 60);
  const moves = {ArrowLeft: back + step, ArrowDown: back + step, ArrowRight: back - step, ArrowUp: back - step,
    PageDown: back + 10 * step, PageUp: back - 10 * step, Home: Number($("span").value), End: 0, Escape: 0};
  if (!(event.key in moves)) return;
  event.preventDefault();
  moveTo(moves[event.key]);
});
let isMoving = false;
$("timeline").addEventListener("pointermove", (event) => {
  const box = $("latency").getBoundingClientRect();
  hovered = Math.max(0, Math.min(1, 1 - (event.clientX - box.left - left) / (box.width - left - kRight)));
  if (isMoving) return;
  isMoving = true;
  requestAnimationFrame(() => {
    isMoving = false;
    showMoment();
  });
});
$("timeline").addEventListener("pointerleave", () => {
  hovered = null;
  showMoment();
});
$("span").onchange = $("metric").onchange = draw;
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
let trouble = "";        // the failure of the last request; empty: none
let arrived = 0;         // when the newest snapshot arrived
let since = Date.now();  // when the last answer arrived, or requests started
let answered = false;    // whether one arrived since requests started

$("pause").onclick = () => {
  paused = !paused;
  write($("pause"), paused ? "Go on" : "Pause");
  if (!paused) askAnew();
  showStatus();
};

/// The age of the displayed data as text.
function age() {
  return $("status").className === "live" ? "now" : `${span((Date.now() - arrived) / 1000)} ago`;
}

/// Shows whether the data is current. A server that does not answer in time counts as unreachable.
function showStatus() {
  const lost = trouble || (!paused && Date.now() - since > kLate ? "no answer yet" : "");
  const [state, words] = paused ? ["paused", lost ? `paused; last: ${lost}` : "paused"] : lost ? ["lost", lost]
    : answered ? ["live", "live"] : ["", store.last ? "asking for news" : "waiting for the first snapshot"];
  $("status").className = state;
  write($("status"), words);
  document.documentElement.classList.toggle("stale", lost !== "");
  if (!store.last) return;
  // Beside the status, which is read out whenever it changes.
  write($("age"), state === "live" ? "" : `as of ${age()}`);
  for (const label of document.querySelectorAll(".newest")) write(label, age());
  if (secondsBack() === null) $("timeline").setAttribute("aria-valuetext", age());
}
setInterval(showStatus, 500);

async function ask() {
  try {
    const response = await fetch("stats.json", {cache: "no-store", signal: AbortSignal.timeout(kTimeout)});
    const stats = response.ok ? await response.json() : null;
    if (paused) return;
    if (stats) take(stats);
    const isUnknown = response.status === 401;
    trouble = stats ? "" : isUnknown ? "the token is no longer accepted: open the page with the new one" : `the server answers ${response.status}`;
  } catch {
    if (!paused) trouble = "no answer; trying again";
  }
  if (!trouble && !paused) {
    answered = true;
    since = arrived = Date.now();
  }
  showStatus();
  if (!trouble) draw();
}

let timer = 0, asking = false;
async function watch() {
  clearTimeout(timer);
  if (asking) return;
  asking = true;
  try {
    if (!paused) await ask();
  } finally {
    asking = false;
    timer = setTimeout(watch, kInterval);
  }
}

/// After a pause, or while the browser suspends a hidden page, old data is no error.
function askAnew() {
  since = Date.now();
  answered = false;
  watch();
}
addEventListener("visibilitychange", () => {
  if (!document.hidden && !paused) askAnew();
});
watch();
