"use strict";
(() => {
  const root = document.documentElement;
  const one = (id) => document.getElementById(id);
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  root.classList.add("js");

  // Dark or light.
  const theme = one("theme");
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); });
  name();

  // Where one is.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  if ("IntersectionObserver" in window) {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((entry) => entry.isIntersecting)) {
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id).setAttribute("aria-current", "true");
      }
    }, { rootMargin: "-20% 0px -75% 0px" });
    all("main > section").forEach((section) => seen.observe(section));
  }

  // Tables that are sorted by a click on a head.
  for (const table of all("table.sorted")) {
    const body = table.tBodies[0];
    all("thead th", table).forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
        const compare = (a, b) => {
          const [x, y] = [value(a), value(b)];
          return down * (isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y);
        };
        body.append(...[...body.rows].sort(compare));
        all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
      });
    });
  }

  // Heat maps: one frame of all.
  const look = one("look");
  if (look) {
    const [slider, bare, says] = [one("epoch"), one("bare"), one("looked")];
    const frames = all(".frame");
    const show = () => {
      const method = look.querySelector("input[name=method]:checked").value;
      const frame = one(`maps-${method}-${slider.value}`);
      frames.forEach((other) => other.classList.toggle("on", other === frame));
      says.textContent = frame.querySelector("figcaption").textContent;
      slider.setAttribute("aria-valuetext", says.textContent);
    };
    look.hidden = false;
    look.addEventListener("input", show);
    bare.addEventListener("change", () => one("heat").classList.toggle("bare", bare.checked));
    all(".frames").forEach((region) => region.removeAttribute("tabindex"));
    show();
  }

  // The map: a picture's name and look at the pointer, or where arrow keys have gone to.
  const points = one("points");
  if (points) {
    const [tip, told] = [one("tip"), one("told")];
    const marks = all("use", points);
    // Its own title would be shown as well.
    const texts = new Map(marks.map((mark) => {
      const title = mark.querySelector("title");
      title.remove();
      return [mark, title.textContent];
    }));
    let at = null;
    const go = (mark) => {
      if (at) at.classList.remove("at");
      at = mark;
      tip.hidden = !mark;
      if (!mark) return;
      mark.classList.add("at");
      const thumb = tip.querySelector(".t");
      thumb.hidden = !mark.dataset.t;
      thumb.style.backgroundPosition = mark.dataset.t ?? "";
      tip.querySelector(".text").textContent = texts.get(mark);
      const [box, plane] = [mark.getBoundingClientRect(), points.parentElement.getBoundingClientRect()];
      const left = box.left - plane.left + 14;
      tip.style.left = `${Math.max(0, Math.min(left, plane.width - tip.offsetWidth))}px`;
      tip.style.top = `${box.top - plane.top + 14}px`;
    };
    points.tabIndex = 0;
    points.addEventListener("pointerover", (event) => { if (event.target.closest("use")) go(event.target.closest("use")); });
    points.addEventListener("click", (event) => go(event.target.closest("use")));
    points.addEventListener("pointerleave", () => go(null));
    points.addEventListener("blur", () => go(null));
    points.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") go(null);
      if (!step) return;
      event.preventDefault();
      const next = at ? marks.indexOf(at) + step : step > 0 ? 0 : marks.length - 1;
      go(marks[(next + marks.length) % marks.length]);
      told.textContent = texts.get(at);
    });

    // A class of the legend alone.
    const buttons = all("[data-class]").map((span) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.class = span.dataset.class;
      button.textContent = span.textContent;
      button.setAttribute("aria-pressed", "false");
      span.replaceWith(button);
      return button;
    });
    buttons.forEach((button) => button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(on && other === button)));
      marks.forEach((mark) => mark.classList.toggle("dim", on && mark.dataset.k !== button.dataset.class));
    }));
  }
})();
