// Parts of a page that update by themselves (templates/components/live.html). They wait while nobody looks at the page,
// while there is no connection, and while an open menu or a selection in them would be lost; without an answer they ask
// less and less often.
const POLLS = ".updated [hx-trigger*='every ']";
const LONGEST = 120_000; // milliseconds between two tries
const failures = new Map(); // by the id of the part: how many in a row, and when to try again

const isPoll = (ctx) => ctx.sourceElement?.matches?.(POLLS) && ctx.sourceEvent?.type === "every";
const nameOf = (ctx) => ctx.sourceElement.getAttribute("hx-target") ?? ctx.sourceElement.id;

function isInUse(part) {
  if (!(part instanceof Element)) return false;
  if (part.querySelector(".dropdown-menu.show, details[data-popover][open], dialog[open], select:focus")) return true;
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && part.contains(selection.anchorNode));
}

// Only the note beside the poll: a part may have another part in it, which is on time.
function showLate(poll, isLate) {
  const note = poll.closest(".updated")?.querySelector(".updated-late");
  if (note) note.hidden = !isLate;
}

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (!isPoll(ctx)) return;
  const waitsUntil = failures.get(nameOf(ctx))?.until ?? 0;
  if (document.hidden || !navigator.onLine || Date.now() < waitsUntil || isInUse(ctx.target)) event.preventDefault();
});

// opened while the answer was on its way
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (isPoll(ctx) && isInUse(ctx.target)) event.preventDefault();
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (!isPoll(ctx)) return;
  const status = ctx.response?.raw?.status ?? 0;
  const failed = status === 0 || status >= 500;
  if (failed) {
    const count = (failures.get(nameOf(ctx))?.count ?? 0) + 1;
    failures.set(nameOf(ctx), { count, until: Date.now() + Math.min(1000 * 2 ** count, LONGEST) });
  } else failures.delete(nameOf(ctx));
  showLate(ctx.sourceElement, failed);
});

function updateAll() {
  for (const poll of document.querySelectorAll(POLLS)) poll.dispatchEvent(new CustomEvent("every"));
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) updateAll();
});

// The composer says itself that it keeps what is typed until there is a connection.
function showConnection() {
  const note = document.querySelector("#offline");
  const asks = document.querySelector(".main [hx-trigger*='every ']") && !document.querySelector("#composer");
  if (note) note.hidden = navigator.onLine || !asks;
}
window.addEventListener("offline", showConnection);
window.addEventListener("online", () => {
  showConnection();
  failures.clear();
  updateAll();
});
// the answer about the balance says that the gateway is silent
document.addEventListener("gateway-changed", updateAll);
