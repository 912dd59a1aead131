// Draws what the table says: one chart a currency, stacked by channel. A click on a bar opens the rows behind it.
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
            const most = narrow ? 14 : 32;
            return name.length > most ? `${name.slice(0, most - 1)}…` : name;
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

    return data.currencies.map((one) => ({
      name: data.currencies.length > 1 ? one.currency : "",
      label: one.currency,
      height: data.time ? 0 : Math.max(one.labels.length * 34 + 80, 140),
      thickness: data.time ? 28 : 18,
      labels: one.labels,
      series: one.series,
      options: options(one),
    }));
  });
})();
