// Questions in a <dialog>: asked by script, or by any element with data-confirm.

/**
 * Ask; resolves to false, true, or (with `input`) the text typed; with `choice` to {text, choice} of what was typed and
 * chosen, the first option being chosen until another is.
 * @param {{title: string, text?: string, action?: string, danger?: boolean, input?: {label: string, value?: string},
 *   choice?: {label: string, groups: Record<string, [string, string][]>}}} question  options by heading: value and words
 */
export function ask({ title, text = "", action = "Continue", danger = false, input = null, choice = null }) {
  const dialog = document.getElementById("confirm-dialog");
  if (dialog.open) return Promise.resolve(false);
  fill(dialog, { title, text, action, danger, input, choice });
  dialog.returnValue = "cancel";
  dialog.showModal();
  if (input) dialog.querySelector("#confirm-input").select();
  else dialog.querySelector("#confirm-cancel").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(answerOf(dialog, input, choice)), { once: true });
  });
}

/** Let elements with data-confirm (buttons, links, forms) act only after a yes. */
export function watchConfirmations() {
  const dialog = document.getElementById("confirm-dialog");
  // A plain button: the first submit button of the form is what Enter in the text field presses.
  dialog?.querySelector("#confirm-cancel").addEventListener("click", () => dialog.close("cancel"));
  document.addEventListener("click", (event) => {
    const asker = event.target.closest?.("[data-confirm]:not(form)");
    if (asker) interrupt(event, asker, () => asker.click());
  }, true);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches?.("form[data-confirm]")) interrupt(event, form, () => form.requestSubmit(event.submitter));
  }, true);
}

function fill(dialog, { title, text, action, danger, input, choice }) {
  dialog.querySelector("#confirm-title").textContent = title;
  const words = dialog.querySelector("#confirm-text");
  words.textContent = text;
  words.hidden = !text;
  const ok = dialog.querySelector("#confirm-ok");
  ok.textContent = action;
  ok.className = danger ? "btn btn-danger" : "btn btn-primary";
  const field = dialog.querySelector("#confirm-input");
  dialog.querySelector("#confirm-input-row").hidden = !input;
  field.required = Boolean(input);
  field.value = input?.value ?? "";
  dialog.querySelector("#confirm-input-label").textContent = input?.label ?? "";
  dialog.querySelector("#confirm-choice-row").hidden = !choice;
  dialog.querySelector("#confirm-choice-label").textContent = choice?.label ?? "";
  dialog.querySelector("#confirm-choice").replaceChildren(...Object.entries(choice?.groups ?? {}).filter(([, options]) => options.length).map(grouped));
}

function grouped([label, options]) {
  const group = Object.assign(document.createElement("optgroup"), { label });
  group.append(...options.map(([value, words]) => new Option(words, value)));
  return group;
}

function answerOf(dialog, input, choice) {
  if (dialog.returnValue !== "ok") return false;
  const text = input ? dialog.querySelector("#confirm-input").value.trim() || false : true;
  return choice && text ? { text, choice: dialog.querySelector("#confirm-choice").value } : text;
}

async function interrupt(event, element, proceed) {
  if (element.dataset.confirmed) {
    delete element.dataset.confirmed;
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  const yes = await ask({
    title: element.dataset.confirmTitle || "Are you sure?", text: element.dataset.confirm,
    action: element.dataset.confirmAction || "Continue", danger: "confirmDanger" in element.dataset,
  });
  if (!yes) return;
  element.dataset.confirmed = "yes";
  proceed();
}
