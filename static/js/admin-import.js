// People from a CSV file: checked first if wished, sent in parts so that progress can be seen, with a result for each row.
import { call } from "./api.js";

const byId = (id) => document.getElementById(id);
const PART = 250;
let saved = null;

byId("import")?.addEventListener("click", () => byId("import-dialog").showModal());
byId("import-cancel")?.addEventListener("click", () => byId("import-dialog").close());
byId("import-check")?.addEventListener("click", () => run(true));
byId("import-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  run(false);
});
byId("import-dialog")?.addEventListener("close", () => saved && location.reload()); // the list has changed

async function run(dry) {
  const file = byId("field-file").files[0];
  if (!file) return tell("Choose a file first.");
  const results = [];
  try {
    const parts = dry ? [await file.text()] : inParts(await file.text());
    busy(true);
    for (const [number, part] of parts.entries()) {
      results.push(...(await send(part, dry, number)).results);
      byId("import-progress").value = (number + 1) / parts.length;
    }
  } catch (error) {
    tell(`${results.length ? `The first ${results.length} rows were done; then: ` : "Nothing was imported: "}${error.message}`);
  } finally {
    busy(false);
  }
  if (results.length) show(results, dry);
}

async function send(text, dry, number) {
  const form = new FormData();
  form.append("file", new Blob([text], { type: "text/csv" }), "people.csv");
  const { data } = await call("POST", `/api/v1/users/import?dry_run=${dry}&make=${byId("import-make").value}`, { form });
  for (const row of data.results) row.line += number * PART;
  return data;
}

/** The file in parts, each with the header line; a file with line breaks inside of quotes stays in one. */
function inParts(text) {
  if (text.includes('"')) return [text];
  const [head, ...rows] = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const parts = [];
  for (let first = 0; first < rows.length; first += PART) parts.push([head, ...rows.slice(first, first + PART)].join("\n"));
  return parts.length ? parts : [text];
}

function show(results, dry) {
  const refused = results.filter((row) => row.error);
  const word = dry ? "would be taken in" : "were taken in";
  tell(`${results.length - refused.length} of ${results.length} people ${word}${refused.length ? `; refused ${refused.length}:` : "."}`);
  byId("import-refused").replaceChildren(...refused.slice(0, 20).map((row) => {
    return Object.assign(document.createElement("li"), { textContent: `line ${row.line}, ${row.email || "no e-mail"}: ${row.error}` });
  }));
  if (!dry) offer(results);
}

/** Links are shown once: let the administrator keep them. */
function offer(results) {
  const quoted = (text) => `"${String(text ?? "").replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const lines = results.map((row) => [row.line, row.email, row.result, row.mailed ? "sent by mail" : row.link, row.error].map(quoted).join(","));
  if (saved) URL.revokeObjectURL(saved);
  saved = URL.createObjectURL(new Blob([["line,email,result,link,error", ...lines].join("\r\n")], { type: "text/csv" }));
  byId("import-result").href = saved;
  byId("import-result").hidden = false;
}

function busy(yes) {
  byId("import-progress").hidden = !yes;
  byId("import-progress").value = 0;
  for (const button of byId("import-form").querySelectorAll("button")) button.disabled = yes;
}

function tell(text) {
  byId("import-told").textContent = text;
  byId("import-told").hidden = false;
  byId("import-refused").replaceChildren();
}
