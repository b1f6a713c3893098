"use strict";
const rows = [...document.querySelectorAll("#messages > li")];
const search = document.getElementById("search");
const channel = document.getElementById("channel");
const count = document.getElementById("count");

for (const name of [...new Set(rows.map((row) => row.dataset.channel))].sort()) {
  channel.append(new Option(name, name));
}

/** Shows the messages of the chosen channel that contain what is searched for. */
function show() {
  const wanted = search.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = (channel.value === "" || row.dataset.channel === channel.value)
      && (wanted === "" || row.textContent.toLowerCase().includes(wanted));
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  count.textContent = `${shown} of ${rows.length}`;
}

search.addEventListener("input", show);
channel.addEventListener("change", show);
show();
