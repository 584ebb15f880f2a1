const words = JSON.parse(document.getElementById("words").textContent);
const limits = JSON.parse(document.getElementById("limits").textContent);
const at = id => document.getElementById(id);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
function percent(share) {
  if (share < 0.001) return "<0.1%";
  return `${(100 * share).toFixed(share > 0.0995 && share < 0.995 ? 0 : 1)}%`;
}
function element(name, text = "", looks = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (looks) made.className = looks;
  return made;
}
function picture(source, alt) {
  const made = element("img");
  made.src = source;
  made.alt = alt;
  return made;
}
function player(source, name) {
  const made = element("audio");
  made.controls = true;
  made.preload = "none";
  made.src = source;
  made.setAttribute("aria-label", name);
  return made;
}

let asked = 0, heard = "";  // the number of the last question; the address of its sound
async function post(path, content) {
  let response;
  try {
    response = await fetch(path, { method: "POST", body: content });
  } catch {
    throw new Error(words.no_server);
  }
  const said = await response.json().catch(() => ({ error: `${response.status} ${response.statusText}` }));
  if (!response.ok) throw new Error(said.error);
  return said;
}

async function ask(content, note = "") {
  const mine = ++asked;
  at("error").textContent = "";
  at("result").hidden = true;
  at("status").className = "";
  at("status").textContent = words.working;
  try {
    if (content.size > limits.bytes) throw new Error(words.too_large);
    const answer = await post("answer", content);
    if (mine !== asked) return;
    if (heard) URL.revokeObjectURL(heard);
    heard = document.body.dataset.kind === "spectrogram" ? URL.createObjectURL(content) : "";
    show(answer, note);
    at("explanation-text").textContent = words.explaining;
    explain(await post("explanation", content).catch(error => ({ text: error.message })), mine);
  } catch (error) {
    if (mine !== asked) return;
    at("status").textContent = "";
    at("error").textContent = error.message;
  }
}

function show(answer, note) {
  const told = { label: answer.label, percent: percent(answer.probability) };
  const { answers, reasons, set, text } = answer.doubts;
  at("answer").textContent = answers ? fill(words.said, told) : words.abstains;
  const because = answers ? "" : `${fill(words.because, { reasons: reasons.join("; ") })}. `;
  at("doubts").textContent = answers ? "" : because + fill(words.most_likely, told);
  document.querySelector(".callout").classList.toggle("unsure", !answers);
  at("note").textContent = note;
  at("status").className = "spoken";  // all of it can be seen below
  at("status").textContent = ["answer", "doubts", "note"].map(id => at(id).textContent).filter(Boolean).join(" – ");
  at("calibration").textContent = answer.calibration;
  at("set").textContent = (set ? `${words.set}: ${set.join(", ") || words.empty_set}. ` : "") + text;
  at("seen").lastElementChild.replaceChildren(...sample(answer.sample), ...(heard ? [player(heard, words.play)] : []));
  showClasses(answer);
  at("nearest-text").textContent = answer.nearest.text;
  at("nearest").replaceChildren(...answer.nearest.samples.map(neighbour));
  at("others-text").textContent = answer.others.text;
  at("others").hidden = !answer.others.rows.length;
  at("others").tBodies[0].replaceChildren(...answer.others.rows.map(other));
  at("explanation").replaceChildren();
  at("result").hidden = false;
}
function sample(shown) {
  return shown.image ? [picture(shown.image, shown.alt)] : [element("p", shown.text)];
}
function showClasses(answer) {
  const rows = answer.classes.map(each => {
    const row = element("tr"), name = element("th", each.name), bar = element("td"), line = element("span", "", "bar");
    name.scope = "row";
    line.style.width = `${100 * each.probability}%`;
    bar.append(line);
    row.append(name, element("td", percent(each.probability), "number"), bar);
    return row;
  });
  if (answer.rest) {
    const row = element("tr"), cell = element("td", answer.rest);
    cell.colSpan = 3;
    row.append(cell);
    rows.push(row);
  }
  at("classes").tBodies[0].replaceChildren(...rows);
}
function neighbour(near) {
  const item = element("li");
  item.append(...sample(near), element("b", near.label));
  item.append(element("span", fill(words.similarity, { value: near.similarity.toFixed(2) }), "small"));
  const name = element("span", near.file.length > 40 ? `…${near.file.slice(-39)}` : near.file, "small");
  name.title = near.file;
  item.append(name);
  if (near.sound) item.append(player(`sound/${near.row}`, near.file));
  return item;
}
function other(said) {
  const row = element("tr"), name = element("th", said.network);
  name.scope = "row";
  row.append(name, element("td", said.label), element("td", percent(said.probability), "number"), element("td", said.run));
  return row;
}
function explain(found, mine) {
  if (mine !== asked) return;
  at("explanation-text").textContent = found.text;
  if (found.image) {
    const shown = picture(found.image, words.explanation);
    shown.width = found.width;
    at("explanation").replaceChildren(shown);
  } else if (found.words) {
    const most = Math.max(...found.words.map(([, worth]) => Math.abs(worth))) || 1;
    at("explanation").replaceChildren(...found.words.map(([word, worth]) => {
      const shown = element("span", word);
      const colour = `var(--${worth > 0 ? "for" : "against"})`;
      shown.style.background = `rgba(${colour}, ${(0.55 * Math.abs(worth) / most).toFixed(3)})`;
      shown.title = worth.toFixed(3);
      return shown;
    }));
  }
}

function take(files) {
  if (files.length) ask(files[0], files.length > 1 ? words.one_file : "");
}
at("file").addEventListener("change", event => {
  take([...event.target.files]);
  event.target.value = "";  // the same file may be chosen again
});
for (const name of ["dragenter", "dragover"])
  document.addEventListener(name, event => {
    event.preventDefault();
    at("drop").classList.add("over");
  });
document.addEventListener("dragleave", event => {
  if (!event.relatedTarget) at("drop").classList.remove("over");
});
document.addEventListener("drop", event => {
  event.preventDefault();
  at("drop").classList.remove("over");
  take([...event.dataTransfer.files]);
});
at("written")?.addEventListener("submit", event => {
  event.preventDefault();
  ask(new Blob([at("text").value]));
});
at("text")?.addEventListener("keydown", event => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("written").requestSubmit();
});

let recorder = null;
at("record")?.addEventListener("click", async () => {
  if (recorder) return recorder.stop();
  at("record").disabled = true;  // until the browser has asked
  let stream = null;
  try {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio });
    record(stream);
  } catch {
    stream?.getTracks().forEach(track => track.stop());
    at("error").textContent = words.no_microphone;
  }
  at("record").disabled = false;
});
function record(stream) {
  const parts = [];
  recorder = new MediaRecorder(stream, { audioBitsPerSecond: 128000 });
  recorder.addEventListener("dataavailable", event => parts.push(event.data));
  recorder.addEventListener("stop", async () => {
    clearTimeout(end);
    stream.getTracks().forEach(track => track.stop());
    const kind = recorder.mimeType;
    recorder = null;
    at("record").textContent = words.record;
    at("record").setAttribute("aria-pressed", "false");
    try {
      ask(await wav(new Blob(parts, { type: kind })));
    } catch {
      at("status").textContent = "";
      at("error").textContent = words.no_microphone;
    }
  });
  recorder.start();
  const end = setTimeout(() => recorder?.stop(), 1000 * limits.seconds - 250);  // what it has is never longer
  at("record").textContent = words.stop;
  at("record").setAttribute("aria-pressed", "true");
  at("error").textContent = at("status").className = "";
  at("status").textContent = words.recording;
}
async function wav(recorded) {  // RIFF: 16-bit PCM, one channel
  const context = new AudioContext();
  const sound = await context.decodeAudioData(await recorded.arrayBuffer());
  await context.close();
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  const view = new DataView(new ArrayBuffer(44 + 2 * sound.length));
  const text = (place, letters) => [...letters].forEach((letter, i) => view.setUint8(place + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * sound.length, true);
  text(8, "WAVEfmt ");
  const numbers = [[16, 4, 16], [20, 2, 1], [22, 2, 1], [24, 4, sound.sampleRate], [28, 4, 2 * sound.sampleRate],
                   [32, 2, 2], [34, 2, 16]];
  for (const [place, size, value] of numbers)
    size === 4 ? view.setUint32(place, value, true) : view.setUint16(place, value, true);
  text(36, "data");
  view.setUint32(40, 2 * sound.length, true);
  for (let i = 0; i < sound.length; i++) {
    const mean = channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length;
    view.setInt16(44 + 2 * i, Math.round(32767 * Math.max(-1, Math.min(1, mean))), true);
  }
  return new Blob([view], { type: "audio/wav" });
}
