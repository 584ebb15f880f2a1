// What every lesson of the course needs: its things to play with are started, and a question is answered before its
// verdict.
// A thing to play with is a function in `course.widgets`, by the name in `data-play`: place => fills it.
"use strict";

(() => {
  const course = globalThis.course ??= {};
  const korean = document.documentElement.lang.startsWith("ko");
  let controls = 0;

  course.widgets ??= {};
  course.words = languages => languages[korean ? "ko" : "en"];
  course.fill = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);
  course.percent = share => `${(100 * share).toFixed(1)}\u00a0%`;

  const TEXT = course.words({
    en: { locked: "The result opens after your answer.", browsing: "Chosen: {answer}. Enter opens the result.",
      answered: "Your prediction: {answer}. The result is open below.", broken: "This cannot be shown: {reason}.",
      table: "its table is missing" },
    ko: { locked: "답을 고르면 결과가 열립니다.", browsing: "고른 답: {answer}. Enter를 누르면 결과가 열립니다.",
      answered: "나의 예측: {answer}. 아래에 결과가 열렸습니다.", broken: "표시할 수 없습니다: {reason}.",
      table: "결과 표가 없습니다" },
  });

  // An HTML element with these attributes (a listener's begins with "on") and children, which are elements or text.
  course.element = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const { element } = course;

  // The form controls call `change` with the value chosen; options are [value, words].
  course.select = (label, options, value, change) => {
    const select = element("select", { onchange: () => change(select.value) },
      ...options.map(([key, words]) => element("option", { value: key }, words)));
    select.value = value;
    return element("label", {}, element("span", {}, label), select);
  };

  course.radios = (label, options, value, change) => {
    const name = `play-${controls++}`;
    const choices = options.map(([key, words]) => {
      const radio = element("input", { type: "radio", name, value: key, onchange: () => change(key) });
      radio.checked = key === value;
      return element("label", {}, radio, words);
    });
    return element("fieldset", {}, element("legend", {}, label), ...choices);
  };

  // A slider over the places of `stops`, which are words; `change` is called with the place.
  course.slider = (label, stops, place, change) => {
    const id = `play-${controls++}`, output = element("output", { for: id });
    const input = element("input", { type: "range", id, min: 0, max: stops.length - 1, step: 1, oninput: moved });
    input.value = place;
    function moved(event) {
      output.textContent = stops[input.value];
      input.setAttribute("aria-valuetext", stops[input.value]);
      if (event) change(Number(input.value));
    }
    moved();
    return element("div", { class: "play-slider" }, element("label", { for: id }, label), input, output);
  };

  course.controls = (...children) =>
    element("form", { class: "play-controls", onsubmit: event => event.preventDefault() }, ...children);
  course.pictures = (...children) => element("div", { class: "play-pictures" }, ...children);
  course.told = () => element("p", { class: "play-told", role: "status", "aria-live": "polite" });

  // Calls back when the reader changes between light and dark, for pictures that style sheets do not reach.
  course.onScheme = change => {
    new MutationObserver(change).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
  };

  // A question's verdict stays shut until it is answered. Arrow keys only look through the answers; Enter, Space or
  // leaving the question gives one.
  function predict(form) {
    const verdict = document.getElementById(`verdict-${form.dataset.name}`);
    const answers = [...form.querySelectorAll("input")];
    const note = element("p", { class: "predicted", role: "status", "aria-live": "polite" }, TEXT.locked);
    let answered = false, browsing = false;
    const say = text => {
      const chosen = answers.find(answer => answer.checked);
      if (chosen) note.textContent = course.fill(text, { answer: chosen.closest("label").textContent.trim() });
      return chosen;
    };
    const answer = () => {
      if (answered || !say(TEXT.answered)) return;
      answered = true;
      for (const other of answers) other.disabled = !other.checked;
      verdict?.classList.remove("locked");
      if (verdict) verdict.open = true;
    };
    form.append(note);
    lock(verdict, () => answered);
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("pointerdown", () => { browsing = false; });
    form.addEventListener("keydown", ({ key }) => {
      browsing = key.startsWith("Arrow");
      if (key === "Enter" || key === " ") answer();
    });
    form.addEventListener("change", () => (browsing ? say(TEXT.browsing) : answer()));
    form.addEventListener("focusout", ({ relatedTarget }) => { if (!form.contains(relatedTarget)) answer(); });
    answer(); // a browser may remember what was chosen
  }

  function lock(verdict, answered) {
    if (!verdict) return;
    verdict.open = false;
    verdict.classList.add("locked");
    verdict.querySelector("summary").addEventListener("click", event => { if (!answered()) event.preventDefault(); });
    verdict.addEventListener("toggle", () => { if (!answered()) verdict.open = false; });
  }

  // The figures that follow a place in the page. Throws if a thing that shows figures has none.
  course.tableOf = place => {
    const after = script => place.compareDocumentPosition(script) & Node.DOCUMENT_POSITION_FOLLOWING;
    const scripts = document.querySelectorAll(`script.play-table[data-table="${place.dataset.play}"]`);
    const found = [...scripts].find(after);
    if (!found) throw new Error(TEXT.table);
    return JSON.parse(found.textContent);
  };

  function start(place) {
    try {
      course.widgets[place.dataset.play](place);
    } catch (error) {
      place.replaceChildren(element("p", {}, course.fill(TEXT.broken, { reason: error.message })));
      console.error(error);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("form.predict[data-name]").forEach(predict);
    document.querySelectorAll(".play[data-play]").forEach(start);
  });
})();
