// A page of videos: all pictures of a file lie one below the other in one video, so they always show the same frame.
let movie = null; // that video of the chosen file

async function filmed(index) {
  // name -> the part of the video that shows it, as `place` takes it
  const { film, width, height } = data.files[index];
  const bytes = Uint8Array.from(atob($(`film-${index}`).textContent.trim()), (letter) => letter.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes], { type: film.type }));
  const video = Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true, preload: "auto" });
  await new Promise((done, failed) => {
    video.onloadeddata = done;
    video.onerror = () => failed(new Error("it does not play this video"));
    video.src = address;
  });
  movie?.pause();
  movie = video;
  movie.playbackRate = +$("speed").value;
  movie.onseeked = movie.onplay = movie.onpause = () => update();
  follow(video);
  $("playing").hidden = false;
  $("time").max = film.count - 1;
  const entries = names.map((name, column) => {
    const close = column ? () => {} : () => URL.revokeObjectURL(address);
    return [name, { image: video, top: column * film.slot, width, height, close }];
  });
  return Object.fromEntries(entries);
}

function follow(video) {
  // Draw each frame that the browser decodes.
  const again = () => {
    if (video !== movie) return;
    update();
    follow(video);
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(again);
  else requestAnimationFrame(again);
}

function clock() {
  // The number of the frame, in the controls and for tests; called by draw().
  if (!movie) return;
  const { film } = file(), now = Math.min(Math.floor(movie.currentTime * film.rate + 1e-3), film.count - 1);
  $("time").value = now;
  $("now").textContent = `${now + 1} / ${film.count}`;
  $("play").textContent = movie.paused ? "Play" : "Pause";
  Object.assign(root.dataset, { frame: now, playing: !movie.paused });
}

function seek(frame) {
  const { film } = file();
  movie.pause();
  movie.currentTime = (((frame + film.count) % film.count) + 0.5) / film.rate; // the middle of a frame's time
}

function toggle() {
  if (movie.paused) movie.play();
  else movie.pause();
}

function controls() {
  $("play").onclick = toggle;
  $("time").oninput = (event) => seek(+event.target.value);
  $("speed").onchange = (event) => { movie.playbackRate = +event.target.value; };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || ["BUTTON", "SELECT"].includes(document.activeElement?.tagName)) return;
    const step = { ",": -1, ".": 1 }[event.key];
    if (event.key === " ") toggle();
    else if (step) seek(+root.dataset.frame + step);
    else return;
    event.preventDefault();
  });
}
