// What one did oneself.
import { showEvent } from "./audit-drawer.js";
import { openLog } from "./audit-log.js";
import { drawEvent } from "./audit-rows.js";

await openLog({
  url: "/api/v1/users/me/trail",
  draw: (event) => drawEvent(event, (chosen) => showEvent(chosen, false)),
  none: "You have not done anything here yet.",
}).load();
