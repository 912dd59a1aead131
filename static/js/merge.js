// Merge tags in the browser, by the rules of campaigns/compose/message/merge_tags.py. The tests run both with
// tests/compose/vectors/merge.json.
const TOKEN =
  /(\{\{)|(\}\})|\{[ \t\u00a0\u2007\u202f]*([\p{L}\p{N}_]+)[ \t\u00a0\u2007\u202f]*(?:\|([^{}\r\n]*))?\}|(\{[^{}\r\n]{0,40}\}?|\})/gu;
const BLANKS_AROUND = /^[ \t\u00a0\u2007\u202f]+|[ \t\u00a0\u2007\u202f]+$/g;
const withoutBlanks = (fallback) => fallback?.replace(BLANKS_AROUND, "");

// Fill in the values of a recipient's `fields`: {filled, missing: [name], strays: [text]}. `filled` is null if a value is
// missing; strays are braces outside of tags.
export function fill(text, fields) {
  const missing = [];
  const strays = [];
  const filled = text.replace(TOKEN, (all, open, close, name, fallback, stray) => {
    if (open) return "{";
    if (close) return "}";
    if (stray !== undefined) {
      strays.push(stray);
      return stray;
    }
    if (fields[name]) return fields[name];
    if (fallback === undefined) missing.push(name);
    return withoutBlanks(fallback) ?? "";
  });
  return { filled: missing.length ? null : filled, missing, strays };
}

// Where merge tags begin and end: the pieces of `text`, each with whether it is a tag.
export function splitAtTags(text) {
  const pieces = [];
  let end = 0;
  for (const { 0: found, 3: name, index } of text.matchAll(TOKEN)) {
    if (name === undefined) continue;
    pieces.push([text.slice(end, index), false], [found, true]);
    end = index + found.length;
  }
  return [...pieces, [text.slice(end), false]];
}

// Fill in the fallback values, and keep the tags that have none.
export function fillPartially(text) {
  return text.replace(TOKEN, (all, open, close, name, fallback) => {
    if (open) return "{";
    if (close) return "}";
    return name !== undefined && fallback !== undefined ? withoutBlanks(fallback) : all;
  });
}
