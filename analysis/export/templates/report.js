"use strict";
// Everything here is an addition: without it the report reads whole, contents open and tables in printed order.
(() => {
  const narrow = window.matchMedia("(max-width: 69.99rem)");
  const contents = document.querySelector(".contents details");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  window.addEventListener("beforeprint", () => { contents.open = true; });

  const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const marks = [...document.querySelectorAll("h2[id], h3[id]")].filter((h) => links.has(h.id));
  const mark = () => {
    const above = marks.filter((h) => h.getBoundingClientRect().top < 120).pop() || marks[0];
    links.forEach((a, id) => (above && id === above.id ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
  };
  let waiting = false;
  window.addEventListener("scroll", () => {
    if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; mark(); }); }
  }, { passive: true });
  mark();

  document.querySelectorAll("table.search").forEach((table, index) => {
    const rows = [...table.querySelectorAll("tbody tr")];
    const entries = rows.filter((row) => !row.classList.contains("group"));
    const places = rows.map((row) => [row, row.parentNode]);
    const fold = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, "");

    const box = document.createElement("div");
    box.className = "search-box";
    const label = document.createElement("label");
    label.textContent = "查找：";
    label.htmlFor = `search-${index}`;
    const input = document.createElement("input");
    input.type = "search";
    input.id = label.htmlFor;
    input.placeholder = table.dataset.choose ? "任何文字" : "名称或代码";
    const found = document.createElement("span");
    found.setAttribute("role", "status");
    box.append(label, input);
    const chosen = [...table.tHead.rows[0].cells].findIndex((th) => th.textContent === table.dataset.choose);
    const choice = document.createElement("select");
    if (chosen >= 0) {
      choice.setAttribute("aria-label", table.dataset.choose);
      choice.append(new Option(`${table.dataset.choose}：全部`, ""));
      new Set(entries.map((row) => row.cells[chosen].textContent)).forEach((value) => choice.append(new Option(value, value)));
      choice.addEventListener("change", () => show());
      box.append(choice);
    }
    box.append(found);
    table.closest(".table").before(box);

    const sorted = () => table.querySelector("th[aria-sort]") !== null;
    const show = () => {
      const wanted = fold(input.value);
      let shown = 0;
      entries.forEach((row) => {
        const hit = [...[...row.cells].map((cell) => cell.textContent), row.dataset.also || ""].some((text) => fold(text).includes(wanted));
        row.hidden = !hit || (choice.value !== "" && row.cells[chosen].textContent !== choice.value);
        shown += row.hidden ? 0 : 1;
      });
      rows.filter((row) => row.classList.contains("group")).forEach((group) => {
        group.hidden = sorted() || ![...group.parentNode.rows].some((row) => row !== group && !row.hidden);
      });
      found.textContent = wanted || choice.value ? `${shown} 条` : "";
    };
    input.addEventListener("input", show);

    const number = (text) => (/^[-−+]?[\d.]+%?$/.test(text) ? parseFloat(text.replace("−", "-")) : null);
    [...table.tHead.rows[0].cells].forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const before = th.getAttribute("aria-sort");
        [...table.tHead.rows[0].cells].forEach((other) => other.removeAttribute("aria-sort"));
        const next = before === null ? "ascending" : before === "ascending" ? "descending" : null;
        if (next === null) {
          places.forEach(([row, body]) => body.append(row));
        } else {
          th.setAttribute("aria-sort", next);
          const keys = new Map(entries.map((row) => [row, row.cells[column].textContent.trim()]));
          const order = [...entries].sort((a, b) => {
            const [x, y] = [number(keys.get(a)), number(keys.get(b))];
            if (x === null && y === null) return (next === "ascending" ? 1 : -1) * keys.get(a).localeCompare(keys.get(b), "zh-CN");
            if (x === null || y === null) return x === null ? 1 : -1;
            return next === "ascending" ? x - y : y - x;
          });
          table.tBodies[0].append(...rows.filter((row) => row.classList.contains("group")), ...order);
        }
        show();
      });
    });
  });
})();
