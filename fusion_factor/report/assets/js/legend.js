/* The legend is ordinary HTML above the chart, so that it wraps on a phone and can be reached by keyboard. */
function entries(spec) {
  var list = [], seen = {};
  function add(s, sign) {
    if (!seen[s.name]) { seen[s.name] = true; list.push({ name: s.name, colour: s.colour, sign: sign, dash: s.dash, faint: s.faint }); }
  }
  if (spec.type === "time") { spec.panels.forEach(function (p) { p.series.forEach(function (s) { add(s, s.shape || "line"); }); }); }
  if (spec.type === "bars" && spec.series.length > 1) { spec.series.forEach(function (s) { add(s, s.shape === "dot" ? "diamond" : "bar"); }); }
  if (spec.type === "time" && list.length < 2) { return []; }
  if (spec.type === "dots") { spec.series.forEach(function (s) { add(s, s.symbol); }); }
  if (spec.type === "curves") { spec.groups.forEach(function (g) { if (g.lines.length) { add(g, "line"); } }); }
  return list;
}
function sign(item) {
  var fill = 'style="fill:var(--c-' + item.colour + ')"', shapes = {
    bar: '<rect x="4" y="1" width="10" height="10" rx="2" ' + (item.faint ? 'opacity=".45" ' : "") + fill + "/>", area: '<rect x="1" y="2" width="16" height="8" opacity=".45" ' + fill + "/>",
    circle: '<circle cx="9" cy="6" r="4" ' + fill + "/>", diamond: '<path d="M9 0l6 6-6 6-6-6z" ' + fill + "/>"
  };
  var dash = item.dash === "dashed" ? "5 3" : item.dash === "dotted" ? "2 2" : "none";
  var stroke = '<path d="M0 6h18" style="stroke:var(--c-' + item.colour + ');stroke-width:3;stroke-dasharray:' + dash + '"/>';
  return '<svg width="18" height="12" aria-hidden="true">' + (shapes[item.sign] || stroke) + "</svg>";
}
/* Which series are shown at first. */
function selection(spec) {
  var chosen = {};
  function look(s) { if (s.hidden) { chosen[s.name] = false; } }
  (spec.panels || []).forEach(function (panel) { panel.series.forEach(look); });
  (spec.series || []).forEach(look);
  return chosen;
}
function addLegend(entry) {
  var list = entries(entry.spec), box = document.createElement("div");
  if (entry.spec.type === "grid") {
    box.className = "legend shades";
    box.innerHTML = gridLegend(entry.spec);
    if (box.innerHTML) { entry.box.parentNode.insertBefore(box, entry.box); }
    return;
  }
  if (!list.length) { return; }
  box.className = "legend";
  list.forEach(function (item) {
    var button = document.createElement("button");
    button.type = "button";
    button.innerHTML = sign(item) + "<span>" + escapeText(item.name) + "</span>";
    button.setAttribute("aria-pressed", String(entry.selected[item.name] !== false));
    button.addEventListener("click", function () {
      var on = entry.selected[item.name] === false;
      entry.selected[item.name] = on;
      button.setAttribute("aria-pressed", String(on));
      if (entry.chart) { entry.chart.dispatchAction({ type: on ? "legendSelect" : "legendUnSelect", name: item.name }); }
    });
    box.appendChild(button);
  });
  entry.box.parentNode.insertBefore(box, entry.box);
}
