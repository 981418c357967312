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
  const alsoOf = (row) => (row.dataset.also || "").split("，");
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
      .concat((table.dataset.found || "").split("，").map((head, place) => [head, (row) => alsoOf(row)[place]]))
      .filter(([head]) => head === table.dataset.choose || ["批次", "等级", "领域", "状态"].includes(head));
    if (new Set(groups.values()).size > 1) filters.push([table.dataset.grouped || "分组", (row) => groups.get(row)]);
    const choices = filters.map(([head, value]) => {
      const select = make("select");
      select.setAttribute("aria-label", head);
      select.append(new Option(`${head}：全部`, ""));
      const batch = (text) => "一二三四五六七八九".indexOf(text[1]) + 1 || 10;  // others come after the numbered ones
      const texts = [...new Set(entries.map(value))];
      (head === "批次" ? texts.sort((a, b) => batch(a) - batch(b)) : texts).forEach((text) => select.append(new Option(text, text)));
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
    input.addEventListener("keydown", (event) => {  // Enter chooses the first that is found
      const first = event.key === "Enter" && input.value && entries.find((row) => !row.hidden && row.querySelector("button.who"));
      if (first) first.querySelector("button.who").click();
    });

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
  const marks = new Map();  // of each alliance: what lights up, in which figure or table, and what a row says of it
  const mark = (key, lit, where, more = {}) => marks.set(key, [...(marks.get(key) || []), { lit, where, ...more }]);
  const pressed = [];
  let chosen = "";
  const exhibitOf = (table) => {  // the numbers of a figure that are folded away come after it
    let where = table.closest("figure, .table[id], details.data");
    while (where && where.matches(":not(figure):not([id])")) where = where.previousElementSibling;
    return where;
  };
  const toggle = (key) => choose(chosen === key ? "" : key);
  document.querySelectorAll("main table").forEach((table) => {
    const [heads, where] = [headsOf(table), exhibitOf(table)];
    const [column, score] = [heads.findIndex((head) => ["联盟名称", "联盟"].includes(head)), heads.indexOf("评分")];
    if (column < 0 || !where) return;
    [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => row.cells.length > column).forEach((row) => {
      const texts = [...row.cells].map((cell) => cell.textContent);
      const group = groupOf(row), names = texts[column].split("、").filter((name) => name && name !== "—");  // a cell may have several
      if (!names.length) return;
      const told = texts.map((text, place) => (place === column || !text || !heads[place] || row.cells[place].querySelector("svg") ? "" : `${heads[place]} ${text}`));
      const facts = new Set([...texts, ...group.split("，"), ...alsoOf(row)]);
      row.cells[column].replaceChildren(...names.flatMap((name, place) => {
        const key = short(name), made = make("button", { type: "button", className: "who", textContent: name });
        mark(key, row, where, { name, words: told.filter(Boolean).concat(group || []).join("，"), facts, score: parseFloat(texts[score]) });
        made.addEventListener("click", () => toggle(key));
        pressed.push([made, key]);
        return place ? ["、", made] : [made];
      }));
    });
  });
  document.querySelectorAll("main .chart").forEach((chart) => {
    const keys = new Set();
    const react = (shape, key) => {
      if (!marks.has(key)) return;
      mark(key, shape, chart.closest("figure"));
      shape.classList.add("who");
      shape.addEventListener("click", () => toggle(key));
      if (shape.tagName === "text") return;
      keys.add(key);
      shape.append(document.createElementNS("http://www.w3.org/2000/svg", "title"));
      shape.lastChild.textContent = marks.get(key)[0].name;
    };
    chart.querySelectorAll("text").forEach((text) => react(text, short(text.textContent)));
    chart.querySelectorAll("[data-who]").forEach((group) => {  // its marks, one after the other
      const [names, shapes] = [group.dataset.who.split("|"), [...group.querySelectorAll("path, use")].filter((shape) => !shape.closest("defs"))];
      if (shapes.length % names.length === 0) shapes.forEach((shape, place) => react(shape, short(names[Math.floor(place * names.length / shapes.length)])));
    });
    if (!keys.size) return;
    chart.title = "左右方向键逐家选择联盟";
    chart.addEventListener("keydown", (event) => {
      const [all, step] = [[...keys], { ArrowRight: 1, ArrowLeft: -1 }[event.key]];
      if (!step) return;
      event.preventDefault();
      choose(all[(Math.max(all.indexOf(chosen), step < 0 ? 0 : -1) + step + all.length) % all.length]);
    });
  });

  const panel = make("section", { className: "chosen", hidden: true });
  panel.setAttribute("aria-label", "所选联盟");
  panel.setAttribute("role", "status");
  document.querySelector("main").append(panel);
  const nameOf = (where) => (where.querySelector("caption, figcaption") || { textContent: "" }).textContent.split("　")[0]
    || (where.getAttribute("aria-label") || "图表");
  // A slice or bar is lit where one row of the alliance has all that it stands for: a grade, a batch, a period, a range of scores.
  const fits = (row, part) => (part.includes("~") ? row.score >= parseFloat(part) && row.score < parseFloat(part.split("~")[1]) + (part.endsWith("~100") ? 1 : 0) : row.facts.has(part));
  const choose = (key) => {
    chosen = marks.has(key) ? key : "";
    document.querySelectorAll(".lit").forEach((lit) => lit.classList.remove("lit"));
    pressed.forEach(([made, own]) => made.setAttribute("aria-pressed", own === chosen));
    const told = marks.get(chosen) || [], rows = told.filter(({ facts }) => facts), places = new Map();
    told.forEach(({ lit, where, words }) => {
      lit.classList.add("lit");
      places.set(where, (places.get(where) || []).concat(words || []));
    });
    document.querySelectorAll("main [data-in]").forEach((shape) => {
      const parts = shape.dataset.in.split("|");
      shape.classList.toggle("lit", rows.some((row) => parts.every((part) => fits(row, part))));
    });
    const list = make("ul");
    places.forEach((words, where) => {
      const item = make("li");
      item.append(make("a", { href: `#${where.id}`, textContent: nameOf(where) }), words.length ? `：${words.join("；")}` : "");
      list.append(item);
    });
    const close = make("button", { type: "button", textContent: "取消选择" });
    close.addEventListener("click", () => choose(""));
    panel.replaceChildren(make("span", { className: "name", textContent: rows.length ? rows[0].name : "" }), close, list);
    panel.hidden = !chosen;
    remember("who", chosen);
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && chosen) choose(""); });
  choose(state.get("who") || "");
})();
