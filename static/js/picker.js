// A searchable picker in the place of long choices: <ul data-picker> with a check box or a select in each item, and
// <select data-picker>. They stay the fields of the form, hidden; without this script they are what the user sees.
const LEAST = 8; // what has fewer choices is seen at one look
const SHOWN = 40; // hits at a time
const ACCENTS = /[\u0300-\u036f]/gu;
const find = (selector, root) => root.querySelector(selector);
const format = (text, values) => text.replace(/%\((\w+)\)s/g, (all, name) => values[name]);
const shownNumber = (n) => n.toLocaleString(document.documentElement.lang);

// As `fold` of campaigns/shared/text.py, and without accents: "cafe" finds "Café".
const fold = (text) =>
  text.replaceAll("\u0130", "i").normalize("NFD").replace(ACCENTS, "").toLowerCase().replaceAll("\u03c2", "\u03c3");

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function setValue(select, value) {
  select.value = value;
  for (const kind of ["input", "change"]) select.dispatchEvent(new Event(kind, { bubbles: true }));
}

// A choice is {name, note, count, isChosen(), set(isChosen)}. After one of many, users often choose another. `row` is an
// item that is shown while it is chosen, because its select says more than that.
function choiceOfItem(item) {
  const field = find("input, select", item);
  const label = find(".list-pick-name", item);
  const choice = {
    name: label.firstChild.textContent.trim(),
    note: find(".list-pick-count, small", item)?.textContent.trim() ?? "",
    count: field.dataset.count,
  };
  if (field.type === "checkbox")
    return {
      ...choice,
      isOneOfMany: true,
      isChosen: () => field.checked,
      set: (is) => field.checked !== is && field.click(),
    };
  const first = [...field.options].find(({ value }) => value).value;
  return { ...choice, row: item, isChosen: () => field.value !== "", set: (is) => setValue(field, is ? first : "") };
}

function choicesOf(source) {
  if (source.tagName === "UL") return [...source.children].map(choiceOfItem);
  const [empty] = [...source.options].filter(({ value }) => !value);
  return [...source.options]
    .filter(({ value }) => value)
    .map((option) => ({
      name: option.text.trim(),
      note: option.dataset.count ? shownNumber(Number(option.dataset.count)) : "",
      isFixed: !empty,
      isChosen: () => option.selected,
      set: (is) => setValue(source, is || !empty ? option.value : ""),
    }));
}

class Picker {
  constructor(source, place) {
    this.source = source;
    this.texts = find("#picker", document).dataset;
    this.choices = choicesOf(source).map((choice) => ({ ...choice, folded: fold(choice.name) }));
    this.box = find("#picker", document).content.firstElementChild.cloneNode(true);
    for (const part of ["chips", "search", "menu", "hits", "more", "summary", "status"])
      this[part] = find(`.picker-${part}`, this.box);
    this.hits.id = `picker-${place}`;
    this.hits.setAttribute("aria-multiselectable", String(source.tagName === "UL"));
    this.summary.id = `picker-${place}-summary`;
    this.search.setAttribute("aria-controls", this.hits.id);
    this.search.setAttribute("aria-describedby", this.summary.id);
    this.active = null;
  }

  start() {
    const { source, search, box } = this;
    const [empty] = source.options ? [...source.options].filter(({ value }) => !value) : [];
    search.placeholder = empty?.text ?? source.dataset.search;
    this.takeLabel();
    const isWrong = source.matches(".is-invalid, [aria-invalid='true']");
    search.classList.toggle("is-invalid", isWrong);
    search.setAttribute("aria-invalid", String(isWrong));
    const hadFocus = source.contains(document.activeElement);
    source.before(box);
    source.hidden = true;
    this.addRemoveButtons();
    this.draw();
    this.listen();
    if (hadFocus) search.focus();
  }

  takeLabel() {
    const label = this.source.labels?.[0];
    this.search.setAttribute("aria-label", this.source.dataset.search);
    if (!label) return;
    this.search.id = `${this.source.id}_search`;
    label.htmlFor = this.search.id;
    this.search.removeAttribute("aria-label");
  }

  listen() {
    const { source, search } = this;
    let isWaiting = false;
    const drawSoon = () => {
      if (!isWaiting) queueMicrotask(() => (isWaiting = this.draw()));
      isWaiting = true;
    };
    for (const kind of ["input", "change"]) {
      source.addEventListener(kind, drawSoon);
      search.addEventListener(kind, (event) => event.stopPropagation()); // it is no field of the form
    }
    window.addEventListener("pageshow", drawSoon);
    search.addEventListener("input", () => this.open());
    search.addEventListener("click", () => this.open());
    search.addEventListener("keydown", (event) => this.typed(event) && event.preventDefault());
    this.menu.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the field
    this.hits.addEventListener("click", ({ target }) => this.toggle(target.closest("[role=option]")));
    this.box.addEventListener("focusout", ({ relatedTarget }) => this.box.contains(relatedTarget) || this.close());
    this.chips.addEventListener("click", ({ target }) => this.dropChip(target.closest("button")));
    this.chips.addEventListener("keydown", (event) => this.typedAtChip(event) && event.preventDefault());
  }

  // --- what is chosen ------------------------------------------------------------------------------------------------

  chosen() {
    return this.choices.filter((choice) => choice.isChosen());
  }

  draw() {
    const chosen = this.chosen();
    for (const { row } of this.choices) if (row) row.hidden = !chosen.some((choice) => choice.row === row);
    if (this.choices[0].row) this.source.hidden = !chosen.length;
    this.chips.replaceChildren(...chosen.filter(({ row }) => !row).map((choice) => this.chipOf(choice)));
    this.chips.hidden = !this.chips.children.length;
    this.summary.textContent = this.summarise(chosen);
    for (const option of this.hits.children)
      option.setAttribute("aria-selected", String(this.choices[option.dataset.place].isChosen()));
    return false;
  }

  // "3 lists, 61,204 contacts"
  summarise(chosen) {
    const { one, many } = this.source.dataset;
    if (!many) return "";
    if (!chosen.length) return format(this.texts.none, { total: shownNumber(this.choices.length) });
    const named = format(chosen.length === 1 ? one : many, { n: shownNumber(chosen.length) });
    if (chosen.some(({ count }) => count === undefined)) return named;
    const contacts = chosen.reduce((sum, { count }) => sum + Number(count), 0);
    return `${named}, ${format(contacts === 1 ? this.texts.contact : this.texts.contacts, { n: shownNumber(contacts) })}`;
  }

  removeButton(choice) {
    const button = element("button", "picker-remove", "×");
    button.type = "button";
    button.tabIndex = -1; // the arrow keys lead to it
    button.ariaLabel = format(this.texts.remove, choice);
    return button;
  }

  chipOf(choice) {
    const chip = element("li", "chip picker-chip");
    chip.append(element("span", "list-pick-name", choice.name));
    if (choice.note) chip.append(element("span", "list-pick-count", choice.note));
    if (!choice.isFixed) {
      const button = this.removeButton(choice);
      button.dataset.place = this.choices.indexOf(choice);
      chip.append(button);
    }
    return chip;
  }

  addRemoveButtons() {
    for (const choice of this.choices.filter(({ row }) => row)) {
      const button = this.removeButton(choice);
      choice.row.classList.add("picker-row");
      choice.row.append(button);
      button.addEventListener("click", () => {
        this.drop(choice);
        this.search.focus();
      });
    }
  }

  drop(choice) {
    if (!choice || choice.isFixed) return;
    choice.set(false);
    this.draw();
    this.status.textContent = format(this.texts.removed, choice);
  }

  dropChip(button) {
    if (!button) return;
    this.drop(this.choices[button.dataset.place]);
    this.search.focus();
  }

  // --- what can be chosen ----------------------------------------------------------------------------------------------

  open() {
    const words = fold(this.search.value).split(/\s+/).filter(Boolean);
    const found = this.choices.filter(({ folded }) => words.every((word) => folded.includes(word)));
    this.hits.replaceChildren(...found.slice(0, SHOWN).map((choice) => this.optionOf(choice)));
    const shown = { n: shownNumber(Math.min(found.length, SHOWN)), total: shownNumber(found.length) };
    this.more.textContent = found.length ? format(this.texts.more, shown) : this.texts.nothing;
    this.more.hidden = found.length > 0 && found.length <= SHOWN;
    this.status.textContent = found.length ? format(this.texts.found, shown) : this.texts.nothing;
    this.menu.hidden = false;
    this.search.ariaExpanded = "true";
    this.activate(words.length ? this.hits.firstElementChild : null);
    this.menu.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.menu.hidden = true;
    this.search.ariaExpanded = "false";
    this.search.value = "";
    this.activate(null);
  }

  optionOf(choice) {
    const option = element("div", "picker-hit");
    option.role = "option";
    option.dataset.place = this.choices.indexOf(choice);
    option.id = `${this.hits.id}-${option.dataset.place}`;
    option.ariaSelected = String(choice.isChosen());
    option.append(element("span", "list-pick-name", choice.name), element("span", "list-pick-count", choice.note));
    return option;
  }

  activate(option) {
    this.active?.classList.remove("active");
    this.active = option ?? null;
    this.active?.classList.add("active");
    this.active?.scrollIntoView({ block: "nearest" });
    if (this.active) this.search.setAttribute("aria-activedescendant", this.active.id);
    else this.search.removeAttribute("aria-activedescendant");
  }

  toggle(option) {
    if (!option) return;
    const choice = this.choices[option.dataset.place];
    const is = !choice.isChosen();
    if (!is) this.drop(choice);
    else {
      choice.set(true);
      this.draw();
      this.status.textContent = format(this.texts.chosen, choice);
    }
    if (choice.isOneOfMany) this.search.select();
    else this.close();
  }

  // --- keys --------------------------------------------------------------------------------------------------------------

  step(by) {
    if (this.menu.hidden) this.open();
    const options = [...this.hits.children];
    const place = this.active ? options.indexOf(this.active) + by : by > 0 ? 0 : options.length - 1;
    this.activate(options[Math.min(Math.max(place, 0), options.length - 1)]);
  }

  escape(event) {
    if (this.menu.hidden) return false;
    event.stopPropagation(); // it closes this menu alone
    this.close();
    return true;
  }

  // Whether the key was one of the picker's.
  typed(event) {
    const { key, isComposing } = event;
    if (isComposing) return false;
    if (key === "ArrowDown") this.step(1);
    else if (key === "ArrowUp") this.step(-1);
    else if (key === "Enter") this.toggle(this.active);
    else if (key === "Escape") return this.escape(event);
    else if (this.search.value) return false;
    else if (key === "Backspace") this.drop(this.chosen().at(-1));
    else if (key === "ArrowLeft") [...this.box.querySelectorAll(".picker-chip button")].at(-1)?.focus();
    else return false;
    return true;
  }

  typedAtChip({ key, target }) {
    const buttons = [...this.chips.querySelectorAll("button")];
    const place = buttons.indexOf(target);
    if (key === "ArrowLeft") buttons[Math.max(place - 1, 0)].focus();
    else if (key === "ArrowRight") (buttons[place + 1] ?? this.search).focus();
    else if (["Backspace", "Delete"].includes(key)) this.dropChip(target);
    else if (key === "Escape") this.search.focus();
    else return false;
    return true;
  }
}

let started = 0;

export function startPickers(root = document) {
  for (const source of root.querySelectorAll("[data-picker]")) {
    const { length } = source.options ?? source.children;
    if (length < LEAST) continue;
    new Picker(source, (started += 1)).start();
    delete source.dataset.picker;
  }
}

startPickers();
