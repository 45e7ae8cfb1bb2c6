/* Rows of coloured cells over dates, as SVG: one path for each shade, so that thousands of cells stay fast. */
var SHADES = [1, .46, .3, .17, .08];

function fitted(text, room) {
  if (ruler.measureText(text).width <= room) { return text; }
  var kept = text;
  while (kept.length > 1 && ruler.measureText(kept + "\u2026").width > room) { kept = kept.slice(0, -1); }
  return kept + "\u2026";
}
/* Which shade a value has: 0 is full colour, -1 none. */
function shadeOf(value, scale) {
  if (value === null || value === undefined) { return -1; }
  if (scale.kind === "share") { return value > 0 ? 0 : -1; }
  if (value <= scale.best) { return 0; }
  var steps = SHADES.length - 1;
  return Math.min(steps, 1 + Math.floor(steps * (value - scale.best - 1) / Math.max(scale.last - scale.best, 1)));
}
function gridLayout(spec, width, height) {
  var times = days(spec.dates), narrow = width < 560, longest = widest(spec.rows.map(function (row) { return row.name; }));
  var left = Math.min(longest + 10, narrow ? 118 : 250), tall = (height - 26) / Math.max(spec.rows.length, 1);
  return { times: times, left: left, top: 2, tall: tall, step: (width - left - 6) / Math.max(times.length, 1) };
}
function gridPaths(spec, at) {
  var paths = SHADES.map(function () { return []; }), pad = Math.min(1.5, at.tall * .08);
  spec.rows.forEach(function (row, r) {
    var from = 0, shade = -1, count = row.y.length;
    for (var i = 0; i <= count; i += 1) {
      var next = i < count ? shadeOf(row.y[i], spec.scale) : -2;
      if (next === shade) { continue; }
      if (shade >= 0) {
        paths[shade].push("M" + (at.left + from * at.step).toFixed(1) + " " + (at.top + r * at.tall + pad).toFixed(1) +
          "h" + ((i - from) * at.step).toFixed(1) + "v" + (at.tall - 2 * pad).toFixed(1) + "h" + (-(i - from) * at.step).toFixed(1) + "z");
      }
      from = i; shade = next;
    }
  });
  return paths;
}
function drawGrid(entry, width) {
  var box = entry.box, spec = entry.spec, height = box.clientHeight, at = gridLayout(spec, width, height), look = dress(), hue = colour(spec.colour);
  var out = ['<svg width="' + width + '" height="' + height + '" style="display:block" aria-hidden="true" font-size="12">'];
  var bottom = at.top + at.tall * spec.rows.length, part = "", lastLabel = -99;
  var letters = at.times[at.times.length - 1] - at.times[0] > 600 * DAY ? 4 : 7;
  at.times.forEach(function (time, i) {
    var now = iso(time).slice(0, letters), x = at.left + i * at.step;
    if (now === part) { return; }
    part = now;
    out.push('<path d="M' + x.toFixed(1) + " " + at.top + "V" + (bottom + 4) + '" stroke="' + look.rule + '"/>');
    if (x - lastLabel < 12 + 7 * letters) { return; }
    out.push('<text x="' + (x + 3).toFixed(1) + '" y="' + (bottom + 17) + '" fill="' + look.soft + '">' + now + "</text>");
    lastLabel = x;
  });
  gridPaths(spec, at).forEach(function (path, shade) {
    if (path.length) { out.push('<path d="' + path.join("") + '" fill="' + hue + '" fill-opacity="' + SHADES[shade] + '"/>'); }
  });
  spec.rows.forEach(function (row, r) {
    out.push('<text x="' + (at.left - 6).toFixed(1) + '" y="' + (at.top + (r + .5) * at.tall + 4).toFixed(1) + '" text-anchor="end" fill="' + look.ink + '">' +
      escapeText(fitted(row.name, at.left - 8)) + "</text>");
  });
  box.innerHTML = out.join("") + "</svg>";
  entry.width = width;
  entry.at = at;
}
function cellText(value, scale) {
  if (scale.kind === "share") { return value > 0 ? "held, " + shown(value, "pct1") : "not held"; }
  return value === null || value === undefined ? "not eligible" : "rank " + value + (value <= scale.best ? ", picked" : "");
}
function watchGrid(entry) {
  var tip = document.createElement("div"), box = entry.box;
  tip.className = "tip";
  tip.hidden = true;
  box.parentNode.insertBefore(tip, box.nextSibling);
  function show(event) {
    var edge = box.getBoundingClientRect(), at = entry.at;
    var row = at ? Math.floor((event.clientY - edge.top - at.top) / at.tall) : -1, column = at ? Math.floor((event.clientX - edge.left - at.left) / at.step) : -1;
    tip.hidden = !at || row < 0 || column < 0 || row >= entry.spec.rows.length || column >= at.times.length;
    if (tip.hidden) { return; }
    var line = entry.spec.rows[row];
    tip.innerHTML = "<b>" + iso(at.times[column]) + "</b><div>" + escapeText(line.name) + "</div><div>" + cellText(line.y[column], entry.spec.scale) + "</div>";
    var x = event.clientX - edge.left, wide = tip.offsetWidth;
    tip.style.left = (x + wide + 24 > edge.width ? Math.max(0, x - wide - 12) : x + 14) + "px";
    tip.style.top = box.offsetTop + event.clientY - edge.top + 12 + "px";
  }
  box.addEventListener("pointermove", show);
  box.addEventListener("pointerdown", show);
  box.addEventListener("pointerleave", function () { tip.hidden = true; });
}
/* What the shades mean: ranks from the best to the last. */
function gridLegend(spec) {
  var scale = spec.scale, steps = SHADES.length - 1, from = scale.best + 1;
  if (scale.kind === "share" || scale.last <= scale.best) { return ""; }
  var out = [[SHADES[0], scale.best > 1 ? "1 to " + scale.best : "1"]];
  for (var k = 1; k <= steps && from <= scale.last; k += 1) {
    var to = from;
    while (to < scale.last && shadeOf(to + 1, scale) === k) { to += 1; }
    if (shadeOf(from, scale) === k) { out.push([SHADES[k], from === to ? String(from) : from + " to " + to]); from = to + 1; }
  }
  return out.map(function (item) {
    return '<span><svg width="14" height="12" aria-hidden="true"><rect width="14" height="12" rx="2" style="fill:var(--c-' + spec.colour + ');fill-opacity:' + item[0] + '"/></svg>' + item[1] + "</span>";
  }).join("");
}
