// Talks to the dock beside this page: sends actions, shows the state twice a second.
"use strict";

const said = document.getElementById("said");
const byId = (id) => document.getElementById(id);
let machines = {};

function say(text, bad) {
  said.textContent = text;
  said.classList.toggle("bad", bad);
}

async function act(action, values) {
  const answer = await fetch("world", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ action, ...values }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  show(body);
}

// The button stays pressed down until the world has answered: some things take a second.
async function press(pressed, action, values, label) {
  pressed.setAttribute("aria-busy", "true");
  try {
    await act(action, values);
    say("✓ " + label, false);
  } catch (error) {
    say("✗ " + error.message, true);
  } finally {
    pressed.removeAttribute("aria-busy");
  }
}

function button(label, english, action, values, strong) {
  const made = document.createElement("button");
  made.textContent = label + " ";
  const small = document.createElement("small");
  small.lang = "en";
  small.textContent = english;
  made.append(small);
  if (strong) made.className = "strong";
  made.addEventListener("click", () => press(made, action, values, label));
  return made;
}

function setText(at, text) {
  if (at.textContent !== text) at.textContent = text;
}

function at(path) {
  return path.split(".").reduce((value, key) => (value === undefined ? value : value[key]), machines);
}

function isOn(each) {
  const value = at(each.dataset.at);
  if (each.dataset.has) return Array.isArray(value) && value.includes(each.dataset.has);
  return value === JSON.parse(each.dataset.want || "true");
}

function showMachine(section, state) {
  const name = section.dataset.machine;
  if (!WORDS[name]) return;
  const machine = machines[name];
  section.hidden = !machine;
  if (!machine) return;
  const [seen, found] = WORDS[name](machine, state);
  const wrong = found.map((word) => wordOf(section, word));
  const words = byId(name + "-state");
  setText(words, (wrong.length ? "⚠ " + wrong.join(" · ") : "✓ " + seen.join(" · ")));
  mark(section, wrong.length > 0);
}

// A printer's own word is said as the button that brings it about.
function wordOf(section, word) {
  const from = section.querySelector(`button[data-has="${CSS.escape(word)}"]`);
  return from ? from.textContent.trim() : word;
}

function mark(section, wrong) {
  section.classList.toggle("wrong", wrong);
  const link = document.querySelector(`nav a[href="#${section.id}"]`);
  link.classList.toggle("wrong", wrong);
  link.hidden = section.hidden;
}

function show(state) {
  machines = state.machines;
  for (const person of document.querySelectorAll(".person"))
    person.classList.toggle("here", person.dataset.key === state.card);
  setText(byId("people-state"), "证件 card: " + (state.card || "—") + " · 镜头前 at the camera: " +
    (state.face === "nobody" ? "无人 nobody" : state.face));
  for (const section of document.querySelectorAll("section[data-machine]")) showMachine(section, state);
  setText(byId("line-state"), (LINES[state.line] || state.line) + (state.order ? " · 工单 work order " + state.order : ""));
  mark(byId("s-line"), !["open", "none"].includes(state.line));
  for (const each of document.querySelectorAll("button[data-toggle]"))
    each.setAttribute("aria-pressed", String(isOn(each)));
  for (const each of document.querySelectorAll("[data-chip]"))
    each.setAttribute("aria-pressed", String(Boolean(machines.chip) && machines.chip.cards["0"] === each.dataset.chip));
  for (const each of document.querySelectorAll("[data-scene]"))
    each.setAttribute("aria-pressed", String(Boolean(machines.glass) && machines.glass.lies === each.dataset.scene));
  for (const each of document.querySelectorAll("[data-light]")) {
    const lit = Boolean(machines.board) && machines.board.lit.includes(each.dataset.light);
    each.classList.toggle("lit", lit);
    setText(each.lastChild, lit ? "亮 on" : "灭 off");
  }
  showPaper(state);
  showAbsent(state.left_out);
}

function showPaper(state) {
  const all = [
    ...state.prints.map((name) => ["prints/" + name, "A4"]),
    ...state.slips.map((name) => ["slips/" + name, "80 mm"]),
  ];
  const paper = byId("paper");
  if (paper.dataset.shown === String(all.length)) return;
  paper.dataset.shown = String(all.length);
  paper.replaceChildren(...all.map(([path, size], index) => {
    const link = document.createElement("a");
    link.href = "paper/" + path;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = (size === "A4" ? "证明 Sheet " : "凭条 Slip ") + path.split("/")[1];
    const note = document.createElement("span");
    note.textContent = size + " · " + (index + 1);
    link.append(note);
    return link;
  }));
  if (!all.length) paper.textContent = "还没有 · nothing yet";
}

function showAbsent(leftOut) {
  const lines = Object.entries(leftOut).map(([name, why]) => {
    const heading = byId("h-" + name);
    return (heading ? heading.firstChild.textContent.trim() : name) + " (" + name + "): " + why;
  });
  byId("absent").hidden = !lines.length;
  fill(byId("left-out"), lines, () => "");
}

function showMessages(central) {
  const messages = [...central.sms].reverse().slice(0, 6);
  const lines = messages.length ? messages.map((m) => m.text) : [central.silent || "还没有 · none yet"];
  fill(byId("sms"), lines, () => (messages.length ? "" : "empty"));
}

function fill(list, lines, className) {
  if (list.dataset.shown === lines.join("\n")) return;
  list.dataset.shown = lines.join("\n");
  list.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    item.className = className(line);
    return item;
  }));
}

async function look() {
  try {
    show(await (await fetch("world")).json());
    showMessages(await (await fetch("central")).json());
    if (said.dataset.lost) { say("", false); delete said.dataset.lost; }
  } catch {
    say("模拟世界已停止 · the world has stopped", true);
    said.dataset.lost = "1";
  }
  setTimeout(look, 500);
}

// --- what the world knows becomes buttons ---

function personBox(person) {
  const box = document.createElement("div");
  box.className = "person";
  box.dataset.key = person.key;
  const name = document.createElement("b");
  name.textContent = person.name + " (" + person.key + ")";
  const row = document.createElement("div");
  row.className = "row";
  row.append(
    button("放证件", "Lay the card", "card.insert", { card: person.key }, true),
    button("站到镜头前", "Step up", "face.show", { face: person.face }),
    button("读到一半拿走", "Lift mid-read", "card.insert", { card: person.key, lifted: "during_read" }),
  );
  box.append(name, row);
  return box;
}

function chipButton(card) {
  const made = button(card.name, card.english + (card.hint ? " · " + card.hint : ""), "chip.insert", { card: card.key });
  made.dataset.chip = card.key;
  return made;
}

function sceneButton(scene) {
  const made = button(SCENES[scene] || scene, scene.replace("_", " "), "glass.lay", { what: scene });
  made.dataset.scene = scene;
  return made;
}

function keyButton(key) {
  const made = document.createElement("button");
  made.textContent = KEYS[key] || key;
  made.dataset.key = key;
  made.addEventListener("click", () => press(made, "pad.press", { keys: key }, made.textContent));
  return made;
}

function lamp(light) {
  const item = document.createElement("li");
  item.dataset.light = light;
  const word = document.createElement("span");
  item.append(LIGHTS[light], word);
  return item;
}

function makeNavigation() {
  byId("nav").replaceChildren(...[...document.querySelectorAll("section[data-machine]")].map((section) => {
    const link = document.createElement("a");
    link.href = "#" + section.id;
    link.textContent = section.querySelector("h2").firstChild.textContent.trim();
    return link;
  }));
}

function wire() {
  for (const each of document.querySelectorAll("button[data-action]")) {
    const label = each.firstChild.textContent.trim();
    each.addEventListener("click", () =>
      press(each, each.dataset.action, JSON.parse(each.dataset.values || "{}"), label));
  }
  for (const each of document.querySelectorAll("button[data-toggle]")) {
    const label = each.firstChild.textContent.trim();
    each.setAttribute("aria-pressed", "false");
    each.addEventListener("click", () => {
      const on = !isOn(each), values = JSON.parse(each.dataset.values || "{}");
      const action = !on && each.dataset.off ? each.dataset.off : each.dataset.toggle;
      // What is pulled and put back are two actions; what is on or off is one, and some say "plugged in" for "off".
      const flag = each.dataset.off ? {} : { [each.dataset.name || "on"]: wanted(each, on) };
      press(each, action, { ...values, ...flag }, label + (on ? "" : " · 恢复 undone"));
    });
  }
  byId("scan").addEventListener("submit", (event) => {
    event.preventDefault();
    press(event.submitter, "scanner.show", { text: byId("scan-text").value }, "出示二维码");
  });
}

// "Mains off" is pressed by asking for mains that are not on.
function wanted(each, on) {
  return each.dataset.toggle === "power.mains" ? !on : on;
}

async function begin() {
  const known = await (await fetch("people")).json();
  for (const card of known.cards) cardNames[card.key] = card.name;
  byId("people").replaceChildren(...known.people.map(personBox));
  byId("chips").replaceChildren(...known.cards.map(chipButton));
  byId("scenes").replaceChildren(...known.scenes.map(sceneButton));
  const others = known.keys.filter((key) => !PAD.includes(key));
  byId("keys").replaceChildren(...[...PAD, ...others].map(keyButton));
  byId("lights").replaceChildren(...Object.keys(LIGHTS).map(lamp));
  makeNavigation();
  wire();
  look();
}

begin();
