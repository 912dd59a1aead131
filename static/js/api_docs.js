// The description of the API. A token that is typed stays in the memory of this page.
const place = document.getElementById("api-docs");

window.addEventListener("DOMContentLoaded", () => {
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.document,
    persistAuthorization: false,
    validatorUrl: null,
    queryConfigEnabled: false,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    deepLinking: false,
  });
});
