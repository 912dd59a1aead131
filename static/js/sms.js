// SMS parts in the browser, by the rules of campaigns/compose/message/sms_parts.py: one table of test vectors runs through both.
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

export function smsParts(text) {
  const characters = [...text];
  const outside = characters.filter((character) => !BASIC.has(character) && !EXTENDED.has(character));
  const wide = outside.length ? (c) => c.length : (c) => (EXTENDED.has(c) ? 2 : 1);
  const [single, part] = outside.length ? [70, 67] : [160, 153];
  const units = characters.reduce((sum, character) => sum + wide(character), 0);
  let parts = units ? 1 : 0;
  if (units > single) {
    let used = 0;
    for (const character of characters) {
      if (used + wide(character) > part) {
        parts += 1;
        used = 0;
      }
      used += wide(character);
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

// The text with typographic characters replaced by those of GSM-7 that say the same.
export const plain = (text) => [...text].map((character) => REPLACEMENTS[character] ?? character).join("");
