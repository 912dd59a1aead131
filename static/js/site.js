// What every page does by itself: the menu of small screens, asking before a destructive act, focus on the first error,
// a button that is pressed once, messages that can be closed, toasts, keys. Pages work without any of it.
const one = (selector, root = document) => root.querySelector(selector);

function menu() {
  const button = one("#side-toggle");
  const panel = one("#side-menu");
  if (!button || !panel) return;
  const set = (open) => {
    panel.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => set(!panel.classList.contains("open")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.classList.contains("open")) return;
    set(false);
    button.focus();
  });
}

// <button data-confirm="What will be lost" data-confirm-title="Delete list?" data-confirm-verb="Delete list">
function asking() {
  const dialog = one("#ask");
  if (!dialog?.showModal) return;
  let pressed = null;
  document.addEventListener(
    "submit",
    (event) => {
      const button = event.submitter;
      if (!button?.dataset.confirm || button.dataset.confirmed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      pressed = button;
      one("#ask-title").textContent = button.dataset.confirmTitle || button.textContent.trim();
      one("#ask-words").textContent = button.dataset.confirm;
      const yes = one("#ask-yes");
      yes.textContent = button.dataset.confirmVerb || button.textContent.trim();
      yes.className = `btn btn-${button.dataset.confirmTone || "danger"}`;
      dialog.showModal();
    },
    true,
  );
  one("#ask-no").addEventListener("click", () => dialog.close());
  one("#ask-yes").addEventListener("click", () => {
    dialog.close();
    pressed.dataset.confirmed = "1";
    pressed.form.requestSubmit(pressed);
    delete pressed.dataset.confirmed;
  });
  dialog.addEventListener("close", () => pressed?.focus());
}

function firstError(root = document) {
  const field = one(".is-invalid, [aria-invalid='true']", root);
  const target = field || one("#form-errors", root);
  if (!target) return;
  if (!target.matches("input, select, textarea, button, a, [tabindex]")) target.setAttribute("tabindex", "-1");
  target.focus();
}

// A second click on a form that is on its way does nothing. Forms that htmx sends take care of themselves.
function once() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.matches("[hx-post]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    });
  });
}

function closing() {
  document.addEventListener("click", (event) => event.target.closest?.("[data-close]")?.closest(".notice")?.remove());
}

// A server's fragment may say something by the header HX-Trigger: {"toast": {"words": "Saved", "kind": "success"}}.
export function toast(words, kind = "info") {
  const box = one("#toasts");
  if (!box) return;
  const note = document.createElement("div");
  note.className = `notice notice-${kind}`;
  const text = document.createElement("div");
  text.textContent = words;
  note.append(text);
  box.append(note);
  window.setTimeout(() => note.remove(), 6000);
}

// A table that fits keeps its head in sight; one that does not can be scrolled by the keyboard.
const fitting = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const fits = target.firstElementChild.scrollWidth <= target.clientWidth;
    target.classList.toggle("fits", fits);
    if (fits) target.removeAttribute("tabindex");
    else target.setAttribute("tabindex", "0");
  }
});
function tables(root = document) {
  root.querySelectorAll(".table-scroll").forEach((box) => fitting.observe(box));
}

// "/" goes to the search of the page, unless somebody is typing.
function keys() {
  document.addEventListener("keydown", (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.target.matches("input, textarea, select, [contenteditable]")
    )
      return;
    if (event.key === "/") {
      const search = one("input[type=search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
}

// <select data-submit> and <input data-submit>: the form around it goes off when the choice changes.
function choosing() {
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-submit]")) event.target.form.requestSubmit();
  });
}

menu();
asking();
once();
closing();
keys();
choosing();
tables();
firstError();
document.body.addEventListener("toast", (event) => toast(event.detail.words, event.detail.kind));
document.addEventListener("htmx:after:swap", (event) => {
  tables();
  const target = event.detail?.ctx?.target;
  if (target instanceof Element && target.querySelector("form .is-invalid")) firstError(target);
});
