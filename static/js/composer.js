// The composer beyond what the server renders: counters while typing, a menu of merge tags, immediate image uploads, the
// preview on small screens, and autosave. The form works without any of it.
import { startAutosave, trackUpload } from "./autosave.js";
import { fillPartially } from "./merge.js";
import "./picker.js";
import { AnotherUser, SignedOut, post } from "./session.js";
import { withPages, withShortLinks } from "./short_links.js";
import { measureSms, replaceTypography, shownCharacter } from "./sms.js";
import { variants } from "./variants.js";
import { formatBars, insert } from "./writing.js";

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const form = find("#composer");
const messages = JSON.parse(find("#composer-messages").textContent);

// Tells the preview and the metrics that a script changed the form.
const changed = () => document.body.dispatchEvent(new Event("composed"));

const format = (template, values) => template.replace(/%\((\w+)\)s/g, (all, name) => values[name]);

// The text of a field as it is sent: with fallback values and short links.
function sent(text) {
  const isOn = find('[name="track_links"][value="True"]')?.checked;
  const untracked = new Set(findAll('[name="untracked_links"]:checked').map((choice) => choice.value));
  const { base } = find("#tracking").dataset;
  return fillPartially(withPages(withShortLinks(text.trim(), isOn ? base : "", untracked), base));
}

function countText(counter, field) {
  const length = [...sent(field.value)].length;
  const max = Number(counter.dataset.max);
  counter.textContent = `${length} / ${max}`;
  counter.classList.toggle("near", length > max * 0.9 && length <= max);
  counter.classList.toggle("over", length > max);
}

// "61/70 characters · 1 SMS (Cyrillic)"
function countSms(counter, field) {
  const { encoding, units, parts, culprits, room, part } = measureSms(sent(field.value));
  const { basic, cyrillic, special } = counter.dataset;
  const template = encoding === "GSM-7" ? basic : culprits.some(isCyrillic) ? cyrillic : special;
  const max = parts > 1 ? parts * part : room;
  counter.textContent = units ? format(template, { units, max, parts }) : "";
  counter.classList.toggle("over", encoding === "GSM-7" && units > 765);
  counter.classList.toggle("near", parts > 1);
  const named = culprits.some(isOtherScript) ? [] : culprits;
  showCulprits(named);
  offerReplacement(field, parts);
  find("#culprits").hidden = !named.length && find("#culprits-replace").hidden;
}

const isCyrillic = (character) => /\p{Script=Cyrillic}/u.test(character);
// A text in another script needs UCS-2 whatever else is in it: no single character is to blame.
const isOtherScript = (character) => /\p{L}/u.test(character) && !/\p{Script=Latin}/u.test(character);

function showCulprits(culprits) {
  const shown = find("#culprits-shown");
  shown.parentElement.hidden = !culprits.length;
  shown.replaceChildren(
    ...culprits.slice(0, 12).flatMap((character) => {
      const code = document.createElement("code");
      code.textContent = shownCharacter(character, messages.invisible);
      return [code, " "];
    }),
    culprits.length > 12 ? "…" : "",
  );
}

// The button says how many parts it saves; there is none where replacing wins nothing.
function offerReplacement(field, parts) {
  const button = find("#culprits-replace");
  const plain = replaceTypography(field.value);
  button.hidden = plain === field.value.normalize("NFC");
  const saved = parts - measureSms(sent(plain)).parts;
  button.textContent = format(saved ? messages.replaceSaving : messages.replace, { saved });
}

function counters() {
  for (const counter of findAll(".count")) {
    const field = find(`#${counter.dataset.for}`);
    const count = counter.dataset.count === "sms" ? countSms : countText;
    field.addEventListener("input", () => count(counter, field));
    find("#tracking").addEventListener("change", () => count(counter, field));
    count(counter, field);
  }
  const text = find("#id_sms_text");
  find("#culprits-replace").addEventListener("click", () => {
    text.value = replaceTypography(text.value);
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.focus();
  });
}

// The limits of fields, in characters. `maxlength` would count an emoji as two or more.
function limits() {
  for (const field of findAll("[data-maxlength]", form)) {
    const cut = () => {
      const characters = [...field.value];
      const max = Number(field.dataset.maxlength);
      if (characters.length > max) field.value = characters.slice(0, max).join("");
    };
    field.addEventListener("input", (event) => event.isComposing || cut());
    field.addEventListener("compositionend", cut);
  }
}

// --- merge tags ---------------------------------------------------------------------------------------------------

const chosenFields = () => [
  ...new Set(
    findAll('[name="lists"]:checked, [name="segments"]:checked, [name="campaigns"]')
      .filter((choice) => choice.value)
      .flatMap((choice) => choice.dataset.fields.split(" ").filter(Boolean)),
  ),
];

function fillTagMenu(menu) {
  const list = find(".dropdown-menu", menu);
  const field = find(`#${menu.dataset.target}`);
  const item = (name, tag, label = "") => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "dropdown-item";
    const code = document.createElement("code");
    code.textContent = `{${name}}`;
    button.append(code, label);
    button.addEventListener("click", () => insert(field, tag));
    return button;
  };
  const items = chosenFields().map((name) => item(name, `{${name}|${list.dataset.fallback}}`));
  const pages = [
    ["unsubscribe", list.dataset.optOut],
    ["preferences", list.dataset.preferences],
  ].filter(([, label]) => label);
  const nothing = document.createElement("span");
  nothing.className = "tag-nothing";
  nothing.textContent = list.dataset.nothing;
  list.replaceChildren(
    ...(items.length ? items : [nothing]),
    ...pages.map(([name, label]) => item(name, `{${name}}`, ` ${label}`)),
  );
}

function tagMenus() {
  const menus = findAll(".tag-menu");
  for (const menu of menus) {
    menu.hidden = find(`#${menu.dataset.target}`).disabled;
    menu.addEventListener("show.bs.dropdown", () => fillTagMenu(menu));
  }
}

// A problem that a click mends: a part of a field's text is replaced. UTM parameters belong to the link.
function fixes() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".problem-fix");
    if (!button) return;
    const { field, written, by } = button.dataset;
    const fields = field === "id_button_url" ? findAll(`#${field}, [name^="utm_"]`) : [find(`#${field}`)];
    for (const text of fields.filter((each) => each.value.includes(written))) {
      text.value = text.value.replaceAll(written, () => by);
      text.dispatchEvent(new Event("input", { bubbles: true }));
    }
    button.remove();
  });
}

// The figures are drawn anew as soon as a field is left, even if it is left to open their list of problems.
function openLists() {
  let open = [];
  document.addEventListener("htmx:before:swap", () => {
    open = findAll(".bar-list[open]").map((list) => list.className);
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const list of findAll(".bar-list")) if (open.includes(list.className)) list.open = true;
  });
}

// --- images ---------------------------------------------------------------------------------------------------------

// The crop area in per cent of the image, as chosen in the dialog; null if the dialog was cancelled, {} if there is
// nothing to choose: the image is square, or the browser can't show it. Then the server crops it to its middle, as it
// does with HEIC in most browsers, or says why it can't.
async function chooseCrop(file) {
  const dialog = find("#crop");
  const { default: Cropper } = await import(find("#picture-field").dataset.cropper);
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
  const stage = find("#crop-stage");
  stage.replaceChildren(image);
  dialog.showModal();
  const cropper = new Cropper(image, { container: stage, template: find("#crop-template").innerHTML });
  const selection = await selectSquare(cropper);
  const answer = await new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue), { once: true });
    find("#crop-yes").addEventListener("click", () => done(cropArea(cropper, selection)), { once: true });
  });
  stage.replaceChildren();
  if (dialog.open) dialog.close("");
  return typeof answer === "object" ? answer : null;
}

// Selects the largest centred square and keeps the selection inside the image.
async function selectSquare(cropper) {
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

function cropArea(cropper, selection) {
  const whole = cropper.getCropperImage().getBoundingClientRect();
  const chosen = selection.getBoundingClientRect();
  const within = (share) => Math.min(100, Math.max(0, 100 * share)).toFixed(3);
  return {
    crop_left: within((chosen.left - whole.left) / whole.width),
    crop_top: within((chosen.top - whole.top) / whole.height),
    crop_side: Math.max(1, within(chosen.width / Math.min(whole.width, whole.height))),
  };
}

// Add a file to the library: the chosen image as `html`, or the `problem`; neither if the user cancelled.
async function sendImage(file) {
  const data = new FormData();
  data.append("picture", file);
  if (find("#id_square").checked) {
    const crop = await chooseCrop(file);
    if (crop === null) return {};
    data.append("square", "on");
    for (const [name, value] of Object.entries(crop)) data.append(name, value);
  }
  try {
    const answer = await trackUpload(post(find("#picture-field").dataset.upload, data));
    const text = await answer.text();
    if (answer.ok) return { html: text };
    return { problem: answer.status === 422 ? text : messages.uploadFailed };
  } catch (failure) {
    const isSignedOut = failure instanceof SignedOut || failure instanceof AnotherUser;
    return { problem: isSignedOut ? messages.signedOut : messages.uploadFailed };
  }
}

async function uploadImage(file) {
  const drop = find("#picture-drop");
  drop.setAttribute("aria-busy", "true");
  find("#picture-error").textContent = "";
  const { html, problem } = await sendImage(file);
  if (problem) find("#picture-error").textContent = problem;
  if (html) {
    find("#picture-chosen").innerHTML = html; // rendered and escaped by our own server
    find("#id_image_url").value = "";
    changed();
  }
  drop.removeAttribute("aria-busy");
  find("#id_picture").value = "";
}

function chooseFromLibrary(name, image) {
  const box = find("#picture-chosen");
  find("#id_image", box).value = name;
  const figure = document.createElement("figure");
  figure.className = "picture-thumb";
  const copy = document.createElement("img");
  copy.src = image.src;
  copy.alt = image.alt;
  figure.append(copy);
  find("figure", box)?.remove();
  box.append(figure);
  find("#id_image_url").value = "";
  changed();
}

// After changes were restored, the image shown is the one that is chosen.
function showRestoredImage() {
  const box = find("#picture-chosen");
  const { value } = find("#id_image", box);
  const offered = findAll('input[name="library"]').find((radio) => radio.value === value);
  if (value && offered) chooseFromLibrary(value, find("img", offered.parentElement));
  else if (!value) find("figure", box)?.remove();
}

function images() {
  form.addEventListener("restored", showRestoredImage);
  const input = find("#id_picture");
  const drop = find("#picture-drop");
  input.addEventListener("change", () => input.files[0] && uploadImage(input.files[0]));
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  for (const radio of findAll('input[name="library"]')) {
    radio.addEventListener("change", () => chooseFromLibrary(radio.value, find("img", radio.parentElement)));
  }
}

// --- preview, cards, links to fields ----------------------------------------------------------------------------------

function phone() {
  const panel = find("#phone");
  const button = find("#phone-open");
  const set = (open) => {
    panel.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
    (open ? find("#phone-close") : button).focus();
  };
  button.addEventListener("click", () => set(true));
  find("#phone-close").addEventListener("click", () => set(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.classList.contains("open")) set(false);
  });
  const recipient = find("#recipient");
  const number = find("#recipient_phone");
  const show = () => (number.hidden = recipient.value !== "phone");
  recipient.addEventListener("change", show);
  show();
}

// A link to a field opens the card of the field.
function links() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#id_"]');
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    link.closest(".bar-list")?.removeAttribute("open");
    (target.matches("input, textarea, select") ? target : (find("input", target) ?? target)).focus();
  });
}

function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 3600), messages.hours],
    [Math.floor((seconds % 3600) / 60), messages.minutes],
    [seconds % 60, messages.seconds],
  ];
  return parts
    .filter(([n]) => n)
    .map(([n, text]) => format(text, { n }))
    .join(" ");
}

function validity() {
  const field = find("#id_validity");
  const shown = find("#validity-duration");
  const show = () => (shown.textContent = Number(field.value) > 0 ? `= ${duration(Number(field.value))}` : "");
  field.addEventListener("input", show);
  show();
}

// --- sending hours -------------------------------------------------------------------------------------------------

// On for promotional messages and off for transactional ones, until the user changes them.
function sendingHours() {
  const ends = [find("#id_sends_from"), find("#id_sends_until")];
  const day = find("#hours").dataset.day.split("-");
  for (const kind of findAll('input[name="promotional"]')) {
    kind.addEventListener("change", () => {
      const from = kind.value === "True" ? ["", ""] : day;
      const to = kind.value === "True" ? day : ["", ""];
      if (ends.every((end, place) => end.value === from[place])) ends.forEach((end, place) => (end.value = to[place]));
    });
  }
}

limits();
counters();
tagMenus();
formatBars();
fixes();
openLists();
sendingHours();
images();
phone();
links();
validity();
variants(changed, sendImage);
startAutosave();
