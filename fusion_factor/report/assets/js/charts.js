/* Figure specifications to ECharts options: lines over dates, bars, dots, curves. */
/* First and last moment of the axis: with bars, half a step of room on both sides, the same in every panel. */
function edges(spec, times) {
  var last = times.length - 1, bars = spec.panels.some(function (panel) { return panel.series.some(function (s) { return s.shape === "bar"; }); });
  var room = bars && last > 0 ? .5 * (times[last] - times[0]) / last : 0;
  return [times[0] - room, times[last] + room];
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
  var zoom = spec.zoom && !narrow && !printing;
  var gap = 44, top = 28, bottom = zoom ? 64 : 26, room = height - top - bottom - gap * (spec.panels.length - 1), at = top;
  Object.assign(option, { legend: legend(hidden), grid: [], xAxis: [], yAxis: [], series: [] });
  var ends = edges(spec, times);
  option.axisPointer = { link: [{ xAxisIndex: "all" }] };
  spec.panels.forEach(function (panel, index) {
    var tall = room * panel.share / total, last = index === spec.panels.length - 1;
    option.grid.push({ left: narrow ? 48 : 58, right: narrow ? 8 : 18, top: at, height: tall });
    at += tall + gap;
    option.xAxis.push({
      type: "time", gridIndex: index, axisLine: { onZero: false, lineStyle: { color: look.rule } }, axisTick: { show: last, lineStyle: { color: look.rule } },
      axisLabel: { show: last, color: look.soft, fontSize: 12, hideOverlap: true, formatter: { year: "{yyyy}", month: "{yyyy}-{MM}", day: "{MM}-{dd}" } },
      splitLine: { show: false }, min: ends[0], max: ends[1], containShape: false
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
        drawing.barWidth = Math.max(1, Math.min(14, .62 * (width - 80) / Math.max(times.length, 1)));
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
  var marks = [], dense = series.y.length > 40;
  series.y.forEach(function (_, i) {
    if (series.low[i] === null || series.high[i] === null) { return; }
    var ends = [series.low[i], series.high[i]].map(function (v) { return { coord: flat ? [v, i] : [i, v], symbol: "rect", symbolSize: dense ? [1, 1] : [9, 1.2] }; });
    marks.push(ends);
  });
  return { silent: true, animation: false, lineStyle: { color: hue, width: dense ? 1 : 1.2, opacity: dense ? .35 : 1, type: "solid" }, label: { show: false }, data: marks };
}
function barChart(spec, width, height, look) {
  var narrow = width < 560, option = frame(look);
  var hidden = spec.series.filter(function (s) { return s.hidden; }).map(function (s) { return s.name; });
  var room = spec.flat ? Math.max(40, Math.min(narrow ? 160 : 240, 16 + widest(spec.categories))) : narrow ? 48 : 58;
  option.legend = legend(hidden);
  option.grid = { left: room, right: narrow ? 12 : 24, top: 10, bottom: spec.axis ? 46 : 28 };
  var values = valueAxis(look, spec.kind, { splitNumber: narrow ? 3 : 5 });
  var categories = categoryAxis(look, {
    data: spec.categories, inverse: spec.flat, name: spec.axis, nameLocation: "middle", nameGap: 28, axisLine: { show: !spec.flat, onZero: false, lineStyle: { color: look.rule } },
    axisLabel: { color: spec.flat ? look.ink : look.soft, fontSize: 12, interval: 0, show: spec.flat || spec.categories.length <= 40,
      width: spec.flat ? room - 10 : Math.max(24, (width - room - 30) / spec.categories.length - 2), overflow: spec.flat ? "truncate" : "break" }
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
    return "<b>" + escapeText((spec.prefix || "") + items[0].name) + "</b>" + items.map(function (item) {
      var s = spec.series[item.seriesIndex], i = item.dataIndex, text = shown(s.y[i], finer(spec.kind));
      if (s.low && s.low[i] !== null) { text += " (" + shown(s.low[i], finer(spec.kind)) + " to " + shown(s.high[i], finer(spec.kind)) + ")"; }
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
    axisLabel: { color: look.ink, fontSize: 12, width: narrow ? 116 : 180, overflow: "break", lineHeight: 14 } });
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
