// A deletion that is under way: which step it is at, until its certificate is there.
import { get } from "./api.js";
import { watchLive } from "./live-stats.js";

const place = document.getElementById("deletion");
watchLive({});
if (place?.dataset.state === "confirmed") look();

async function look() {
  try {
    const { data } = await get(`/api/v1/tenant-deletions/${place.dataset.id}`);
    if (data.state === "done") return location.reload();
    document.getElementById("deletion-step").textContent = `${data.step ?? "The steward takes it up in a moment"}…`;
  } catch {
    // the next look tells
  }
  setTimeout(look, 500);
}
