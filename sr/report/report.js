// The page around the viewer: pictures that open in it, parts that are there, the list of keys.
{
  const at = (id) => document.getElementById(id);
  for (const link of document.querySelectorAll("nav a")) {
    const part = document.querySelector(link.getAttribute("href"));
    link.hidden = !part || part.hidden;
  }
  const help = () => (at("help").open ? at("help").close() : at("help").showModal());
  at("helper").onclick = help;
  const go = (id) => {
    at(id).scrollIntoView({ block: "center" });
    at(id).focus({ preventScroll: true });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    if (event.key === "?") help();
    else if (event.key === "g" && !at("pictures").hidden) go("slider");
    else if (event.key === "v" && !at("vote").hidden) go("begin");
    else return;
    event.preventDefault();
  });
}
