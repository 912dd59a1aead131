// Drafts whose changes the server has not confirmed yet, kept in this browser. A browser that keeps nothing is no error.
//
// A record: {key, user, draft, at, fields}. `key` is the page it was written on, `draft` the draft's number or "",
// `fields` the form's names and values.
const DATABASE = "viberdash";
const STORE = "drafts";
const DAYS = 30; // after which a record is dropped

const result = (request) =>
  new Promise((done, failed) => {
    request.addEventListener("success", () => done(request.result));
    request.addEventListener("error", () => failed(request.error));
  });

function open() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(STORE, { keyPath: "key" }));
  return result(opening);
}

let database = null;

async function inStore(mode, work) {
  try {
    database ??= open();
    return await work((await database).transaction(STORE, mode).objectStore(STORE));
  } catch {
    database = null;
    return undefined;
  }
}

export const keep = (record) => inStore("readwrite", (store) => result(store.put(record)));

export const drop = (key) => inStore("readwrite", (store) => result(store.delete(key)));

// What is kept of `draft` for `user`, newest first.
export async function keptOf(user, draft) {
  const records = (await inStore("readonly", (store) => result(store.getAll()))) ?? [];
  const oldest = Date.now() - DAYS * 24 * 3600 * 1000;
  for (const record of records.filter(({ at }) => at < oldest)) await drop(record.key);
  return records
    .filter((record) => record.user === user && record.draft === draft && record.at >= oldest)
    .sort((one, other) => other.at - one.at);
}

// Drop all that is kept for `user`.
export async function dropAll(user) {
  const records = (await inStore("readonly", (store) => result(store.getAll()))) ?? [];
  for (const record of records) if (record.user === user) await drop(record.key);
}
