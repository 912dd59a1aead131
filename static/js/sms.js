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
  "\t": " ",
  "\u00a0": " ",
  "\u202f": " ",
  "\u2009": " ",
  "\u2003": " ",
  "\u2002": " ",
  "\u200b": "",
  "\u200c": "",
  "\u200d": "",
  "\ufeff": "",
  "\u00ad": "",
};

// Measure `text` as an SMS. `units` are septets or, in UCS-2, UTF-16 units; `room` is the size of a single part, `part`
// that of each of several; `culprits` are the characters that force UCS-2.
export function measureSms(text) {
  const characters = [...text];
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

export const isReplaceable = (character) => character in REPLACEMENTS;

// Replace typographic characters by their equivalents in GSM-7.
export const replaceTypography = (text) => [...text].map((character) => REPLACEMENTS[character] ?? character).join("");
