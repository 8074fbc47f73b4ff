// Products: plots a product's series (uPlot), and moves through the results of a search by keys.
// x is the point's number, never a time: labels come from the server, which knows the calendar.
(() => {
  "use strict";
  const HEIGHT = 190, LEAST_TICK = 64, MOST_DOTS = 130; // pixels, pixels, points
  let drawn = null; // the address of what is plotted
  let data = null, charts = [], width = 0;

  const plots = () => document.getElementById("plots");

  function colours(names) {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  function options(chart, canvas, numbers) {
    const at = colours(["in", "out", "stock", "sales", "price", "ink-soft", "line", "accent"]);
    at.purchases = at.in;
    at.cost = at.out;
    const isMirrored = chart.series.some((one) => one.shape === "down");
    const axis = { stroke: at["ink-soft"], grid: { stroke: at.line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      width: canvas.clientWidth, height: HEIGHT, padding: [8, 8, 0, 0],
      cursor: { sync: { key: "product", setSeries: false }, y: false, drag: { setScale: true, x: true, y: false } },
      legend: { live: true },
      scales: { x: { time: false, range: (u, least, most) => [least - .5, most + .5] },
        y: { range: (u, least, most) => {
          if (least === null) return [0, 1];
          const isAmount = chart.series[0].shape !== "line"; // of prices the axis need not begin at zero
          const low = isAmount ? Math.min(0, least) : least, high = isAmount ? Math.max(0, most) : most;
          const room = (high - low || Math.abs(high) || 1) * .08;
          return [low < 0 || !isAmount ? low - room : low, high > 0 || !isAmount ? high + room : high];
        } } },
      axes: [
        { ...axis, grid: { show: false }, size: 28,
          splits: (u, _axis, least, most) => {
            const inside = data.ticks.filter(([index]) => index >= least && index <= most);
            const step = Math.max(1, Math.ceil(inside.length * LEAST_TICK / u.bbox.width * devicePixelRatio));
            return inside.filter((_tick, n) => n % step === 0).map(([index]) => index);
          },
          values: (u, splits) => splits.map((index) => data.ticks.find(([tick]) => tick === index)?.[1] ?? "") },
        { ...axis, size: 56, values: (u, splits) => splits.map((value) => numbers.short.format(isMirrored ? Math.abs(value) : value)) },
      ],
      series: [
        { label: data.period, value: (u, index) => data.labels[index ?? data.labels.length - 1] ?? "" },
        ...chart.series.map((one) => ({
          label: one.name + (one.shape === "up" ? " ↑" : one.shape === "down" ? " ↓" : ""), stroke: at[one.colour], width: isBars(one) ? 0 : 2,
          fill: isBars(one) ? at[one.colour] : one.shape === "step" ? `${at[one.colour]}1f` : undefined,
          points: { show: one.shape === "line" && data.labels.length <= MOST_DOTS, size: 5, fill: at[one.colour] }, spanGaps: one.shape === "line",
          paths: isBars(one) ? uPlot.paths.bars({ size: [.85, Infinity] }) : one.shape === "step" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
          value: (u, _value, _series, index) => { // where nobody points, the last
            const value = one.values[index ?? one.values.length - 1];
            return value === null || value === undefined ? "–" : numbers.long.format(value);
          },
        })),
      ],
    };
  }

  const isBars = (one) => one.shape === "up" || one.shape === "down";
  const plotted = (one) => one.shape === "down" ? one.values.map((value) => value && -value) : one.values;

  function draw() {
    const place = plots();
    if (!place || !data) return;
    for (const chart of charts) chart.destroy();
    charts = [];
    width = place.clientWidth;
    const numbers = {
      short: new Intl.NumberFormat(data.language, { notation: "compact", maximumFractionDigits: 2 }),
      long: new Intl.NumberFormat(data.language, { maximumFractionDigits: 3 }),
    };
    for (const chart of data.charts) {
      const canvas = place.querySelector(`[data-chart="${chart.name}"] .canvas`);
      if (!canvas) continue;
      canvas.replaceChildren();
      const values = [data.labels.map((_label, n) => n), ...chart.series.map(plotted)];
      charts.push(new uPlot(options(chart, canvas, numbers), values, canvas));
    }
    place.dataset.drawn = String(data.labels.length); // for whoever waits for it
  }

  async function load() {
    const place = plots();
    const wanted = place && place.dataset.plot;
    if (!wanted || wanted === drawn || typeof uPlot === "undefined") return;
    drawn = wanted;
    const trouble = place.querySelector(".plot-trouble");
    try {
      const response = await fetch(wanted);
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      if (drawn !== wanted) return; // overtaken by a newer question
      data = answer;
      trouble.hidden = true;
      draw();
    } catch {
      drawn = null; // the next change asks again
      trouble.hidden = false;
    }
  }

  // What is typed elsewhere stays where it is; "/" goes to the search, arrows through what it found.
  function keys(event) {
    const field = document.getElementById("q");
    const isTyping = event.target.closest("input, textarea, select");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && field) {
      event.preventDefault();
      field.focus();
      field.select();
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...document.querySelectorAll("#results .found th a")];
    const at = links.indexOf(document.activeElement);
    if (!links.length || (at < 0 && event.target !== field)) return;
    event.preventDefault();
    const next = event.key === "ArrowDown" ? at + 1 : at - 1;
    if (next < 0) field.focus();
    else links[Math.min(next, links.length - 1)].focus();
  }

  function begin() {
    load();
    // A browser does not keep the promise of autofocus where the page was not in front while it came.
    const field = document.querySelector("#q[autofocus]");
    if (field && document.activeElement === document.body) field.focus();
  }

  document.addEventListener("keydown", keys);
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("htmx:after:swap", load);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", () => { const place = plots(); if (place && place.clientWidth !== width) draw(); });
})();
