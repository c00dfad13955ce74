// Asks for news once a second, and does what the visitor wants. Last of the page's scripts: it begins.

const kEvery = 1000, kPatience = 4000;

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
