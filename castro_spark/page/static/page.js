// Keeps a page right: asks for its content again when the server says that something is new, when the connection was lost,
// and when the tab comes back to the front (also after the machine slept). Counts ages on between two answers.
(() => {
  "use strict";
  const LEAST_MS = 1000; // between two questions
  const SLEPT_MS = 10000, DEAF_MS = 45000, RETRY_MS = 5000; // the server says something every 15 s
  const lost = document.getElementById("lost");
  const link = document.getElementById("link");
  const content = () => document.getElementById("content");
  const born = content().dataset.page; // whose styles and scripts are here
  let source = null, asking = false, again = false, askedAt = 0, timer = null;
  let heardAt = Date.now(), tickedAt = Date.now(); // of the server; of this script
  let ahead = 0; // of the server's clock to this machine's, in milliseconds

  const setClock = () => { ahead = Number(content().dataset.now) * 1000 - Date.now(); };

  const language = document.documentElement.lang;
  const ages = new Intl.RelativeTimeFormat(language, { style: "short", numeric: "always" });
  const soonest = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const UNITS = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  function age(milliseconds) { // as formats.age: the next unit begins at two of it
    const seconds = milliseconds / 1000;
    if (Math.abs(seconds) < 2) return soonest.format(0, "second");
    for (const [unit, size] of UNITS) {
      if (Math.abs(seconds) >= 2 * size || unit === "second") return ages.format(-Math.round(seconds / size), unit);
    }
  }

  function count() {
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll("time.ago")) {
      const words = age(now - Date.parse(time.dateTime));
      if (time.textContent !== words) time.textContent = words;
    }
  }

  function tell(isLost) {
    lost.textContent = isLost ? lost.dataset.words : "";
    link.textContent = isLost ? "" : link.dataset.words;
    document.body.classList.toggle("is-lost", isLost);
  }

  async function ask() {
    if (asking) { again = true; return; }
    asking = true;
    askedAt = Date.now();
    try {
      await htmx.ajax("GET", location.pathname + location.search, { target: "#content", swap: "outerMorph" });
      if (content().dataset.page && content().dataset.page !== born) location.reload(); // after a trouble: with its own files
      setClock();
      count();
    } finally {
      asking = false;
      if (again) { again = false; soon(); }
    }
  }

  // What somebody has begun to write or to choose is not replaced; the next cue finds it sent or taken back.
  function editing() {
    for (const field of content().querySelectorAll("input:not([type=hidden]), textarea, select")) {
      if (field === document.activeElement || field.checked !== field.defaultChecked) return true;
      if (field.type !== "checkbox" && "defaultValue" in field && field.value !== field.defaultValue) return true;
    }
    return false;
  }

  function soon() {
    if (timer || document.hidden || editing()) return;
    timer = setTimeout(() => { timer = null; if (!editing()) ask(); }, Math.max(0, askedAt + LEAST_MS - Date.now()));
  }

  // Another page than ours, such as a proxy's that wants a login, is not put in the place of the content; nor is ours, if
  // somebody began to write while it was on its way.
  document.addEventListener("htmx:after:request", (event) => {
    const { target, text } = event.detail.ctx;
    if (target !== content()) return;
    if (!text.includes('id="content"')) { event.preventDefault(); tell(true); } else if (editing()) event.preventDefault();
  });

  function listen(first) {
    if (source) source.close();
    let missed = !first;
    heardAt = Date.now();
    source = new EventSource("/live");
    source.addEventListener("open", () => { heardAt = Date.now(); tell(false); if (missed) soon(); missed = true; });
    source.addEventListener("news", () => { heardAt = Date.now(); soon(); });
    source.addEventListener("still", () => { heardAt = Date.now(); });
    source.addEventListener("error", () => tell(true)); // the browser connects again by itself, unless it was refused
  }

  function attend() { // each second
    const slept = Date.now() - tickedAt > SLEPT_MS;
    tickedAt = Date.now();
    if (!source || document.hidden) return;
    const deaf = tickedAt - heardAt > DEAF_MS, refused = source.readyState === EventSource.CLOSED && tickedAt - heardAt > RETRY_MS;
    if (deaf || refused) tell(true);
    if (slept || deaf || refused) listen(false);
  }

  function wake() { // a hidden tab holds no connection: browsers allow six to a host
    if (document.hidden) { if (source) { source.close(); source = null; } return; }
    listen(false);
  }

  document.addEventListener("DOMContentLoaded", () => {
    setClock();
    count();
    setInterval(count, 1000);
    const here = document.querySelector(".menu [aria-current]");
    if (here) here.scrollIntoView({ inline: "center", block: "nearest" });
    if (!("live" in content().dataset)) return;
    listen(true);
    setInterval(attend, 1000);
    document.addEventListener("visibilitychange", wake);
    window.addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  });
})();
