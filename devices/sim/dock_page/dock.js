// Talks to the dock beside this page: sends actions, shows the state twice a second.
"use strict";

const said = document.getElementById("said");

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

async function press(action, values, label) {
  try {
    await act(action, values);
    say("✓ " + label, false);
  } catch (error) {
    say("✗ " + error.message, true);
  }
}

function button(label, english, onPress, strong) {
  const made = document.createElement("button");
  made.textContent = label + " ";
  const small = document.createElement("small");
  small.lang = "en";
  small.textContent = english;
  made.append(small);
  if (strong) made.className = "strong";
  made.addEventListener("click", onPress);
  return made;
}

// What is not as it should be, in words; everything else goes without saying.
const TROUBLE = {
  "plugged:false": "已拔线 unplugged",
  "answers:false": "不应答 silent",
  "frozen:true": "画面静止 frozen",
  "black:true": "镜头被遮 lens covered",
  "mute:true": "没有画面 no pictures",
  "powered:false": "已断电 switched off",
  "paper:false": "没有纸 no paper",
  "jammed:true": "卡纸 jammed",
  "cover_open:true": "上盖打开 cover open",
};
const LINES = {
  open: "畅通 open",
  cut: "已断开 cut",
  slow: "很慢 slow",
  mute: "回复丢失 answers lost",
  none: "没有中心 no central",
};

function words(machine) {
  const wrong = Object.entries(machine).map(([key, value]) => TROUBLE[key + ":" + value]).filter(Boolean);
  return wrong.length ? "⚠ " + wrong.join(" · ") : "正常 all well";
}

function setText(id, text) {
  const at = document.getElementById(id);
  if (at.textContent !== text) at.textContent = text;
}

function show(state) {
  for (const person of document.querySelectorAll(".person"))
    person.classList.toggle("here", person.dataset.key === state.card);
  setText("person-state", "证件 card: " + (state.card || "—") + " · 镜头前 at the camera: " + (state.face === "nobody" ? "无人 nobody" : state.face));
  for (const name of ["reader", "camera", "sheets", "slips"]) setText(name + "-state", words(state.machines[name]));
  setText("line-state", LINES[state.line] || state.line);
  const paper = document.getElementById("paper");
  const all = [
    ...state.prints.map((name) => ["prints/" + name, "A4"]),
    ...state.slips.map((name) => ["slips/" + name, "80 mm"]),
  ];
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

function showMessages(central) {
  const list = document.getElementById("sms");
  const messages = [...central.sms].reverse().slice(0, 6);
  const lines = messages.length ? messages.map((m) => m.text) : [central.silent || "还没有 · none yet"];
  if (list.dataset.shown === lines.join("\n")) return;
  list.dataset.shown = lines.join("\n");
  list.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    if (!messages.length) item.className = "empty";
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

async function begin() {
  const known = await (await fetch("people")).json();
  document.getElementById("people").replaceChildren(...known.people.map((person) => {
    const box = document.createElement("div");
    box.className = "person";
    box.dataset.key = person.key;
    const name = document.createElement("b");
    name.textContent = person.name + " (" + person.key + ")";
    const row = document.createElement("div");
    row.className = "row";
    row.append(
      button("放证件", "Lay the card", () => press("card.insert", { card: person.key }, person.name + " 放证件"), true),
      button("站到镜头前", "Step up", () => press("face.show", { face: person.face }, person.name + " 站到镜头前")),
      button("读到一半拿走", "Lift mid-read",
        () => press("card.insert", { card: person.key, lifted: "during_read" }, person.name + " 读到一半拿走")),
    );
    box.append(name, row);
    return box;
  }));
  for (const each of document.querySelectorAll("button[data-action]")) {
    const label = each.firstChild.textContent.trim();
    each.addEventListener("click", () => press(each.dataset.action, JSON.parse(each.dataset.values || "{}"), label));
  }
  look();
}

begin();
