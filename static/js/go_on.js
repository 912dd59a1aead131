// After a confirmation: submits the form that was kept, or starts the download. Without it the button does.
const target = document.querySelector("#go-on");
if (target.matches("form")) HTMLFormElement.prototype.submit.call(target);
else window.location.assign(target.href);
