"use strict";

// Tables: a click on a heading sorts by that column, best first; a second click reverses the order. Empty cells stay last.
function sortBy(button) {
  const heading = button.closest("th");
  const table = heading.closest("table");
  const column = heading.cellIndex;
  const reversed = { ascending: "descending", descending: "ascending" };
  const order = reversed[heading.getAttribute("aria-sort")] || button.dataset.first;
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

// Conditions: elements of all other conditions than the selected one are hidden.
const filter = document.getElementById("filter");
function selectCondition() {
  const selected = filter.querySelector("input:checked");
  for (const part of document.querySelectorAll("[data-condition]")) {
    part.hidden = !("all" in selected.dataset) && part.dataset.condition !== selected.value;
    if (part.hidden) for (const audio of part.querySelectorAll("audio")) audio.pause();
  }
  const first = document.querySelector("details.recording:not(.example):not([hidden])");
  if (first && !document.querySelector("details.recording[open]:not(.example):not([hidden])")) first.open = true;
}
if (filter) {
  filter.hidden = false;
  filter.addEventListener("change", selectCondition);
  selectCondition();
}

// Players: one plays at a time. Within one recording, the next player continues at the current time if the box is checked and
// both have the same duration. A line in the spectrogram shows the position.
const together = document.getElementById("together");
if (together) together.closest("label").hidden = false;
const players = Array.from(document.querySelectorAll("audio"));
let current = null;
function showPosition(audio) {
  const length = audio.duration || Number(audio.dataset.seconds);
  const fraction = Math.min(1, audio.currentTime / length);
  audio.closest("figure").querySelector(".playhead").style.left = `${100 * fraction}%`;
  if (!audio.paused) requestAnimationFrame(() => showPosition(audio));
}
for (const audio of players) {
  const figure = audio.closest("figure");
  audio.addEventListener("play", () => {
    if (current && current !== audio && !current.paused) {
      const sameGroup = current.closest("details") === audio.closest("details");
      const sameDuration = Math.abs(current.dataset.seconds - audio.dataset.seconds) < 0.1;
      if (sameGroup && sameDuration && together.checked) audio.currentTime = current.currentTime;
      current.pause();
    }
    current = audio;
    figure.classList.add("playing");
    showPosition(audio);
  });
  audio.addEventListener("seeked", () => showPosition(audio));
  for (const end of ["pause", "ended"]) audio.addEventListener(end, () => figure.classList.remove("playing"));
  figure.querySelector(".view").addEventListener("click", (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    if (current && current !== audio) current.pause();
    audio.currentTime = Number(audio.dataset.seconds) * (event.clientX - box.left) / box.width;
    audio.play().catch(() => {}); // rejected when another player starts before this one has loaded
  });
}

// Metadata is loaded when a player scrolls into view and released when it leaves unused: browsers limit the number of open
// media files, on phones to a few dozen.
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
