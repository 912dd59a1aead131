// Draws what the table says: one chart a currency, stacked by channel. A click on a bar opens the rows behind it.
(() => {
  const source = document.getElementById("chart-data");
  const room = document.getElementById("charts");
  if (!source || !room || !window.Chart) return;
  const data = JSON.parse(source.textContent);
  let still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const narrow = window.matchMedia("(max-width: 575.98px)").matches;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const COLOURS = {
    light: { viber: "#6b57dd", sms: "#1098ad", fee: "#e8890c", correction: "#868e96" },
    dark: { viber: "#9d8ffa", sms: "#3bc9db", fee: "#ffb04d", correction: "#adb5bd" },
  };
  const drawn = [];

  const money = (value, currency) => `${new Intl.NumberFormat(document.documentElement.lang, {
    minimumFractionDigits: 2, maximumFractionDigits: 4,
  }).format(value)} ${currency}`;

  function options({ currency, links }) {
    const line = colour("--vd-line");
    const text = colour("--tblr-secondary-color");
    const axis = { stacked: true, border: { display: false }, ticks: { color: text, maxRotation: 0 } };
    const amounts = { ...axis, beginAtZero: true, grid: { color: line } };
    const names = { ...axis, grid: { display: false } };
    if (!data.time) {
      names.ticks = { ...names.ticks, autoSkip: false, callback(value) {
        const name = this.getLabelForValue(value);
        const most = narrow ? 14 : 32;
        return name.length > most ? `${name.slice(0, most - 1)}…` : name;
      } };
    }
    return {
      animation: still ? false : { duration: 150 },
      maintainAspectRatio: false,
      indexAxis: data.time ? "x" : "y",
      interaction: { mode: "index", axis: data.time ? "x" : "y", intersect: false },
      scales: data.time ? { x: names, y: amounts } : { x: amounts, y: names },
      plugins: {
        legend: { position: "bottom", align: "start", labels: { color: text, boxWidth: 12, boxHeight: 12, usePointStyle: true, pointStyle: "rectRounded" } },
        tooltip: {
          callbacks: {
            label: (item) => ` ${item.dataset.label}: ${money(item.dataset.data[item.dataIndex], currency)}`,
            footer: (items) => money(items.reduce((sum, item) => sum + item.dataset.data[item.dataIndex], 0), currency),
          },
        },
      },
      onHover: (event, items) => {
        event.native.target.style.cursor = items.length && links[items[0].index] ? "pointer" : "default";
      },
      onClick: (_event, items) => {
        if (items.length && links[items[0].index]) window.location.assign(links[items[0].index]);
      },
    };
  }

  function series(chart) {
    const palette = COLOURS[document.documentElement.dataset.bsTheme] || COLOURS.light;
    return chart.series.map((one) => ({
      label: one.label,
      data: one.values.map(Number),
      backgroundColor: palette[one.channel],
      borderRadius: 3,
      maxBarThickness: data.time ? 28 : 18,
    }));
  }

  function draw() {
    drawn.splice(0).forEach((chart) => chart.destroy());
    room.replaceChildren();
    for (const one of data.currencies) {
      const figure = document.createElement("figure");
      figure.className = "m-0";
      if (data.currencies.length > 1) {
        const name = document.createElement("figcaption");
        name.className = "chart-name";
        name.textContent = one.currency;
        figure.append(name);
      }
      const box = document.createElement("div");
      box.className = "chart";
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${one.currency}. ${room.dataset.fallback}`);
      if (!data.time) box.style.height = `${Math.max(one.labels.length * 34 + 80, 140)}px`;
      box.append(canvas);
      figure.append(box);
      room.append(figure);
      drawn.push(new window.Chart(canvas, {
        type: "bar", data: { labels: one.labels, datasets: series(one) }, options: options(one),
      }));
    }
  }

  draw();
  still = true; // a change of theme, and paper, get the chart at once
  document.addEventListener("themechange", draw);
  window.addEventListener("beforeprint", () => drawn.forEach((chart) => chart.resize(680, 240)));
  window.addEventListener("afterprint", () => drawn.forEach((chart) => chart.resize()));
})();
