/* Turns the figure specifications of the page into ECharts charts. Colours are CSS variables, so that charts follow
   the page's light and dark dress and a score has one colour everywhere. Nothing is fetched. */
(function () {
  "use strict";
  var specs = JSON.parse(document.getElementById("figures").textContent);
  var DAY = 86400000;
  var drawn = [];

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

  function overTime(spec, width, height, look) {
    var narrow = width < 560, times = days(spec.dates), option = frame(look);
    var hidden = [], total = 0, kinds = {}, hues = {};
    spec.panels.forEach(function (panel) {
      total += panel.share;
      panel.series.forEach(function (s) {
        if (s.hidden) { hidden.push(s.name); }
        kinds[s.name] = finer(panel.kind);
        hues[s.name] = colour(s.colour);
      });
    });
    var zoom = spec.zoom && !narrow;
    var gap = 44, top = 28, bottom = zoom ? 64 : 26, room = height - top - bottom - gap * (spec.panels.length - 1), at = top;
    Object.assign(option, { legend: legend(hidden), grid: [], xAxis: [], yAxis: [], series: [] });
    option.axisPointer = { link: [{ xAxisIndex: "all" }] };
    spec.panels.forEach(function (panel, index) {
      var tall = room * panel.share / total, last = index === spec.panels.length - 1;
      option.grid.push({ left: narrow ? 48 : 58, right: narrow ? 8 : 18, top: at, height: tall });
      at += tall + gap;
      option.xAxis.push({
        type: "time", gridIndex: index, axisLine: { onZero: false, lineStyle: { color: look.rule } }, axisTick: { show: last, lineStyle: { color: look.rule } },
        axisLabel: { show: last, color: look.soft, fontSize: 12, hideOverlap: true, formatter: { year: "{yyyy}", month: "{yyyy}-{MM}", day: "{MM}-{dd}" } },
        splitLine: { show: false }, min: "dataMin", max: "dataMax"
      });
      option.yAxis.push(valueAxis(look, panel.kind, {
        gridIndex: index, scale: !panel.zero, splitNumber: narrow ? 3 : tall > 180 ? 5 : 3, name: panel.title,
        nameLocation: "end", nameGap: 13, nameTextStyle: { color: look.soft, fontSize: 12, align: "left", padding: [0, 0, 0, narrow ? -44 : -52] }
      }));
      panel.series.forEach(function (s) {
        var hue = hues[s.name];
        var drawing = {
          name: s.name, type: s.shape === "bar" ? "bar" : "line", xAxisIndex: index, yAxisIndex: index, color: hue, showSymbol: false,
          data: times.map(function (time, i) { return [time, s.y[i]]; }), connectNulls: true, emphasis: { disabled: true }
        };
        if (drawing.type === "bar") {
          drawing.itemStyle = { color: fade(hue, s.faint ? .38 : .9) };
          drawing.barWidth = Math.max(1, Math.min(6, .62 * (width - 80) / Math.max(times.length, 1)));
        } else {
          drawing.lineStyle = { width: s.width || 1.8, type: s.dash || "solid", color: hue };
          if (s.shape === "area") { drawing.areaStyle = { color: hue, opacity: .22 }; }
        }
        option.series.push(drawing);
      });
    });
    option.tooltip.trigger = "axis";
    option.tooltip.formatter = function (items) {
      var lines = items.filter(function (i) { return i.value[1] !== null && i.value[1] !== undefined; });
      return "<b>" + iso(items[0].value[0]) + "</b>" + lines.map(function (item) {
        return line(hues[item.seriesName], item.seriesName, shown(item.value[1], kinds[item.seriesName]));
      }).join("");
    };
    if (zoom) {
      var all = spec.panels.map(function (_, index) { return index; });
      option.dataZoom = [{
        type: "slider", xAxisIndex: all, height: 18, bottom: 8, borderColor: look.rule, fillerColor: fade(colour("benchmark"), .18), textStyle: { color: look.soft, fontSize: 11 },
        dataBackground: { lineStyle: { color: look.rule }, areaStyle: { color: look.grid } }, selectedDataBackground: { lineStyle: { color: look.soft }, areaStyle: { color: look.grid } },
        handleStyle: { color: look.ground, borderColor: look.soft }, moveHandleSize: 4, labelFormatter: function (time) { return iso(time); }, brushSelect: false
      }];
    }
    return option;
  }

  function whiskers(series, flat, hue) {
    var marks = [];
    series.y.forEach(function (_, i) {
      if (series.low[i] === null || series.high[i] === null) { return; }
      var ends = [series.low[i], series.high[i]].map(function (v) { return { coord: flat ? [v, i] : [i, v], symbol: "rect", symbolSize: [9, 1.2] }; });
      marks.push(ends);
    });
    return { silent: true, animation: false, lineStyle: { color: hue, width: 1.2, type: "solid" }, label: { show: false }, data: marks };
  }
  function barChart(spec, width, height, look) {
    var narrow = width < 560, option = frame(look);
    var hidden = spec.series.filter(function (s) { return s.hidden; }).map(function (s) { return s.name; });
    var longest = Math.max.apply(null, spec.categories.map(function (c) { return c.length; }).concat([4]));
    var room = spec.flat ? Math.min(narrow ? 160 : 240, 14 + 6.7 * longest) : narrow ? 48 : 58;
    option.legend = legend(hidden);
    option.grid = { left: room, right: narrow ? 12 : 24, top: 10, bottom: spec.axis ? 46 : 28 };
    var values = valueAxis(look, spec.kind, { splitNumber: narrow ? 3 : 5 });
    var categories = categoryAxis(look, {
      data: spec.categories, inverse: spec.flat, name: spec.axis, nameLocation: "middle", nameGap: 28, axisLine: { show: !spec.flat, onZero: false, lineStyle: { color: look.rule } },
      axisLabel: { color: spec.flat ? look.ink : look.soft, fontSize: 12, interval: 0, width: room - 10, overflow: "truncate" }
    });
    option.xAxis = spec.flat ? values : categories;
    option.yAxis = spec.flat ? categories : values;
    option.series = spec.series.map(function (s) {
      if (s.shape === "dot") {
        return { name: s.name, type: "scatter", symbol: "diamond", symbolSize: 9, color: colour(s.colour), emphasis: { scale: false },
          itemStyle: { borderColor: look.ground, borderWidth: 1 }, data: s.y.map(function (v, i) { return spec.flat ? [v, i] : [i, v]; }) };
      }
      var out = {
        name: s.name, type: "bar", color: colour(s.colour || s.colours[0]), barMaxWidth: spec.flat ? 16 : 26, emphasis: { disabled: true },
        data: s.y.map(function (v, i) { return { value: v, itemStyle: s.colours ? { color: colour(s.colours[i]) } : {} }; })
      };
      if (s.low) { out.markLine = whiskers(s, spec.flat, look.ink); }
      return out;
    });
    if (spec.series.some(function (s) { return s.low; })) {
      var ends = [0];
      spec.series.forEach(function (s) { ends = ends.concat(s.low || [], s.high || []); });
      Object.assign(values, niceAxis(Math.min.apply(null, ends), Math.max.apply(null, ends), narrow ? 3 : 6));
    }
    option.tooltip.trigger = "axis";
    option.tooltip.axisPointer.type = "shadow";
    option.tooltip.axisPointer.shadowStyle = { color: fade(colour("benchmark"), .12) };
    option.tooltip.formatter = function (items) {
      return "<b>" + escapeText((spec.axis ? "Layer " : "") + items[0].name) + "</b>" + items.map(function (item) {
        var s = spec.series[item.seriesIndex], i = item.dataIndex, text = shown(s.y[i], finer(spec.kind));
        if (s.low && s.low[i] !== null) { text += " (" + shown(s.low[i], "pct2") + " to " + shown(s.high[i], "pct2") + ")"; }
        return line(item.color, s.name, text);
      }).join("");
    };
    return option;
  }

  function dotChart(spec, width, height, look) {
    var narrow = width < 560, option = frame(look);
    var values = [];
    spec.series.forEach(function (s) { s.points.forEach(function (p) { values.push(p[1]); }); });
    var low = Math.min.apply(null, values), high = Math.max.apply(null, values), pad = .06 * (high - low || .01);
    option.legend = legend([]);
    option.grid = { left: narrow ? 124 : 190, right: narrow ? 18 : 24, top: 6, bottom: 28 };
    option.xAxis = valueAxis(look, spec.kind, niceAxis(low - pad, high + pad, narrow ? 3 : 6));
    option.yAxis = categoryAxis(look, { data: spec.categories, inverse: true, splitLine: { show: true, lineStyle: { color: look.grid } },
      axisLabel: { color: look.ink, fontSize: 12, width: narrow ? 116 : 180, overflow: "break" } });
    option.series = spec.series.map(function (s) {
      return { name: s.name, type: "scatter", symbol: s.symbol, symbolSize: s.size, color: colour(s.colour), emphasis: { scale: false },
        itemStyle: { opacity: s.symbol === "circle" ? .75 : 1 },
        data: s.points.map(function (p) { return { value: [p[1], p[0]], name: p[2] }; }) };
    });
    option.tooltip.trigger = "item";
    option.tooltip.formatter = function (item) {
      return "<b>" + escapeText(spec.categories[item.value[1]]) + "</b>" + line(item.color, item.name, shown(item.value[0], "pct2"));
    };
    return option;
  }

  function curveChart(spec, width, height, look) {
    var narrow = width < 560, option = frame(look), longest = 1;
    option.series = [];
    spec.groups.forEach(function (group) {
      group.lines.forEach(function (l) {
        longest = Math.max(longest, l.y.length);
        option.series.push({
          name: group.name, id: group.name + " " + l.name, type: "line", color: colour(group.colour), data: l.y.map(function (v, i) { return [i + 1, v]; }),
          showSymbol: l.y.length === 1, symbolSize: 4, triggerLineEvent: true, lineStyle: { width: 1.1, opacity: group.lines.length > 12 ? .5 : .8 }, emphasis: { lineStyle: { width: 2.4, opacity: 1 } }
        });
      });
    });
    option.legend = legend([]);
    option.grid = { left: narrow ? 48 : 58, right: 14, top: 10, bottom: 40 };
    option.xAxis = valueAxis(look, "num0", { min: 1, max: Math.max(longest, 2), minInterval: 1, name: spec.x, nameLocation: "middle", nameGap: 24, splitLine: { show: false } });
    option.yAxis = valueAxis(look, spec.kind, { splitNumber: 4 });
    option.tooltip.trigger = "item";
    option.tooltip.formatter = function (item) {
      return item.value ? line(item.color, item.seriesId + ", epoch " + item.value[0], shown(item.value[1], "pct2")) : escapeText(item.seriesId || "");
    };
    return option;
  }

  var makers = { time: overTime, bars: barChart, dots: dotChart, curves: curveChart };

  function draw(entry, width) {
    var box = entry.box, wide = width || box.clientWidth;
    if (!wide) { return; }
    var option = makers[entry.spec.type](entry.spec, wide, box.clientHeight, dress());
    if (entry.selected) { option.legend.selected = entry.selected; }
    entry.selected = option.legend.selected;
    if (!entry.chart) {
      entry.chart = echarts.init(box, null, { renderer: "svg", width: wide, height: box.clientHeight });
    } else {
      entry.chart.resize({ width: wide, height: box.clientHeight });
    }
    entry.width = wide;
    entry.chart.setOption(option, true);
  }
  /* The legend is ordinary HTML above the chart, so that it wraps on a phone and can be reached by keyboard. */
  function entries(spec) {
    var list = [], seen = {};
    function add(s, sign) {
      if (!seen[s.name]) { seen[s.name] = true; list.push({ name: s.name, colour: s.colour, sign: sign, dash: s.dash, faint: s.faint }); }
    }
    if (spec.type === "time") { spec.panels.forEach(function (p) { p.series.forEach(function (s) { add(s, s.shape || "line"); }); }); }
    if (spec.type === "bars" && spec.series.length > 1) { spec.series.forEach(function (s) { add(s, s.shape === "dot" ? "diamond" : "bar"); }); }
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
  function addLegend(entry) {
    var list = entries(entry.spec), box = document.createElement("div");
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
        entry.chart.dispatchAction({ type: on ? "legendSelect" : "legendUnSelect", name: item.name });
      });
      box.appendChild(button);
    });
    entry.box.parentNode.insertBefore(box, entry.box);
  }
  function redraw(width) { drawn.forEach(function (entry) { draw(entry, width); }); }

  function start() {
    document.querySelectorAll(".chart").forEach(function (box) {
      var spec = specs[box.dataset.figure];
      if (!spec) { return; }
      var entry = { box: box, spec: spec, chart: null, width: 0 };
      drawn.push(entry);
      draw(entry);
      if (entry.selected) { addLegend(entry); }
      new ResizeObserver(function () { if (box.clientWidth && box.clientWidth !== entry.width && !printing) { draw(entry); } }).observe(box);
    });
  }

  var printing = false;
  window.addEventListener("beforeprint", function () {
    printing = true;
    drawn.forEach(function (entry) { draw(entry, entry.box.closest(".halves") ? 330 : 690); });
  });
  window.addEventListener("afterprint", function () { printing = false; redraw(); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { redraw(); });

  function sortBy(table, head) {
    var index = Array.prototype.indexOf.call(head.parentNode.children, head), body = table.tBodies[0];
    var down = head.getAttribute("aria-sort") !== "descending";
    table.querySelectorAll("th[aria-sort]").forEach(function (th) { th.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
      var x = a.cells[index].dataset.v, y = b.cells[index].dataset.v;
      if (index === 0) { return (down ? 1 : -1) * a.cells[0].textContent.localeCompare(b.cells[0].textContent); }
      if (x === undefined || y === undefined) { return (x === undefined) - (y === undefined); }
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
})();
