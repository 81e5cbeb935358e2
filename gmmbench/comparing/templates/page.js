// What moves on the comparison page: the theme, sorting, the enlarged picture, the slider, the choice of cost.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  const remember = (theme) => { try { localStorage.setItem("gmmbench-theme", theme); } catch { /* a file may keep nothing */ } };
  const remembered = () => { try { return localStorage.getItem("gmmbench-theme"); } catch { return null; } };
  const setTheme = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    button.dataset.now = theme;
  };
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(button.dataset.now) + 1) % themes.length];
    setTheme(next);
    remember(next);
  });
  const before = remembered();
  setTheme(themes.includes(before) ? before : "auto");
  button.hidden = false;

  const valueOf = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : cell.dataset.sort;
  };
  const compare = (a, b, sign) => {
    if (a === "" || b === "") return (a === "") - (b === "");  // what is missing comes last, either way
    const [x, y] = [Number(a), Number(b)];
    const numbers = !Number.isNaN(x) && !Number.isNaN(y);
    return sign * (numbers ? x - y : a.localeCompare(b, undefined, { numeric: true }));
  };
  for (const sorter of all("table.sortable thead button")) {
    sorter.addEventListener("click", () => {
      const head = sorter.closest("th");
      const table = head.closest("table");
      const at = [...head.parentNode.children].indexOf(head);
      const first = sorter.dataset.first || "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const way = head.getAttribute("aria-sort") === first ? other : first;
      for (const th of all("th[aria-sort]", table.tHead)) th.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way);
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => compare(valueOf(a, at), valueOf(b, at), way === "ascending" ? 1 : -1));
      body.append(...rows);
    });
  }

  const dialog = document.getElementById("zoom");
  const enlarged = document.getElementById("zoom-picture");
  for (const opener of all("button.zoom")) {
    opener.addEventListener("click", () => {
      const small = opener.querySelector("img");
      enlarged.src = small.src;
      enlarged.alt = small.alt;
      enlarged.classList.toggle("pixels", small.classList.contains("pixels"));
      document.getElementById("zoom-title").textContent = opener.dataset.title;
      document.getElementById("zoom-caption").textContent = opener.dataset.caption;
      const link = document.getElementById("zoom-link");
      link.hidden = !opener.dataset.link;
      if (opener.dataset.link) link.href = opener.dataset.link;
      dialog.showModal();
    });
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  for (const beside of all(".beside")) {
    const [stage, choice, slide] = [".stage", "select", "input"].map((selector) => beside.querySelector(selector));
    const show = () => {
      const picture = document.getElementById(choice.value);
      const under = stage.querySelector(".under");
      under.src = picture.src;
      under.alt = picture.alt;
      under.classList.toggle("pixels", picture.classList.contains("pixels"));
    };
    const original = beside.closest("section").querySelector(".original");
    const over = stage.querySelector(".over");
    over.src = original.src;
    over.classList.toggle("pixels", original.classList.contains("pixels"));
    slide.addEventListener("input", () => stage.style.setProperty("--cut", `${slide.value}%`));
    choice.addEventListener("change", show);
    beside.hidden = false;
    show();
  }

  for (const costs of all(".costs")) {
    const choose = costs.querySelector(".choose");
    const show = (cost) => { for (const figure of all("figure", costs)) figure.hidden = figure.dataset.cost !== cost; };
    choose.addEventListener("change", (event) => show(event.target.value));
    choose.hidden = false;
    show(choose.querySelector("input:checked").value);
  }
})();
