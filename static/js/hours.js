// Draws what the table says: people over time, or rates by the hour and the day.
(() => {
  const source = document.getElementById("hours-data");
  const room = document.getElementById("hours");
  if (!source || !room || !window.Chart) return;
  const data = JSON.parse(source.textContent);
  const percent = data.unit === "percent";
  let still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const COLOURS = {
    light: { sent: "#868e96", delivered: "#1098ad", read: "#6b57dd" },
    dark: { sent: "#adb5bd", delivered: "#3bc9db", read: "#9d8ffa" },
  };
  const drawn = [];
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const said = (value) => (percent ? `${number.format(value)}%` : number.format(value));

  function options({ notes }) {
    const text = colour("--tblr-secondary-color");
    return {
      animation: still ? false : { duration: 150 },
      maintainAspectRatio: false,
      interaction: { mode: "index", axis: "x", intersect: false },
      scales: {
        x: { border: { display: false }, grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 12 } },
        y: { beginAtZero: true, border: { display: false }, grid: { color: colour("--vd-line") },
          ticks: { color: text, precision: 0, maxTicksLimit: 6, callback: said } },
      },
      plugins: {
        legend: { display: !percent, position: "bottom", align: "start",
          labels: { color: text, boxWidth: 12, boxHeight: 12, usePointStyle: true, pointStyle: "rectRounded" } },
        tooltip: { callbacks: {
          label: (item) => ` ${item.dataset.label}: ${said(item.raw)}`,
          footer: (items) => (notes ? `${number.format(notes[items[0].dataIndex])} ${room.dataset.note}` : ""),
        } },
      },
    };
  }

  function series(drawing) {
    const palette = COLOURS[document.documentElement.dataset.bsTheme] || COLOURS.light;
    return drawing.series.map((one) => ({
      label: one.label,
      data: one.values,
      backgroundColor: palette[one.key],
      borderRadius: 3,
      maxBarThickness: 22,
    }));
  }

  function draw() {
    drawn.splice(0).forEach((chart) => chart.destroy());
    room.replaceChildren();
    for (const drawing of data.drawings) {
      const figure = document.createElement("figure");
      figure.className = "m-0";
      if (drawing.label) {
        const name = document.createElement("figcaption");
        name.className = "chart-name";
        name.textContent = drawing.label;
        figure.append(name);
      }
      const box = document.createElement("div");
      box.className = "chart";
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${drawing.label || room.dataset.label}. ${room.dataset.fallback}`);
      box.append(canvas);
      figure.append(box);
      room.append(figure);
      drawn.push(new window.Chart(canvas, {
        type: "bar", data: { labels: drawing.labels, datasets: series(drawing) }, options: options(drawing),
      }));
    }
  }

  draw();
  still = true; // a change of theme, and paper, get the chart at once
  document.addEventListener("themechange", draw);
  window.addEventListener("beforeprint", () => drawn.forEach((chart) => chart.resize(680, 240)));
  window.addEventListener("afterprint", () => drawn.forEach((chart) => chart.resize()));
})();
