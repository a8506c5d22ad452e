"use strict";
// Reads the output of frames.rs, which documents the meaning of each letter.
(async () => {
  const $ = id => document.getElementById(id);
  const root = document.documentElement;
  const make = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  const unpack = async text => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  };

  let page;
  try {
    page = await unpack($("data").textContent);
  } catch (error) {
    $("trouble").textContent = "This is the last picture. The rest of the page could not be decompressed: " + error;
    $("trouble").hidden = false;
    return;
  }
  const { head, frames, story } = page;
  const last = frames.length - 1;

  // The numbered values of all frames.
  const all = letter => frames.flatMap(frame => frame[letter] || []);
  const colors = all("q"), looks = all("l"), words = all("w").map(text => text.split("{}")), items = all("i");
  const cardsOf = all("k");

  // The visible state of a frame: the state of the previous frame, plus changes.
  const spread = runs => {
    const out = [];
    for (let i = 0; i < runs.length; i += 2) for (let n = 0; n < runs[i + 1]; n++) out.push(runs[i] + n);
    return out;
  };
  const change = (seen, frame) => {
    if (frame.o) seen.order = spread(frame.o);
    if (frame.j) seen.items = spread(frame.j);
    const each = (list, width, take) => {
      let at = 0;
      for (let i = 0; list && i < list.length; i += width) take(at += list[i], i);
    };
    let x = 0, y = 0;
    each(frame.p, 3, (mark, i) => {
      seen.x[mark] = x += frame.p[i + 1];
      seen.y[mark] = y += frame.p[i + 2];
    });
    each(frame.r, 2, (mark, i) => { seen.r[mark] = frame.r[i + 1]; });
    each(frame.c, 2, (mark, i) => { seen.look[mark] = frame.c[i + 1]; });
    const f = frame.f || [];
    for (let i = 0, at = 0; i < f.length;) {
      at += f[i++];
      const phrase = f[i++], card = Math.floor(at / head.places), place = at % head.places;
      const count = phrase < 0 ? 0 : words[phrase].length - 1;
      const lines = (seen.cards[card] || []).slice();
      lines[place] = phrase < 0 ? undefined : [phrase, ...f.slice(i, i + count)];
      seen.cards[card] = lines;
      i += count;
    }
    return seen;
  };
  const copy = seen => Object.fromEntries(Object.entries(seen).map(([key, list]) => [key, list.slice()]));
  const kept = [{ order: [], items: [], x: [], y: [], r: [], look: [], cards: [] }];
  const STEP = 50;
  let now = 0, seen = change(copy(kept[0]), frames[0]);
  const go = to => {
    to = Math.max(0, Math.min(last, to));
    if (to < now) {
      const from = Math.min(Math.floor(to / STEP), kept.length - 1);
      seen = copy(kept[from]);
      now = from * STEP - 1;
    }
    while (now < to) {
      now++;
      if (now % STEP === 0 && now / STEP === kept.length) kept.push(copy(seen));
      seen = change(seen, frames[now]);
    }
    show();
  };

  // Formats values as procviz does.
  const three = value => {
    const text = value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  };
  const two = (a, unit, b, small) => b ? `${a} ${unit} ${b} ${small}` : `${a} ${unit}`;
  const duration = ns => {
    const s = Math.floor(ns / 1e9);
    if (s < 1) return ns < 1e3 ? `${ns} ns` : ns < 1e6 ? `${Math.floor(ns / 1e3)} us` : `${Math.floor(ns / 1e6)} ms`;
    if (s < 10) return three(Math.floor(ns / 1e7) / 100) + " s";
    if (s < 60) return s + " s";
    if (s < 3600) return two(Math.floor(s / 60), "min", s % 60, "s");
    if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor(s / 60) % 60, "min");
    return two(Math.floor(s / 86400), "d", Math.floor(s / 3600) % 24, "h");
  };
  const bytes = count => {
    let unit = 0;
    for (; count >= 999.5 && unit < 6; unit++) count /= 1024;
    return three(count) + " " + ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][unit];
  };
  const known = (value, text) => value === null ? "unknown" : text(value);

  // The lines about a mark.
  const line = ([phrase, ...values]) => words[phrase].reduce((out, part, i) => {
    const value = values[i - 1];
    return out + (typeof value === "number" ? duration(Math.max(0, frames[now].u - value) * 1e3) : value) + part;
  });
  const facts = mark => {
    const [own, shared] = [cardsOf[2 * mark], cardsOf[2 * mark + 1]];
    if (own < 0) return [];
    const lines = [];
    for (const card of [own, shared]) (seen.cards[card] || []).forEach((said, place) => { if (said) lines[place] = line(said); });
    return lines.filter(Boolean);
  };
  // The text that the filter searches.
  const about = mark => {
    const lines = [];
    for (const card of [cardsOf[2 * mark], cardsOf[2 * mark + 1]])
      for (const place of head.sought) if (seen.cards[card]?.[place]) lines.push(line(seen.cards[card][place]));
    return lines.join("\n").toLowerCase();
  };
  const isTask = mark => cardsOf[2 * mark] >= 0;

  // Painting.
  const canvas = $("picture"), stage = $("stage");
  const pen = canvas.getContext("2d");
  const FONT = "px Roboto, 'Helvetica Neue', Arial, sans-serif";
  let theme = root.dataset.theme === "dark" ? 1 : root.dataset.theme === "light" ? 0
    : matchMedia("(prefers-color-scheme: dark)").matches ? 1 : 0;
  const color = pair => colors[pair][theme];
  let wanted = "", passes = null;
  const shape = (kind, x, y, r) => {
    pen.beginPath();
    if (kind === 0) pen.arc(x, y, r, 0, 7);
    else if (kind === 2) pen.rect(x - r, y - r, 2 * r, 2 * r);
    else if (kind === 3) { pen.moveTo(x, y - r); pen.lineTo(x + r, y); pen.lineTo(x, y + r); pen.lineTo(x - r, y); }
    else if (kind === 4) { pen.moveTo(x, y - r); pen.lineTo(x + r, y + r); pen.lineTo(x - r, y + r); }
    pen.fill();
  };
  const ring = (x, y, r, width) => {
    pen.beginPath();
    pen.arc(x, y, r, 0, 7);
    pen.lineWidth = width;
    pen.stroke();
  };
  const paintMark = mark => {
    const [pair, kind, spot] = looks[seen.look[mark]];
    const x = seen.x[mark] / 10, y = seen.y[mark] / 10, r = seen.r[mark] / 10;
    pen.globalAlpha = passes && isTask(mark) && !passes.has(mark) ? .12 : 1;
    pen.fillStyle = pen.strokeStyle = color(pair);
    if (kind === 1) ring(x, y, r * .82, Math.max(1, r * .36));
    else shape(kind, x, y, r);
    if (spot >= 0) { pen.fillStyle = color(spot); shape(0, x, y, r * .38); }
  };
  const paintItem = ([kind, pair, ...of]) => {
    pen.fillStyle = pen.strokeStyle = color(pair);
    const [a, b, c, d] = of.map(value => value / 10);
    if (kind === 0) {
      pen.lineWidth = a;
      pen.beginPath();
      for (let i = 0; i < of[1].length; i += 2) pen.lineTo(of[1][i] / 10, of[1][i + 1] / 10);
      pen.stroke();
    } else if (kind === 1) pen.fillRect(a, b, c, d);
    else if (kind === 2) ring(a, b, c, d);
    else {
      pen.font = c + FONT;
      pen.textAlign = ["left", "center", "right"][of[3]];
      pen.fillText(of[5], a, b, of[4] / 10 + 1);
    }
  };
  // The enlarged part: its factor, and its upper left corner in the picture.
  const glass = { k: 1, x: 0, y: 0 };
  const paint = () => {
    const ratio = devicePixelRatio || 1, width = Math.round((canvas.clientWidth || head.width) * ratio);
    canvas.width = width;
    canvas.height = Math.round(width * head.height / head.width);
    const scale = width / head.width;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = head.background[theme];
    pen.fillRect(0, 0, head.width, head.height);
    pen.setTransform(scale * glass.k, 0, 0, scale * glass.k, -scale * glass.k * glass.x, -scale * glass.k * glass.y);
    pen.lineCap = "round";
    seen.order.forEach(paintMark);
    pen.globalAlpha = 1;
    seen.items.forEach(item => paintItem(items[item]));
  };

  // Popups: one follows the pointer, the others are pinned.
  let hovered = -1, pointer = null;
  const pins = new Map(), tip = make("div", "", "popup");
  const zoom = () => canvas.clientWidth / head.width * glass.k;
  const inPicture = ([x, y]) => [x / zoom() + glass.x, y / zoom() + glass.y];
  const under = (x, y) => {
    let found = -1;
    for (const mark of seen.order) {
      if (!isTask(mark)) continue;
      const reach = Math.max(seen.r[mark] / 10, 3 / glass.k) + 1 / glass.k;
      if (Math.hypot(seen.x[mark] / 10 - x, seen.y[mark] / 10 - y) <= reach) found = mark;
    }
    return found;
  };
  const fill = (box, mark) => {
    const isHere = seen.order.includes(mark);
    const lines = facts(mark);
    box.classList.toggle("gone", !isHere);
    box.replaceChildren(make("b", lines[0]), ...lines.slice(1).map(text => make("div", text)));
    if (!isHere) box.append(make("div", "not in this picture"));
    const k = zoom(), x = (seen.x[mark] / 10 - glass.x) * k, y = (seen.y[mark] / 10 - glass.y) * k, gap = seen.r[mark] / 10 * k + 8;
    const left = x + gap + box.offsetWidth <= stage.clientWidth ? x + gap : x - gap - box.offsetWidth;
    // Beside the enlarged part there is no place for it.
    box.style.visibility = x < 0 || y < 0 || x > canvas.clientWidth || y > canvas.clientHeight ? "hidden" : "";
    box.style.left = Math.max(0, left) + "px";
    box.style.top = Math.max(0, Math.min(y - 12, canvas.clientHeight - box.offsetHeight)) + "px";
  };
  const pin = mark => {
    if (pins.has(mark)) { pins.get(mark).remove(); pins.delete(mark); return; }
    const box = make("div", "", "popup pinned");
    pins.set(mark, box);
    $("popups").append(box);
    fill(box, mark);
  };
  const hover = () => {
    hovered = pointer && !held?.moved ? under(...inPicture(pointer)) : -1;
    canvas.style.cursor = hovered >= 0 ? "pointer" : glass.k > 1 ? "grab" : "";
    if (hovered < 0 || pins.has(hovered)) return tip.remove();
    $("popups").append(tip);
    fill(tip, hovered);
  };
  // Enlarging: the place at a point stays where it is. The picture always fills the canvas.
  const look = (k, x, y) => {
    glass.k = Math.max(1, Math.min(32, k));
    glass.x = Math.max(0, Math.min(head.width * (1 - 1 / glass.k), x));
    glass.y = Math.max(0, Math.min(head.height * (1 - 1 / glass.k), y));
    // A finger moves an enlarged picture, else the page.
    canvas.style.touchAction = glass.k > 1 ? "none" : "";
    paint();
    for (const [mark, box] of pins) fill(box, mark);
    hover();
  };
  const enlarge = (by, at = [canvas.clientWidth / 2, canvas.clientHeight / 2]) => {
    const [x, y] = inPicture(at), k = Math.max(1, Math.min(32, glass.k * by));
    look(k, x - (x - glass.x) * glass.k / k, y - (y - glass.y) * glass.k / k);
  };
  canvas.addEventListener("wheel", event => {
    // The wheel alone scrolls the page.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    enlarge(Math.exp(-event.deltaY / 300), [event.offsetX, event.offsetY]);
  }, { passive: false });
  canvas.addEventListener("dblclick", event => enlarge(event.shiftKey ? .5 : 2, [event.offsetX, event.offsetY]));
  let held = null;
  canvas.addEventListener("pointerdown", event => { held = { x: event.offsetX, y: event.offsetY, moved: false }; });
  canvas.addEventListener("pointermove", event => {
    pointer = [event.offsetX, event.offsetY];
    if (held && event.buttons & 1 && glass.k > 1) {
      const [dx, dy] = [event.offsetX - held.x, event.offsetY - held.y];
      if (held.moved || Math.hypot(dx, dy) > 4) {
        held = { x: event.offsetX, y: event.offsetY, moved: true };
        return look(glass.k, glass.x - dx / zoom(), glass.y - dy / zoom());
      }
    }
    hover();
  });
  for (const left of ["pointerleave", "pointercancel"])
    canvas.addEventListener(left, () => { pointer = held = null; hover(); });
  canvas.addEventListener("click", event => {
    const wasMoved = held?.moved;
    held = null;
    pointer = [event.offsetX, event.offsetY];
    hover();
    if (hovered >= 0 && !wasMoved) { pin(hovered); hover(); }
  });

  // Tables.
  const stood = story.findings.map(finding => {
    const entry = make("li"), button = make("button");
    const time = frame => frames[frame].t.split(" ")[1];
    const [from, to] = finding.frames;
    button.append(make("time", from === to ? time(from) : `${time(from)} to ${time(to)}`), `${finding.who}: ${finding.text}`);
    button.addEventListener("click", () => {
      go(from);
      if (seen.order.includes(finding.dot) && !pins.has(finding.dot)) pin(finding.dot);
    });
    entry.append(button);
    const tick = make("i");
    tick.style.left = (last ? 100 * from / last : 0) + "%";
    $("ticks").append(tick);
    return { entry, from, to };
  });
  $("findings").querySelector("ol").append(...stood.map(of => of.entry));
  if (!stood.length) $("findings").append(make("p", "no findings"));
  const columns = [
    ["time", of => of.time], ["pid", of => of.pid, 1], ["parent", of => of.ppid, 1], ["user", of => of.user], ["command", of => of.comm],
    ["exit status", of => of.ended], ["lifetime", of => of.lived_ns, 1, duration], ["CPU", of => of.cpu_ns, 1, duration],
    ["max RSS", of => of.max_rss_bytes, 1, bytes], ...(story.has_args ? [["arguments", of => of.args ?? null]] : []),
  ];
  const rows = story.exits.map(of => {
    const row = make("tr");
    for (const [, value, isNumber, text] of columns)
      row.append(make("td", known(value(of), text || String), isNumber ? "number" : ""));
    row.addEventListener("click", () => { go(of.frame); scrollTo({ top: 0 }); });
    return { of, row, text: row.textContent.toLowerCase() };
  });
  const body = $("exits").querySelector("tbody");
  let sorted = -1, turned = 1;
  const titles = make("tr");
  columns.forEach(([title, value, isNumber], index) => {
    const cell = make("th", title, isNumber ? "number" : "");
    cell.addEventListener("click", () => {
      turned = sorted === index ? -turned : isNumber ? -1 : 1;
      sorted = index;
      const least = a => a === null ? -1 : a;
      rows.sort((a, b) => {
        const [x, y] = [least(value(a.of)), least(value(b.of))];
        return turned * (x < y ? -1 : x > y ? 1 : 0);
      });
      body.append(...rows.map(of => of.row));
    });
    titles.append(cell);
  });
  $("exits").querySelector("thead").append(titles);
  body.append(...rows.map(of => of.row));
  const folded = story.more_exits.reduce((sum, kind) => sum + kind.count, 0);
  const note = $("exits").querySelector("p");
  note.textContent = `exited processes: ${rows.length + folded + story.counted}` +
    (folded ? `; with a row each: the first ${rows.length}, the others are grouped below` : "") +
    (story.counted ? `; known only by number: ${story.counted}` : "");
  if (folded) {
    const kinds = make("ol");
    for (const kind of story.more_exits) kinds.append(make("li", `${kind.count} x ${kind.comm}, user ${kind.user}, parent ${kind.ppid}: ${kind.ended}`));
    $("exits").append(make("p", "Other exited processes:"), kinds);
  }

  // The bar with the controls. Above the slider: how busy the machine was in each picture, and
  // where findings begin.
  const slider = $("slider"), track = $("track"), busy = $("busy");
  slider.max = last;
  const names = [...$("kinds").children].map(name => name.textContent);
  const kinds = ["--cpu", "--accent", "--io"].map((color, kind) => [names[kind], color]);
  const paintBusy = () => {
    const ratio = devicePixelRatio || 1, width = busy.clientWidth, height = busy.clientHeight, row = height / 3;
    busy.width = width * ratio;
    busy.height = height * ratio;
    const pen = busy.getContext("2d"), style = getComputedStyle(root);
    pen.scale(ratio, ratio);
    kinds.forEach(([, color], kind) => {
      const base = (kind + 1) * row - 1;
      // A frame has the width up to the one before it. Of those in one pixel, the largest is seen.
      // What is not known has no base line.
      frames.forEach((frame, i) => {
        if (typeof frame.m?.[kind] !== "number") return;
        const share = frame.m[kind] / 1e3, wide = last ? width / last : width;
        const left = last ? (i - 1) * wide : 0;
        pen.fillStyle = style.getPropertyValue("--edge");
        pen.fillRect(left, base, Math.max(1, wide), 1);
        pen.fillStyle = style.getPropertyValue(color);
        pen.fillRect(left, base - share * (row - 2), Math.max(1, wide), share * (row - 2));
      });
    });
  };
  const said = make("div", "", "popup");
  track.addEventListener("pointermove", event => {
    const box = busy.getBoundingClientRect(), at = (event.clientX - box.left) / box.width;
    if (at < 0 || at > 1) return said.remove();
    const frame = Math.round(at * last), near = Math.max(last * .01, .5);
    const begun = stood.filter(of => Math.abs(of.from - at * last) <= near);
    const figures = kinds.map(([name], kind) => {
      const share = frames[frame].m?.[kind];
      return `${name} ${share === null || share === undefined ? "unknown" : Math.round(share / 10) + " %"}`;
    });
    said.replaceChildren(make("b", frames[frame].t.split(" ")[1]), make("div", figures.join("  ·  ")),
      ...begun.slice(0, 5).map(of => make("div", of.entry.textContent)));
    if (begun.length > 5) said.append(make("div", `${begun.length - 5} more findings begin here`));
    track.append(said);
    said.style.left = Math.max(0, Math.min(at * box.width - said.offsetWidth / 2, box.width - said.offsetWidth)) + "px";
  });
  track.addEventListener("pointerleave", () => said.remove());
  const sift = () => {
    wanted = $("filter").value.trim().toLowerCase();
    passes = wanted ? new Set(seen.order.filter(mark => isTask(mark) && about(mark).includes(wanted))) : null;
    const tasks = seen.order.filter(isTask).length;
    $("found").textContent = wanted ? `${passes.size} of ${tasks}` : "";
  };
  const show = () => {
    slider.value = now;
    const since = frame => duration(frames[frame].u * 1e3);
    $("moment").textContent = `${frames[now].t}  ${now + 1}/${last + 1}` + (last ? `, ${since(now)} of ${since(last)}` : "");
    canvas.setAttribute("aria-label", `${document.title}, ${frames[now].t}`);
    sift();
    paint();
    for (const [mark, box] of pins) fill(box, mark);
    hover();
    for (const { entry, from, to } of stood) entry.classList.toggle("now", from <= now && now <= to);
    for (const { of, row } of rows) row.classList.toggle("now", of.frame === now);
  };
  $("filter").addEventListener("input", () => {
    show();
    for (const { row, text } of rows) row.hidden = !text.includes(wanted);
  });
  let timer = 0;
  const stop = () => { clearTimeout(timer); timer = 0; $("play").textContent = "\u25b6"; $("play").setAttribute("aria-label", "play"); };
  const play = () => {
    if (now === last) { stop(); return; }
    // Waits at most 3 s (divided by the speed), also at a long gap.
    const gap = Math.min((frames[now + 1].u - frames[now].u) / 1e3, 3e3) / Number($("speed").value);
    timer = setTimeout(() => { go(now + 1); play(); }, Math.max(gap, 16));
  };
  const turn = () => {
    if (timer) return stop();
    if (now === last) go(0);
    $("play").textContent = "\u23f8";
    $("play").setAttribute("aria-label", "pause");
    play();
  };
  $("play").addEventListener("click", turn);
  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  $("theme").addEventListener("click", () => { theme = 1 - theme; dress(); paint(); paintBusy(); });
  const dress = () => { root.classList.toggle("dark", theme === 1); root.classList.toggle("light", theme === 0); };
  const next = step => {
    const starts = stood.map(of => of.from).filter(at => step > 0 ? at > now : at < now);
    if (starts.length) { stop(); go(step > 0 ? Math.min(...starts) : Math.max(...starts)); }
  };
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") {
      for (const box of pins.values()) box.remove();
      pins.clear();
      $("filter").value = "";
      $("filter").dispatchEvent(new Event("input"));
      $("filter").blur();
      return;
    }
    if (event.target === $("filter") || event.target.tagName === "SELECT") return;
    const keys = {
      " ": turn, "[": () => next(-1), "]": () => next(1), "/": () => $("filter").focus(), Home: () => { stop(); go(0); }, End: () => { stop(); go(last); },
      "+": () => enlarge(1.5), "=": () => enlarge(1.5), "-": () => enlarge(1 / 1.5), 0: () => look(1, 0, 0),
      ArrowLeft: () => { stop(); go(now - 1); }, ArrowRight: () => { stop(); go(now + 1); },
    };
    if (!keys[event.key] || (event.key === " " && event.target.tagName === "BUTTON")) return;
    event.preventDefault();
    keys[event.key]();
  });
  const place = () => root.style.setProperty("--bar", $("bar").offsetHeight + "px");
  addEventListener("resize", () => { place(); paint(); paintBusy(); for (const [mark, box] of pins) fill(box, mark); });

  $("still").remove();
  for (const id of ["bar", "picture", "help", "findings", "exits"]) $(id).hidden = false;
  dress();
  place();
  paintBusy();
  go(last);
})();
