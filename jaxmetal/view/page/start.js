// Wires the page to its reader.
$("search").addEventListener("input", sift);
$("clear").addEventListener("click", () => {
  for (const field of document.querySelectorAll("#search, #filters input")) field.value = "";
  sift();
  $("search").focus();
});
$("scroller").addEventListener("scroll", drawRows, { passive: true });
$("rows").addEventListener("keydown", moveInRows);
$("rows").addEventListener("click", (event) => {
  const row = event.target.closest("tr");
  // Whoever marks text to copy it wants no picture.
  if (!row || !getSelection().isCollapsed) return;
  current = Number(row.dataset.place);
  openGalaxy(current);
});
$("chooser").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  $("chooser").open = false;
  $("chooser").querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  if (!$("chooser").contains(event.target)) $("chooser").open = false;
});
$("previous").addEventListener("click", () => openGalaxy(place - 1));
$("next").addEventListener("click", () => openGalaxy(place + 1));
$("galaxy").addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  openGalaxy(place + step);
});
// Back to the row of the galaxy that was looked at last.
$("galaxy").addEventListener("close", () => focusRow(place));
for (const name of ["galaxy", "about"]) {
  $(`${name}-close`).addEventListener("click", () => $(name).close());
  $(name).addEventListener("click", (event) => {
    if (event.target === $(name)) $(name).close();
  });
}
$("about-open").addEventListener("click", () => $("about").showModal());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  drawPlots();
  if ($("galaxy").open) openGalaxy(place);
});
startPlots();
drawChoices();
drawHeads();
new ResizeObserver(() => { drawRows(); drawPlots(); }).observe($("scroller"));
