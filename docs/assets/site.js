// What the theme needs to be used by everybody: wide tables scroll by keyboard, too.
"use strict";

addEventListener("load", () => {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) wrap.tabIndex = 0;
});
