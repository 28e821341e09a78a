// Asks whether a language model answers, and says in words what came of it.
import { post } from "./api.js";

/** Ask, with the button quiet meanwhile; `wanted` are settings that are not saved yet. */
export async function tryModel(button, told, wanted = {}) {
  button.disabled = true;
  say(told, "text-secondary", "Asking…");
  try {
    const { data } = await post("/api/v1/tenant/settings/model/test", wanted);
    say(told, data.whose === "built_in" ? "text-secondary" : data.ok ? "said-well" : "said-wrong", words(data));
  } catch (error) {
    say(told, "said-wrong", error.message);
  }
  button.disabled = false;
}

function words(data) {
  if (data.whose === "built_in") return data.message;
  const who = `${data.model ?? "The language model"}${data.whose === "installation" ? ", the model of this installation," : ""}`;
  if (data.ok) return `${who} answered “${data.answer.trim()}” in ${data.milliseconds.toLocaleString("en")} ms.`;
  const other = data.whose === "installation" ? " It is set up by whoever runs Onyx." : "";
  return `It did not work: ${data.message}${other}`;
}

function say(place, tint, text) {
  place.className = `${tint} mb-0 mt-2`;
  place.textContent = text;
  place.hidden = false;
}
