"use strict";
// What the report does beyond standing there: tables that sort, search and unfold, and its charts. Without it every row
// and every figure is on the page all the same. No markup is ever written from here, only elements and text.
(() => {
  const make = (name, attributes = {}, ...inside) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  };
  const count = (number) => number.toLocaleString("en");

  // --- tables -------------------------------------------------------------------------------------
  const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const table = (element, place) => {
    const { search, choose, chooseColumn, unit, first } = element.dataset;
    const body = element.tBodies[0];
    const given = [...body.rows].map((row, index) => ({ row, index, text: fold(row.cells[0].textContent) }));
    const frame = element.closest(".scroll");
    const most = Number(first) || Infinity;
    let rows = given, unfolded = false;
    let field = null, choice = null, found = null;

    const fits = (one) =>
      (!field || one.text.includes(fold(field.value.trim()))) &&
      (!choice || !choice.value || one.row.cells[chooseColumn].textContent === choice.value);
    const show = () => {
      const fitting = rows.filter(fits);
      const visible = unfolded ? fitting : fitting.slice(0, most);
      const seen = new Set(visible);
      for (const one of rows) one.row.hidden = !seen.has(one);
      if (found) {
        const all = fitting.length === given.length ? count(given.length) : `${count(fitting.length)} of ${count(given.length)}`;
        const part = visible.length < fitting.length ? `, the first ${count(visible.length)} shown` : "";
        found.textContent = `${all} ${unit}${part}`;
      }
      if (more) {
        more.hidden = fitting.length <= most;
        more.textContent = unfolded ? `Show the first ${count(most)} only` : `Show all ${count(fitting.length)} ${unit}`;
        more.setAttribute("aria-expanded", String(unfolded));
      }
    };

    let more = null;
    if (given.length > most) {
      more = make("button", { type: "button", class: "more" });
      more.addEventListener("click", () => { unfolded = !unfolded; show(); });
      frame.after(more);
    }
    if (search || choose) {
      const tools = make("div", { class: "tools", role: "search", "aria-label": search || choose });
      if (search) {
        field = make("input", { type: "search", id: `find-${place}`, autocomplete: "off", spellcheck: "false" });
        field.addEventListener("input", show);
        tools.append(make("label", { for: field.id }, search, field));
      }
      if (choose) {
        choice = make("select", { id: `choose-${place}` }, make("option", { value: "" }, "All"));
        const values = new Set(given.map((one) => one.row.cells[chooseColumn].textContent));
        for (const value of [...values].sort(words.compare)) choice.append(make("option", { value }, value));
        choice.addEventListener("change", show);
        tools.append(make("label", { for: choice.id }, choose, choice));
      }
      found = make("output", { role: "status", "aria-live": "polite", for: field ? field.id : choice.id });
      tools.append(found);
      frame.before(tools);
    }
    if ("sort" in element.dataset) {
      const heads = [...element.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        const numbers = head.classList.contains("n");
        const button = make("button", { type: "button" }, head.textContent);
        head.replaceChildren(button);
        head.setAttribute("aria-sort", "none");
        button.addEventListener("click", () => {
          const was = head.getAttribute("aria-sort");
          const down = was === "none" ? numbers : was === "ascending";
          for (const other of heads) other.setAttribute("aria-sort", "none");
          head.setAttribute("aria-sort", down ? "descending" : "ascending");
          rows = sorted(given, column, down);
          body.append(...rows.map((one) => one.row));
          show();
        });
      });
    }
    show();
  };

  const sorted = (given, column, down) => {
    const value = ({ row }) => {
      const cell = row.cells[column];
      return "v" in cell.dataset ? cell.dataset.v : cell.textContent;
    };
    const keyed = given.map((one) => ({ one, key: value(one) }));
    const numbers = keyed.every(({ key }) => key === "" || Number.isFinite(Number(key)));
    const compare = (a, b) => {
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "") || a.one.index - b.one.index; // unknown last
      const order = numbers ? Number(a.key) - Number(b.key) : words.compare(a.key, b.key);
      return (down ? -order : order) || a.one.index - b.one.index;
    };
    return keyed.sort(compare).map(({ one }) => one);
  };

  // --- charts -------------------------------------------------------------------------------------
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const percent = (share) => `${(share * 100).toFixed(1)}%`;
  const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return { ink: of("ink"), soft: of("soft"), card: of("card"), line: of("line"), grid: of("grid"), one: of("one"), two: of("two"), whisker: of("whisker"), more: ["three", "four", "five", "six", "seven", "eight"].map(of) };
  };
  const base = (look) => ({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: look.ink },
    tooltip: {
      renderMode: "richText", confine: true, trigger: "axis", backgroundColor: look.card, borderColor: look.line,
      axisPointer: { type: "shadow", shadowStyle: { color: look.grid, opacity: 0.5 } },
      textStyle: { color: look.ink, fontSize: 13 },
    },
    legend: { top: 0, left: 0, itemWidth: 14, itemHeight: 10, itemGap: 18, textStyle: { color: look.ink, fontSize: 13 }, selectedMode: false },
  });
  const valueAxis = (look, more) => ({
    type: "value", axisLabel: { color: look.soft, fontSize: 12 }, axisLine: { show: false }, axisTick: { show: false },
    splitLine: { lineStyle: { color: look.grid } }, ...more,
  });
  const nameAxis = (look, data, more) => ({
    type: "category", data, axisLabel: { color: look.ink, fontSize: 13 }, axisLine: { lineStyle: { color: look.line } },
    axisTick: { show: false }, ...more,
  });
  const shares = (look, narrow) => valueAxis(look, { min: 0, splitNumber: narrow ? 3 : 6, axisLabel: { color: look.soft, fontSize: 12, formatter: (share) => `${Math.round(share * 100)}%` } });

  const charts = {
    classes(look, narrow) {
      const rows = figures.classes;
      const tip = (of) => {
        const one = rows[of[0].dataIndex];
        const range = one.interval ? ` (${percent(one.interval[0])} to ${percent(one.interval[1])})` : "";
        return `${one.name}\nby domains ${percent(one.domains)}${range}\nby links ${percent(one.links)}`;
      };
      // Two bars a class: the upper one, of domains, has its middle a little above that of the class. Whiskers are
      // lines on a second axis that counts classes.
      const whiskers = rows.flatMap((one, at) => one.interval ? [[one.interval[0], at + 0.335], [one.interval[1], at + 0.335], [null, null]] : []);
      const option = base(look);
      return {
        ...option,
        tooltip: { ...option.tooltip, formatter: (of) => tip(of.filter((one) => one.seriesType === "bar")) },
        legend: { ...option.legend, data: ["By referring domains", "By links", { name: "95% interval", icon: "rect" }] },
        grid: { left: 4, right: 24, top: narrow ? 64 : 40, bottom: 4, containLabel: true },
        xAxis: shares(look, narrow),
        yAxis: [
          nameAxis(look, rows.map((one) => one.name), { inverse: true }),
          { type: "value", show: false, min: 0, max: rows.length, inverse: true },
        ],
        series: [
          { name: "By referring domains", type: "bar", barWidth: "30%", barGap: "10%", itemStyle: { color: look.one }, data: rows.map((one) => one.domains) },
          { name: "By links", type: "bar", barWidth: "30%", itemStyle: { color: look.two }, data: rows.map((one) => one.links) },
          {
            name: "95% interval", type: "line", yAxisIndex: 1, data: whiskers, symbol: "rect", symbolSize: [1.5, 9], silent: true, z: 5,
            lineStyle: { color: look.whisker, width: 1.5 }, itemStyle: { color: look.whisker }, tooltip: { show: false },
          },
        ],
      };
    },
    months(look) {
      const names = figures.months.map(([month]) => month);
      const fresh = figures.months.map(([, number]) => number);
      let sum = 0;
      const all = fresh.map((number) => (sum += number));
      const option = base(look);
      // Two charts on one time: all so far above, what came in each month below, each on a scale of its own.
      const shown = { color: look.soft, fontSize: 12, hideOverlap: true };
      return {
        ...option,
        tooltip: {
          ...option.tooltip, axisPointer: { type: "line", lineStyle: { color: look.soft, type: "dashed" } },
          formatter: (of) => `${names[of[0].dataIndex]}\nall so far ${count(all[of[0].dataIndex])}\nnew ${count(fresh[of[0].dataIndex])}`,
        },
        axisPointer: { link: [{ xAxisIndex: "all" }] },
        legend: { ...option.legend, data: ["All so far", "New in the month"] },
        grid: [{ left: 48, right: 12, top: 40, height: "46%" }, { left: 48, right: 12, bottom: 26, height: "22%" }],
        xAxis: [
          nameAxis(look, names, { axisLabel: { show: false }, boundaryGap: true }),
          nameAxis(look, names, { axisLabel: shown, gridIndex: 1 }),
        ],
        yAxis: [valueAxis(look, { minInterval: 1, splitNumber: 4 }), valueAxis(look, { minInterval: 1, splitNumber: 2, gridIndex: 1 })],
        series: [
          {
            name: "All so far", type: "line", symbol: names.length > 60 ? "none" : "circle", symbolSize: 5, lineStyle: { color: look.two, width: 2 },
            itemStyle: { color: look.two }, areaStyle: { color: look.two, opacity: 0.12 }, data: all,
          },
          { name: "New in the month", type: "bar", xAxisIndex: 1, yAxisIndex: 1, barMaxWidth: 36, barMinHeight: 0, itemStyle: { color: look.one }, data: fresh },
        ],
      };
    },
    competitors(look, narrow) {
      const { targets, names, shares: rows } = figures.competitors;
      const lines = Math.ceil(targets.length / (narrow ? 2 : 5)); // of the legend
      const fills = [look.one, look.two, ...look.more];
      const option = base(look);
      return {
        ...option,
        tooltip: { ...option.tooltip, valueFormatter: (share) => (share == null ? "–" : percent(share)) },
        legend: { ...option.legend, formatter: (name) => cut(name, narrow ? 16 : 26) },
        grid: { left: 4, right: 24, top: 16 + 24 * lines, bottom: 4, containLabel: true },
        xAxis: shares(look, narrow),
        yAxis: nameAxis(look, names, { inverse: true }),
        series: targets.map((name, at) => ({ name, type: "bar", barCategoryGap: "28%", itemStyle: { color: fills[at % fills.length] }, data: rows.map((row) => row[at]) })),
      };
    },
  };

  const NARROW = 480;
  const drawn = [];
  const draw = () => {
    const look = colours();
    for (const { chart, name } of drawn) chart.setOption(charts[name](look, chart.getWidth() < NARROW), true);
  };
  const begin = () => {
    for (const element of document.querySelectorAll("[data-chart]")) {
      element.classList.add("drawn");
      const chart = echarts.init(element, null, { renderer: "svg" });
      element.querySelector("svg")?.setAttribute("aria-hidden", "true");
      drawn.push({ chart, name: element.dataset.chart, element });
      new ResizeObserver(() => { if (!printing && element.clientWidth) { chart.resize(); draw(); } }).observe(element);
    }
    draw();
  };
  let printing = false;
  const PAPER = 690; // CSS pixels between the margins of a page of A4
  const print = (begins) => {
    if (begins === printing) return;
    printing = begins;
    document.documentElement.classList.toggle("paper", begins);
    for (const { chart, element } of drawn) chart.resize(begins ? { width: Math.min(PAPER, element.clientWidth || PAPER) } : { width: "auto" });
    draw();
  };

  document.querySelectorAll("table").forEach(table);
  begin();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", (change) => print(change.matches));
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
})();
