// What the reader sees and does. All text goes into the page as text, never as markup.

const at = (id) => document.getElementById(id);
const facts = JSON.parse(at("model").textContent);
const idOf = new Map(facts.characters.map((character, id) => [character, id]));
const textOf = (ids) => ids.map((id) => facts.characters[id]).join("");
const ways = new Ways();

/** what reads and writes, once there is something to read */
let reader = null;
const loaded = loadModel(facts, at("weights").textContent, at("counts").textContent);
loaded.catch((error) => announce(`This browser cannot read the model: ${error.message}`));
for (const id of ["weights", "counts"]) at(id).remove();

/** what is being written, if anything */
let pace = null;
let running = Promise.resolve();
/** how many characters of the shown way are in the page */
let painted = 0;
/** before which character of the shown way the cursor stands; null is its end */
let place = null;

// ---- what is asked for

/** The settings of the form, with a seed of its own or a new one. */
function settings() {
  const number = (id) => Number(at(id).value);
  const given = at("rng-seed").value;
  return {
    temperature: number("temperature"),
    topK: number("top-k"),
    topP: number("top-p"),
    minP: number("min-p"),
    memory: { seed: null, all: number("fading"), none: 0 }[at("memory").value],
    length: number("length"),
    seed: given ? BigInt(given) : BigInt(crypto.getRandomValues(new Uint32Array(1))[0]),
    index: 0,
  };
}

/** Do something with the ids of the box's text; unknown characters are named first, with a choice. */
function withSeed(action) {
  const characters = [...treated(at("seed-text").value, facts.text)];
  const missing = [...new Set(characters)].filter((character) => !idOf.has(character));
  at("unknown").hidden = !missing.length;
  if (!missing.length) {
    action(characters.map((character) => idOf.get(character)));
    return;
  }
  const named = missing.slice(0, 8).map((character) => `“${visible(character)}” (${codePoint(character)})`);
  const more = missing.length > 8 ? ` and ${missing.length - 8} more` : "";
  at("unknown-characters").textContent = `The model does not know ${named.join(", ")}${more}.`;
  const substitute = ["\ufffd", " "].find((character) => idOf.has(character));
  at("replace").hidden = substitute === undefined;
  const settle = (replacement) => () => {
    const known = characters.map((character) => (idOf.has(character) ? character : replacement));
    at("seed-text").value = known.join("");
    at("write").focus();
    withSeed(action);
  };
  at("skip").onclick = settle("");
  at("replace").onclick = settle(substitute);
  at("skip").focus();
}

function codePoint(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A character as it can be shown: control characters as their code points. */
function visible(character) {
  if (character === "\n") return "↵";
  return /^(?: |[^\p{C}\p{Z}])$/u.test(character) ? character : codePoint(character);
}

// ---- what is done

async function stop() {
  if (pace) pace.stopped = true;
  await running;
}

/** Read what a way continues, and write it. */
async function write(before, chosen, parent) {
  const model = await loaded;
  await stop();
  const shading = chosen.memory ?? 0;
  if (reader?.shading !== shading) reader = new Reader(model, facts.start, facts.memory, shading);
  const way = ways.add(before, chosen, parent);
  pace = new Pace(paint);
  show();
  announce(chosen.length ? "Writing…" : "Reading…");
  at("write").textContent = "Stop";
  at("text").classList.add("writing");
  const began = performance.now();
  running = (async () => {
    await reader.read(before, pace);
    const ending = await reader.write(chosen, facts.end, pace, (id) => way.written.push(id));
    paint();
    pace = null;
    finish(way, ending, (performance.now() - began) / 1000);
  })();
}

/** Take the cursor's place in the text as the one to write on from. */
function followCursor() {
  const selection = document.getSelection();
  if (!selection.rangeCount) return;
  const { startContainer, startOffset } = selection.getRangeAt(0);
  const found = placeOf(startContainer, startOffset);
  if (found === null || !ways.current) return;
  place = found < wholeOf(ways.current).length ? found : null;
  showPlace();
  tell(found);
}

/** Write on from the place of the cursor, another way than before. */
function branch() {
  const whole = wholeOf(ways.current);
  const from = place ?? whole.length;
  const before = whole.slice(0, from);
  const chosen = settings();
  chosen.index = ways.timesAsked(before, chosen);
  write(before, chosen, ways.owner(from));
}

async function look(change) {
  await stop();
  change();
  show();
  describe(ways.current);
}

// ---- what is shown

/** Show the current way from its beginning. */
function show() {
  at("text").replaceChildren();
  painted = 0;
  place = null;
  at("readout").hidden = true;
  at("legend").hidden = !at("shading").checked;
  paint();
  at("back").disabled = !ways.canStep(-1);
  at("forward").disabled = !ways.canStep(1);
  at("branch").disabled = !ways.current;
  showPlace();
  at("ways").replaceChildren(...ways.children(null).map(wayItem));
  at("ways-box").hidden = !ways.all.length;
}

/** Add what the current way has gained. */
function paint() {
  const way = ways.current;
  if (!way) return;
  const whole = wholeOf(way);
  if (pace) way.surprises = reader.surprises.slice(1, 1 + whole.length);
  const shaded = at("shading").checked;
  const end = shaded ? way.surprises.length : whole.length;
  if (painted < Math.min(end, way.before.length)) {
    append("seed", whole, painted, Math.min(end, way.before.length), shaded && way.surprises);
  }
  if (painted < end) append("written", whole, painted, end, shaded && way.surprises);
}

/** Add characters to the last part of the text, or to a new one where the last is of another class. */
function append(name, whole, from, to, surprises) {
  let part = at("text").lastElementChild;
  if (part?.className !== name) {
    part = at("text").appendChild(document.createElement("span"));
    part.className = name;
  }
  if (surprises) part.append(...whole.slice(from, to).map((id, i) => shadedCharacter(id, surprises[from + i].bits)));
  else part.append(textOf(whole.slice(from, to)));
  part.normalize();
  painted = to;
}

function shadedCharacter(id, bits) {
  const element = document.createElement("b");
  const character = facts.characters[id];
  const levels = facts.shades - 1;
  element.className = `s${Math.min(levels, Math.floor((bits / facts.most_bits) * levels + 0.5))}`;
  element.textContent = character;
  if (/^\p{Cc}$/u.test(character)) element.dataset.shown = visible(character);
  return element;
}

/** Say how a way ended, and which command writes the same. */
function finish(way, ending, seconds) {
  at("write").textContent = "Write";
  at("text").classList.remove("writing");
  way.ending = { stopped: "Stopped after ", document: "The text ended after ", length: "" }[ending];
  way.rate = wholeOf(way).length / seconds;
  describe(way);
  at("ways").replaceChildren(...ways.children(null).map(wayItem));
}

function describe(way) {
  const own = way.settings.length ? way.surprises.slice(way.before.length) : way.surprises;
  const mean = own.length ? own.reduce((sum, { bits }) => sum + bits, 0) / own.length : 0;
  const count = `${own.length.toLocaleString("en")} characters`;
  announce(`${way.ending}${count}, ${mean.toFixed(3)} bits per character.`);
  at("status").dataset.rate = way.rate;
  at("command").textContent = commandOf(way, facts);
  at("command-box").hidden = !way.settings.length;
}

/** Say what the chosen memory does; how fast it fades can be chosen where it does. */
function showMemory() {
  const chosen = at("memory").value;
  at("fading-box").hidden = chosen !== "all";
  at("fading").disabled = chosen !== "all";
  for (const hint of document.querySelectorAll("[data-memory]")) hint.hidden = hint.dataset.memory !== chosen;
}

function announce(message) {
  at("status").textContent = message;
}

/** A way in the list, and below it those that leave it. */
function wayItem(way) {
  const item = document.createElement("li");
  const button = item.appendChild(document.createElement("button"));
  button.type = "button";
  button.dir = "auto";
  const line = (ids) => textOf(ids).replaceAll("\n", " ");
  button.textContent = `…${line(way.before.slice(-12))} → ${line(way.written.slice(0, 32))}…`;
  if (way === ways.current) button.setAttribute("aria-current", "true");
  button.onclick = () => look(() => ways.show(way));
  const leaving = ways.children(way);
  if (leaving.length) item.appendChild(document.createElement("ol")).append(...leaving.map(wayItem));
  return item;
}

// ---- the cursor

/** How many characters stand before a point of the page, or null where it is outside of the text. */
function placeOf(node, offset) {
  if (!at("text").contains(node)) return null;
  const range = document.createRange();
  range.selectNodeContents(at("text"));
  range.setEnd(node, offset);
  return [...range.toString()].length;
}

/** The button says where it would write on. */
function showPlace() {
  const before = ways.current && place !== null ? wholeOf(ways.current).slice(0, place) : [];
  const words = textOf(before.slice(-14)).replaceAll("\n", " ");
  at("branch").textContent = place === null ? "Write on from the end" : `Write on after “…${words}”`;
}

/** Tell the bits of a character and what was likeliest in its place. */
function tell(index) {
  const found = at("shading").checked && ways.current?.surprises[index];
  at("readout").hidden = !found;
  if (!found) return;
  const names = found.likeliest.map((id) => visible(facts.characters[id])).join(" ");
  const character = visible(facts.characters[wholeOf(ways.current)[index]]);
  at("readout").textContent = `${character}: ${found.bits.toFixed(2)} bits; likeliest: ${names}`;
}

// ---- events

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (pace) stop();
  else withSeed((ids) => write(ids, settings(), null));
});
at("form").addEventListener("invalid", (event) => event.target.closest("details")?.setAttribute("open", ""), true);
at("rng-seed").addEventListener("input", ({ target }) => {
  const tooLarge = /^[0-9]+$/.test(target.value) && BigInt(target.value) > 2n ** 63n - 1n;
  target.setCustomValidity(tooLarge ? "The largest seed is 9223372036854775807." : "");
});
at("temperature").addEventListener("input", ({ target }) => {
  at("temperature-shown").textContent = target.value;
});
at("memory").onchange = showMemory;
at("read").onclick = () =>
  withSeed((ids) => {
    at("shading").checked = true;
    write(ids, { ...settings(), length: 0 }, null);
  });
at("branch").onclick = branch;
at("back").onclick = () => look(() => ways.step(-1));
at("forward").onclick = () => look(() => ways.step(1));
at("shading").onchange = show;

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (document.activeElement === at("text") && ways.current) {
    // selectionchange may be still to come
    followCursor();
    branch();
  } else if (!pace) at("form").requestSubmit();
});
document.addEventListener("selectionchange", followCursor);
at("text").addEventListener("pointerover", ({ target }) => {
  if (target.tagName === "B") tell(placeOf(target, 0));
});
// the text has a cursor, and is not to be typed into
for (const name of ["beforeinput", "drop"]) at("text").addEventListener(name, (event) => event.preventDefault());
at("text").addEventListener("input", show);

// a browser may have kept what was chosen before
showMemory();
