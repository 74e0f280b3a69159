// Words for what is so now, Chinese before English, and what is wrong with each machine.
"use strict";

const LINES = {
  open: "畅通 open", cut: "已断开 cut", slow: "很慢 slow", mute: "回复丢失 answers lost", none: "没有中心 no central",
};
const PAPER = { ok: "有纸 paper in", low: "纸快没了 paper low", out: "没有纸 no paper" };
const TONER = { ok: "", low: "墨粉不足 toner low", out: "墨粉用完 toner out" };
const PLACES = {
  empty: "没有卡 no card", mouth: "卡在口上 at the mouth", path: "正在移动 moving", inside: "卡在里面 inside",
  jammed: "卡住了 jammed",
};
const LIGHTS = {
  id_reader: "身份证 ID", card_reader: "芯片卡 chip", card_slot: "卡口 slot", document_tray: "出纸 sheets",
  receipt_slot: "凭条 slips", scanner: "扫码 scan", document_glass: "高拍 glass", face: "补光 face", status: "状态 status",
};
const SCENES = {
  page: "一页 A4", card: "证件", spread: "摊开的本子", crooked: "放歪了", half_out: "一半在外", blurred: "模糊",
  glare: "反光", blank: "白纸", dark: "光线暗", nothing: "拿走", moving: "手在动",
};
const KEYS = {
  enter: "确认 enter", clear: "清除 clear", cancel: "取消 cancel", up: "↑", down: "↓", left: "←", right: "→",
};

const PAD = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "cancel", "0", "enter"]; // as on a pad; the rest follows

const trouble = (...pairs) => pairs.filter(([yes]) => yes).map(([, words]) => words);
const cardNames = {}; // by key, told by the world
const cardName = (key) => cardNames[key] || key;
const COMMON = (m) => trouble(
  [m.plugged === false, "已拔线 unplugged"], [m.answers === false, "不应答 silent"], [m.mute === true, "不应答 silent"],
  [m.powered === false, "已断电 switched off"],
);

// What is there to see, and what is wrong with it.
const WORDS = {
  reader: (m, state) => [[state.card ? "读卡器上有证件 a card lies there" : "没有证件 no card"], COMMON(m)],
  camera: (m) => [[m.watched ? "正在看 watched" : "没有人看 nobody watches"], [
    ...trouble([m.frozen, "画面静止 frozen"], [m.looping, "循环录像 a film"], [m.black, "镜头被遮 covered"],
      [m.white, "强光 too bright"], [m.mute, "没有画面 no pictures"], [!m.plugged, "已拔线 unplugged"])]],
  chip: (m) => [[m.cards["0"] ? "插着 in: " + cardName(m.cards["0"]) : "没有卡 no card"], COMMON(m)],
  slot: (m) => [[(m.open ? "开着 open" : "关着 shut") + " · " + (PLACES[m.place] || m.place) +
    (m.card ? " · " + cardName(m.card) : "") + " · 回收箱 bin " + m.bin],
    [...COMMON(m), ...trouble([m.place === "jammed", "卡住 jammed"], [m.bin_full, "回收箱满 bin full"], [!m.sees, "传感器坏 blind"])]],
  sheets: (m) => [[PAPER[m.paper]], [...COMMON(m), ...trouble([m.paper !== "ok", PAPER[m.paper]],
    [m.jammed, "卡纸 jammed"], [m.toner !== "ok", TONER[m.toner]]), ...m.reasons]],
  slips: (m) => [[PAPER[m.paper]], [...COMMON(m), ...trouble([m.paper !== "ok", PAPER[m.paper]],
    [m.cover_open, "上盖打开 cover open"], [m.button, "走纸键 button"], [m.ticket, "出口有凭条 slip left"]), ...m.troubles]],
  glass: (m) => [["玻璃上 on the glass: " + (m.lies === "nothing" ? "空的 nothing" : SCENES[m.lies] || m.lies)], [
    ...trouble([m.frozen, "画面静止 frozen"], [m.black, "镜头被遮 covered"], [m.white, "强光 too bright"],
      [m.mute, "没有画面 no pictures"], [!m.plugged, "已拔线 unplugged"])]],
  scanner: (m) => [["已出示 shown: " + m.shown], COMMON(m)],
  pad: (m) => [["可以按键 ready"], COMMON(m)],
  board: (m) => [["亮着的灯 lit: " + m.lit.length], COMMON(m)],
  power: (m) => [[(m.mains ? "市电 mains" : "电池 battery") + " · " + m.battery + " %"],
    [...COMMON(m), ...trouble([!m.mains, "市电断电 mains off"], [m.worn, "电池老化 battery worn"], [m.stale, "失去联系 no news"])]],
  speech: (m) => [[m.heard ? "从声卡播放 heard from the sound card" : "没有声卡，只合成不播放 no sound card: made, not heard"], []],
};
