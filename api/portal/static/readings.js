// uPlot panel for raw readings; colours come from the CSS tokens, times are shown in the contract's zone.
(() => {
  const host = document.getElementById("readings"), points = document.getElementById("readings-points"); if (!host || !points) return;
  const rows = JSON.parse(points.textContent), { unit, zone, stepped, at, code } = host.dataset;
  // English without a country is shown with the day before the month.
  const page = document.documentElement.lang, spoken = page === "en" ? "en-GB" : page;
  const probe = document.createElement("i"); probe.hidden = true; document.body.append(probe);
  // light-dark() inside a custom property is only resolved when used, so ask the browser through a real property.
  const token = n => { probe.style.color = `var(${n})`; return getComputedStyle(probe).color; };
  const format = o => new Intl.DateTimeFormat(spoken, { timeZone: zone, ...o });
  const day = format({ day: "numeric", month: "short" }), clock = format({ hour: "2-digit", minute: "2-digit" }), full = format({ dateStyle: "medium", timeStyle: "medium" });
  let plot;
  function draw() {
    plot?.destroy();
    const axis = o => ({ stroke: token("--ink-3"), font: "12px Inter", grid: { stroke: token("--line"), width: 1 }, ticks: { show: false }, ...o });
    plot = new uPlot({ width: host.clientWidth - 32, height: 300, padding: [8, 8, 0, 0], cursor: { drag: { x: true, y: false } },
      hooks: { setLegend: [u => host.classList.toggle("idle", u.legend.idxs?.[1] == null)] },
      axes: [axis({ space: 90, values: (u, s, i, space, incr) => s.map(t => (incr >= 86400 ? day : clock).format(t * 1000)) }), axis({ size: (u, values) => 18 + 7 * Math.max(4, ...(values ?? []).map(v => v.length)), values: (u, v) => v.map(x => x.toLocaleString(spoken)) })],
      series: [{ label: at, value: (u, t) => t == null ? "–" : full.format(t * 1000) }, { label: unit || code, stroke: token("--d-use"), width: 1.5, points: { show: false }, paths: stepped ? uPlot.paths.stepped({ align: 1 }) : undefined, value: (u, v) => v == null ? "–" : v.toLocaleString(spoken, { maximumFractionDigits: 6 }) }] },
      rows, host);
    host.classList.add("idle");
    host.dataset.ready = "1";
  }
  draw(); addEventListener("themechange", draw); new ResizeObserver(() => plot.setSize({ width: host.clientWidth - 32, height: 300 })).observe(host);
})();
