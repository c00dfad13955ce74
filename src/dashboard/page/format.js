// Formats numbers, durations and money for all parts of the page.

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const few = new Intl.NumberFormat("en", {maximumFractionDigits: 1});

function ms(value) {
  if (value === undefined || value === null) return "\u2013";
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 9999.5 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}
/// "100 %" only if all succeeded.
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
