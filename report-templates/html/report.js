"use strict";
// The page is whole without this: it sorts tables, filters by suite, changes scales and works out what a load takes.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  // Sorting

  // The header cells below which no other header cell stands, with their columns.
  const leaves = (table) => {
    const rows = [...table.tHead.rows];
    const taken = rows.map(() => []);
    const found = [];
    rows.forEach((row, y) => {
      let x = 0;
      for (const cell of row.cells) {
        while (taken[y][x]) x += 1;
        for (let dy = 0; dy < cell.rowSpan && y + dy < rows.length; dy += 1)
          for (let dx = 0; dx < cell.colSpan; dx += 1) taken[y + dy][x + dx] = true;
        if (y + cell.rowSpan >= rows.length && cell.colSpan === 1) found.push({ cell, column: x });
        x += cell.colSpan;
      }
    });
    return found;
  };
  const cellAt = (row, column) => {
    let x = 0;
    for (const cell of row.cells) {
      if (column < x + cell.colSpan) return cell;
      x += cell.colSpan;
    }
    return null;
  };
  // The exact number of a cell where it has one, else its text.
  const keyOf = (cell) => {
    if (!cell) return { number: NaN, text: "" };
    const exact = cell.dataset.sort ?? cell.querySelector("[data-value]")?.dataset.value
      ?? cell.querySelector("[data-ratio]")?.dataset.ratio;
    return { number: exact ? Number(exact) : NaN, text: cell.textContent.trim() };
  };
  const compare = (a, b) => {
    const [hasA, hasB] = [!Number.isNaN(a.number), !Number.isNaN(b.number)];
    if (hasA && hasB) return a.number - b.number;
    if (hasA !== hasB) return hasA ? -1 : 1;
    return a.text.localeCompare(b.text, "en", { numeric: true });
  };
  const sort = (table, header, column) => {
    const descending = header.getAttribute("aria-sort") === "ascending";
    for (const { cell } of leaves(table)) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: keyOf(cellAt(row, column)) }));
    rows.sort((a, b) => (descending ? compare(b.key, a.key) : compare(a.key, b.key)));
    table.tBodies[0].append(...rows.map(({ row }) => row));
  };
  for (const table of all("main table")) {
    if (!table.tHead || table.tBodies.length !== 1 || table.tBodies[0].rows.length < 3) continue;
    for (const { cell, column } of leaves(table)) {
      const button = make("button", { type: "button", class: "sort" }, ...cell.childNodes);
      button.addEventListener("click", () => sort(table, cell, column));
      cell.append(button);
    }
  }

  // Suites

  const suites = [...new Set(all("article[data-suite]").map((article) => article.dataset.suite))];
  // A row, or a group of rows, is of the suite that its first link or code names.
  const suiteOf = (row) => {
    const name = row.cells[0]?.querySelector("a[href^='#']")?.getAttribute("href").slice(1)
      ?? row.cells[0]?.querySelector("code")?.textContent;
    const suite = name?.split(".")[0];
    return suites.includes(suite) ? suite : null;
  };
  const labelled = all("[data-suite]").map((element) => ({ element, suite: element.dataset.suite }));
  for (const table of all("main table")) {
    for (const body of table.tBodies) {
      if (table.tBodies.length > 1 && body.rows.length) labelled.push({ element: body, suite: suiteOf(body.rows[0]) });
      else for (const row of body.rows) labelled.push({ element: row, suite: suiteOf(row) });
    }
  }
  const filter = (chosen) => {
    for (const { element, suite } of labelled) if (suite) element.hidden = chosen !== "" && suite !== chosen;
  };
  if (suites.length > 1) {
    const select = make("select", { id: "suite" }, make("option", { value: "" }, "every suite"));
    for (const suite of suites) select.append(make("option", { value: suite }, suite));
    select.addEventListener("change", () => filter(select.value));
    document.querySelector("main").prepend(
      make("form", { class: "tools" }, make("label", { for: "suite" }, "Show "), select));
  }

  // Scales

  for (const figure of all("figure:has([data-scale])")) {
    const scales = all("[data-scale]", figure);
    const button = make("button", { type: "button", class: "scale", "aria-pressed": "false" }, "Linear scale");
    button.addEventListener("click", () => {
      const isLinear = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(isLinear));
      for (const scale of scales) scale.hidden = (scale.dataset.scale === "linear") !== isLinear;
    });
    figure.querySelector("figcaption").append(" ", button);
  }

  // What a load takes

  const form = document.getElementById("what-if");
  if (form) {
    const digits = (value) => (value === 0 ? "0" : value.toLocaleString("en", { maximumSignificantDigits: 3 }));
    const rate = form.querySelector("#rate");
    const processors = form.querySelector("#processors");
    const update = () => {
      const perSecond = Number(rate.value);
      const available = Number(processors.value);
      if (!(perSecond >= 0)) return;
      for (const mark of all("[data-rate]")) mark.textContent = digits(perSecond);
      for (const cell of all("td[data-price]")) {
        const taken = Number(cell.dataset.price) * perSecond;
        cell.textContent = available > 0 ? `${digits(taken)} (${digits((100 * taken) / available)} %)` : digits(taken);
      }
      form.querySelector("output").textContent = available > 0 ? "Share of the host in brackets." : "";
    };
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", update);
    form.hidden = false;
  }
})();
