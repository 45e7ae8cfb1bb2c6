/* The life of the page: charts are drawn when there is time for them, drawn anew when their room changes or the page is
   printed; tables are sorted; the contents bar follows the reader. */
var makers = { time: overTime, bars: barChart, dots: dotChart, curves: curveChart };
var drawn = [], printing = false;

function draw(entry, width) {
  var box = entry.box, wide = width || box.clientWidth;
  if (!wide) { return; }
  if (entry.spec.type === "grid") { drawGrid(entry, wide); return; }
  var option = makers[entry.spec.type](entry.spec, wide, box.clientHeight, dress());
  option.legend.selected = entry.selected;
  if (!entry.chart) {
    entry.chart = echarts.init(box, null, { renderer: "svg", width: wide, height: box.clientHeight });
  } else {
    entry.chart.resize({ width: wide, height: box.clientHeight });
  }
  entry.width = wide;
  entry.chart.setOption(option, true);
}
function redraw(width) { drawn.forEach(function (entry) { if (entry.width) { draw(entry, width); } }); }

/* Charts in view first, the others one by one while the page is idle; those in a closed group when it is opened. */
function drawWaiting() {
  var next = drawn.filter(function (entry) { return !entry.width && entry.box.clientWidth; })[0];
  if (!next) { return; }
  draw(next);
  later(drawWaiting);
}
function later(work) { (window.requestIdleCallback || window.setTimeout)(work); }

function start() {
  document.querySelectorAll(".chart").forEach(function (box) {
    var spec = specs[box.dataset.figure];
    if (!spec) { return; }
    var entry = { box: box, spec: spec, chart: null, width: 0, selected: selection(spec) };
    drawn.push(entry);
    addLegend(entry);
    if (spec.type === "grid") { watchGrid(entry); }
  });
  var resized = new ResizeObserver(function (changes) {
    changes.forEach(function (change) {
      var entry = drawn.filter(function (each) { return each.box === change.target; })[0];
      window.setTimeout(function () {
        if (entry.width && entry.box.clientWidth && entry.box.clientWidth !== entry.width && !printing) { draw(entry); }
      });
    });
  });
  drawn.forEach(function (entry) {
    var edge = entry.box.getBoundingClientRect();
    if (edge.top < window.innerHeight && edge.bottom > 0) { draw(entry); }
    resized.observe(entry.box);
  });
  later(drawWaiting);
}
document.querySelectorAll("details").forEach(function (part) {
  part.addEventListener("toggle", function () { if (part.open && !printing) { drawWaiting(); } });
});

/* On paper all groups are open; afterwards they are as they were. */
var opened = [];
window.addEventListener("beforeprint", function () {
  printing = true;
  document.querySelectorAll("details.group:not([open])").forEach(function (part) { part.open = true; opened.push(part); });
  drawn.forEach(function (entry) { draw(entry, entry.box.closest(".halves") ? 330 : 690); });
});
window.addEventListener("afterprint", function () {
  opened.splice(0).forEach(function (part) { part.open = false; });
  printing = false;
  redraw();
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { redraw(); });

/* A cell as a number to sort by: percent, thousands and dates are understood, other texts are none. */
function amount(cell) {
  var text = cell.textContent.replace(/\u2212/g, "-").replace(/[,%]/g, "");
  return /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : parseFloat(text);
}
function sortBy(table, head) {
  var index = Array.prototype.indexOf.call(head.parentNode.children, head), body = table.tBodies[0];
  var down = head.getAttribute("aria-sort") !== "descending";
  table.querySelectorAll("th[aria-sort]").forEach(function (th) { th.removeAttribute("aria-sort"); });
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  var rows = Array.prototype.slice.call(body.rows);
  var words = head.classList.contains("l");
  rows.sort(function (a, b) {
    var x = amount(a.cells[index]), y = amount(b.cells[index]);
    if (words) { return (down ? 1 : -1) * a.cells[index].textContent.localeCompare(b.cells[index].textContent, undefined, { numeric: true }); }
    if (isNaN(x) || isNaN(y)) { return isNaN(x) - isNaN(y); }
    return (down ? -1 : 1) * (x - y);
  });
  rows.forEach(function (row) { body.appendChild(row); });
}
document.querySelectorAll("table.sortable").forEach(function (table) {
  table.querySelectorAll("thead th").forEach(function (head) {
    head.tabIndex = 0;
    head.addEventListener("click", function () { sortBy(table, head); });
    head.addEventListener("keydown", function (event) { if (event.key === "Enter") { sortBy(table, head); } });
  });
});

var links = {};
document.querySelectorAll("nav a").forEach(function (link) { links[link.getAttribute("href").slice(1)] = link; });
var watcher = new IntersectionObserver(function (entries) {
  entries.forEach(function (entry) {
    if (!entry.isIntersecting || !links[entry.target.id]) { return; }
    Object.keys(links).forEach(function (id) { links[id].classList.remove("here"); });
    var link = links[entry.target.id], row = link.parentNode;
    link.classList.add("here");
    if (row.scrollWidth > row.clientWidth) { row.scrollLeft = link.offsetLeft - 40; }
  });
}, { rootMargin: "-15% 0px -75% 0px" });
document.querySelectorAll("section").forEach(function (part) { watcher.observe(part); });

start();
