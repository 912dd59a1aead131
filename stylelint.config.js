export default {
  extends: "stylelint-config-recommended",
  ignoreFiles: ["static/vendor/**"],
  rules: {
    // The files go component by component, and selectors of components that never meet often end in the same element.
    "no-descending-specificity": null,
  },
};
