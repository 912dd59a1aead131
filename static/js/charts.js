// What the charts of all pages have in common: bars in the colours of the theme, drawn anew when it changes, and
// fitted to paper. drawCharts(id of the data, id of the room, colours by theme, ({ data, room, text, line }) =>
// [{ name, label, height, thickness, labels, series: [{ key, label, values }], options }]).
window.drawCharts = (sourceId, roomId, colours, chartsOf) => {
  const source = document.getElementById(sourceId);
  const room = document.getElementById(roomId);
  if (!source || !room || !window.Chart) return;
  const data = JSON.parse(source.textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = [];
  let still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  window.Chart.defaults.maintainAspectRatio = false;

  function canvasFor({ name, label, height }) {
    const figure = document.createElement("figure");
    figure.className = "m-0";
    if (name) {
      const caption = document.createElement("figcaption");
      caption.className = "chart-name";
      caption.textContent = name;
      figure.append(caption);
    }
    const box = document.createElement("div");
    box.className = "chart";
    if (height) box.style.height = `${height}px`;
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${label}. ${room.dataset.fallback}`);
    box.append(canvas);
    figure.append(box);
    room.append(figure);
    return canvas;
  }

  function draw() {
    drawn.splice(0).forEach((chart) => chart.destroy());
    room.replaceChildren();
    const palette = colours[document.documentElement.dataset.bsTheme] || colours.light;
    const text = colour("--tblr-secondary-color");
    const legend = {
      position: "bottom",
      align: "start",
      labels: { color: text, boxWidth: 12, boxHeight: 12, usePointStyle: true, pointStyle: "rectRounded" },
    };
    for (const one of chartsOf({ data, room, text, line: colour("--vd-line") })) {
      const { plugins, ...options } = one.options;
      drawn.push(
        new window.Chart(canvasFor(one), {
          type: "bar",
          data: {
            labels: one.labels,
            datasets: one.series.map(({ key, label, values }) => ({
              label,
              data: values.map(Number),
              backgroundColor: palette[key],
              borderRadius: 3,
              maxBarThickness: one.thickness,
            })),
          },
          options: {
            animation: still ? false : { duration: 150 },
            ...options,
            plugins: { ...plugins, legend: { ...legend, ...plugins.legend } },
          },
        }),
      );
    }
  }

  draw();
  still = true; // a change of theme, and paper, get the chart at once
  document.addEventListener("themechange", draw);
  window.addEventListener("beforeprint", () => drawn.forEach((chart) => chart.resize(680, 240)));
  window.addEventListener("afterprint", () => drawn.forEach((chart) => chart.resize()));
};
