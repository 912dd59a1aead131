// The work that a sign-up needs: a number whose SHA-256 with the challenge begins with so many zero bits
// (campaigns/engagement/sign_up/work.py). It stands in the page, as the host of links serves no files.
const AT_ONCE = 256;

async function solve(challenge, bits) {
  const encoder = new TextEncoder();
  for (let first = 0; ; first += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, place) => first + place);
    const digests = await Promise.all(
      numbers.map((number) => crypto.subtle.digest("SHA-256", encoder.encode(`${challenge}.${number}`))),
    );
    const place = digests.findIndex((digest) => new DataView(digest).getUint32(0) >>> (32 - bits) === 0);
    if (place >= 0) return first + place;
  }
}

const form = document.querySelector("form[data-bits]");
const status = document.querySelector("#working");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!globalThis.crypto?.subtle) {
    status.textContent = form.dataset.insecure;
    return;
  }
  form.querySelector("button").disabled = true;
  status.textContent = form.dataset.working;
  form.elements.answer.value = await solve(form.elements.challenge.value, Number(form.dataset.bits));
  form.submit();
});
// the browser's copy of the page has a challenge that was used
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
