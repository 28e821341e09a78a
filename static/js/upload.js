// Sending files: XMLHttpRequest, because fetch cannot tell how much has been sent.
import { ApiError, csrfToken, goToLogin } from "./api.js";

const KINDS = [".txt", ".md", ".csv", ".json", ".log"];

/** Why a file cannot be taken, in words, or "". */
export function whyNot(file) {
  const name = file.name.toLowerCase();
  if (!KINDS.some((kind) => name.endsWith(kind))) return `Only text files can be added for now (${KINDS.join(", ")}).`;
  return file.size === 0 ? "The file is empty." : "";
}

/** Upload one file; `onProgress` gets 0..1. Resolves to the stored file, rejects with ApiError. */
export function upload(file, onProgress) {
  const form = new FormData();
  form.append("file", file);
  return sent("/api/v1/files", form, onProgress);
}

/** Post a form, or a file as it is. Resolves to the answer's data, rejects with ApiError. */
export function sent(path, body, onProgress = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("X-CSRF-Token", csrfToken());
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => onProgress(event.total ? event.loaded / event.total : 0));
    request.addEventListener("error", () => reject(new ApiError(0, { message: "The connection broke. Try again." })));
    request.addEventListener("load", () => {
      if (request.status < 300) return resolve(request.response?.data ?? request.response);
      if (request.status === 401) goToLogin(request.response?.error?.reason);
      reject(new ApiError(request.status, request.response?.error ?? { message: `The server answered ${request.status}.` }));
    });
    request.send(body);
  });
}
