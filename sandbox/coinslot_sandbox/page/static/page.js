// What markup alone cannot do: countdowns, the reader's own time, copying, closing menus. Nothing here is
// needed to use the page; without it every button and link works still.
(() => {
  "use strict";
  const pad = (number, width = 2) => String(Math.trunc(number)).padStart(width, "0");
  let ahead_s = 0;
  let frozen_s = null;
  let learnt_s = 0;

  function learnClock() {
    const main = document.getElementById("main");
    learnt_s = Date.now() / 1000;
    if (!main?.dataset.now) return;
    ahead_s = Date.now() / 1000 - Number(main.dataset.now);
    frozen_s = "frozen" in main.dataset ? Number(main.dataset.now) : null;
  }

  function span(left_s) {
    if (left_s <= 0) return "now";
    if (left_s < 60) return `in ${Math.ceil(left_s)} s`;
    if (left_s < 3600) return `in ${Math.floor(left_s / 60)}:${pad(left_s % 60)} min`;
    return `in ${Math.floor(left_s / 3600)}:${pad((left_s % 3600) / 60)} h`;
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function paint() {
    for (const element of document.querySelectorAll("time[data-at]")) {
      const at = new Date(Number(element.dataset.at) * 1000);
      const whole = Number.isInteger(Number(element.dataset.at));
      const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => pad(part)).join(":");
      write(element, whole ? clock : `${clock}.${pad(at.getMilliseconds(), 3)}`);
    }
    for (const element of document.querySelectorAll("time[data-until]")) {
      const now_s = frozen_s ?? Date.now() / 1000 - ahead_s;
      const left_s = Number(element.dataset.until) - now_s;
      write(element, frozen_s === null ? span(left_s) : `${span(left_s)} of a frozen clock`);
    }
    for (const element of document.querySelectorAll("time[data-day]")) {
      const gone_s = "runs" in element.dataset ? Date.now() / 1000 - learnt_s : 0;
      write(element, new Date((Number(element.dataset.day) + gone_s) * 1000).toLocaleString());
    }
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  async function copy(button) {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      write(button, "Copied");
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      write(button, "Press Ctrl+C");
    }
    setTimeout(() => write(button, "Copy"), 1500);
  }

  document.addEventListener("click", (event) => {
    const target = event.target;
    closeMenus(target.closest("details.menu"));
    if (target.matches("[data-copy]")) copy(target);
    if (target.matches("[data-close]")) document.getElementById("notice").replaceChildren();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details[open]");
    closeMenus();
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  // A button may be gone when its click has been answered: the focus then goes to what is beside it.
  let places = [];
  function keepFocus() {
    if (document.activeElement !== document.body) return;
    const place = places.map((id) => document.getElementById(id)).find((found) => found);
    place?.querySelector(".actions :is(button:enabled, summary), button:enabled")?.focus();
  }
  document.addEventListener("submit", (event) => {
    places = [];
    for (let at = event.target; at; at = at.parentElement) if (at.id) places.push(at.id);
    const menu = event.target.closest("details.menu");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  const live = document.getElementById("live");
  function isLive(on) {
    live.classList.toggle("on", on);
    write(live.querySelector(".word"), on ? "live" : "every 20 s");
  }
  document.addEventListener("htmx:sse:after:connection", () => isLive(true));
  document.addEventListener("htmx:sse:error", () => isLive(false));
  document.addEventListener("htmx:sse:close", () => isLive(false));
  document.addEventListener("htmx:after:swap", () => { learnClock(); paint(); keepFocus(); });
  learnClock();
  paint();
  setInterval(paint, 500);
})();
