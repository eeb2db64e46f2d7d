// A link such as /enter#reader=anna&token=... brings name and token behind its #, where no server
// and no log sees them.
const given = new URLSearchParams(location.hash.slice(1));
const form = document.getElementById("enter");
for (const [name, value] of given) {
  if (["reader", "token"].includes(name) && form.elements[name]) {
    form.elements[name].value = value;
  }
}
// The token must not stay in the history or in the address bar.
history.replaceState(null, "", location.pathname);
// A link of somebody else must not change who answers: a name alone is not sent by itself, nor is a
// token in a browser where a reader is signed in.
const isWelcome = given.has("token") && form.elements.token && form.elements.reader.value;
if (isWelcome && !("asks" in form.dataset)) {
  form.requestSubmit();
}
