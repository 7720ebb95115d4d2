// Blind votes between two variants. A round shows every place once, in a drawn order, each with drawn sides.
{
  const MEMORY = `sr-votes:${data.id}`, SMALL = 96; // pixels: larger pictures are shown in quarters, each a pair of its own
  const variants = names.filter((name) => name !== "HR");
  const booth = $("booth");
  const CANVASES = { left: $("vote-left"), middle: $("vote-middle"), right: $("vote-right") };
  let votes = recalled(), queue = [], done = [], withHR = false;

  function recalled() {
    try {
      const found = JSON.parse(localStorage.getItem(MEMORY)) ?? [];
      return found.filter((vote) => names.includes(vote.left) && names.includes(vote.right));
    } catch {
      return []; // a browser that keeps nothing for addresses of files
    }
  }

  function keep() {
    try {
      localStorage.setItem(MEMORY, JSON.stringify(votes));
    } catch { /* then a reload forgets them: save the file */ }
    tell();
  }

  const drawn = (n) => {
    // A whole number below n, every one as likely: what the remainder would favour is drawn again.
    const word = new Uint32Array(1), limit = 2 ** 32 - (2 ** 32 % n);
    do crypto.getRandomValues(word); while (word[0] >= limit);
    return word[0] % n;
  };

  function places() {
    return data.files.flatMap(({ width, height }, file) => {
      if (Math.min(width, height) < 2 * SMALL * 0.75) return [{ file, x: 0, y: 0, w: width, h: height }];
      const w = width >> 1, h = height >> 1;
      return [[0, 0], [w, 0], [0, h], [w, h]].map(([x, y]) => ({ file, x, y, w, h }));
    });
  }

  function begin() {
    const pair = [$("vote-a").value, $("vote-b").value];
    if (pair[0] === pair[1]) return void ($("vote-progress").textContent = "");
    queue = places();
    for (let i = queue.length - 1; i > 0; i--) {
      const j = drawn(i + 1);
      [queue[i], queue[j]] = [queue[j], queue[i]];
    }
    for (const place of queue) [place.left, place.right] = drawn(2) ? pair : [pair[1], pair[0]];
    done = [];
    booth.hidden = false;
    present();
    booth.focus({ preventScroll: true });
    booth.scrollIntoView({ block: "nearest" });
  }

  function present() {
    const place = queue[done.length];
    $("take-back").disabled = !done.length;
    booth.dataset.at = done.length;
    for (const button of booth.querySelectorAll("[data-choice]")) button.disabled = !place;
    CANVASES.middle.hidden = !withHR;
    $("vote-hr").setAttribute("aria-pressed", withHR);
    $("vote-progress").textContent = place ? `${done.length + 1} of ${queue.length}` : "Done: the result is below";
    if (!place) return tell();
    const { file, x, y, w, h } = place, shown = { left: place.left, middle: "HR", right: place.right };
    for (const [side, canvas] of Object.entries(CANVASES)) {
      Object.assign(canvas, { width: w, height: h });
      canvas.getContext("2d").drawImage($(`picture-${file}-${names.indexOf(shown[side])}`), x, y, w, h, 0, 0, w, h);
    }
  }

  function vote(choice) {
    const place = queue[done.length];
    if (!place) return;
    const { file, left, right, x, y, w, h } = place, [top, start] = data.files[file].place;
    const one = { left, right, choice, picture: data.files[file].name, place: [top + y, start + x, h, w], hr: withHR };
    votes.push(one);
    done.push(one);
    keep();
    present();
  }

  function takeBack() {
    const last = done.pop();
    if (!last) return;
    votes = votes.filter((one) => one !== last);
    keep();
    present();
  }

  function tell() {
    // A result in sight while one votes would tell the sides: results are those of the other pairs until the round is over.
    const voting = !booth.hidden && done.length < queue.length;
    const lines = [];
    variants.forEach((a, i) => variants.slice(i + 1).forEach((b) => {
      const of = votes.filter((one) => (one.left === a && one.right === b) || (one.left === b && one.right === a));
      if (!of.length || (voting && of.includes(done[0]))) return;
      const won = (name) => of.filter((one) => one[one.choice] === name).length;
      const wins = won(a), decided = wins + won(b), equal = of.length - decided;
      const [low, high] = exact(wins, decided).map((share) => Math.round(100 * share));
      const share = `${Math.round((100 * wins) / decided)} % [${low}, ${high}]`;
      const text = decided ? `${a} preferred to ${b} in ${wins} of ${decided}, ${share}` : `${a} against ${b}: none preferred`;
      lines.push(equal ? `${text}; ${equal} equal` : text);
    }));
    $("tally").replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    for (const id of ["save-votes", "clear-votes"]) $(id).disabled = !votes.length;
    root.dataset.votes = votes.length;
  }

  // The exact 95 % interval of k of n (Clopper and Pearson 1934): where the binomial's tails are 2.5 %, found by halving.
  function exact(k, n) {
    const logs = [0];
    for (let i = 1; i <= n; i++) logs.push(logs[i - 1] + Math.log(i));
    const tail = (p, from, to) => {
      let sum = 0;
      for (let i = from; i <= to; i++) sum += Math.exp(logs[n] - logs[i] - logs[n - i] + i * Math.log(p) + (n - i) * Math.log1p(-p));
      return sum;
    };
    const half = (above) => {
      let low = 0, high = 1;
      for (let i = 0; i < 60; i++) {
        const p = (low + high) / 2;
        if (above(p)) high = p; else low = p;
      }
      return low;
    };
    return [k === 0 ? 0 : half((p) => tail(p, k, n) > 0.025), k === n ? 1 : half((p) => tail(p, 0, k) < 0.025)];
  }

  function save() {
    const content = { format: "sr-votes-1", report: data.title, saved: new Date().toISOString(), votes };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1) + "\n"], { type: "application/json" }));
    link.download = `votes-${content.saved.slice(0, 19).replaceAll(":", "-")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  booth.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      ArrowLeft: () => vote("left"), ArrowRight: () => vote("right"), "=": () => vote("equal"), Backspace: takeBack,
      h: () => toggleHR(),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
    if (!booth.contains(document.activeElement)) booth.focus({ preventScroll: true });
  });

  function toggleHR() {
    withHR = !withHR;
    present();
  }

  for (const id of ["vote-a", "vote-b"]) variants.forEach((name) => option($(id), name, name));
  $("vote-a").value = data.left;
  $("vote-b").value = data.right;
  for (const id of ["vote-a", "vote-b"]) {
    $(id).onchange = () => { $("begin").disabled = $("vote-a").value === $("vote-b").value; };
  }
  for (const button of booth.querySelectorAll("[data-choice]")) button.onclick = () => vote(button.dataset.choice);
  $("begin").onclick = begin;
  $("take-back").onclick = takeBack;
  $("vote-hr").onclick = toggleHR;
  $("save-votes").onclick = save;
  $("clear-votes").onclick = () => {
    if (!confirm(`Delete ${votes.length} votes?`)) return;
    [votes, done, queue] = [[], [], []];
    booth.hidden = true;
    keep();
  };
  tell();

  // -- strips open in the viewer
  for (const cell of document.querySelectorAll(".strip .cell")) {
    cell.onclick = () => {
      const { file: index, name } = cell.dataset;
      state.file = +index;
      state.left = name;
      if (state.right === name) state.right = name === "HR" ? data.right : "HR";
      show();
      $("viewer").scrollIntoView({ block: "start" });
      slider.focus({ preventScroll: true });
    };
  }
}
