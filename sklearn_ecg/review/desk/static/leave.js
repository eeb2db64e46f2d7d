// What a reader leaves behind on a shared tablet.

import { forgetTab } from "./kept.js";

document.querySelector(".leave").addEventListener("submit", forgetTab);
