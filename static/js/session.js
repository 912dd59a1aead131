// Requests of a page that may be open for days: its session may end, and signing in again changes the token of its forms.
const find = (selector) => document.querySelector(selector);
const TIMEOUT = 30_000; // milliseconds until a request without an answer has failed, as after a laptop's sleep

export class SignedOut extends Error {}
export class AnotherUser extends Error {}

const request = (url, options) =>
  fetch(url, { ...options, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(TIMEOUT) });

// Take the token of the session as it is now. Throws SignedOut or AnotherUser if it is not the session of this page's user.
export async function renewToken() {
  const answer = await request(document.body.dataset.session, { cache: "no-store" });
  if (!answer.ok) throw new Error(`session: ${answer.status}`);
  const { user, token } = await answer.json();
  if (user === null) throw new SignedOut();
  if (String(user) !== document.body.dataset.user) throw new AnotherUser();
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
}

// Post `data`, a FormData, and return the answer. If its token is out of date, it is posted again with a new one.
export async function post(url, data) {
  const send = () => {
    data.set("csrfmiddlewaretoken", find("[name=csrfmiddlewaretoken]").value);
    return request(url, { method: "POST", body: data });
  };
  let answer = await send();
  if (answer.status === 403) {
    await renewToken();
    answer = await send();
  }
  if (answer.status === 401) throw new SignedOut();
  return answer;
}
