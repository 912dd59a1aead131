// What buttons and keys put into a text: merge tags, emoji, and the marks by which Viber's apps format it.
import { emojiMenu } from "./emoji.js";

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const MAY_TOUCH = /[\s*_~`]/; // what may stand beside a mark, or the app shows the mark itself

function announce(field) {
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// Put `text` in the place of the selection. The fallback of a merge tag is selected, to be typed over.
export function insert(field, text) {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  const word = text.indexOf("|");
  if (word > 0) field.setSelectionRange(field.selectionStart - text.length + word + 1, field.selectionStart - 1);
  announce(field);
}

// Enclose the selection in `mark`, or take it away.
function toggle(field, mark) {
  const { value } = field;
  let [start, end] = [field.selectionStart, field.selectionEnd];
  while (start < end && /\s/.test(value[start])) start += 1;
  while (start < end && /\s/.test(value[end - 1])) end -= 1;
  const inner = value.slice(start, end);
  if (inner && value.slice(0, start).endsWith(mark) && value.slice(end).startsWith(mark)) {
    field.setRangeText(inner, start - mark.length, end + mark.length, "select");
  } else {
    const before = start === 0 || MAY_TOUCH.test(value[start - 1]) ? "" : " ";
    const after = end === value.length || MAY_TOUCH.test(value[end]) ? "" : " ";
    field.setRangeText(before + mark + inner + mark + after, start, end, "end");
    const begin = start + before.length + mark.length;
    field.setSelectionRange(begin, begin + inner.length);
  }
  announce(field);
}

// The buttons of each bar, and their keys in its field.
export function formatBars() {
  for (const bar of findAll(".format-bar")) {
    const field = find(`#${bar.dataset.target}`);
    bar.hidden = field.disabled;
    const buttons = findAll("[data-mark]", bar);
    for (const button of buttons) button.addEventListener("click", () => toggle(field, button.dataset.mark));
    field.addEventListener("keydown", (event) => {
      const isShortcut = (event.ctrlKey || event.metaKey) && !event.altKey && !event.isComposing;
      const shortcut = `${event.shiftKey ? "Shift+" : ""}${event.key.toUpperCase()}`;
      const button = isShortcut && buttons.find(({ dataset }) => dataset.key === shortcut);
      if (!button) return;
      event.preventDefault();
      toggle(field, button.dataset.mark);
    });
    emojiMenu(find(".emoji-menu", bar), (emoji) => insert(field, emoji));
  }
}
