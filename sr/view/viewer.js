// The view is one rectangle of SR pixels, the same in every pane: its centre (x, y), and `zoom`, the CSS pixels that an SR
// pixel takes in the stage; null: the whole picture. All of the state is in the address, so that a view can be shared.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const stage = $("stage"), grid = $("grid"), slider = $("slider"), root = document.documentElement;
const STEPS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const GAP = 10;
const names = data.columns;
// In a longer page (<body data-viewer="part">) keys and wheel are the page's until the viewer is entered.
const embedded = document.body.dataset.viewer === "part";
const entered = () => !embedded || $("viewer").contains(document.activeElement);
const state = {
  file: 0, left: data.left ?? "bicubic", right: data.right ?? data.networks[0], split: 0.5, zoom: null, x: 0, y: 0, error: 0,
};
let pictures = null; // name -> ImageBitmap of the chosen file
let panes = []; // {element, canvas, picture: name, or null for the stage}
let shown = -1, frame = 0, timer = 0;

const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
const file = () => data.files[state.file];
const smallest = () => Math.min(stage.clientWidth / file().width, stage.clientHeight / file().height);
const zoom = () => state.zoom ?? smallest();

function crop() {
  const w = stage.clientWidth / zoom(), h = stage.clientHeight / zoom();
  return { x: state.x - w / 2, y: state.y - h / 2, w, h };
}

function settle() {
  // The picture fills the pane where it can, and is centred where it is smaller.
  if (state.zoom !== null) state.zoom = clamp(state.zoom, Math.min(smallest(), 1), STEPS.at(-1));
  const { w, h } = crop(), { width, height } = file();
  state.x = w >= width ? width / 2 : clamp(state.x, w / 2, width - w / 2);
  state.y = h >= height ? height / 2 : clamp(state.y, h / 2, height - h / 2);
  state.split = clamp(state.split, 0, 1);
}

function update(changes = {}) {
  Object.assign(state, changes);
  if (!pictures) return;
  settle();
  frame ||= requestAnimationFrame(draw);
  clearTimeout(timer);
  timer = setTimeout(remember, 200);
}

function draw() {
  frame = 0;
  const part = crop();
  for (const pane of panes) paint(pane, part);
  const percent = Math.round(state.split * 100);
  slider.style.left = `${state.split * 100}%`;
  slider.setAttribute("aria-valuenow", percent);
  slider.setAttribute("aria-valuetext", `${percent} % ${state.left}, ${100 - percent} % ${state.right}`);
  panes[0].canvas.setAttribute("aria-label", `${state.left} on the left, ${state.right} on the right, of ${file().name}`);
  $("left").value = state.left;
  $("right").value = state.right;
  $("error").value = state.error;
  $("file").value = state.file;
  $("zoom").textContent = `${Math.round(zoom() * 100)} %`;
  $("fit").setAttribute("aria-pressed", state.zoom === null);
  for (const button of grid.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", state[button.dataset.side] === button.dataset.name);
  }
  const text = { ...state, zoom: zoom(), fit: state.zoom === null, ready: true };
  for (const [key, value] of Object.entries(text)) root.dataset[key] = value;
  if (file().film) clock();
}

function paint({ element, canvas, picture }, part) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(element.clientWidth * ratio), height = Math.round(element.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  if (picture) {
    one(context, picture, part, 0, width);
  } else {
    const boundary = Math.round(state.split * width);
    one(context, state.left, part, 0, boundary);
    one(context, state.right, part, boundary, width);
  }
  element.dataset.crop = [part.x, part.y, part.x + part.w, part.y + part.h].map((v) => v.toFixed(2)).join(" ");
}

function one(context, name, part, from, to) {
  // One picture into the columns from..to of a canvas; the error map by the canvas's own arithmetic, which is exact:
  // |a - b| by "difference", then the sum with itself ("lighter") as often as the brightness doubles.
  if (to <= from) return;
  const { canvas } = context;
  context.save();
  context.beginPath();
  context.rect(from, 0, to - from, canvas.height);
  context.clip();
  place(context, pictures[name], part);
  if (state.error && name !== "HR") {
    context.globalCompositeOperation = "difference";
    place(context, pictures.HR, part);
    context.globalCompositeOperation = "lighter";
    for (let gain = 1; gain < state.error; gain *= 2) context.drawImage(canvas, 0, 0);
  }
  context.restore();
}

function place(context, bitmap, part) {
  // Only the pixels that are seen; a pixel of LR counts as scale x scale of SR.
  const size = context.canvas.width / part.w, { width, height } = file();
  const left = Math.round(-part.x * size), top = Math.round(-part.y * size);
  const fx = width / bitmap.width, fy = height / bitmap.height;
  const seen = (start, length, total) => [clamp(Math.floor(start), 0, total), clamp(Math.ceil(start + length) + 1, 0, total)];
  const [x0, x1] = seen(part.x / fx, part.w / fx, bitmap.width), [y0, y1] = seen(part.y / fy, part.h / fy, bitmap.height);
  context.imageSmoothingEnabled = size * fx < 1; // many pixels on one of the screen
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap.image ?? bitmap, x0, y0 + (bitmap.top ?? 0), x1 - x0, y1 - y0,
    left + x0 * fx * size, top + y0 * fy * size, (x1 - x0) * fx * size, (y1 - y0) * fy * size);
}

// -- the address -------------------------------------------------------------------------------------------------------

function remember() {
  const words = { left: state.left, right: state.right, split: +state.split.toFixed(4) };
  if (state.zoom !== null) for (const key of ["zoom", "x", "y"]) words[key] = +state[key].toFixed(4);
  if (state.error) words.error = state.error;
  if (data.files.length > 1) words.file = state.file + 1;
  if (embedded) return;
  try {
    history.replaceState(null, "", "#" + new URLSearchParams(words));
  } catch { /* a browser that keeps file:// addresses as they are */ }
}

function recall() {
  const words = new URLSearchParams(location.hash.slice(1));
  const number = (key, low, high) => {
    const value = Number.parseFloat(words.get(key));
    return Number.isFinite(value) ? clamp(value, low, high) : null;
  };
  const index = (number("file", 1, data.files.length) ?? 1) - 1;
  for (const side of ["left", "right"]) if (names.includes(words.get(side))) state[side] = words.get(side);
  state.file = Math.floor(index);
  state.split = number("split", 0, 1) ?? 0.5;
  state.zoom = number("zoom", STEPS[0], STEPS.at(-1));
  state.x = number("x", 0, file().width) ?? file().width / 2;
  state.y = number("y", 0, file().height) ?? file().height / 2;
  state.error = hasHR() && [1, 4, 8, 16].includes(number("error", 0, 16)) ? number("error", 0, 16) : 0;
  return show();
}

const hasHR = () => names.includes("HR");

// -- one file ----------------------------------------------------------------------------------------------------------

async function show() {
  if (shown === state.file) return update();
  const wanted = (shown = state.file), next = {};
  try {
    if (file().film) Object.assign(next, await filmed(wanted)); // film.js
    else await Promise.all(names.map(async (name, column) => {
      const image = new Image();
      const source = $(`picture-${wanted}-${column}`); // a picture of the page, or a script element that holds one
      image.src = source.src || source.textContent.trim();
      await image.decode();
      next[name] = await createImageBitmap(image);
    }));
  } catch (error) {
    $("failed").textContent = `This browser cannot show ${data.files[wanted].name} (${error.message || error}).`;
    $("failed").hidden = false;
    return;
  }
  if (wanted !== shown) return; // another file was chosen meanwhile
  Object.values(pictures ?? {}).forEach((bitmap) => bitmap.close());
  pictures = next;
  const { width, height, scores } = file();
  root.style.setProperty("--aspect", clamp(width / height, 0.65, 1.8).toFixed(4));
  for (const section of document.querySelectorAll("section[data-file]")) section.hidden = +section.dataset.file !== wanted;
  names.forEach((name, column) => { grid.children[column].querySelector(".score").textContent = scores?.[name] ?? ""; });
  layOut();
}

function choose(index) {
  const count = data.files.length, { width, height } = file();
  state.file = (index + count) % count;
  state.x *= file().width / width; // the same place, where pictures are views of one thing
  state.y *= file().height / height;
  show();
}

function layOut() {
  // As few columns of the grid as keep it no higher than the stage: the panes are as large as they can be.
  const room = grid.clientWidth, caption = grid.querySelector("figcaption").offsetHeight;
  const aspect = stage.clientWidth / stage.clientHeight, beside = grid.offsetTop < stage.offsetTop + stage.offsetHeight;
  let columns = beside ? 1 : room < 600 ? 2 : 3;
  const fits = () => {
    const width = (room - GAP * (columns - 1)) / columns, rows = Math.ceil(names.length / columns);
    return rows * (width / aspect + caption) + (rows - 1) * GAP <= stage.clientHeight + caption;
  };
  while (beside && columns < names.length && !fits()) columns++;
  root.style.setProperty("--columns", columns);
  update();
}

// -- mouse, touch, keys ------------------------------------------------------------------------------------------------

function zoomAt(factor, fx = 0.5, fy = 0.5) {
  // The point of the picture at the fraction (fx, fy) of the pane stays there.
  const before = crop();
  state.zoom = clamp(zoom() * factor, Math.min(smallest(), 1), STEPS.at(-1));
  const after = crop();
  update({ x: state.x + (fx - 0.5) * (before.w - after.w), y: state.y + (fy - 0.5) * (before.h - after.h) });
}

function step(direction) {
  const now = zoom();
  const next = direction > 0 ? STEPS.find((s) => s > now * 1.01) : STEPS.findLast((s) => s < now * 0.99);
  if (next) zoomAt(next / now);
}

const fraction = (element, event) => {
  const box = element.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};

function listen(element, canvas) {
  const down = new Map(); // pointers on this pane
  canvas.addEventListener("wheel", (event) => {
    if (!entered()) return;
    event.preventDefault();
    const lines = event.deltaY * (event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1);
    zoomAt(Math.exp(-clamp(lines, -300, 300) * (event.ctrlKey ? 0.01 : 0.002)), ...fraction(element, event));
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => zoomAt(2, ...fraction(element, event)));
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => down.delete(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    const last = down.get(event.pointerId);
    if (!last) return point(element, event);
    down.set(event.pointerId, event);
    const { w, h } = crop(), share = 1 / down.size;
    state.x -= ((event.clientX - last.clientX) / element.clientWidth) * w * share;
    state.y -= ((event.clientY - last.clientY) / element.clientHeight) * h * share;
    const other = [...down.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    if (!other) return update();
    const distance = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY) || 1;
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    zoomAt(distance(event) / distance(last), ...fraction(element, middle));
  });
  canvas.addEventListener("pointerleave", () => document.body.classList.remove("pointing"));
}

function point(element, event) {
  // A cross at the same place of every other pane.
  const [fx, fy] = fraction(element, event);
  document.body.classList.toggle("pointing", event.pointerType === "mouse");
  const place = { left: `${fx * 100}%`, top: `${fy * 100}%` };
  for (const cross of document.querySelectorAll(".cross")) Object.assign(cross.style, place);
}

slider.addEventListener("pointerdown", (event) => slider.setPointerCapture(event.pointerId));
slider.addEventListener("pointermove", (event) => {
  if (slider.hasPointerCapture(event.pointerId)) update({ split: fraction(stage, event)[0] });
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !entered()) return;
  const { w, h } = crop(), on = document.activeElement;
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1] ?? /^[0-9]$/.exec(event.key)?.[0];
  const actions = {
    "+": () => step(1), "=": () => step(1), "-": () => step(-1),
    ArrowLeft: () => update({ x: state.x - w / 10 }), ArrowRight: () => update({ x: state.x + w / 10 }),
    ArrowUp: () => update({ y: state.y - h / 10 }), ArrowDown: () => update({ y: state.y + h / 10 }),
    "[": () => update({ split: state.split - 0.05 }), "]": () => update({ split: state.split + 0.05 }),
    x: swap, e: () => hasHR() && update({ error: state.error ? 0 : 8 }),
    n: () => choose(state.file + 1), p: () => choose(state.file - 1),
  };
  const sliding = {
    ArrowLeft: () => update({ split: state.split - 0.02 }), ArrowDown: () => update({ split: state.split - 0.02 }),
    ArrowRight: () => update({ split: state.split + 0.02 }), ArrowUp: () => update({ split: state.split + 0.02 }),
    Home: () => update({ split: 0 }), End: () => update({ split: 1 }),
  };
  let action = actions[event.key];
  if (on === slider) action = sliding[event.key] ?? action;
  else if (on?.tagName === "SELECT" && !digit && !"+-=".includes(event.key)) return; // its own keys
  if (digit === "0") action = () => update({ zoom: null });
  else if (digit && names[digit - 1]) action = () => update({ [event.shiftKey ? "right" : "left"]: names[digit - 1] });
  if (!action) return;
  event.preventDefault();
  action();
});

function swap() {
  update({ left: state.right, right: state.left });
}

// -- start -------------------------------------------------------------------------------------------------------------

function option(select, value, text) {
  select.append(Object.assign(document.createElement("option"), { value, textContent: text }));
}

function tile(name, index) {
  const figure = document.createElement("figure");
  figure.innerHTML = '<div class="pane"><canvas role="img"></canvas><i class="cross"></i>' +
    '<button data-side="left">L</button><button data-side="right">R</button></div>' +
    '<figcaption><kbd></kbd><span></span><span class="score"></span></figcaption>';
  figure.dataset.picture = name;
  const [canvas, key, label] = ["canvas", "kbd", "figcaption span"].map((selector) => figure.querySelector(selector));
  canvas.setAttribute("aria-label", name);
  key.textContent = index + 1;
  key.hidden = index > 8;
  label.textContent = label.title = name;
  for (const button of figure.querySelectorAll("button")) {
    button.dataset.name = name;
    button.title = `Show ${name} on the ${button.dataset.side}`;
    button.setAttribute("aria-label", button.title);
    button.onclick = () => update({ [button.dataset.side]: name });
  }
  grid.append(figure);
  const element = figure.querySelector(".pane");
  panes.push({ element, canvas, picture: name });
}

panes.push({ element: stage, canvas: stage.querySelector("canvas"), picture: null });
names.forEach(tile);
for (const { element, canvas } of panes) listen(element, canvas);
for (const side of ["left", "right"]) {
  names.forEach((name) => option($(side), name, name));
  $(side).onchange = (event) => update({ [side]: event.target.value });
}
data.files.forEach(({ name }, index) => option($("file"), index, name));
$("files").hidden = data.files.length < 2;
$("error").hidden = !hasHR();
for (const hint of document.querySelectorAll(".with-error")) hint.hidden = !hasHR();
for (const hint of document.querySelectorAll(".with-files")) hint.hidden = data.files.length < 2;
$("file").onchange = (event) => choose(+event.target.value);
$("previous").onclick = () => choose(state.file - 1);
$("next").onclick = () => choose(state.file + 1);
$("out").onclick = () => step(-1);
$("in").onclick = () => step(1);
$("fit").onclick = () => update({ zoom: null });
$("swap").onclick = swap;
$("error").onchange = (event) => update({ error: +event.target.value });
if (file().film) controls();
window.addEventListener("hashchange", recall);
new ResizeObserver(() => pictures && layOut()).observe(document.body);
recall();
