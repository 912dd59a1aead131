// Draws the charts of recipients over time, and of read rates by hour and day; the tables show the same figures.
(() => {
  const COLOURS = {
    light: { sent: "#868e96", delivered: "#1098ad", read: "#6b57dd" },
    dark: { sent: "#adb5bd", delivered: "#3bc9db", read: "#9d8ffa" },
  };
  const number = new Intl.NumberFormat(document.documentElement.lang);

  window.drawCharts("hours-data", "hours", COLOURS, ({ data, container, text, line }) => {
    const percent = data.unit === "percent";
    const format = (value) => (percent ? `${number.format(value)}%` : number.format(value));

    const options = ({ notes }) => ({
      interaction: { mode: "index", axis: "x", intersect: false },
      scales: {
        x: {
          border: { display: false },
          grid: { display: false },
          ticks: { color: text, maxRotation: 0, autoSkipPadding: 12 },
        },
        y: {
          beginAtZero: true,
          border: { display: false },
          grid: { color: line },
          ticks: { color: text, precision: 0, maxTicksLimit: 6, callback: format },
        },
      },
      plugins: {
        legend: { display: !percent },
        tooltip: {
          callbacks: {
            label: (item) => ` ${item.dataset.label}: ${format(item.raw)}`,
            footer: (items) => (notes ? `${number.format(notes[items[0].dataIndex])} ${container.dataset.note}` : ""),
          },
        },
      },
    });

    return data.drawings.map((drawing) => ({
      name: drawing.label,
      label: drawing.label || container.dataset.label,
      thickness: 22,
      labels: drawing.labels,
      series: drawing.series,
      options: options(drawing),
    }));
  });
})();
