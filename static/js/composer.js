// The composer beyond what the server renders: counters as one types, merge tags from a menu, pictures at once, the
// phone on small screens, a warning before unsaved words are left. The form works whole without any of it.
import { fillPartially } from "./merge.js";
import { isReplaceable, measureSms, replaceTypography } from "./sms.js";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const form = one("#composer");
const words = JSON.parse(one("#composer-words").textContent);

// The phone and the figures listen for it: something was changed by code, not by typing.
const changed = () => document.body.dispatchEvent(new Event("composed"));

const say = (template, values) => template.replace(/%\((\w+)\)s/g, (whole, name) => values[name]);

function countText(counter, field) {
  const length = [...fillPartially(field.value.trim())].length;
  const max = Number(counter.dataset.max);
  counter.textContent = `${length} / ${max}`;
  counter.classList.toggle("near", length > max * 0.9 && length <= max);
  counter.classList.toggle("over", length > max);
}

function countSms(counter, field) {
  const taken = measureSms(fillPartially(field.value.trim()));
  const room = taken.parts > 1 ? taken.parts * taken.part : taken.room;
  const values = { encoding: taken.encoding, units: taken.units, room, parts: taken.parts };
  counter.textContent = taken.units ? say(taken.parts === 1 ? words.onePart : words.parts, values) : "";
  counter.classList.toggle("over", taken.encoding === "GSM-7" && taken.units > 765);
  counter.classList.toggle("near", taken.parts > 1);
  showCulprits(taken.culprits);
}

function showCulprits(culprits) {
  const shown = one("#culprits-shown");
  one("#culprits").hidden = !culprits.length;
  one("#culprits-replace").hidden = !culprits.some(isReplaceable);
  shown.replaceChildren(
    ...culprits.slice(0, 12).flatMap((character) => {
      const code = document.createElement("code");
      code.textContent = character === "\t" ? "⇥" : character;
      return [code, " "];
    }),
    culprits.length > 12 ? "…" : "",
  );
}

function counters() {
  for (const counter of all(".count")) {
    const field = one(`#${counter.dataset.for}`);
    const count = counter.dataset.count === "sms" ? countSms : countText;
    field.addEventListener("input", () => count(counter, field));
    count(counter, field);
  }
  const text = one("#id_sms_text");
  one("#culprits-replace").addEventListener("click", () => {
    text.value = replaceTypography(text.value);
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.focus();
  });
}

// --- merge tags ---------------------------------------------------------------------------------------------------

const chosenFields = () => [
  ...new Set(
    all('[name="lists"]:checked, [name="segments"]:checked, [name="campaigns"]')
      .filter((choice) => choice.value)
      .flatMap((choice) => choice.dataset.fields.split(" ").filter(Boolean)),
  ),
];

function insert(field, text) {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  const word = text.indexOf("|");
  if (word > 0) field.setSelectionRange(field.selectionStart - text.length + word + 1, field.selectionStart - 1);
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function fillTagMenu(menu) {
  const list = one(".dropdown-menu", menu);
  const field = one(`#${menu.dataset.target}`);
  const names = chosenFields();
  const items = names.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "dropdown-item";
    const code = document.createElement("code");
    code.textContent = `{${name}}`;
    button.append(code);
    button.addEventListener("click", () => insert(field, `{${name}|${list.dataset.word}}`));
    return button;
  });
  const nothing = document.createElement("span");
  nothing.className = "tag-nothing";
  nothing.textContent = list.dataset.nothing;
  list.replaceChildren(...(items.length ? items : [nothing]));
}

function tagMenus() {
  const menus = all(".tag-menu");
  for (const menu of menus) {
    menu.hidden = one(`#${menu.dataset.target}`).disabled;
    menu.addEventListener("show.bs.dropdown", () => fillTagMenu(menu));
  }
}

// --- pictures -------------------------------------------------------------------------------------------------------

// The part to cut out, chosen in a dialog: per cent of the picture, or null where somebody goes back. Where the picture
// can't be shown the server says what is wrong with it.
async function choosePart(file) {
  const dialog = one("#crop");
  const { default: Cropper } = await import(one("#picture-field").dataset.cropper);
  const image = new Image();
  try {
    image.src = await new Promise((done, failed) => {
      const reader = new FileReader();
      reader.addEventListener("load", () => done(reader.result));
      reader.addEventListener("error", failed);
      reader.readAsDataURL(file);
    });
    await image.decode();
  } catch {
    return {};
  }
  if (image.naturalWidth === image.naturalHeight) return {};
  const stage = one("#crop-stage");
  stage.replaceChildren(image);
  dialog.showModal();
  const cropper = new Cropper(image, { container: stage, template: one("#crop-template").innerHTML });
  const selection = await wholeSquare(cropper);
  const answer = await new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue), { once: true });
    one("#crop-yes").addEventListener("click", () => done(part(cropper, selection)), { once: true });
  });
  stage.replaceChildren();
  if (dialog.open) dialog.close("");
  return typeof answer === "object" ? answer : null;
}

// The largest square in the middle, that can't be dragged out of the picture.
async function wholeSquare(cropper) {
  const selection = cropper.getCropperSelection();
  await cropper.getCropperImage().$ready();
  await new Promise(requestAnimationFrame);
  cropper.getCropperImage().$center("contain");
  await new Promise(requestAnimationFrame);
  const whole = cropper.getCropperImage().getBoundingClientRect();
  const stage = cropper.getCropperCanvas().getBoundingClientRect();
  const [left, top, side] = [whole.left - stage.left, whole.top - stage.top, Math.min(whole.width, whole.height)];
  selection.$change(left + (whole.width - side) / 2, top + (whole.height - side) / 2, side, side);
  selection.addEventListener("change", (event) => {
    const { x, y, width, height } = event.detail;
    const inside =
      x > left - 1 && y > top - 1 && x + width < left + whole.width + 1 && y + height < top + whole.height + 1;
    if (!inside) event.preventDefault();
  });
  return selection;
}

function part(cropper, selection) {
  const whole = cropper.getCropperImage().getBoundingClientRect();
  const chosen = selection.getBoundingClientRect();
  const within = (share) => Math.min(100, Math.max(0, 100 * share)).toFixed(3);
  return {
    crop_left: within((chosen.left - whole.left) / whole.width),
    crop_top: within((chosen.top - whole.top) / whole.height),
    crop_side: Math.max(1, within(chosen.width / Math.min(whole.width, whole.height))),
  };
}

async function upload(file) {
  const field = one("#picture-field");
  const drop = one("#picture-drop");
  const error = one("#picture-error");
  const data = new FormData();
  data.append("picture", file);
  if (one("#id_square").checked) {
    const chosen = await choosePart(file);
    if (chosen === null) {
      one("#id_picture").value = "";
      return;
    }
    data.append("square", "on");
    for (const [name, value] of Object.entries(chosen)) data.append(name, value);
  }
  data.append("csrfmiddlewaretoken", one("[name=csrfmiddlewaretoken]", form).value);
  drop.setAttribute("aria-busy", "true");
  error.textContent = "";
  try {
    const answer = await fetch(field.dataset.upload, { method: "POST", body: data });
    const text = await answer.text();
    if (answer.ok) {
      one("#picture-chosen").innerHTML = text; // rendered and escaped by our own server
      one("#id_image_url").value = "";
      changed();
    } else {
      error.textContent = answer.status === 422 ? text : words.uploadFailed;
    }
  } catch {
    error.textContent = words.uploadFailed;
  }
  drop.removeAttribute("aria-busy");
  one("#id_picture").value = "";
}

function choosePicture(name, image) {
  const box = one("#picture-chosen");
  one("#id_image", box).value = name;
  const figure = document.createElement("figure");
  figure.className = "picture-thumb";
  const copy = document.createElement("img");
  copy.src = image.src;
  copy.alt = image.alt;
  figure.append(copy);
  one("figure", box)?.remove();
  box.append(figure);
  one("#id_image_url").value = "";
  changed();
}

function pictures() {
  const input = one("#id_picture");
  const drop = one("#picture-drop");
  input.addEventListener("change", () => input.files[0] && upload(input.files[0]));
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  for (const radio of all('input[name="library"]')) {
    radio.addEventListener("change", () => choosePicture(radio.value, one("img", radio.parentElement)));
  }
}

// --- the phone, the cards, leaving ------------------------------------------------------------------------------------

function phone() {
  const panel = one("#phone");
  const button = one("#phone-open");
  const set = (open) => {
    panel.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
    (open ? one("#phone-close") : button).focus();
  };
  button.addEventListener("click", () => set(true));
  one("#phone-close").addEventListener("click", () => set(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.classList.contains("open")) set(false);
  });
  const whose = one("#whose");
  const number = one("#whose_phone");
  const show = () => (number.hidden = whose.value !== "phone");
  whose.addEventListener("change", show);
  show();
}

// A link to a field opens the card that it stands in.
function links() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#id_"]');
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    link.closest(".bar-list")?.removeAttribute("open");
    (target.matches("input, textarea, select") ? target : (one("input", target) ?? target)).focus();
  });
}

function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 3600), words.hours],
    [Math.floor((seconds % 3600) / 60), words.minutes],
    [seconds % 60, words.seconds],
  ];
  return parts
    .filter(([n]) => n)
    .map(([n, text]) => say(text, { n }))
    .join(" ");
}

function validity() {
  const field = one("#id_validity");
  const shown = one("#validity-words");
  const show = () => (shown.textContent = Number(field.value) > 0 ? `= ${duration(Number(field.value))}` : "");
  field.addEventListener("input", show);
  show();
}

// --- saving by itself ---------------------------------------------------------------------------------------------------

const QUIET = 2000; // milliseconds without a key before what is written is saved
let dirty = Boolean(one("#form-errors"));
let stopped = false; // somebody else saved the draft: nothing is overwritten
let timer = 0;
let saving = false;
let pressed = null; // the button of a form that waits until what is being saved is saved

function mark() {
  dirty = true;
  window.clearTimeout(timer);
  if (!stopped) timer = window.setTimeout(save, QUIET);
}

const body = () => {
  const data = new FormData(form);
  data.delete("picture");
  return data;
};

async function save() {
  if (saving || stopped) return;
  const shown = one("#saved");
  dirty = false;
  saving = true;
  try {
    const answer = await fetch(form.dataset.autosave, { method: "POST", body: body() });
    const said = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    if (answer.ok) {
      one("[name=version]", form).value = said.version;
      one("[name=draft]", form).value = said.draft;
      form.action = said.edit;
      form.dataset.autosave = said.autosave;
      if (location.pathname !== said.edit) history.replaceState(null, "", said.edit);
    } else {
      dirty = true;
      stopped = answer.status === 409;
    }
    shown.textContent = said.words ?? words.saveFailed;
    shown.classList.toggle("wrong", !answer.ok);
  } catch {
    dirty = true;
    shown.textContent = words.saveFailed;
  }
  saving = false;
  if (pressed) form.requestSubmit(pressed);
  else if (dirty && !stopped) mark();
}

// What is on its way gives the draft another version: the form goes off when that is known.
function leaving() {
  form.addEventListener("input", mark);
  form.addEventListener("change", mark);
  document.body.addEventListener("composed", mark);
  form.addEventListener("submit", (event) => {
    if (saving) {
      event.preventDefault();
      pressed = event.submitter ?? one('button[form="composer"][value="stay"]');
      return;
    }
    window.clearTimeout(timer);
    dirty = false;
    stopped = true;
  });
  window.addEventListener("beforeunload", (event) => dirty && event.preventDefault());
}

// --- sending hours -------------------------------------------------------------------------------------------------

// On for promotional messages, off for transactional ones, until somebody says otherwise.
function hours() {
  const ends = [one("#id_sends_from"), one("#id_sends_until")];
  const day = one("#hours").dataset.day.split("-");
  for (const kind of all('input[name="promotional"]')) {
    kind.addEventListener("change", () => {
      const from = kind.value === "True" ? ["", ""] : day;
      const to = kind.value === "True" ? day : ["", ""];
      if (ends.every((end, place) => end.value === from[place])) ends.forEach((end, place) => (end.value = to[place]));
    });
  }
}

counters();
tagMenus();
hours();
pictures();
phone();
links();
validity();
leaving();
