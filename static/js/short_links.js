// Which links of a text become short ones, by the rules of campaigns/compose/message/tracking/. The tests run both with
// tests/compose/vectors/links.json.
import { splitAtTags } from "./merge.js";

const LINK = /https?:\/\/(?:\([^\s()<>"]*\)|[^\s()<>"])*(?:\([^\s()<>"]*\)|[^\s()<>".,;:!?\]'’»”])/gi;
const TAG = "\ue000";
const CODE = "x".repeat(11);
const PAGE_TAG = /^\{\s*(?:unsubscribe|preferences|confirm)\s*[|}]/;

// The text with "x" in the place of each code, so that its length and SMS parts are those of what is sent. `base` is empty
// if nothing is tracked; `untracked` are the links that stay as they are.
export function withShortLinks(text, base, untracked) {
  if (!base) return text;
  const hidden = splitAtTags(text)
    .map(([piece, isTag]) => (isTag ? TAG.repeat(piece.length) : piece))
    .join("");
  let end = 0;
  let shortened = "";
  for (const { 0: found, index } of hidden.matchAll(LINK)) {
    const link = text.slice(index, index + found.length);
    if (untracked.has(link)) continue;
    shortened += text.slice(end, index) + base + CODE;
    end = index + found.length;
  }
  return shortened + text.slice(end);
}

// The text with the links that tags such as {unsubscribe} become; "" as `base` leaves them as they are.
export function withPages(text, base) {
  if (!base) return text;
  return splitAtTags(text)
    .map(([piece, isTag]) => (isTag && PAGE_TAG.test(piece) ? base + CODE : piece))
    .join("");
}
