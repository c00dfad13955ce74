// Asks for news once a second, and does what the visitor wants. Last of the page's scripts: it begins.

const kEvery = 1000, kPatience = 4000, kLate = 2500;

/// Places the cursor; 0 takes it away.
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
let trouble = "";        // what came instead of the last answer; empty: nothing did
let arrived = 0;         // when the newest snapshot came
let since = Date.now();  // when an answer came last, or the page began to ask
let answered = false;    // whether one came since the page began to ask

$("pause").onclick = () => {
  paused = !paused;
  write($("pause"), paused ? "Go on" : "Pause");
  if (!paused) askAnew();
  showStatus();
};

/// How old what the page shows is, in words.
function age() {
  return $("status").className === "live" ? "now" : `${span((Date.now() - arrived) / 1000)} ago`;
}

/// Tells whether what the page shows can be relied on. A server that keeps the page waiting is not there, either.
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
    const response = await fetch("stats.json", {cache: "no-store", signal: AbortSignal.timeout(kPatience)});
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
    timer = setTimeout(watch, kEvery);
  }
}

/// What came before a pause, or before the browser let a hidden page rest, is old, which is nobody's fault.
function askAnew() {
  since = Date.now();
  answered = false;
  watch();
}
addEventListener("visibilitychange", () => {
  if (!document.hidden && !paused) askAnew();
});
watch();
