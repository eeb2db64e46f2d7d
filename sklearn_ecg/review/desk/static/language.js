// The page in another language: the server remembers the choice.
const select = document.getElementById("language");
select.addEventListener("change", () => select.form.submit());
