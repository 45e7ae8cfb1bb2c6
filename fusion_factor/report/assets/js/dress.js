/* Numbers, dates, colours and the frame that all charts share. Colours are CSS variables, so that charts follow the page's
   light and dark dress and a score has one colour everywhere. Nothing is fetched. */
var specs = JSON.parse(document.getElementById("figures").textContent, function (key, value) { return key === "y" ? unpacked(value) : value; });
var DAY = 86400000;

/* Long lists come as steps from value to value, in units of their last decimal. */
function unpacked(list) {
  if (!list.s) { return list; }
  var last = 0, scale = Math.pow(10, list.d);
  return list.s.map(function (step) {
    if (step === null) { return null; }
    last += step;
    return last / scale;
  });
}
function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
function colour(key) { return variable("--c-" + key) || variable("--ink"); }
function fade(hex, alpha) {
  var n = parseInt(hex.slice(1), 16);
  return "rgba(" + (n >> 16) + "," + ((n >> 8) & 255) + "," + (n & 255) + "," + alpha + ")";
}
function escapeText(text) {
  return String(text).replace(/[&<>"']/g, function (c) { return "&#" + c.charCodeAt(0) + ";"; });
}
function shown(value, kind) {
  if (value === null || value === undefined || isNaN(value)) { return "\u2014"; }
  var percent = kind.slice(0, 3) === "pct";
  var digits = kind.length > 3 ? +kind.slice(3) : 2;
  var text = Math.abs(percent ? 100 * value : value).toFixed(digits);
  return (value < 0 && /[1-9]/.test(text) ? "\u2212" : "") + text + (percent ? "%" : "");
}
function axisText(kind) {
  var percent = kind.slice(0, 3) === "pct";
  return function (value) {
    var scaled = percent ? 100 * value : value;
    var text = String(+Math.abs(scaled).toFixed(6));
    return (scaled < 0 ? "\u2212" : "") + text + (percent ? "%" : "");
  };
}
function days(packed) {
  if (!packed[0]) { return []; }
  var at = Date.parse(packed[0] + "T00:00:00");
  var date = new Date(at), out = [at];
  packed[1].forEach(function (step) { date.setDate(date.getDate() + step); out.push(date.getTime()); });
  return out;
}
function iso(time) {
  var d = new Date(time);
  return d.getFullYear() + "-" + ("0" + (d.getMonth() + 1)).slice(-2) + "-" + ("0" + d.getDate()).slice(-2);
}
function finer(kind) {
  return kind === "pct0" || kind === "pct1" ? "pct2" : kind === "num1" ? "num2" : kind === "num2" ? "num3" : kind;
}
function swatch(hue) {
  return '<span style="display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.45em;background:' + hue + '"></span>';
}
function line(hue, name, text) {
  return '<div style="display:flex;gap:1.2em;justify-content:space-between"><span>' + swatch(hue) + escapeText(name) +
    '</span><b style="font-variant-numeric:tabular-nums">' + text + "</b></div>";
}

/* The most pixels that any of some chart labels needs; Chinese names are wider than their number of letters. */
var ruler = document.createElement("canvas").getContext("2d");
function widest(texts) {
  ruler.font = "12px " + getComputedStyle(document.body).fontFamily;
  return Math.max.apply(null, texts.map(function (text) { return ruler.measureText(text).width; }).concat([0]));
}
function dress() {
  return {
    ink: variable("--ink"), soft: variable("--ink-soft"), rule: variable("--line"), grid: variable("--grid"),
    ground: variable("--ground"), card: variable("--card")
  };
}
function frame(look) {
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: look.ink },
    tooltip: {
      confine: true, backgroundColor: look.ground, borderColor: look.rule, textStyle: { color: look.ink, fontSize: 12.5 },
      axisPointer: { lineStyle: { color: look.soft }, crossStyle: { color: look.soft }, label: { show: false } }
    },
    aria: { enabled: true }
  };
}
function legend(hidden) {
  var chosen = {};
  hidden.forEach(function (name) { chosen[name] = false; });
  return { show: false, selected: chosen };
}
/* A nice axis that holds low..high: its ends are whole steps of 1, 2 or 5. */
function niceAxis(low, high, pieces) {
  var raw = (high - low) / pieces || 1, power = Math.pow(10, Math.floor(Math.log10(raw))), step = power;
  [1, 2, 5, 10].some(function (m) { step = m * power; return step >= raw; });
  return { min: +(Math.floor(low / step + 1e-9) * step).toFixed(10), max: +(Math.ceil(high / step - 1e-9) * step).toFixed(10), interval: step };
}
function valueAxis(look, kind, extra) {
  return Object.assign({
    type: "value", axisLabel: { color: look.soft, fontSize: 12, formatter: axisText(kind) }, splitLine: { lineStyle: { color: look.grid } },
    axisLine: { show: false }, axisTick: { show: false }, nameTextStyle: { color: look.soft, fontSize: 12 }
  }, extra);
}
function categoryAxis(look, extra) {
  return Object.assign({
    type: "category", axisLabel: { color: look.soft, fontSize: 12 }, axisLine: { lineStyle: { color: look.rule } }, axisTick: { show: false },
    nameTextStyle: { color: look.soft, fontSize: 12 }
  }, extra);
}
