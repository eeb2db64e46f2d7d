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
// A name alone is not sent by itself: a link of somebody else must not change who answers.
if (given.has("token") && form.elements.token && form.elements.reader.value) {
  form.requestSubmit();
}
