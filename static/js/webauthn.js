// Passkeys: the server's JSON options to the browser's buffers and back (WebAuthn Level 3, section 5.10).

/** Whether passkeys can be used here: a browser that knows them, on a site with a name and TLS (or localhost). */
export function available() {
  const named = !/^[\d.]+$|:/.test(location.hostname); // an address is no relying party
  return Boolean(window.PublicKeyCredential && window.isSecureContext && named);
}

/** Make a passkey; resolves to what the server checks. Throws an Error with words for people. */
export async function create(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map(withBytes) };
  const made = await asked(() => navigator.credentials.create({ publicKey }));
  return { ...named(made), response: {
    attestationObject: text(made.response.attestationObject),
    clientDataJSON: text(made.response.clientDataJSON),
    transports: made.response.getTransports?.() ?? [],
  } };
}

/** Have a passkey sign; resolves to what the server checks. Throws an Error with words for people. */
export async function sign(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge),
    allowCredentials: (options.allowCredentials ?? []).map(withBytes) };
  const made = await asked(() => navigator.credentials.get({ publicKey }));
  const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
  return { ...named(made), response: {
    authenticatorData: text(authenticatorData), clientDataJSON: text(clientDataJSON), signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  } };
}

async function asked(act) {
  try {
    return await act();
  } catch (error) {
    if (error.name === "InvalidStateError") throw new Error("This passkey is set up already.");
    throw new Error("The passkey was not used. Try again, or take another way.");
  }
}

function named(made) {
  return { id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: made.getClientExtensionResults() };
}

function withBytes(one) {
  return { ...one, id: bytes(one.id) };
}

function bytes(base64url) {
  const plain = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
