// One's own picture: made small and square here, checked and stripped by the server.
import { call, remove } from "./api.js";

const byId = (id) => document.getElementById(id);
const SIDE = 256;

byId("picture-file").addEventListener("change", (event) => attempt(() => upload(event.target)));
byId("picture-remove").addEventListener("click", () => attempt(takeAway));

async function upload(field) {
  if (!field.files[0]) return;
  const form = new FormData();
  form.append("file", await square(field.files[0]), "picture");
  field.value = "";
  const { data } = await call("PUT", "/api/v1/users/me/avatar", { form });
  show(data.avatar);
}

/** The middle of the picture, small; a PNG keeps what is transparent in it. */
async function square(file) {
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error("Choose a PNG or JPEG picture.");
  });
  const side = Math.min(picture.width, picture.height);
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const from = [(picture.width - side) / 2, (picture.height - side) / 2, side, side];
  canvas.getContext("2d").drawImage(picture, ...from, 0, 0, SIDE, SIDE);
  return new Promise((resolve) => canvas.toBlob(resolve, file.type === "image/png" ? "image/png" : "image/jpeg", 0.9));
}

async function takeAway() {
  await remove("/api/v1/users/me/avatar");
  show(null);
}

function show(version) {
  for (const place of document.querySelectorAll("#picture .avatar, .person .avatar")) {
    if (version) {
      const image = Object.assign(new Image(32, 32), { alt: "", className: "avatar-picture", src: `/api/v1/users/me/avatar?v=${version}` });
      place.replaceChildren(image);
    } else place.textContent = byId("picture").dataset.initials;
  }
  byId("picture-remove").hidden = !version;
}

async function attempt(act) {
  byId("picture-error").hidden = true;
  try {
    await act();
  } catch (error) {
    byId("picture-error").textContent = `The picture was not changed: ${error.message}`;
    byId("picture-error").hidden = false;
  }
}
