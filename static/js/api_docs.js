// The description of the API. A token that is typed stays in the memory of this page.
const place = document.getElementById("api-docs");
const texts = place.dataset;

// Swagger UI has dark colours of its own.
const darken = (dark) => document.documentElement.classList.toggle("dark-mode", dark);
darken(document.documentElement.dataset.bsTheme === "dark");
document.addEventListener("themechange", (event) => darken(event.detail.dark));

// Its own layout has a second <main> and skips a level of headings, and its icon that closes has no name.
const plugin = ({ React }) => {
  const hidden = (tag, text) => React.createElement(tag, { className: "visually-hidden" }, text);
  const Layout = ({ specSelectors, getComponent }) => {
    const part = (name) => React.createElement(getComponent(name, true));
    const isLoaded = specSelectors.loadingStatus() === "success";
    const parts = [hidden("h2", texts.heading), part("AuthorizeBtnContainer"), part("operations")];
    return React.createElement("div", { className: "swagger-ui" }, part("errors"), ...(isLoaded ? parts : []));
  };
  const named = (Icon) => (props) =>
    React.createElement(React.Fragment, null, React.createElement(Icon, props), hidden("span", texts.close));
  return { components: { Layout }, wrapComponents: { CloseIcon: named } };
};

// Each open operation has such a table, which is a region.
new MutationObserver(() => {
  for (const table of place.querySelectorAll(".responses-table:not([aria-label])")) {
    const name = table.closest(".opblock").querySelector(".opblock-summary-control").textContent;
    const text = table.matches(".live-responses-table") ? texts.response : texts.responses;
    table.setAttribute("aria-label", `${text}: ${name}`);
  }
}).observe(place, { childList: true, subtree: true });

window.addEventListener("DOMContentLoaded", () => {
  window.SwaggerUIBundle({
    domNode: place,
    url: texts.document,
    plugins: [plugin],
    layout: "Layout",
    persistAuthorization: false,
    validatorUrl: null,
    queryConfigEnabled: false,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    deepLinking: false,
    syntaxHighlight: { theme: "tomorrow-night" },
  });
});
