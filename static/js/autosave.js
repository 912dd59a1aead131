// Saves the composer's form while it is written, and loses nothing when that fails. A save counts only when the server
// answers with a version. Until then the form is kept in this browser, and leaving the page asks.
import { drop, keep, keptOf } from "./kept_drafts.js";
import { AnotherUser, SignedOut, post, renewToken } from "./session.js";

const QUIET = 2000; // milliseconds without a change before the draft is saved
const LONGEST = 30_000; // milliseconds between two tries
const NOT_CONTENT = new Set([
  "csrfmiddlewaretoken",
  "submission",
  "version",
  "draft",
  "overwrite",
  "picture",
  "library",
]);
const find = (selector, root = document) => root.querySelector(selector);
const form = find("#composer");
const messages = JSON.parse(find("#composer-messages").textContent);
const field = (name) => find(`[name=${name}]`, form);

let pageKey = field("submission").value; // the record of this page in kept_drafts.js
let dirty = "unsaved" in form.dataset;
let incomplete = false; // the server could not save every field
let saving = false;
let again = false; // another try was asked for while one was under way
let stopped = false; // after a conflict, or when this is no draft any more: only the user can decide
let leaving = false; // the form is being submitted
let uploads = 0; // under way
let failures = 0; // in a row
let timer = 0;
let pressed = null; // the submit button that waits until everything is saved

const controls = () =>
  [...form.elements].filter(
    ({ name, disabled, type }) => name && !disabled && !NOT_CONTENT.has(name) && type !== "submit",
  );
const content = () => [...new FormData(form)].filter(([name]) => !NOT_CONTENT.has(name));

const remember = () =>
  keep({
    key: pageKey,
    user: document.body.dataset.user,
    draft: field("draft").value,
    at: Date.now(),
    version: field("version").value,
    submission: field("submission").value,
    fields: content(),
  });

function show(text, isWrong, isSignedOut = false) {
  const shown = find("#saved");
  shown.textContent = text;
  shown.classList.toggle("wrong", isWrong);
  find("#sign-in").hidden = !isSignedOut;
}

function showFailure(error) {
  const isSignedOut = error instanceof SignedOut || error instanceof AnotherUser;
  const text =
    error instanceof SignedOut ? messages.signedOut : isSignedOut ? messages.anotherUser : messages.saveFailed;
  show(text, true, isSignedOut);
}

function saveAfter(wait) {
  window.clearTimeout(timer);
  if (!stopped && !leaving) timer = window.setTimeout(save, wait);
}

function changed() {
  dirty = true;
  remember();
  if (!saving) saveAfter(QUIET);
}

function accept(saved) {
  for (const name of ["version", "draft", "submission"]) field(name).value = saved[name];
  form.action = saved.edit;
  form.dataset.autosave = saved.autosave;
  if (location.pathname !== saved.edit) history.replaceState(null, "", saved.edit);
  incomplete = saved.incomplete;
  failures = 0;
  show(saved.message, false);
  if (dirty || incomplete) remember();
  else drop(pageKey);
}

// Post the form; whether the server has saved it.
async function tryToSave() {
  const data = new FormData(form);
  data.delete("picture");
  try {
    const answer = await post(form.dataset.autosave, data);
    const isJson = answer.headers.get("Content-Type")?.includes("json");
    const saved = isJson ? await answer.json() : {};
    if (answer.ok && saved.version && saved.draft) {
      accept(saved);
      return true;
    }
    stopped = [403, 404, 409].includes(answer.status);
    show(saved.message ?? (stopped ? messages.saveRefused : messages.saveFailed), true);
  } catch (error) {
    showFailure(error);
  }
  return false;
}

async function save() {
  again = saving;
  if (saving || stopped || leaving) return;
  window.clearTimeout(timer);
  dirty = false;
  saving = true;
  const isSaved = await tryToSave();
  saving = false;
  if (!isSaved) {
    dirty = true;
    failures += 1;
  }
  if ((again && !isSaved) || (pressed && isSaved && dirty)) save();
  else if (pressed && (isSaved || stopped)) submit();
  else {
    pressed = null;
    if (dirty) saveAfter(Math.min(QUIET * 2 ** failures, LONGEST));
  }
}

function submit() {
  const button = pressed;
  pressed = null;
  leaving = true;
  window.clearTimeout(timer);
  form.requestSubmit(button);
}

// Submit the form once all of it is saved, or at least once it is known that the session has not ended.
async function submitSafely() {
  if (saving || (dirty && !stopped)) {
    save();
    return;
  }
  saving = true;
  try {
    await renewToken();
  } catch (error) {
    pressed = null;
    showFailure(error);
  }
  saving = false;
  if (pressed) submit();
}

const hasUnsaved = () => dirty || saving || incomplete || uploads > 0;

// Try at once when it may work again: the network is back, the laptop wakes, the user returns from another tab.
async function retry() {
  if (failures) save();
  if (dirty || saving || find("#sign-in").hidden) return;
  try {
    await renewToken();
    show(messages.saved, false);
  } catch (error) {
    showFailure(error);
  }
}

// Tell that an upload is under way until `upload`, a promise, is settled. Leaving the page meanwhile asks.
export async function trackUpload(upload) {
  uploads += 1;
  try {
    return await upload;
  } finally {
    uploads -= 1;
  }
}

// --- what was kept before -----------------------------------------------------------------------------------------------

const asText = (fields) => JSON.stringify(fields.map(([name, value]) => [name, value.replace(/\r\n?/g, "\n").trim()]));

async function offerKept() {
  const draft = field("draft").value;
  const records = (await keptOf(document.body.dataset.user, draft)).filter(({ key }) => key !== pageKey);
  const present = asText(content());
  const offered = records.find(({ fields }) => asText(fields) !== present);
  for (const record of records) if (asText(record.fields) === present) drop(record.key);
  const notice = find("#kept");
  notice.hidden = !offered;
  if (!offered) return;
  find("#kept-at").textContent = new Date(offered.at).toLocaleString(document.documentElement.lang, {
    dateStyle: "medium", // the month in letters: nobody takes it for the day
    timeStyle: "short",
  });
  find("#kept-restore").onclick = () => {
    notice.hidden = true;
    restore(offered);
  };
  find("#kept-discard").onclick = async () => {
    await drop(offered.key);
    offerKept();
  };
}

// Fill in the form as it was kept. It goes on as the page on which it was written, so a save whose answer was lost is
// recognised, and changes of others are not overwritten.
function restore({ key, version, submission, fields }) {
  if (!dirty) drop(pageKey);
  pageKey = key;
  field("version").value = version;
  field("submission").value = submission;
  const left = [...fields];
  const take = (name, isWanted = () => true) => {
    const place = left.findIndex(([other, value]) => other === name && isWanted(value));
    return place < 0 ? undefined : left.splice(place, 1)[0][1];
  };
  for (const control of controls()) {
    if (["checkbox", "radio"].includes(control.type))
      control.checked = take(control.name, (value) => value === control.value) !== undefined;
    else control.value = take(control.name) ?? control.value;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
  form.dispatchEvent(new Event("restored"));
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

// Whether `control` was changed before this script ran, whose events nobody heard.
function isEdited(control) {
  if (["checkbox", "radio"].includes(control.type)) return control.checked !== control.defaultChecked;
  if (control.options) return [...control.options].some((option) => option.defaultSelected && !option.selected);
  return control.value !== control.defaultValue;
}

export function startAutosave() {
  form.autocomplete = "off"; // what a browser fills in after a reload is older than the draft
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  document.body.addEventListener("composed", changed);
  form.addEventListener("submit", (event) => {
    if (leaving) return;
    event.preventDefault();
    pressed = event.submitter ?? find('button[form="composer"][value="stay"]');
    submitSafely();
  });
  window.addEventListener("beforeunload", (event) => !leaving && hasUnsaved() && event.preventDefault());
  window.addEventListener("pageshow", (event) => event.persisted && (leaving = stopped = false));
  for (const kind of ["online", "focus"]) window.addEventListener(kind, retry);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && retry());
  // htmx would reload the page to show the sign-in page
  document.addEventListener("htmx:before:response", (event) => {
    if (event.detail.ctx.response.headers.get("HX-Refresh") !== "true") return;
    event.preventDefault();
    showFailure(new SignedOut());
  });
  if (controls().some(isEdited)) changed();
  else if (dirty) remember();
  offerKept();
}
