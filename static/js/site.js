// On every page: the menu of small screens, confirmation of destructive actions, focus on the first error, submitting
// once, closing messages, toasts, keyboard shortcuts. Pages work without any of it.
import { dropAll } from "./kept_drafts.js";
import "./live.js";

const find = (selector, root = document) => root.querySelector(selector);

function menu() {
  const button = find("#side-toggle");
  const panel = find("#side-menu");
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
function confirmations() {
  const dialog = find("#confirm");
  if (!dialog?.showModal) return;
  let pressedButton = null;
  document.addEventListener(
    "submit",
    (event) => {
      const button = event.submitter;
      if (!button?.dataset.confirm || button.dataset.confirmed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      pressedButton = button;
      find("#confirm-title").textContent = button.dataset.confirmTitle || button.textContent.trim();
      find("#confirm-text").textContent = button.dataset.confirm;
      const yes = find("#confirm-yes");
      yes.textContent = button.dataset.confirmVerb || button.textContent.trim();
      yes.className = `btn btn-${button.dataset.confirmTone || "danger"}`;
      dialog.showModal();
    },
    true,
  );
  find("#confirm-no").addEventListener("click", () => dialog.close());
  find("#confirm-yes").addEventListener("click", () => {
    dialog.close();
    pressedButton.dataset.confirmed = "1";
    pressedButton.form.requestSubmit(pressedButton);
    delete pressedButton.dataset.confirmed;
  });
  dialog.addEventListener("close", () => pressedButton?.focus());
}

function firstError(root = document) {
  const field = find(".is-invalid, [aria-invalid='true']", root);
  const target = field || find("#form-errors", root);
  if (!target) return;
  if (!target.matches("input, select, textarea, button, a, [tabindex]")) target.setAttribute("tabindex", "-1");
  target.focus();
}

// A form is submitted once, however often its button is clicked. htmx does this for its own forms.
function submitOnce() {
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

// Who signs out leaves no drafts in this browser.
function signOut() {
  const form = find("#sign-out");
  form?.addEventListener("submit", async (event) => {
    if (form.dataset.dropped) return;
    event.preventDefault();
    await dropAll(document.body.dataset.user);
    form.dataset.dropped = "1";
    form.requestSubmit();
  });
}

function closeButtons() {
  document.addEventListener("click", (event) => event.target.closest?.("[data-close]")?.closest(".notice")?.remove());
}

// A fragment of the server can show one by the header HX-Trigger: {"toast": {"text": "Saved", "kind": "success"}}.
export function toast(text, kind = "info") {
  const box = find("#toasts");
  if (!box || [...box.children].some((shown) => shown.textContent === text)) return;
  const note = document.createElement("div");
  note.className = `notice notice-${kind}`;
  const body = document.createElement("div");
  body.textContent = text;
  note.append(body);
  box.append(note);
  window.setTimeout(() => note.remove(), kind === "error" ? 20_000 : 6000);
}

// What the user asked for by a click, and did not get, is said by a toast: in the words of the error's page, which is not
// put into a part of this one. Live parts, and those that follow what is typed, say it themselves.
function failedRequests() {
  const isAsked = ({ sourceEvent }) => ["click", "submit", "show.bs.dropdown"].includes(sourceEvent?.type);
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    const { offline, failed } = find("#toasts")?.dataset ?? {};
    if (ctx && !ctx.response && isAsked(ctx)) toast(navigator.onLine ? failed : offline, "error");
  });
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (!isAsked(ctx)) return;
    const page = new DOMParser().parseFromString(ctx.text, "text/html");
    const words = ["h1", "h1 + p", "code"].map((part) =>
      find(`.minimal ${part}`, page)?.textContent.trim().replace(/\s+/g, " "),
    );
    const [title, text, requestId = ""] = words;
    toast(title ? `${title}. ${text} ${requestId}`.trim() : find("#toasts")?.dataset.failed, "error");
  });
}

// A table that fits has a sticky head; one that does not fit can be scrolled by the keyboard.
const tableSizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const fits = target.firstElementChild.scrollWidth <= target.clientWidth;
    target.classList.toggle("fits", fits);
    if (fits) target.removeAttribute("tabindex");
    else target.setAttribute("tabindex", "0");
  }
});
function observeTables(root = document) {
  root.querySelectorAll(".table-scroll").forEach((box) => tableSizes.observe(box));
}

// "/" moves to the page's search field, except while typing.
function shortcuts() {
  document.addEventListener("keydown", (event) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.target.matches("input, textarea, select, [contenteditable]")
    )
      return;
    if (event.key === "/") {
      const search = find("input[type=search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
}

// <form data-least="2" data-most="6"> can be submitted while as many of its boxes are ticked.
function enoughTicked() {
  const check = (form) => {
    const ticked = [...form.elements].filter(({ type, checked }) => type === "checkbox" && checked).length;
    find("button", form).disabled = ticked < form.dataset.least || ticked > form.dataset.most;
  };
  document.addEventListener("change", ({ target }) => target.form?.dataset.least && check(target.form));
  const checkAll = () => document.querySelectorAll("form[data-least]").forEach(check);
  window.addEventListener("pageshow", checkAll);
  document.addEventListener("htmx:after:swap", checkAll);
}

// <details data-popover> lies over the page: Escape and a click elsewhere close it.
function popovers() {
  const opened = () => [...document.querySelectorAll("details[data-popover][open]")];
  document.addEventListener("keydown", (event) => {
    const last = opened().at(-1);
    if (event.key !== "Escape" || event.defaultPrevented || !last) return;
    last.open = false;
    find("summary", last).focus();
  });
  document.addEventListener("click", (event) => {
    for (const popover of opened()) if (!popover.contains(event.target)) popover.open = false;
  });
}

// <select data-submit> and <input data-submit> submit their form when the choice changes.
function submitOnChange() {
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-submit]")) event.target.form.requestSubmit();
  });
}

menu();
confirmations();
signOut();
submitOnce();
closeButtons();
shortcuts();
submitOnChange();
enoughTicked();
popovers();
failedRequests();
observeTables();
firstError();
// The server tells what nobody asked for from what the user did: it does not keep a session from ending.
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  const trigger = ctx.sourceElement?.getAttribute("hx-trigger") ?? "";
  if (/\b(every|load|recipients-changed)\b/.test(trigger) && ctx.sourceEvent?.isTrusted !== true)
    ctx.request.headers["X-Background"] = "true";
});
document.body.addEventListener("toast", (event) => toast(event.detail.text, event.detail.kind));
document.addEventListener("htmx:after:swap", (event) => {
  observeTables();
  const target = event.detail?.ctx?.target;
  // A menu that was empty when it opened is placed again.
  if (target?.matches?.(".dropdown-menu"))
    window.bootstrap.Dropdown.getInstance(target.previousElementSibling)?.update();
  if (target instanceof Element && target.querySelector("form .is-invalid")) firstError(target);
});
