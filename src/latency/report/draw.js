"use strict";
(() => {
const main = document.querySelector("main");
const add = (parent, tag, attributes = {}, text) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return parent.appendChild(element);
};
const three = (value) => value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1)
  : value.toFixed(0);
const time = (ns) => ns == null ? "" : ns < 1e3 ? `${Math.round(ns)} ns`
  : ns < 1e6 ? `${three(ns / 1e3)} \u00b5s` : ns < 1e9 ? `${three(ns / 1e6)} ms`
  : `${three(ns / 1e9)} s`;
// The ticks of a logarithmic axis are round.
const tick = (ns) => time(ns).replace(/\.0+(?= )/, "");
const number = (value) => value == null ? "" : Math.round(value).toLocaleString("en-US");
const bytes = (value) => value == null ? "?" : `${three(value / 2 ** 20)} MiB`;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const show = (cell, value) => cell.unit === "ns" ? time(value) : number(value);

const PERCENTILES = ["p50", "p90", "p99", "p99.9", "p99.99"];
const STAGES = ["send", "transfer", "inbox", "decode", "gather", "ingest", "aggregate",
  "indicate", "updated", "reconcile", "dispatch", "deliver", "service", "response"];
const COLORS = ["#8c6d31", "#b5892e", "#7f7f7f", "#1769aa", "#17a2b8", "#2e8b57", "#8bb33d",
  "#d9a400", "#5b7fa6", "#e67e22", "#c4471d", "#a83279", "#6a4fb3", "#1c2733"];
const color = (stage) => COLORS[STAGES.indexOf(stage)];
const PHASES = { calm: "calm", boundary: "at the end of candles" };

const find = (data, stage, kind, phase) => data.cells.find((cell) =>
  cell.stage === stage && cell.kind === kind && cell.phase === phase);
// Most of what a market sends is of one kind, and that is what charts show.
const prints = (data) => {
  const count = (kind) => data.cells.filter((cell) => cell.stage === "response"
    && cell.kind === kind).reduce((sum, cell) => sum + cell.count, 0);
  return count("aggregate-trade") > count("trade") ? "aggregate-trade" : "trade";
};
const KIND = prints(DATA);
const SIDES = OTHER ? [[DATA, "first", []], [OTHER, "second", [6, 4]]] : [[DATA, "", []]];
const name = (words) => words.filter((word) => word).join(", ");

const heading = (title, text) => {
  add(main, "h2", {}, title);
  if (text) add(main, "p", {}, text);
};
const charts = [];
const width = () => main.clientWidth - 48 - 14;
const chart = (options, data) => {
  const box = add(main, "div", { class: "chart" });
  const made = new uPlot({ width: width(), ...options }, data, box);
  charts.push(made);
  return made;
};
const latency = (label) => ({
  label, size: 74, labelSize: 18, labelFont: "12px sans-serif", font: "12px sans-serif",
  values: (_, splits) => splits.map((ns) => ns == null ? "" : tick(ns)),
  grid: { stroke: "#e8ecf0", width: 1 }, ticks: { show: false },
});
const LOG = { distr: 3, log: 10 };

// --- head -------------------------------------------------------------------------------------
const facts = (data) => [
  data.tapes.join(", "), `${number(data.symbols)} symbols`, `${number(data.rows)} rows`,
  data.path === "loopback" ? "WebSocket on loopback" : "in process",
  data.rate === "max" ? "flat out (closed loop)" : data.rate === "recorded"
    ? "open loop at the recorded pace" : `open loop, ${number(+data.rate)} frames/s`,
  `${data.repeats} runs`, `${number(data.warm_up_entries)} of ${number(data.entries)} entries are `
    + "warm-up and not in it",
  `${data.threads} engine thread${data.threads > 1 ? "s" : ""}`, `digest ${data.digest}`,
  data.tool].join(" \u00b7 ");
add(main, "h1", {}, OTHER ? "Two profiles" : "Profile");
for (const [data, side] of SIDES) {
  add(main, "div", { class: "facts" }, (side ? `${side}: ` : "") + facts(data));
}
const tiles = add(main, "div", { class: "tiles" });
const tile = (label, of, beneath) => {
  const box = add(tiles, "div", { class: "tile" });
  add(box, "span", {}, label);
  add(box, "b", {}, of(DATA));
  if (OTHER) add(box, "i", {}, `second ${of(OTHER)}`);
  else if (beneath) add(box, "i", {}, beneath(DATA));
};
for (const percentile of ["p50", "p99", "p99.9"]) {
  const of = (phase) => (data) => {
    const cell = find(data, "response", KIND, phase);
    return cell ? time(cell.percentiles[percentile]) : "\u2013";
  };
  tile(`response ${percentile}`, of("calm"),
    (data) => `at the end of candles ${of("boundary")(data)}`);
}
tile("largest response", (data) => time(Math.max(...data.cells.filter((cell) =>
  cell.stage === "response" && cell.kind === KIND).map((cell) => cell.max))));
tile("trades per second", (data) => number(median(data.prints_per_s)),
  (data) => data.open_loop ? "as asked for" : `${number(Math.min(...data.prints_per_s))} to `
    + number(Math.max(...data.prints_per_s)));
tile("resident memory", (data) => bytes(median(data.resident_bytes)));
const most = (data) => Math.max(0, ...data.inbox_max ?? []);
if (most(DATA) > 0) tile("inbox at most", (data) => number(most(data)), () => "entries waited");
const drained = (data) => (data.drains ?? []).filter((drain) => drain);
if (drained(DATA).length) {
  const after = (data) => drained(data).map((drain) => drain.drained_ns ?? Infinity);
  const worst = (data) => Math.max(...drained(data).map((drain) => drain.worst_ns));
  tile("drained after a surge", (data) => {
    const ns = median(after(data));
    return ns === undefined ? "?" : ns < Infinity ? time(ns) : "never";
  }, (data) => `longest wait ${time(worst(data))}`);
}
tile("preempted per run", (data) => number(median(data.switches.map((both) => both?.[1] ?? 0))),
  (data) => `waited ${number(median(data.switches.map((both) => both?.[0] ?? 0)))} times`);

// --- percentiles ------------------------------------------------------------------------------
const percentiles = (series) => {
  const tables = series.map(({ cell }) => {
    // The last point is the maximum: as far out as so many events can tell.
    const end = 2 * cell.count;
    const xs = [], ys = [];
    for (const [share, value] of cell.curve) {
      const x = Math.min(1 / (1 - share), end);
      if (xs.length && x <= xs[xs.length - 1]) ys[ys.length - 1] = Math.max(1, value);
      else { xs.push(x); ys.push(Math.max(1, value)); }
    }
    return [xs, ys];
  });
  if (!tables.length) return;
  const joined = uPlot.join(tables);
  const last = joined[0][joined[0].length - 1];
  const splits = [2];
  for (let x = 10; x <= last * 1.01; x *= 10) splits.push(x);
  const told = (x) => x <= 2 ? "p50" : `p${+(100 - 100 / x).toFixed(7)}`;
  chart({
    height: 380, cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false, ...LOG }, y: LOG },
    axes: [
      { splits: () => splits, filter: (_, own) => own, values: (_, own) => own.map(told),
        font: "12px sans-serif", grid: { stroke: "#e8ecf0", width: 1 }, ticks: { show: false } },
      latency(),
    ],
    series: [
      { label: "percentile", value: (_, x) => x == null ? "" : `p${+(100 - 100 / x).toFixed(4)}` },
      ...series.map(({ label, stroke, dash, hidden, thick }) => ({
        label, stroke, dash, width: thick ? 2.5 : 1.5, show: !hidden, spanGaps: true,
        points: { show: false }, value: (_, ns) => ns == null ? "" : time(ns),
      })),
    ],
  }, joined);
};
heading("Response and service time",
  "Response counts from the moment at which a print was due; service from the moment at which work "
  + "on it began. Where the two part, prints waited. The axis stretches towards 100 %.");
const lines = [];
for (const [data, side, dash] of SIDES) {
  for (const [stage, phase, stroke, thick] of [
    ["response", "calm", "#1769aa", true], ["response", "boundary", "#c4471d", true],
    ["service", "calm", "#7fb2dc", false], ["service", "boundary", "#e3a48f", false]]) {
    const cell = find(data, stage, KIND, phase);
    if (cell) lines.push({ cell, label: name([side, stage, PHASES[phase]]), stroke, thick, dash });
  }
}
percentiles(lines);
heading("Every stage, calm", "Click a name to hide or show it. Inside a step all its events share "
  + `its stages' times. Asking the clock takes ${time(DATA.clock_ns)}.`);
percentiles(SIDES.flatMap(([data, side, dash]) => STAGES.map((stage) => {
  const cell = find(data, stage, KIND, "calm");
  return cell && { cell, label: name([side, stage]), stroke: color(stage), dash,
    hidden: stage === "service" };
}).filter((line) => line)));

// --- over time --------------------------------------------------------------------------------
heading("Over time", "Each second of a run: the median, the 99th percentile and the largest response "
  + "of its prints" + (most(DATA) > 0 ? ", and how many entries the inbox held at most" : "")
  + ". Shaded where candles ended.");
const runs = SIDES.flatMap(([data, side]) =>
  data.points.map((points, run) => ({ points, label: name([side, `run ${run + 1}`]) })));
const pick = add(main, "div", { class: "pick" });
// In process nothing waits in an inbox.
const WAITS = most(DATA) > 0;
const table = ({ points }) => [points.map((point) => point.at_s),
  ...["p50", "p99", "max"].map((key) => points.map((point) =>
    point.prints ? Math.max(1, point[key]) : null)),
  ...WAITS ? [points.map((point) => point.inbox_max)] : []];
let shown = runs[0];
const shade = (u) => {
  u.ctx.save();
  u.ctx.fillStyle = "rgba(196, 71, 29, 0.10)";
  for (const point of shown.points.filter((point) => point.boundary)) {
    const from = u.valToPos(point.at_s - point.length_s, "x", true);
    const to = u.valToPos(point.at_s, "x", true);
    u.ctx.fillRect(from, u.bbox.top, Math.max(1, to - from), u.bbox.height);
  }
  u.ctx.restore();
};
const value = (_, ns) => ns == null ? "" : time(ns);
const dots = { show: (u) => u.data[0].length < 120, size: 5 };
const course = runs.length && chart({
  height: 300, hooks: { drawClear: [shade] },
  scales: { x: { time: false }, y: LOG, n: { range: (_, __, top) => [0, Math.max(10, 1.1 * top)] } },
  axes: [{ font: "12px sans-serif", grid: { stroke: "#e8ecf0", width: 1 }, ticks: { show: false },
    values: (_, splits) => splits.map((s) => `${s} s`) }, latency(),
  ...WAITS ? [{ scale: "n", side: 1, size: 60, font: "12px sans-serif", grid: { show: false },
    values: (_, splits) => splits.map(number) }] : []],
  series: [
    { label: "until", value: (u, s, _, at) => s == null ? ""
      : `${s.toFixed(1)} s, market ${shown.points[at]?.market ?? ""}` },
    { label: "p50", stroke: "#2e8b57", width: 1.5, points: dots, value },
    { label: "p99", stroke: "#1769aa", width: 1.5, points: dots, value },
    { label: "max", stroke: "#c4471d", width: 1.5, points: dots, value },
    ...WAITS ? [{ label: "inbox", scale: "n", stroke: "#b5892e", dash: [4, 3], width: 1.5,
      points: { show: false }, value: (_, size) => number(size) }] : [],
  ],
}, table(shown));
for (const run of runs) {
  const button = add(pick, "button", { "aria-pressed": run === shown }, run.label);
  button.addEventListener("click", () => {
    shown = run;
    pick.querySelectorAll("button").forEach((other) =>
      other.setAttribute("aria-pressed", other === button));
    course.setData(table(run));
  });
}

// --- bars -------------------------------------------------------------------------------------
heading("Stage by stage", OTHER ? "The 99th percentile, calm." : "Median and 99th percentile, calm "
  + "and where candles ended. A stage without a bar did not run.");
const staged = STAGES.filter((stage) => SIDES.some(([data]) =>
  Object.keys(PHASES).some((phase) => find(data, stage, KIND, phase))));
const groups = OTHER
  ? SIDES.map(([data, side], at) => [data, "calm", "p99", side, ["#1769aa", "#c4471d"][at]])
  : [["calm", "p50", "#9cc4e4"], ["calm", "p99", "#1769aa"], ["boundary", "p50", "#edb9a8"],
    ["boundary", "p99", "#c4471d"]].map(([phase, percentile, fill]) =>
    [DATA, phase, percentile, `${percentile}, ${PHASES[phase]}`, fill]);
const each = 0.8 / groups.length;
const bar = (at) => uPlot.paths.bars({
  size: [1], gap: 1,
  disp: {
    x0: { unit: 1, values: () => staged.map((_, stage) => stage - 0.4 + at * each) },
    size: { unit: 1, values: () => staged.map(() => each * 0.92) },
  },
});
chart({
  height: 320, cursor: { drag: { x: false, y: false }, points: { show: false } },
  scales: { x: { time: false, range: () => [-0.6, staged.length - 0.4] }, y: LOG },
  axes: [{ splits: () => staged.map((_, stage) => stage), values: () => staged,
    font: "12px sans-serif", grid: { show: false }, ticks: { show: false } }, latency()],
  series: [
    { label: "stage", value: (_, stage) => stage == null ? "" : staged[Math.round(stage)] ?? "" },
    ...groups.map(([, , , label, fill], at) => ({
      label, fill, stroke: fill, width: 0, paths: bar(at), points: { show: false }, value,
      fillTo: (u) => u.scales.y.min,
    })),
  ],
}, [staged.map((_, stage) => stage), ...groups.map(([data, phase, percentile]) =>
  staged.map((stage) => {
    const cell = find(data, stage, KIND, phase);
    return cell ? Math.max(1, cell.percentiles[percentile]) : null;
  }))]);

// --- tables -----------------------------------------------------------------------------------
const rows = (head, body) => {
  const made = add(add(main, "div", { class: "wide" }), "table", { class: "cells" });
  const row = (parent, kind, cells) => cells.forEach((text) => add(parent, kind, {}, text));
  row(add(add(made, "thead"), "tr"), "th", head);
  const inner = add(made, "tbody");
  for (const [cells, style] of body) row(add(inner, "tr", { class: style }), "td", cells);
};
if (DATA.differences) {
  const turns = DATA.differences.some((it) => it.pairs);
  heading("Differences", turns ? "Pairs of repeats made in turns in which one side is slower by more "
    + "than 3 %. A difference counts where so many agree that chance alone would name any row in one "
    + "of twenty comparisons at most. The mean of a stage of work is judged beside the other stages."
    : "Least to largest over the repeats of each side. A difference counts where "
    + "the two are farther apart than both spread together, and by more than 10 %.");
  rows(["stage", "", "first", "second", "ratio",
    ...turns ? ["slower in", "faster in"] : ["spread of first", "of second"], ""],
    DATA.differences.map((it) => {
      const unit = (value) =>
        it.stage.endsWith("-size") ? number(Math.round(value)) : time(Math.round(value));
      const spread = (side) => `${unit(side[0])} \u2013 ${unit(side[2])}`;
      const [slower, faster, all] = it.pairs ?? [];
      return [[it.kind ? `${it.stage} ${it.kind}, ${PHASES[it.phase]}` : it.stage, it.measure,
        unit(it.first[1]), unit(it.second[1]), it.ratio.toFixed(2),
        ...turns ? [`${slower} of ${all}`, `${faster} of ${all}`]
          : [spread(it.first), spread(it.second)], it.verdict],
      it.verdict];
    }));
}
for (const [data, side] of SIDES) {
  heading(side ? `All numbers, ${side}` : "All numbers", side ? "" :
    "Every stage and kind of event, over all runs. The spread is that of p99 between the runs.");
  rows(["stage", "kind", "when", "count", ...PERCENTILES, "max", "p99 of runs"],
    data.cells.map((cell) => {
      const spread = cell.repeats["p99"];
      return [[cell.stage, cell.kind, PHASES[cell.phase], number(cell.count),
        ...PERCENTILES.map((key) => show(cell, cell.percentiles[key])),
        show(cell, cell.max) + (cell.clamped ? ` (${number(cell.clamped)} clamped)` : ""),
        spread.length > 1 ? `${show(cell, Math.min(...spread))} \u2013 `
          + show(cell, Math.max(...spread)) : ""],
      cell.stage === "response" && cell.kind === KIND ? "main" : ""];
    }));
}
addEventListener("resize", () => charts.forEach((made) =>
  made.setSize({ width: width(), height: made.height })));
document.documentElement.dataset.charts = charts.length;
})();
