// Draws the figures of the table: one chart for each currency, stacked by channel. A click on a bar opens its rows.
(() => {
  const COLOURS = {
    light: { viber: "#6b57dd", sms: "#1098ad", fee: "#e8890c", correction: "#868e96" },
    dark: { viber: "#9d8ffa", sms: "#3bc9db", fee: "#ffb04d", correction: "#adb5bd" },
  };
  const narrow = window.matchMedia("(max-width: 575.98px)").matches;

  const money = (value, currency) =>
    `${new Intl.NumberFormat(document.documentElement.lang, {
      minimumFractionDigits: 2,
      maximumFractionDigits: 4,
    }).format(value)} ${currency}`;

  window.drawCharts("chart-data", "charts", COLOURS, ({ data, text, line }) => {
    function options({ currency, links }) {
      const axis = { stacked: true, border: { display: false }, ticks: { color: text, maxRotation: 0 } };
      const amounts = { ...axis, beginAtZero: true, grid: { color: line } };
      const names = { ...axis, grid: { display: false } };
      if (!data.time) {
        names.ticks = {
          ...names.ticks,
          autoSkip: false,
          callback(value) {
            const name = this.getLabelForValue(value);
            const limit = narrow ? 14 : 32;
            return name.length > limit ? `${name.slice(0, limit - 1)}…` : name;
          },
        };
      }
      return {
        indexAxis: data.time ? "x" : "y",
        interaction: { mode: "index", axis: data.time ? "x" : "y", intersect: false },
        scales: data.time ? { x: names, y: amounts } : { x: amounts, y: names },
        plugins: {
          tooltip: {
            callbacks: {
              label: (item) => ` ${item.dataset.label}: ${money(item.dataset.data[item.dataIndex], currency)}`,
              footer: (items) =>
                money(
                  items.reduce((sum, item) => sum + item.dataset.data[item.dataIndex], 0),
                  currency,
                ),
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

    return data.currencies.map((chart) => ({
      name: data.currencies.length > 1 ? chart.currency : "",
      label: chart.currency,
      height: data.time ? 0 : Math.max(chart.labels.length * 34 + 80, 140),
      thickness: data.time ? 28 : 18,
      labels: chart.labels,
      series: chart.series,
      options: options(chart),
    }));
  });
})();
