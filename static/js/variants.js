// The variants of a message in the composer: added as copies of A, removed, and chosen for the preview. The blocks of B,
// C and D are all on the page; what is not part of the message is hidden and disabled, so it is not sent.
const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const PARTS = ["text", "button_caption", "button_url", "image", "image_url"];

const part = (block, name) => find(`[name="variant_${block.dataset.variant}_${name}"]`, block);

function fill(block, { image_file: file, ...values }) {
  for (const [name, value] of Object.entries(values)) {
    const field = part(block, name);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  chooseFile(block, file);
  showImage(block);
}

const read = (block) => ({
  ...Object.fromEntries(PARTS.map((name) => [name, part(block, name).value])),
  image_file: find(".library input:checked", block)?.value ?? "",
});

// Choose an image of the library by its file; one that was uploaded for another variant is offered here too.
function chooseFile(block, file) {
  const offered = findAll(".library input", block);
  for (const radio of offered) radio.checked = radio.value === file;
  if (!file || offered.some((radio) => radio.checked)) return;
  const elsewhere = findAll("[data-variant] .library input").find((radio) => radio.value === file);
  if (elsewhere) offer(block, file, find("img", elsewhere.parentElement).src);
}

// Offer an image of the library, chosen.
function offer(block, file, source) {
  const radio = document.createElement("input");
  Object.assign(radio, { type: "radio", name: find(".variant-library", block).dataset.name, value: file });
  const image = document.createElement("img");
  Object.assign(image, { src: source, alt: file, width: 72, height: 72 });
  const label = document.createElement("label");
  label.className = "library-item";
  label.append(radio, image);
  const item = document.createElement("li");
  item.append(label);
  find(".library", block).prepend(item);
  radio.checked = true;
}

// `send` uploads a file and returns the chosen image as HTML, or the error as a text.
async function upload(block, input, send, changed) {
  const error = find("[data-upload-error]", block);
  error.textContent = "";
  const { html, problem } = await send(input.files[0]);
  input.value = "";
  if (problem) error.textContent = problem;
  if (!html) return;
  const answer = new DOMParser().parseFromString(html, "text/html");
  offer(block, find("#id_image", answer).value, find("img", answer).src);
  changed();
}

const ofA = () => ({
  text: find("#id_text").value,
  button_caption: find("#id_button_caption").value,
  button_url: find("#id_button_url").value,
  image: "same",
  image_url: "",
  image_file: "",
});

const NOTHING = { text: "", button_caption: "", button_url: "", image: "same", image_url: "", image_file: "" };

function showImage(block) {
  const { value } = part(block, "image");
  find(".variant-address", block).hidden = value !== "url";
  find(".variant-library", block).hidden = value !== "library";
}

function show(block, isThere) {
  block.hidden = block.disabled = !isThere;
}

// The variant that the preview shows.
function choose(letter) {
  const choice = find(`#phone-variants [value="${letter}"]`);
  if (choice.checked) return;
  choice.checked = true;
  choice.dispatchEvent(new Event("input", { bubbles: true }));
}

export function variants(changed, send) {
  const blocks = findAll("[data-variant]");
  const add = find("#variant-add");
  const there = () => blocks.filter((block) => !block.hidden);

  const update = () => {
    const letters = ["A", ...there().map((block) => block.dataset.variant)];
    const switches = find("#phone-variants");
    switches.hidden = letters.length === 1;
    for (const choice of findAll("input", switches)) {
      choice.parentElement.hidden = !letters.includes(choice.value);
      if (choice.checked && choice.parentElement.hidden) choose("A");
    }
    add.hidden = letters.length > blocks.length;
    const rule = find("#variant-rule");
    rule.hidden = letters.length === 1;
    find(".variant-test", rule).hidden = !find('[name="variant_split"][value="test"]').checked;
    blocks.forEach(showImage);
  };

  const remove = (block) => {
    const shown = there();
    // the letters stay without a gap
    for (let place = shown.indexOf(block); place < shown.length - 1; place += 1) {
      fill(shown[place], read(shown[place + 1]));
    }
    const last = shown.at(-1);
    fill(last, NOTHING);
    show(last, false);
    update();
    changed();
    add.focus();
  };

  add.addEventListener("click", () => {
    const block = blocks.find((each) => each.hidden);
    show(block, true);
    fill(block, ofA());
    update();
    choose(block.dataset.variant);
    changed();
    part(block, "text").focus();
  });
  for (const block of blocks) {
    const button = find(".variant-remove", block);
    button.hidden = false;
    button.addEventListener("click", () => remove(block));
    block.addEventListener("focusin", (event) => event.target !== button && choose(block.dataset.variant));
    part(block, "image").addEventListener("change", () => showImage(block));
    const input = find("[data-variant-upload]", block);
    input.addEventListener("change", () => input.files[0] && upload(block, input, send, changed));
  }
  find("#card-message").addEventListener("focusin", () => choose("A"));
  for (const split of findAll('[name="variant_split"]')) split.addEventListener("change", update);
  // what a browser kept of a variant that the page had not
  find("#composer").addEventListener("restored", () => {
    for (const block of blocks) if (part(block, "text").value) show(block, true);
    update();
  });
  update();
}
