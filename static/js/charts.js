// Draws the bar charts of all pages: in the colours of the theme, redrawn when it changes, and fitted to paper.
// drawCharts(id of the data, id of the container, colours by theme, ({ data, container, text, line }) =>
// [{ name, label, height, thickness, labels, series: [{ key, label, values }], options }]).
window.drawCharts = (sourceId, containerId, colours, chartsOf) => {
  const source = document.getElementById(sourceId);
  const container = document.getElementById(containerId);
  if (!source || !container || !window.Chart) return;
  const data = JSON.parse(source.textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = [];
  let withoutMotion = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
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
    canvas.setAttribute("aria-label", `${label}. ${container.dataset.fallback}`);
    box.append(canvas);
    figure.append(box);
    container.append(figure);
    return canvas;
  }

  function draw() {
    drawn.splice(0).forEach((chart) => chart.destroy());
    container.replaceChildren();
    const palette = colours[document.documentElement.dataset.bsTheme] || colours.light;
    const text = colour("--tblr-secondary-color");
    const legend = {
      position: "bottom",
      align: "start",
      labels: { color: text, boxWidth: 12, boxHeight: 12, usePointStyle: true, pointStyle: "rectRounded" },
    };
    for (const chart of chartsOf({ data, container, text, line: colour("--vd-line") })) {
      const { plugins, ...options } = chart.options;
      drawn.push(
        new window.Chart(canvasFor(chart), {
          type: "bar",
          data: {
            labels: chart.labels,
            datasets: chart.series.map(({ key, label, values }) => ({
              label,
              data: values.map(Number),
              backgroundColor: palette[key],
              borderRadius: 3,
              maxBarThickness: chart.thickness,
            })),
          },
          options: {
            animation: withoutMotion ? false : { duration: 150 },
            ...options,
            plugins: { ...plugins, legend: { ...legend, ...plugins.legend } },
          },
        }),
      );
    }
  }

  draw();
  withoutMotion = true; // later drawings, for a new theme or paper, are not animated
  document.addEventListener("themechange", draw);
  window.addEventListener("beforeprint", () => drawn.forEach((chart) => chart.resize(680, 240)));
  window.addEventListener("afterprint", () => drawn.forEach((chart) => chart.resize()));
};
