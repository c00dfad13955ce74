// Asks for news once a second, and does what the visitor wants. Last of the page's scripts: it begins.

const kEvery = 1000, kPatience = 4000;

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
