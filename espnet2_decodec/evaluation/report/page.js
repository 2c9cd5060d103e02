"use strict";

// Tables: a click on a heading sorts by it, best first; a second one turns the order round. Empty cells stay last.
function sortBy(button) {
  const heading = button.closest("th");
  const table = heading.closest("table");
  const column = heading.cellIndex;
  const turned = { ascending: "descending", descending: "ascending" };
  const order = turned[heading.getAttribute("aria-sort")] || button.dataset.first;
  const sign = order === "ascending" ? 1 : -1;
  const compare = button.dataset.kind === "text"
    ? (a, b) => a.localeCompare(b, "en", { numeric: true })
    : (a, b) => a - b;
  const keyed = Array.from(table.tBodies[0].rows, (row) => [row.cells[column].dataset.value, row]);
  keyed.sort(([a], [b]) => (a === "") - (b === "") || (a === "" ? 0 : sign * compare(a, b)));
  table.tBodies[0].append(...keyed.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", other === heading ? order : "none");
}
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => sortBy(button));
}

// Conditions: everything that belongs to another one than the chosen one is hidden.
const filter = document.getElementById("filter");
function choose() {
  const chosen = filter.querySelector("input:checked");
  for (const part of document.querySelectorAll("[data-condition]")) {
    part.hidden = !("all" in chosen.dataset) && part.dataset.condition !== chosen.value;
    if (part.hidden) for (const audio of part.querySelectorAll("audio")) audio.pause();
  }
  const first = document.querySelector("details.recording:not(.example):not([hidden])");
  if (first && !document.querySelector("details.recording[open]:not(.example):not([hidden])")) first.open = true;
}
filter.hidden = false;
filter.addEventListener("change", choose);
choose();

// Players: one at a time, at the same moment of the same recording when that is wanted and the sounds are as long as each
// other (what else is said, or by another voice, has moments of its own), with a line in the picture.
const together = document.getElementById("together");
if (together) together.closest("label").hidden = false;
const players = Array.from(document.querySelectorAll("audio"));
let current = null;
function follow(audio) {
  const length = audio.duration || Number(audio.dataset.seconds);
  const share = Math.min(1, audio.currentTime / length);
  audio.closest("figure").querySelector(".playhead").style.left = `${100 * share}%`;
  if (!audio.paused) requestAnimationFrame(() => follow(audio));
}
for (const audio of players) {
  const figure = audio.closest("figure");
  audio.addEventListener("play", () => {
    if (current && current !== audio && !current.paused) {
      const same = current.closest("details") === audio.closest("details");
      const alike = Math.abs(current.dataset.seconds - audio.dataset.seconds) < 0.1;
      if (same && alike && together.checked) audio.currentTime = current.currentTime;
      current.pause();
    }
    current = audio;
    figure.classList.add("playing");
    follow(audio);
  });
  audio.addEventListener("seeked", () => follow(audio));
  for (const end of ["pause", "ended"]) audio.addEventListener(end, () => figure.classList.remove("playing"));
  figure.querySelector(".view").addEventListener("click", (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    if (current && current !== audio) current.pause();
    audio.currentTime = Number(audio.dataset.seconds) * (event.clientX - box.left) / box.width;
    audio.play().catch(() => {}); // when another player is started before this one is loaded
  });
}

// The length of a recording is read when its player comes into view, and the file is let go when it leaves without having
// been used: a browser keeps only so many open at once, on phones a few dozen.
if ("IntersectionObserver" in window) {
  const watcher = new IntersectionObserver((entries) => {
    for (const { target: audio, isIntersecting } of entries) {
      if (isIntersecting) {
        audio.preload = "metadata";
      } else if (audio.preload === "metadata" && audio.paused && !audio.currentTime) {
        audio.preload = "none";
        audio.load();
      }
    }
  }, { rootMargin: "200px" });
  for (const audio of players) watcher.observe(audio);
}
