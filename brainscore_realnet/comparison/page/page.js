"use strict";

const MINUS = "−";
const NOTHING = "–";
const DASHES = { "-": "", "--": "7 4", "-.": "7 3 2 3", ":": "2 3" };
const CHARACTER = 7; // widest digit, in the units of a chart
const GROUP = 20; // height of a baseline's name above rows of marks, and of a row
const ROW = 9;
const SVG = "http://www.w3.org/2000/svg";

const data = JSON.parse(document.getElementById("data").textContent);

function html(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function written(value, digits = 3) {
  return value.toFixed(digits).replace("-", MINUS);
}

/* Tables */

function makeSortable(table) {
  table.querySelectorAll("thead th").forEach((heading, column) => {
    const button = html("button", { type: "button", textContent: heading.textContent });
    heading.replaceChildren(button);
    button.addEventListener("click", () => sort(table, heading, column));
  });
}

function sort(table, heading, column) {
  const numeric = heading.classList.contains("number");
  const now = heading.getAttribute("aria-sort");
  // The best comes first: high scores, low probabilities; A in names. The second click turns it round.
  const direction = now ? (now === "ascending" ? "descending" : "ascending") : heading.dataset.first || "ascending";
  const sign = direction === "ascending" ? 1 : -1;
  const key = (row) => row.cells[column].dataset.order;
  const compare = (a, b) => (numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => {
    const [first, second] = [key(a), key(b)];
    if (first === undefined || second === undefined) return (first === undefined) - (second === undefined);
    return sign * compare(first, second);
  });
  table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", direction);
  body.append(...rows);
}

/* Time courses */

class TimeCourse {
  constructor(section) {
    this.course = data.courses[Number(section.dataset.course)];
    this.area = this.course.areas[this.course.areas.length - 1];
    this.hidden = new Set();
    this.ceiling = this.course.ceiling.fits;
    this.index = null;
    this.plot = html("div", { className: "plot", tabIndex: 0 });
    this.plot.setAttribute("role", "slider");
    this.plot.setAttribute("aria-label", `Time, ${this.course.benchmark}`);
    this.readings = html("div", { className: "readings" });
    section.querySelector(".chart").append(this.plot, this.readings);
    this.makeAreas(section.querySelector(".areas"));
    this.makeReadings();
    this.listen();
    this.releaseForPrinting();
    this.draw();
    new ResizeObserver(() => this.resize()).observe(this.plot);
  }

  makeAreas(group) {
    group.hidden = this.course.areas.length < 2;
    this.areaButtons = this.course.areas.map((area) => {
      const button = html("button", { type: "button", textContent: area === "mean" ? "Mean of areas" : area });
      button.addEventListener("click", () => {
        this.area = area;
        this.draw();
      });
      group.append(button);
      return [area, button];
    });
  }

  makeReadings() {
    this.when = html("p", { className: "when" });
    const list = html("ul");
    this.items = this.course.families.map((family) => {
      const value = html("span", { className: "value" });
      const swatch = svg("svg", { viewBox: "0 0 28 18", "aria-hidden": "true" });
      swatch.append(svg("line", { x1: 1, x2: 27, y1: 9, y2: 9, "stroke-width": 3, ...this.pen(family) }));
      return { family, value, button: this.toggle(list, swatch, family.name, value) };
    });
    const value = html("span", { className: "value" });
    const swatch = svg("svg", { viewBox: "0 0 28 18", "aria-hidden": "true" });
    swatch.append(svg("rect", { x: 1, y: 4, width: 26, height: 10, class: "ceiling", fill: "var(--quiet)", opacity: 0.35 }));
    const button = this.toggle(list, swatch, "Noise ceiling", value);
    this.items.push({ family: null, value, button });
    this.readings.append(this.when, list);
    for (const { family, button } of this.items) {
      button.addEventListener("click", () => {
        if (family === null) this.ceiling = !this.ceiling;
        else if (!this.hidden.delete(family.name)) this.hidden.add(family.name);
        this.draw();
      });
    }
  }

  toggle(list, swatch, name, value) {
    const button = html("button", { type: "button" }, swatch, html("span", { className: "name", textContent: name }), value);
    list.append(html("li", {}, button));
    return button;
  }

  pen(family) {
    return { stroke: `var(--${family.role}-${family.place % data.colours[family.role]})`, "stroke-dasharray": DASHES[data.lines[family.name]] };
  }

  listen() {
    const point = (event) => {
      const box = this.plot.getBoundingClientRect();
      const time = this.timeAt(((event.clientX - box.left) / box.width) * this.width);
      this.show(this.nearest(time));
    };
    this.plot.addEventListener("pointermove", point);
    this.plot.addEventListener("pointerdown", point);
    this.plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.show(null);
    });
    this.plot.addEventListener("keydown", (event) => {
      const last = this.course.times.length - 1;
      const first = this.nearest(this.course.window[0]);
      const moves = {
        ArrowRight: () => (this.index === null ? first : Math.min(last, this.index + 1)),
        ArrowLeft: () => (this.index === null ? first : Math.max(0, this.index - 1)),
        Home: () => 0,
        End: () => last,
        Escape: () => null,
      };
      moves.ArrowUp = moves.ArrowRight;
      moves.ArrowDown = moves.ArrowLeft;
      if (!(event.key in moves)) return;
      event.preventDefault();
      this.show(moves[event.key]());
    });
  }

  releaseForPrinting() {
    addEventListener("beforeprint", () => this.show(null));
  }

  nearest(time) {
    const distances = this.course.times.map((one) => Math.abs(one - time));
    return distances.indexOf(Math.min(...distances));
  }

  resize() {
    if (Math.abs(this.plot.clientWidth - this.width) > 1) this.draw();
  }

  timeAt(x) {
    const { times } = this.course;
    return times[0] + ((x - this.left) / (this.right - this.left)) * (times[times.length - 1] - times[0]);
  }

  x(time) {
    const { times } = this.course;
    const span = times[times.length - 1] - times[0] || 1;
    return this.left + ((time - times[0]) / span) * (this.right - this.left);
  }

  y(value) {
    return this.bottom - ((value - this.low) / (this.high - this.low)) * (this.bottom - this.top);
  }

  shown() {
    return this.course.families.filter((family) => !this.hidden.has(family.name));
  }

  /* The same for all areas, so that they can be compared. */
  limits() {
    const values = [0];
    for (const family of this.shown()) {
      for (const area of this.course.areas) {
        family.mean[area].forEach((mean, at) => {
          const sem = family.sem[area] ? family.sem[area][at] : 0;
          if (mean !== null) values.push(mean - sem, mean + sem);
        });
      }
    }
    if (this.ceiling) values.push(...[...this.course.ceiling.upper, ...(this.course.ceiling.lower || [])].filter((one) => one !== null));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.05 * (high - low || 1);
    return [low < 0 ? low - room : 0, high + room];
  }

  draw() {
    for (const [area, button] of this.areaButtons) button.setAttribute("aria-pressed", area === this.area);
    for (const { family, button } of this.items) {
      button.setAttribute("aria-pressed", family === null ? this.ceiling : !this.hidden.has(family.name));
    }
    this.width = Math.max(this.plot.clientWidth, 240);
    const groups = this.groups();
    const plotHeight = this.width < 480 ? 240 : 320;
    [this.low, this.high] = this.limits();
    const values = ticks(this.low, this.high, 5);
    const digits = Math.max(...values.map((value) => (String(value).split(".")[1] || "").length));
    const longest = Math.max(...values.map((value) => written(value, digits).length));
    [this.left, this.right, this.top, this.bottom] = [28 + CHARACTER * longest, this.width - 16, 10, 10 + plotHeight];
    const height = this.bottom + groups.reduce((sum, rows) => sum + GROUP + ROW * rows.length, 0) + 52;
    const canvas = svg("svg", { viewBox: `0 0 ${this.width} ${height}`, "aria-hidden": "true" });
    this.drawAxes(canvas, values.map((value) => [value, written(value, digits)]), height);
    if (this.ceiling) this.drawCeiling(canvas);
    for (const family of this.shown()) this.drawFamily(canvas, family);
    this.drawGroups(canvas, groups);
    this.cross = svg("g");
    canvas.append(this.cross);
    this.plot.replaceChildren(canvas);
    for (const label of canvas.querySelectorAll(".against")) shorten(label, this.width - this.left);
    this.show(this.index);
  }

  /* Marks that are seen, by baseline. */
  groups() {
    const seen = (mark) => mark.at[this.area] && !this.hidden.has(mark.family) && !this.hidden.has(mark.baseline);
    const marks = this.course.marks.filter(seen);
    const baselines = [...new Set(marks.map((mark) => mark.baseline))];
    return baselines.map((baseline) => marks.filter((mark) => mark.baseline === baseline));
  }

  drawAxes(canvas, values, height) {
    const { times, window: [first, last] } = this.course;
    const [left, right] = [this.x(first), this.x(last)];
    canvas.append(svg("rect", { class: "window", x: left, y: this.top, width: right - left, height: this.bottom - this.top }));
    for (const [value, text] of values) {
      const y = this.y(value);
      canvas.append(svg("line", { class: value === 0 ? "zero" : "grid", x1: this.left, x2: this.right, y1: y, y2: y }));
      canvas.append(svg("text", { x: this.left - 8, y: y + 4, "text-anchor": "end" }, text));
    }
    const base = height - 44;
    for (const time of ticks(times[0], times[times.length - 1], this.width < 480 ? 5 : 8)) {
      canvas.append(svg("line", { class: "grid", x1: this.x(time), x2: this.x(time), y1: base, y2: base + 5 }));
      canvas.append(svg("text", { x: this.x(time), y: base + 19, "text-anchor": "middle" }, written(time, 0)));
    }
    canvas.append(svg("text", { x: (this.left + this.right) / 2, y: base + 38, "text-anchor": "middle" }, "Time after onset (ms)"));
    const middle = (this.top + this.bottom) / 2;
    canvas.append(svg("text", { transform: `translate(11 ${middle}) rotate(-90)`, "text-anchor": "middle" }, "Similarity (Spearman)"));
  }

  /* Values that are not defined interrupt a line; a band leaves them out. */
  path(values) {
    return values.map((value, at) => (value === null ? "" : `${at && values[at - 1] !== null ? "L" : "M"}${this.place(value, at)}`)).join("");
  }

  place(value, at) {
    return `${this.x(this.course.times[at]).toFixed(1)} ${this.y(value).toFixed(1)}`;
  }

  band(low, high) {
    const edge = (values) => values.flatMap((value, at) => (value === null ? [] : [this.place(value, at)]));
    const around = [...edge(high), ...edge(low).reverse()];
    return around.length ? `M${around.join("L")}Z` : "";
  }

  drawCeiling(canvas) {
    const { lower, upper } = this.course.ceiling;
    if (lower) canvas.append(svg("path", { class: "ceiling", d: this.band(lower, upper) }));
    canvas.append(svg("path", { class: "bound", d: this.path(upper) }));
  }

  drawFamily(canvas, family) {
    const [mean, sem] = [family.mean[this.area], family.sem[this.area]];
    const { stroke, ...dash } = this.pen(family);
    if (sem) {
      const edge = (sign) => mean.map((value, at) => (value === null ? null : value + sign * sem[at]));
      canvas.append(svg("path", { class: "band", fill: stroke, d: this.band(edge(-1), edge(1)) }));
    }
    canvas.append(svg("path", { class: "line", stroke, ...dash, d: this.path(mean) }));
  }

  drawGroups(canvas, groups) {
    let y = this.bottom + 4;
    for (const marks of groups) {
      canvas.append(svg("text", { class: "against", x: this.left, y: y + 13 }, `against ${marks[0].baseline}`));
      y += GROUP;
      for (const mark of marks) {
        y += ROW;
        this.drawMarks(canvas, mark, y - ROW / 2);
      }
    }
  }

  drawMarks(canvas, mark, y) {
    const { stroke } = this.pen(this.course.families.find((one) => one.name === mark.family));
    const row = svg("g", { class: "marks" }, svg("title", {}, `${mark.family} against ${mark.baseline}`));
    row.append(svg("line", { class: "grid", x1: this.left, x2: this.right, y1: y, y2: y }));
    for (const [side, fill] of [["above", stroke], ["below", "var(--ground)"]]) {
      for (const at of mark.at[this.area][side]) {
        row.append(svg("circle", { cx: this.x(this.course.times[at]), cy: y, r: 2.6, fill, stroke }));
      }
    }
    canvas.append(row);
  }

  show(index) {
    this.index = index;
    const { times, window: [first, last], ceiling } = this.course;
    this.when.textContent = index === null ? `Mean ${written(first, 0)}–${written(last, 0)} ms` : `${written(times[index], 0)} ms`;
    for (const { family, value } of this.items) {
      if (family === null) value.textContent = index === null ? "" : bounds(ceiling, index);
      else value.textContent = this.reading(family, index);
    }
    this.cross.replaceChildren();
    if (index !== null) this.drawCross(index);
    const said = this.items.filter(({ family }) => family && !this.hidden.has(family.name)).map(({ family, value }) => `${family.name} ${value.textContent}`);
    this.plot.setAttribute("aria-valuemin", times[0]);
    this.plot.setAttribute("aria-valuemax", times[times.length - 1]);
    this.plot.setAttribute("aria-valuenow", index === null ? first : times[index]);
    this.plot.setAttribute("aria-valuetext", `${this.when.textContent}: ${said.join("; ")}`);
  }

  reading(family, index) {
    const sems = family.sem[this.area];
    const [mean, sem] = index === null ? family.window[this.area] : [family.mean[this.area][index], sems && sems[index]];
    const tested = this.course.marks.filter((mark) => mark.family === family.name);
    const differs = ["above", "below"].flatMap((side) => {
      const of = tested.filter((mark) => mark.at[this.area]?.[side].includes(index));
      const all = of.length === tested.length && of.length > 1;
      return of.length ? [` · ${side} ${all ? "every baseline" : of.map((mark) => mark.baseline).join(", ")}`] : [];
    });
    if (mean === null) return NOTHING;
    return `${written(mean)}${sem === null ? "" : ` ± ${written(sem)}`}${differs.join("")}`;
  }

  drawCross(index) {
    const x = this.x(this.course.times[index]);
    this.cross.append(svg("line", { class: "cross", x1: x, x2: x, y1: this.top, y2: this.bottom }));
    for (const family of this.shown().filter((one) => one.mean[this.area][index] !== null)) {
      const y = this.y(family.mean[this.area][index]);
      this.cross.append(svg("circle", { cx: x, cy: y, r: 4, fill: this.pen(family).stroke, stroke: "var(--ground)" }));
    }
  }
}

function bounds({ lower, upper }, index) {
  if (upper[index] === null) return NOTHING;
  return lower ? `${written(lower[index])} – ${written(upper[index])}` : written(upper[index]);
}

/* Cuts the end of a text that is wider than its place; what is cut can be read where it is pointed at. */
function shorten(text, width) {
  const whole = text.textContent;
  for (let kept = whole.length - 1; kept > 0 && text.getComputedTextLength() > width; kept--) {
    text.replaceChildren(`${whole.slice(0, kept)}…`, svg("title", {}, whole));
  }
}

function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9 * step; at++) found.push(Number((at * step).toPrecision(10)));
  return found;
}

/* Figures */

function makeEnlargeable(figures, dialog) {
  let place = 0;
  const [image, title, caption, paper] = ["img", "h2", ".caption", ".paper"].map((one) => dialog.querySelector(one));
  const wide = () => paper.scrollWidth > paper.clientWidth;
  const show = (next) => {
    place = (next + figures.length) % figures.length;
    const figure = figures[place];
    image.src = figure.querySelector("img").src;
    image.alt = figure.querySelector("img").alt;
    title.replaceChildren(...[...figure.querySelector("h3").childNodes].map((node) => node.cloneNode(true)));
    caption.textContent = figure.querySelector("figcaption p").textContent;
    paper.scrollTo(0, 0);
  };
  // Where the picture is wider than its paper, this can be reached and scrolled by the keyboard.
  new ResizeObserver(() => {
    paper.tabIndex = wide() ? 0 : -1;
  }).observe(paper);
  figures.forEach((figure, at) => {
    const picture = figure.querySelector("img");
    const button = html("button", { type: "button" });
    button.setAttribute("aria-label", `Enlarge: ${figure.dataset.title}`);
    picture.replaceWith(button);
    button.append(picture);
    button.addEventListener("click", () => {
      show(at);
      dialog.showModal();
      title.focus();
    });
  });
  const steps = [...dialog.querySelectorAll("[data-step]")];
  for (const step of steps) {
    step.disabled = figures.length < 2;
    step.addEventListener("click", () => show(place + Number(step.dataset.step)));
  }
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    const sheet = dialog.getBoundingClientRect();
    const beside = event.clientX < sheet.left || event.clientX > sheet.right;
    const above = event.clientY < sheet.top || event.clientY > sheet.bottom;
    if (event.target === dialog && (beside || above)) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.target === paper && wide()) return; // the arrows scroll it
    if (step) show(place + step);
  });
}

/* Light and dark: kept for as long as the page is open, and nowhere else. */

function makeTheme(button) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
  const other = () => (chosen() === "dark" ? "light" : "dark");
  const name = () => {
    button.textContent = other() === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Show the page in ${other()} colours`);
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = other();
    name();
  });
  dark.addEventListener("change", name);
  name();
}

function unfoldForPrinting() {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open], .aside)")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll(".course").forEach((section) => new TimeCourse(section));
makeEnlargeable([...document.querySelectorAll("figure:has(img)")], document.getElementById("enlarged"));
makeTheme(document.getElementById("theme"));
unfoldForPrinting();
