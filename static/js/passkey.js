// Forms that are answered with a passkey: <form data-passkey="create" or "get"> with a hidden field `credential`. The
// server's options stand in the JSON script that data-passkey-options names, or come from data-passkey-challenge.
// webauthn-json.js of django-allauth, loaded before, talks to the browser.
const problem = document.querySelector("#passkey-problem");

async function optionsOf(form) {
  const { passkeyOptions, passkeyChallenge } = form.dataset;
  if (passkeyOptions) return JSON.parse(document.getElementById(passkeyOptions).textContent);
  const answer = await fetch(passkeyChallenge, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw Object.assign(new Error(`challenge: ${answer.status}`), { status: answer.status });
  return (await answer.json()).request_options;
}

function say(error) {
  const { cancelled, tooMany, failed } = problem.dataset;
  if (error.status === 429) problem.textContent = tooMany;
  else problem.textContent = ["NotAllowedError", "AbortError"].includes(error.name) ? cancelled : failed;
  problem.hidden = false;
}

async function answer(form, button) {
  problem.hidden = true;
  button.setAttribute("aria-busy", "true");
  try {
    const credential = await window.webauthnJSON[form.dataset.passkey](await optionsOf(form));
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch (error) {
    say(error);
    button.removeAttribute("aria-busy");
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.getAttribute("aria-busy") !== "true") answer(form, button);
  });
}
