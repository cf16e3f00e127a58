"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const bytes = (text) => text && Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const COUNT = data.labels.length, MISSING = 255, STEPS = 254;

  // The bytes of a track, put where they stand on the whole timeline's ticks.
  function unpack(track) {
    if (!track) return null;
    return { ...track, face: bytes(track.face), fused: bytes(track.fused), affect: bytes(track.affect), head: bytes(track.head) };
  }
  const voice = bytes(data.voice), nobody = unpack(data.nobody), faces = data.faces.map(unpack);
  const tracks = faces.length ? faces : [nobody];
  let track = tracks[0];

  // Where the values of a tick start, with the array they are in; null where nothing is said.
  function block(of, name, tick, width) {
    if (!of || !of[name]) return null;
    const at = (tick - of.start) * width;
    if (at < 0 || at >= of[name].length || of[name][at] === MISSING) return null;
    return [of[name], at];
  }
  // A long view is smoothed: ten minutes over 5 s, an hour over 30 s.
  function smoothed() {
    const span = view.to - view.from;
    return [[4 * 3600, 120], [1800, 30], [300, 5], [60, 1]].find(([least]) => span > least)?.[1] || 0;
  }
  const READ = {
    fused: (t) => block(track, "fused", t, COUNT) || block(nobody, "fused", t, COUNT),
    face: (t) => block(track, "face", t, COUNT),
    voice: (t) => (voice[t * COUNT] === MISSING ? null : [voice, t * COUNT]),
    affect: (t) => block(track, "affect", t, 2) || block(nobody, "affect", t, 2),
    head: (t) => block(track, "head", t, 2),
  };

  function average(read, from, to, width) {
    const sum = new Float64Array(width);
    let n = 0;
    for (let t = from; t < to; t++) {
      const found = read(t);
      if (!found) continue;
      n++;
      for (let i = 0; i < width; i++) sum[i] += found[0][found[1] + i];
    }
    // Where less than half of the column says something, it stays empty; over seconds, a pause is no gap.
    return n < (to - from) * (smoothed() > 1 ? 0.1 : 0.5) || !n ? null : sum.map((v) => v / n / STEPS);
  }
  const best = (p) => p.reduce((at, v, i) => (v > p[at] ? i : at), 0);
  // What is said: `COUNT` stands for uncertain, where the best has too little.
  function lead(p) {
    const at = best(p);
    return data.least !== undefined && p[at] * STEPS < data.least - 1e-3 ? COUNT : at;
  }

  // The view: seconds from `view.from` to `view.to` lie between the gutter and the right edge.
  const view = { from: 0, to: data.duration };
  const canvas = $("chart"), slider = $("slider"), head = $("head"), player = $("player");
  const GUTTER = 76;
  let width = 600, time = 0;
  const x = (s) => GUTTER + ((s - view.from) / (view.to - view.from)) * (width - GUTTER);
  const second = (px) => view.from + ((px - GUTTER) / (width - GUTTER)) * (view.to - view.from);
  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function columns(read, width_) {
    const result = [], wide = smoothed();
    let before = null;
    for (let px = GUTTER; px < width; px++) {
      // Smoothed, the pixels of a window share its mean.
      const start = wide ? Math.floor(second(px + 0.5) / wide) * wide : second(px);
      const end = wide ? Math.max(start + wide, second(px + 1)) : second(px + 1);
      const from = clamp(Math.floor(start / data.tick + 1e-6), 0, data.ticks - 1);
      const to = clamp(Math.ceil(end / data.tick - 1e-6), from + 1, data.ticks);
      if (!before || before[0] !== from || before[1] !== to) before = [from, to, average(read, from, to, width_)];
      result.push(before[2]);
    }
    return result;
  }

  // Each stretch of columns with one leading label, for its letter.
  function letters(pen, cells, top, height) {
    for (let i = 0; i < cells.length; ) {
      const label = cells[i] ? lead(cells[i]) : -1;
      let j = i + 1;
      while (j < cells.length && (cells[j] ? lead(cells[j]) : -1) === label) j++;
      if (label >= 0 && j - i >= 14) {
        const middle = (i + j) >> 1;
        const at = best(cells[middle]);
        let below = 0;
        for (let k = 0; k < at; k++) below += cells[middle][k];
        const share = cells[middle][at];
        pen.fillStyle = data.inks[at];
        const y = top + height * (1 - below - share / 2);
        pen.fillText(data.letters[label], GUTTER + (i + j) / 2, clamp(y, top + 7, top + height - 7));
      }
      i = j;
    }
  }

  function stack(pen, name, top, height) {
    const cells = columns(READ[name], COUNT);
    cells.forEach((p, i) => {
      if (!p) return;
      let y = top + height;
      p.forEach((v, label) => {
        pen.fillStyle = data.colours[label];
        pen.fillRect(GUTTER + i, y - v * height, 1, v * height + 0.5);
        y -= v * height;
      });
    });
    pen.textAlign = "center";
    letters(pen, cells, top, height);
  }

  function affect(pen, top, height, name = "affect") {
    const cells = columns(READ[name], 2), spread = smoothed() ? columns(deviation(cells, name), 2) : null;
    if (spread) {
      [["--accent"], ["--alarm"]].forEach(([name], k) => {
        pen.fillStyle = colour(name);
        pen.globalAlpha = 0.18;
        cells.forEach((v, i) => {
          if (!v || !spread[i]) return;
          const sd = Math.sqrt(spread[i][k]);
          const high = clamp(v[k] + sd, 0, 1), low = clamp(v[k] - sd, 0, 1);
          pen.fillRect(GUTTER + i, top + height * (1 - high), 1, height * (high - low));
        });
        pen.globalAlpha = 1;
      });
    }
    pen.strokeStyle = colour("--line");
    pen.lineWidth = 1;
    line(pen, [[GUTTER, top + height / 2], [width, top + height / 2]]);
    [["--accent", []], ["--alarm", [5, 3]]].forEach(([name, dash], k) => {
      pen.strokeStyle = colour(name);
      pen.lineWidth = 2;
      pen.setLineDash(dash);
      let part = [];
      cells.concat([null]).forEach((v, i) => {
        if (v) part.push([GUTTER + i, top + height * (1 - v[k])]);
        else { line(pen, part); part = []; }
      });
    });
    pen.setLineDash([]);
  }
  // Squared distances from the mean of the pixel that a tick is in.
  function deviation(cells, name) {
    return (tick) => {
      const found = READ[name](tick);
      const mean = cells[clamp(Math.floor(x(tick * data.tick) - GUTTER), 0, cells.length - 1)];
      if (!found || !mean) return null;
      return [[0, 1].map((k) => (found[0][found[1] + k] / STEPS - mean[k]) ** 2 * STEPS), 0];
    };
  }
  function line(pen, points) {
    pen.beginPath();
    points.forEach(([px, py], i) => (i ? pen.lineTo(px, py) : pen.moveTo(px, py)));
    pen.stroke();
  }

  function band(pen, name, top, height) {
    pen.fillStyle = colour("--soft");
    columns(READ[name], COUNT).forEach((p, i) => p && pen.fillRect(GUTTER + i, top, 1, height));
  }

  // A row for each voice: that of the face shown stands out, one of nobody in the picture is framed.
  function turns(pen, top, height) {
    const tall = height / data.speakers.length;
    data.speakers.forEach(([voice, face], row) => {
      const own = face !== null && track && face === track.id;
      for (const [from, to, of] of data.turns) {
        const left = Math.max(x(from), GUTTER), right = Math.min(x(to), width);
        if (of !== voice || right <= left) continue;
        pen.fillStyle = pen.strokeStyle = colour(own ? "--accent" : "--soft");
        const place = [left + 0.5, top + row * tall + 1.5, Math.max(right - left - 1, 1), tall - 3];
        if (face === null && faces.length) { pen.lineWidth = 1; pen.strokeRect(...place); } else pen.fillRect(...place);
      }
    });
  }

  // Stretches of the face that is shown.
  function marks(pen, name, top, height) {
    pen.fillStyle = colour(name === "poor" ? "--alarm" : "--accent");
    for (const [from, to] of (track && track[name]) || []) {
      const left = Math.max(x(from), GUTTER), right = Math.min(x(to), width);
      if (right > left) pen.fillRect(left, top, Math.max(right - left, 1), height);
    }
  }

  // Hatched, so that it is told from the plain bands without colour.
  function disagreements(pen, top, height) {
    for (const [from, to, face] of data.disagreements) {
      if (track && track.id !== null && face !== track.id) continue;
      const left = Math.max(x(from), GUTTER), right = Math.min(x(to), width);
      if (right <= left) continue;
      pen.save();
      pen.beginPath();
      pen.rect(left, top, Math.max(right - left, 2), height);
      pen.clip();
      pen.strokeStyle = colour("--alarm");
      pen.lineWidth = 2;
      for (let s = left - height; s < right; s += 5) line(pen, [[s, top + height], [s + height, top]]);
      pen.strokeRect(left, top, right - left, height);
      pen.restore();
    }
  }

  // To the pixel: of several segments in one, the label that lasts longest there.
  function barcode(pen, top, height, chosen) {
    const room = Math.ceil(width - GUTTER), lasts = new Float32Array(room * data.names.length);
    for (const [from, to, face, label] of chosen) {
      const left = Math.max(x(from) - GUTTER, 0), right = Math.min(x(to) - GUTTER, room);
      for (let px = Math.floor(left); px < right; px++) {
        lasts[px * data.names.length + label] += Math.min(right, px + 1) - Math.max(left, px);
      }
    }
    for (let px = 0; px < room; px++) {
      const here = lasts.subarray(px * data.names.length, (px + 1) * data.names.length);
      if (here.reduce((a, b) => a + b, 0) < 0.5) continue;
      pen.fillStyle = data.colours[best(here)];
      pen.fillRect(GUTTER + px, top, 1, height);
    }
  }
  function segments(pen, top, height, id) {
    const chosen = data.segments.filter(([, , face]) => (id === undefined ? !track || track.id === null || face === track.id || face === null : face === id));
    const seen = chosen.filter(([from, to]) => to > view.from && from < view.to);
    if (smoothed() && seen.length * 12 > width - GUTTER) return barcode(pen, top, height, seen);
    for (const [from, to, face, label] of seen) {
      const left = Math.max(x(from), GUTTER), right = Math.min(x(to), width);
      if (right <= left) continue;
      pen.fillStyle = data.colours[label];
      pen.fillRect(left, top, Math.max(right - left - 1, 1), height);
      const text = right - left > 64 ? data.names[label] : right - left > 12 ? data.letters[label] : "";
      pen.fillStyle = data.inks[label];
      pen.textAlign = "center";
      pen.fillText(text, (left + right) / 2, top + height / 2);
    }
  }

  function axis(pen, top) {
    const room = (view.to - view.from) / ((width - GUTTER) / 70);
    const step = [0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600].find((s) => s >= room) || 7200;
    pen.fillStyle = colour("--soft");
    pen.textAlign = "center";
    for (let s = Math.ceil(view.from / step) * step; s <= view.to + 1e-6; s += step) {
      pen.fillRect(x(s) - 0.5, top, 1, 4);
      const text = step < 1 ? s.toFixed(1) : step < 60 && view.to < 120 ? `${Math.round(s)}` : clock(s);
      pen.fillText(text, clamp(x(s), GUTTER + 4, width - 16), top + 12);
    }
  }
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.round(s % 60)).padStart(2, "0")}`;

  function cuts(pen, top, height) {
    pen.fillStyle = colour("--soft");
    for (const cut of data.cuts) if (cut > view.from && cut < view.to) pen.fillRect(x(cut), top, 1, height);
  }
  // With several faces, a row for each; the rest is about the one that is chosen.
  const MOST_ROWS = 8;
  const own = faces.length > 1
    ? faces.slice(0, MOST_ROWS).map((one) => [data.who[one.id], 20, (pen, y, h) => segments(pen, y, h, one.id)])
    : [["segments", 22, (pen, y, h) => segments(pen, y, h)]];
  function shortened(pen, text) {
    let short = text;
    while (short.length > 1 && pen.measureText(short).width > GUTTER - 7) short = short.slice(0, -2) + "…";
    return short;
  }

  const LANES = [
    ...own,
    ["together", 92, (pen, y, h) => stack(pen, "fused", y, h)],
    ["face", 60, (pen, y, h) => stack(pen, "face", y, h)],
    ["voice", 60, (pen, y, h) => stack(pen, "voice", y, h)],
    ["valence", 64, (pen, y, h) => affect(pen, y, h)],
    ...(faces.some((one) => one.head) ? [["head", 64, (pen, y, h) => affect(pen, y, h, "head")]] : []),
    ...(faces.some((one) => (one.blinks || []).length) ? [["blinks", 10, (pen, y, h) => marks(pen, "blinks", y, h)]] : []),
    ...(faces.some((one) => (one.poor || []).length) ? [["not usable", 10, (pen, y, h) => marks(pen, "poor", y, h)]] : []),
    ["face seen", 10, (pen, y, h) => band(pen, "face", y, h)],
    ["speech", 10, (pen, y, h) => band(pen, "voice", y, h)],
    ...(data.speakers.length > 1 ? [["voices", 12 * data.speakers.length, (pen, y, h) => turns(pen, y, h)]] : []),
    ["disagree", 14, (pen, y, h) => disagreements(pen, y, h)],
    ...(data.cuts.length ? [["cuts", 10, (pen, y, h) => cuts(pen, y, h)]] : []),
  ];
  const GAP = 6;

  function draw() {
    width = Math.max(slider.clientWidth, 200);
    const height = LANES.reduce((sum, lane) => sum + lane[1] + GAP, GAP) + 22;
    const scale = Math.max(window.devicePixelRatio || 1, 1);
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    pen.textBaseline = "middle";
    let y = GAP;
    for (const [name, tall, paint] of LANES) {
      pen.fillStyle = colour("--empty");
      pen.fillRect(GUTTER, y, width - GUTTER, tall);
      paint(pen, y, tall);
      pen.textAlign = "left";
      pen.fillStyle = colour("--ink");
      if (name === "valence" || name === "head") key(pen, y + tall / 2, name);
      else pen.fillText(shortened(pen, name), 6, y + tall / 2);
      y += tall + GAP;
    }
    axis(pen, y);
    const wide = smoothed();
    $("smooth").textContent = wide ? `Means over ${wide} s; the band about valence and arousal is their standard deviation. Look closer (+) to see each tick.` : "";
    place();
  }
  function key(pen, y, lane) {
    const [one, other] = lane === "head" ? ["yaw", "pitch"] : ["valence", "arousal"];
    [[one, "--accent", []], [other, "--alarm", [5, 3]]].forEach(([name, hue, dash], i) => {
      const at = y - 15 + i * 26;
      pen.fillText(name, 6, at);
      pen.strokeStyle = colour(hue);
      pen.lineWidth = 2;
      pen.setLineDash(dash);
      line(pen, [[6, at + 10], [50, at + 10]]);
      pen.setLineDash([]);
    });
  }

  function place() {
    const inside = time >= view.from - 1e-6 && time <= view.to + 1e-6;
    head.style.display = inside ? "" : "none";
    head.style.left = `${x(time)}px`;
  }

  function said(name, tick) {
    const found = READ[name](tick);
    if (!found) return null;
    const p = Array.from(found[0].subarray(found[1], found[1] + COUNT), (v) => v / STEPS);
    const label = lead(p);
    return { label, text: `${data.names[label]} ${Math.round(p[best(p)] * 100)} %` };
  }
  function readout() {
    const tick = clamp(Math.floor(time / data.tick + 1e-6), 0, data.ticks - 1);
    const now = $("now");
    const when = document.createElement("span");
    when.textContent = `${time.toFixed(2)} s`;
    now.replaceChildren(when, " ");
    const words = [`${time.toFixed(2)} s`];
    for (const [name, shown] of [["fused", "together"], ["face", "face"], ["voice", "voice"]]) {
      const what = said(name, tick);
      words.push(`${shown} ${what ? what.text : "nothing"}`);
      const chip = document.createElement("span");
      chip.className = "chip";
      chip.textContent = what ? what.text : "–";
      if (what) {
        chip.style.background = data.colours[what.label];
        chip.style.color = data.inks[what.label];
      }
      const pair = document.createElement("span");
      pair.append(`${shown} `, chip);
      now.append(pair, " ");
    }
    slider.setAttribute("aria-valuenow", time.toFixed(2));
    slider.setAttribute("aria-valuetext", words.join(", "));
    for (const row of document.querySelectorAll("#rows tr")) {
      row.classList.toggle("current", time >= +row.dataset.from && time < +row.dataset.to);
    }
  }

  // Shows `to` without moving the player.
  function show(to) {
    time = clamp(to, 0, data.duration);
    if (time < view.from || time > view.to) {
      const span = view.to - view.from;
      view.from = clamp(time - span * 0.1, 0, data.duration - span);
      view.to = view.from + span;
      draw();
    }
    place();
    readout();
  }
  function seek(to) {
    show(to);
    if (player) player.currentTime = (time + data.start) * data.speed;
  }
  function zoom(factor) {
    const span = clamp((view.to - view.from) * factor, Math.min(1, data.duration), data.duration);
    view.from = clamp(time - span / 2, 0, data.duration - span);
    view.to = view.from + span;
    draw();
  }
  function toggle() {
    if (!player) return;
    if (player.paused) player.play().catch(() => {});
    else player.pause();
  }

  slider.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const go = (e) => seek(second(e.clientX - slider.getBoundingClientRect().left - slider.clientLeft));
    slider.setPointerCapture(event.pointerId);
    slider.addEventListener("pointermove", go);
    slider.addEventListener("lostpointercapture", () => slider.removeEventListener("pointermove", go), { once: true });
    go(event);
  });
  slider.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? data.tick : 0.2;
    const KEYS = {
      ArrowRight: () => seek(time + step), ArrowUp: () => seek(time + step),
      ArrowLeft: () => seek(time - step), ArrowDown: () => seek(time - step),
      PageUp: () => seek(time + 5), PageDown: () => seek(time - 5),
      Home: () => seek(0), End: () => seek(data.duration),
      " ": toggle, "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2),
    };
    if (!KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-time]");
    if (target) seek(+target.dataset.time);
  });
  // One stop of the Tab key for each list; arrows move within it.
  for (const list of document.querySelectorAll("[data-roving]")) {
    const stops = () => Array.from(list.querySelectorAll("button")).filter((b) => b.offsetParent !== null);
    const first = stops().find((b) => b.dataset.time !== undefined) || stops()[0];
    if (first) first.tabIndex = 0;
    list.addEventListener("keydown", (event) => {
      const all = stops(), at = all.indexOf(document.activeElement);
      const steps = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 };
      if (at < 0 || !(event.key in steps)) return;
      event.preventDefault();
      const next = all[clamp(steps[event.key], 0, all.length - 1)];
      all.forEach((b) => { b.tabIndex = -1; });
      next.tabIndex = 0;
      next.focus();
    });
  }

  for (const table of document.querySelectorAll("table.sorted")) {
    const heads = Array.from(table.tHead.rows[0].cells), body = table.tBodies[0];
    heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const text = (row) => row.cells[at].textContent.trim();
      const compare = head.classList.contains("number") ? (a, b) => parseFloat(a) - parseFloat(b) : (a, b) => a.localeCompare(b);
      const rows = Array.from(body.rows).sort((a, b) => (down ? -1 : 1) * compare(text(a), text(b)));
      body.append(...rows);
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    }));
  }

  function filter() {
    const rows = Array.from(document.querySelectorAll("#rows tr"));
    const label = $("only").value, least = +$("least").value;
    let shown = 0;
    for (const row of rows) {
      row.hidden = (label && row.dataset.label !== label) || row.dataset.to - row.dataset.from < least;
      shown += !row.hidden;
    }
    $("count").textContent = `${shown} of ${rows.length} shown`;
  }
  if ($("only")) {
    for (const id of ["only", "least"]) $(id).addEventListener("input", filter);
    filter();
  }

  $("in").addEventListener("click", () => zoom(0.5));
  $("out").addEventListener("click", () => zoom(2));
  if ($("face")) $("face").addEventListener("change", (event) => { track = tracks[+event.target.value]; draw(); readout(); });

  if (player) {
    const follow = () => {
      show(player.currentTime / data.speed - data.start);
      if (!player.paused) requestAnimationFrame(follow);
    };
    const state = () => {
      $("play").textContent = player.paused ? "Play" : "Pause";
      $("play").setAttribute("aria-pressed", String(!player.paused));
    };
    $("play").addEventListener("click", toggle);
    player.addEventListener("play", () => { state(); follow(); });
    player.addEventListener("pause", state);
    const unplayed = () => { $("unplayed").hidden = false; };
    player.addEventListener("error", unplayed);
    if (player.error) unplayed();
    player.addEventListener("seeked", () => show(player.currentTime / data.speed - data.start));
  }

  // `#t=12.5` opens the page at a moment, as media fragments do.
  function fragment() {
    const found = /[#&]t=(\d+(?:\.\d+)?)/.exec(location.hash);
    if (!found) return;
    seek(+found[1]);
    if (player && !player.readyState) {
      player.addEventListener("loadedmetadata", () => { player.currentTime = (time + data.start) * data.speed; }, { once: true });
    }
  }
  // A result of a stretch starts within its file.
  if (player && data.start) {
    player.addEventListener("loadedmetadata", () => { player.currentTime = (time + data.start) * data.speed; }, { once: true });
  }
  addEventListener("hashchange", fragment);
  new ResizeObserver(draw).observe(slider);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", draw);
  addEventListener("beforeprint", draw);
  addEventListener("afterprint", draw);
  draw();
  readout();
  fragment();
  document.documentElement.dataset.ready = "yes";
})();
