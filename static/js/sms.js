// Encoding, length and parts of an SMS in the browser, by the rules of campaigns/compose/message/sms.py. The tests run
// both with tests/compose/vectors/sms.json.
const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("^{}\\[~]|€\f");
const REPLACEMENTS = {
  "‘": "'",
  "’": "'",
  "‚": ",",
  "‛": "'",
  "“": '"',
  "”": '"',
  "„": '"',
  "«": '"',
  "»": '"',
  "‹": "'",
  "›": "'",
  "`": "'",
  "´": "'",
  ʼ: "'",
  "′": "'",
  "″": '"',
  "–": "-",
  "—": "-",
  "‒": "-",
  "―": "-",
  "−": "-",
  "‐": "-",
  "‑": "-",
  "…": "...",
  "•": "*",
  "·": ".",
  "×": "x",
  "№": "No.",
  "™": "(TM)",
  "©": "(C)",
  "®": "(R)",
};
for (const space of "\t\u00a0\u1680\u202f\u205f\u3000") REPLACEMENTS[space] = " ";
for (let code = 0x2000; code < 0x200b; code += 1) REPLACEMENTS[String.fromCodePoint(code)] = " ";
for (const end of "\v\u0085\u2028\u2029") REPLACEMENTS[end] = "\n";
// Invisible, and of no use where nothing is written from right to left.
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const SUPERFLUOUS = /[\u00ad\u200b\u2060-\u2064\ufeff]/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const JOINERS = new Set("\u200c\u200d\ufe0e\ufe0f");
const isGsm = (character) => character === undefined || BASIC.has(character) || EXTENDED.has(character);

// Measure `text` as an SMS. `units` are septets or, in UCS-2, UTF-16 units; `room` is the size of a single part, `part`
// that of each of several; `culprits` are the characters that force UCS-2.
export function measureSms(text) {
  const characters = [...text.normalize("NFC")];
  const outside = characters.filter((character) => !BASIC.has(character) && !EXTENDED.has(character));
  const unitsOf = outside.length ? (c) => c.length : (c) => (EXTENDED.has(c) ? 2 : 1);
  const [single, part] = outside.length ? [70, 67] : [160, 153];
  const units = characters.reduce((sum, character) => sum + unitsOf(character), 0);
  let parts = units ? 1 : 0;
  if (units > single) {
    let used = 0;
    for (const character of characters) {
      if (used + unitsOf(character) > part) {
        parts += 1;
        used = 0;
      }
      used += unitsOf(character);
    }
  }
  return {
    encoding: outside.length ? "UCS-2" : "GSM-7",
    units,
    parts,
    culprits: [...new Set(outside)],
    room: single,
    part,
  };
}

// Joiners hold emoji and the letters of many scripts together: superfluous only between characters of GSM-7.
function withoutLooseJoiners(text) {
  const characters = [...text];
  const kept = [];
  for (let start = 0; start < characters.length; start += 1) {
    let end = start;
    while (JOINERS.has(characters[end])) end += 1;
    if (end > start) {
      if (!isGsm(characters[start - 1]) || !isGsm(characters[end])) kept.push(...characters.slice(start, end));
      start = end;
    }
    if (start < characters.length) kept.push(characters[start]);
  }
  return kept.join("").normalize("NFC");
}

function withoutInvisible(text) {
  const visible = text.replace(SUPERFLUOUS, "");
  return withoutLooseJoiners(RIGHT_TO_LEFT.test(text) ? visible : visible.replace(DIRECTIONS, ""));
}

// Replace what forces UCS-2 in `text`; the text itself if that wins nothing. If the text needs UCS-2 anyway, only what
// can't be seen is taken out.
export function replaceTypography(typed) {
  const text = typed.normalize("NFC");
  const plain = withoutInvisible([...text].map((character) => REPLACEMENTS[character] ?? character).join(""));
  const [before, after] = [measureSms(text), measureSms(plain)];
  if (after.encoding === "GSM-7") return before.encoding === "UCS-2" && after.parts <= before.parts ? plain : text;
  const visible = withoutInvisible(text);
  return visible.length < text.length ? visible : text;
}

// `character` as people can read it: by its name or number if it can't be seen.
export function shownCharacter(character, names) {
  if (names[character]) return names[character];
  if (/[\p{C}\p{Z}]/u.test(character))
    return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  return /\p{M}/u.test(character) ? `◌${character}` : character;
}
