// Enhancements only: every number is on the page without this file.
(() => {
  const $ = (s, r = document) => r.querySelector(s), tip = $("#tip"), say = $("#say"), said = document.body.dataset;
  const parts = el => { const [head, ...kv] = el.dataset.tip.split("|"), rows = []; for (let i = 0; i + 1 < kv.length; i += 2) rows.push([kv[i], kv[i + 1]]); return { head, rows }; };
  function show(el) {
    const { head, rows } = parts(el); tip.replaceChildren();
    const b = document.createElement("b"); b.textContent = head; tip.append(b);
    for (const [k, v] of rows) { const d = document.createElement("div"), s = document.createElement("span"), e = document.createElement("span"); s.textContent = k; e.textContent = v; d.append(s, e); tip.append(d); }
    tip.hidden = false;
    const r = el.getBoundingClientRect(), w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.left = Math.max(8, Math.min(innerWidth - w - 8, r.left + r.width / 2 - w / 2)) + "px";
    tip.style.top = (r.top - h - 10 > 8 ? r.top - h - 10 : r.bottom + 10) + "px";
  }
  const hide = () => { tip.hidden = true; };
  if (tip) {
    document.addEventListener("pointerover", e => { const el = e.target.closest?.("[data-tip]"); el ? show(el) : hide(); });
    document.addEventListener("scroll", hide, true);
    document.addEventListener("keydown", e => {
      const plot = e.target.closest?.(".plot.daily"); if (e.key === "Escape") hide(); if (!plot) return;
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -1e3, End: 1e3 }[e.key]; if (!step) return; e.preventDefault();
      const bars = [...plot.querySelectorAll(".bar")], cur = bars.findIndex(b => b.classList.contains("on"));
      const i = Math.max(0, Math.min(bars.length - 1, cur < 0 ? 0 : cur + step)); bars[cur]?.classList.remove("on"); bars[i].classList.add("on"); show(bars[i]);
      const { head, rows } = parts(bars[i]); say.textContent = head + ": " + rows.map(r => r.join(" ")).join(", ");
    });
    document.addEventListener("focusout", e => { if (e.target.classList?.contains("plot")) { hide(); $(".bar.on", e.target)?.classList.remove("on"); } });
  }
  const toggle = $("[data-theme-toggle]");
  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      const h = document.documentElement, dark = h.dataset.theme ? h.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      h.dataset.theme = dark ? "light" : "dark"; document.cookie = `theme=${h.dataset.theme};path=/;max-age=31536000;samesite=lax`;
      dispatchEvent(new Event("themechange"));
    });
  }
  for (const b of document.querySelectorAll("[data-print]")) { b.hidden = false; b.addEventListener("click", () => print()); }
  // "4 s ago" instead of an instant, for what is recent; the instant stays in the element.
  function ago() {
    for (const el of document.querySelectorAll("time[data-ago]")) {
      const s = Math.max(0, Math.round((Date.now() - new Date(el.dateTime)) / 1000));
      el.title ||= el.textContent;
      el.textContent = s < 60 ? said.seconds.replace("{}", s) : s < 3600 ? said.minutes.replace("{}", Math.floor(s / 60)) : s < 172800 ? said.hours.replace("{}", Math.floor(s / 3600)) : el.title;
    }
  }
  if ($("time[data-ago]") || $("#live")) { ago(); setInterval(ago, 1000); }
  // A link to a folded place unfolds it.
  const unfold = () => { const el = location.hash && document.getElementById(location.hash.slice(1)); if (el instanceof HTMLDetailsElement) { for (let d = el; d; d = d.parentElement?.closest("details")) d.open = true; el.scrollIntoView(); } };
  addEventListener("hashchange", unfold); unfold();
  // A line that is out of date says so.
  const live = $("#live"), stream = $("#stream");
  stream?.addEventListener("htmx:sse:error", () => live?.classList.add("stale"));
  // What somebody unfolded stays so when its numbers change.
  let unfolded = new Map();
  stream?.addEventListener("htmx:sse:before:message", () => { unfolded = new Map([...document.querySelectorAll("#bill details[id]")].map(el => [el.id, el.open])); });
  stream?.addEventListener("htmx:sse:after:message", () => {
    for (const [id, open] of unfolded) { const el = document.getElementById(id); if (el) el.open = open; }
    live?.classList.remove("stale"); ago();
  });
})();
