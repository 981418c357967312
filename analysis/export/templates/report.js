"use strict";
// Everything here is an addition: without it the report reads whole, contents open and tables in printed order.
(() => {
  const narrow = window.matchMedia("(max-width: 69.99rem)");
  const contents = document.querySelector(".contents details");
  const unfold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", unfold);
  unfold();
  window.addEventListener("beforeprint", () => { contents.open = true; });

  const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const headings = [...document.querySelectorAll("h2[id], h3[id]")].filter((h) => links.has(h.id));
  const follow = () => {
    const above = headings.filter((h) => h.getBoundingClientRect().top < 120).pop() || headings[0];
    links.forEach((a, id) => (above && id === above.id ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
  };
  let waiting = false;
  window.addEventListener("scroll", () => {
    if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; follow(); }); }
  }, { passive: true });
  follow();

  // What is chosen, searched, filtered and sorted stands in the address, so that a page can be passed on as it is seen.
  const state = new URLSearchParams(location.search);
  const remember = (key, value) => {
    if (value) state.set(key, value); else state.delete(key);
    const words = state.toString();
    try { history.replaceState(null, "", location.pathname + (words ? `?${words}` : "") + location.hash); } catch { /* a page without an address */ }
  };
  const make = (tag, more = {}) => Object.assign(document.createElement(tag), more);
  const fold = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, "");
  const headsOf = (table) => (table.tHead ? [...table.tHead.rows[table.tHead.rows.length - 1].cells].map((th) => th.textContent) : []);
  const groupOf = (row) => { const first = row.parentNode.rows[0]; return first.classList.contains("group") ? first.textContent : ""; };
  const again = [];

  document.querySelectorAll("table.search").forEach((table, index) => {
    const rows = [...table.querySelectorAll("tbody tr")];
    const entries = rows.filter((row) => !row.classList.contains("group"));
    const places = rows.map((row) => [row, row.parentNode]);
    const heads = headsOf(table);
    const box = make("div", { className: "search-box" });
    const input = make("input", { type: "search", id: `search-${index}`, placeholder: table.dataset.choose ? "任何文字" : "名称或代码" });
    const found = make("span");
    found.setAttribute("role", "status");
    box.append(make("label", { textContent: "查找：", htmlFor: input.id }), input);

    const groups = new Map(entries.map((row) => [row, groupOf(row)]));
    const filters = heads.map((head, column) => [head, (row) => row.cells[column].textContent])
      .filter(([head]) => head === table.dataset.choose || ["批次", "等级", "领域", "状态"].includes(head));
    if (new Set(groups.values()).size > 1) filters.push([table.dataset.grouped || "分组", (row) => groups.get(row)]);
    const choices = filters.map(([head, value]) => {
      const select = make("select");
      select.setAttribute("aria-label", head);
      select.append(new Option(`${head}：全部`, ""));
      new Set(entries.map(value)).forEach((text) => select.append(new Option(text, text)));
      select.value = state.get(`${head}${index}`) || "";
      if (select.selectedIndex < 0) select.value = "";
      select.addEventListener("change", () => { remember(`${head}${index}`, select.value); show(); });
      box.append(select);
      return [select, value];
    });
    box.append(found);
    table.closest(".table, .numbers").before(box);

    const show = () => {
      const wanted = fold(input.value);
      let shown = 0;
      entries.forEach((row) => {
        const hit = [...[...row.cells].map((cell) => cell.textContent), row.dataset.also || ""].some((text) => fold(text).includes(wanted));
        row.hidden = !hit || choices.some(([select, value]) => select.value && value(row) !== select.value);
        shown += row.hidden ? 0 : 1;
      });
      const sorted = table.querySelector("th[aria-sort]") !== null;
      rows.filter((row) => row.classList.contains("group")).forEach((group) => {
        group.hidden = sorted || ![...group.parentNode.rows].some((row) => row !== group && !row.hidden);
      });
      found.textContent = wanted || choices.some(([select]) => select.value) ? `${shown} 条` : "";
    };
    input.addEventListener("input", () => { remember(`q${index}`, input.value); show(); });

    const number = (text) => (/^[-−+]?[\d.]+%?$/.test(text) ? parseFloat(text.replace("−", "-")) : null);
    const inOrder = () => places.forEach(([row, body]) => body.append(row));
    const sort = (column, next) => {
      const all = [...table.tHead.rows[0].cells];
      all.forEach((other) => other.removeAttribute("aria-sort"));
      if (!next) return inOrder();
      all[column].setAttribute("aria-sort", next);
      const keys = new Map(entries.map((row) => [row, row.cells[column].textContent.trim()]));
      const order = [...entries].sort((a, b) => {
        const [x, y] = [number(keys.get(a)), number(keys.get(b))];
        if (x === null && y === null) return (next === "ascending" ? 1 : -1) * keys.get(a).localeCompare(keys.get(b), "zh-CN");
        if (x === null || y === null) return x === null ? 1 : -1;
        return next === "ascending" ? x - y : y - x;
      });
      return table.tBodies[0].append(...rows.filter((row) => row.classList.contains("group")), ...order);
    };
    let [column, direction] = (state.get(`sort${index}`) || "").split(" ");
    [...table.tHead.rows[0].cells].forEach((th, place) => {
      const button = make("button", { type: "button" });
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const before = th.getAttribute("aria-sort");
        [column, direction] = [place, before === null ? "ascending" : before === "ascending" ? "descending" : ""];
        remember(`sort${index}`, direction && `${column} ${direction}`);
        sort(column, direction);
        show();
      });
    });
    input.value = state.get(`q${index}`) || "";
    if (direction && heads[column] !== undefined) sort(Number(column), direction);
    show();
    again.push([() => { inOrder(); rows.forEach((row) => { row.hidden = false; }); }, () => { if (direction) sort(Number(column), direction); show(); }]);
  });
  window.addEventListener("beforeprint", () => again.forEach(([whole]) => whole()));  // what is printed is the whole, in its order
  window.addEventListener("afterprint", () => again.forEach(([, seen]) => seen()));

  // An alliance that is chosen, in a row or in a drawing, is lit up wherever it stands, and what is said of it is gathered.
  const short = (text) => fold(text).replace(/(产业)?技术创新(战略)?联盟$/, "");
  const marks = new Map();
  const mark = (key, ...told) => marks.set(key, [...(marks.get(key) || []), told]);
  const pressed = [];
  const exhibitOf = (table) => {  // the numbers of a figure that are folded away come after it
    let where = table.closest("figure, .table[id], details.data");
    while (where && where.matches(":not(figure):not([id])")) where = where.previousElementSibling;
    return where;
  };
  const button = (where, key, text) => {
    const made = make("button", { type: "button", className: "who", textContent: text });
    made.addEventListener("click", () => choose(chosen === key ? "" : key));
    where.replaceChildren(made);
    pressed.push([made, key]);
  };
  document.querySelectorAll("main table").forEach((table) => {
    const heads = headsOf(table);
    const column = heads.findIndex((head) => ["联盟名称", "联盟"].includes(head));
    if (column < 0 || !exhibitOf(table)) return;
    [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => row.cells.length > column).forEach((row) => {
      const cell = row.cells[column];
      const words = [...row.cells].map((one, place) => (place === column || !one.textContent || !heads[place] || one.querySelector("svg") ? "" : `${heads[place]} ${one.textContent}`));
      mark(short(cell.textContent), row, exhibitOf(table), words.filter(Boolean).concat(groupOf(row) || []).join("，"), cell.textContent);
      button(cell, short(cell.textContent), cell.textContent);
    });
  });
  document.querySelectorAll("main svg text").forEach((text) => {
    const key = short(text.textContent);
    if (!marks.has(key)) return;
    mark(key, text, text.closest("figure"), "");
    text.classList.add("who");
    text.addEventListener("click", () => choose(chosen === key ? "" : key));
  });

  const panel = make("aside", { className: "chosen", hidden: true });
  panel.setAttribute("aria-label", "所选联盟");
  panel.setAttribute("role", "status");
  document.querySelector("main").append(panel);
  let chosen = "";
  const nameOf = (where) => (where.querySelector("caption, figcaption") || { textContent: "" }).textContent.split("　")[0]
    || (where.getAttribute("aria-label") || "图表");
  const choose = (key) => {
    chosen = marks.has(key) ? key : "";
    document.querySelectorAll(".lit").forEach((lit) => lit.classList.remove("lit"));
    pressed.forEach(([made, own]) => made.setAttribute("aria-pressed", own === chosen));
    const told = marks.get(chosen) || [];
    const list = make("ul");
    told.forEach(([lit, where, words]) => {
      lit.classList.add("lit");
      const item = make("li");
      item.append(make("a", { href: `#${where.id}`, textContent: nameOf(where) }), words ? `：${words}` : "");
      list.append(item);
    });
    const close = make("button", { type: "button", textContent: "取消选择" });
    close.addEventListener("click", () => choose(""));
    panel.replaceChildren(make("strong", { textContent: told.length ? told[0][3] : "" }), close, list);
    panel.hidden = !chosen;
    remember("who", chosen);
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && chosen) choose(""); });
  choose(state.get("who") || "");
})();
