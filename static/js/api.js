// All HTTP calls of the pages: JSON in, JSON out, the token against forged requests, one kind of error.

/** A refused or failed call; `retry` tells whether trying again later can help. */
export class ApiError extends Error {
  constructor(status, error) {
    const fields = Object.entries(error.fields ?? {}).map(told).join(" "); // says more than "The request is not valid."
    super(fields || error.message || "Something went wrong.");
    this.status = status;
    this.code = error.code || "error";
    this.requestId = error.request_id;
    this.fields = error.fields || {};
    this.retry = status === 0 || status === 429 || status >= 500;
  }
}

// What is said of any field, and so does not say of which.
const OF_ANY = /^(At least|At most|More than|Less than|Choose at least one|Give a (whole )?number|This is missing)/;

/** What is wrong with a field, with the words that stand beside it on the page. */
function told([name, text]) {
  const field = OF_ANY.test(text) && globalThis.document?.getElementsByName?.(name)[0];
  if (!field) return text;
  const words = field.type === "checkbox" ? field.closest("fieldset")?.querySelector("legend") : field.labels?.[0];
  return words ? `“${words.textContent.trim()}”: ${text[0].toLowerCase()}${text.slice(1)}` : text;
}

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

export function userId() {
  return document.querySelector('meta[name="user-id"]')?.content ?? "";
}

const ENROL = "/settings/factor";

let leaving = false; // until the page is loaded anew, which "Back" does too (ui.js)

/** Leave for the sign-in page and come back here afterwards; whoever signed out is not led back. Asked twice, as when
 * both the socket and an answer tell of the end, the first reason stands: a second would break off the first's way. */
export function goToLogin(reason) {
  if (reason === "factor_required") return goToEnrolment();
  if (leaving) return;
  leaving = true;
  // Somebody signed in anew in another window: this one goes on with that session. (Its cookie may be still on its way.)
  if (reason === "signed_in_anew") return void setTimeout(() => location.reload(), 1500);
  const here = location.pathname + location.search;
  const back = here === "/" || reason === "signed_out" ? "" : `&next=${encodeURIComponent(here)}`;
  location.assign(`/login?reason=${encodeURIComponent(reason || "expired")}${back}`);
}

/** Whether this page stays when its session ends: it has something to hand over that cannot be asked for again. */
export function stayHere(yes) {
  leaving = yes;
}

/** The organisation wants a second factor before anything else. */
function goToEnrolment() {
  if (location.pathname !== ENROL) location.assign(ENROL);
}

/**
 * Call the API. Throws ApiError; a 401 leaves for the sign-in page unless `stayOn401`. What needs a fresh confirmation
 * that it is still the same person asks for it, and is sent once more.
 */
export async function call(method, path, options = {}) {
  try {
    return await send(method, path, options);
  } catch (error) {
    if (error.code !== "step_up_required") throw error;
    const { confirmItIsMe } = await import("./step-up.js"); // not at the top: it calls the API itself
    if (!(await confirmItIsMe())) throw error;
    return send(method, path, options);
  }
}

async function send(method, path, { body, form, signal, stayOn401 = false } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, signal, credentials: "same-origin",
      body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline", message: "Onyx cannot be reached right now. Check the connection and try again." });
  }
  return readAnswer(answer, stayOn401);
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { body, ...options });
export const patch = (path, body) => call("PATCH", path, { body });
export const put = (path, body) => call("PUT", path, { body });
export const remove = (path, body) => call("DELETE", path, { body });

async function readAnswer(answer, stayOn401) {
  const data = await readJson(answer);
  if (answer.ok) return data;
  const error = data?.error ?? { message: `The server answered ${answer.status}.` };
  if (answer.status === 401 && !stayOn401) goToLogin(error.reason);
  if (error.code === "factor_required") goToEnrolment();
  throw new ApiError(answer.status, error);
}

async function readJson(answer) {
  if (!(answer.headers.get("content-type") ?? "").includes("json")) return null;
  return answer.json().catch(() => null);
}
