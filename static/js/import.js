// Uploading with a bar that says how far it is, dropping a file, and re-reading at once when the layout changes.
import { startPickers } from "./picker.js";

const one = (selector) => document.querySelector(selector);

function upload(form) {
  const bar = one("#upload-bar");
  const error = one("#upload-error");
  form.addEventListener("submit", (event) => {
    const file = form.querySelector("input[type=file]").files[0];
    if (!file || event.defaultPrevented) return;
    event.preventDefault();
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (step) => {
      if (!step.lengthComputable) return;
      const share = Math.floor((step.loaded / step.total) * 100);
      one("#upload-meter").value = share;
      one("#upload-share").textContent = `${share}%`;
    });
    request.addEventListener("load", () => {
      const moved = request.responseURL && request.responseURL.split("?")[0] !== location.href.split("?")[0];
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const answer = page.querySelector("#upload");
      if (moved) location.assign(request.responseURL);
      else if (request.status < 400 && answer) refused(form, answer);
      else failed();
    });
    function failed() {
      bar.hidden = true;
      error.hidden = false;
      error.textContent = form.dataset.failed;
      form.querySelector("button[type=submit]").disabled = false;
    }
    request.addEventListener("error", failed);
    error.hidden = true;
    bar.hidden = false;
    form.querySelector("button[type=submit]").disabled = true;
    request.open("POST", form.action || location.href);
    request.send(new FormData(form));
  });
}

// The server's errors at their fields; the file that was chosen has to be chosen again.
function refused(form, answer) {
  form.replaceWith(answer);
  start(answer);
  startPickers(answer);
  answer.querySelector(".is-invalid")?.focus();
}

function dropping(zone) {
  const input = zone.querySelector("input[type=file]");
  zone.querySelector(".drop-text").hidden = false;
  const over = (is) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", is);
  };
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
}

function newName(form) {
  const list = form.querySelector("[name=into]");
  const name = form.querySelector("#div_id_name");
  if (!list || !name) return;
  const show = () => {
    name.hidden = Boolean(list.value);
  };
  list.addEventListener("change", show);
  show();
  refuseTakenName(form, list, name.querySelector("input"));
}

// A name that a list has already is refused before a file is uploaded; the server checks it again.
function refuseTakenName(form, list, input) {
  const names = new Set([...list.options].filter(({ value }) => value).map(({ text }) => text));
  form.addEventListener("input", () => {
    const file = form.querySelector("input[type=file]")?.files[0];
    const name = input.value.trim() || file?.name.replace(/\.[^.]*$/u, "").slice(0, 100);
    input.setCustomValidity(!list.value && names.has(name) ? input.dataset.taken : "");
  });
}

function start(form) {
  upload(form);
  dropping(form.querySelector("#drop"));
  newName(form);
}

const form = one("#upload");
if (form) start(form);
const source = one("#source");
if (source) newName(source);
const layout = one("#layout");
layout?.addEventListener("change", () => layout.requestSubmit());
