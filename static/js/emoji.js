// A menu of emoji with a search: a combobox with a list. Its data is loaded when it is opened first.
const find = (selector, root) => root.querySelector(selector);
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

function optionOf([emoji, name, words], place, list) {
  const option = document.createElement("button");
  option.type = "button";
  option.tabIndex = -1;
  option.id = `${list.id}_${place}`;
  option.role = "option";
  option.textContent = emoji;
  option.ariaLabel = option.title = name;
  option.dataset.words = ` ${name} ${words}`;
  return option;
}

// `choose` gets the emoji that is clicked, or the active one on Enter.
export function emojiMenu(menu, choose) {
  const search = find("input", menu);
  const list = find(".emoji-list", menu);
  let shown = []; // the options that fit the search
  let active = null;

  function activate(option) {
    active?.removeAttribute("aria-selected");
    active = option;
    active?.setAttribute("aria-selected", "true");
    active?.scrollIntoView({ block: "nearest" });
    if (active) search.setAttribute("aria-activedescendant", active.id);
    else search.removeAttribute("aria-activedescendant");
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of list.children)
      option.hidden = !words.every((word) => option.dataset.words.includes(` ${word}`));
    shown = [...list.children].filter((option) => !option.hidden);
    find(".emoji-none", menu).hidden = shown.length > 0;
    activate(shown[0] ?? null);
  }

  function step(key) {
    const place = shown.indexOf(active);
    const columns = Math.max(1, Math.floor(list.clientWidth / (active?.offsetWidth || 1)));
    const by = STEPS[key] ?? (key === "ArrowDown" ? columns : -columns);
    activate(shown[Math.min(Math.max(place + by, 0), shown.length - 1)] ?? null);
  }

  async function open() {
    if (!list.children.length) {
      const answer = await fetch(menu.dataset.emoji);
      list.replaceChildren(...(await answer.json()).map((row, place) => optionOf(row, place, list)));
    }
    search.value = "";
    filter();
    search.focus();
  }

  menu.parentElement.addEventListener("shown.bs.dropdown", open);
  search.addEventListener("input", (event) => {
    event.stopPropagation(); // it is no field of the draft
    filter();
  });
  search.addEventListener("change", (event) => event.stopPropagation());
  search.addEventListener("keydown", (event) => {
    const isStep = /^Arrow(Up|Down)$/.test(event.key) || (event.key in STEPS && !search.value);
    if (isStep) step(event.key);
    else if (event.key === "Enter" && active) choose(active.textContent);
    else if (event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation(); // the arrows would move through the items of the menu
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option.textContent);
  });
}
