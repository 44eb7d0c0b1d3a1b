/** The files of a sent message. */

import { element } from "../dom/elements.js";
import { FILES } from "../sentences/files.js";

/** Pictures are shown, other files are links. @param {Attachment[]} attachments @param {(id: string) => string} fileUrl */
export function sentFiles(attachments, fileUrl) {
  const list = element("ul", "sent-files");
  list.hidden = !attachments.length;
  list.ariaLabel = FILES;
  for (const { id, name, image } of attachments) {
    const link = element("a", image ? "picture" : "file-name");
    link.href = fileUrl(id);
    link.dir = "auto";
    if (image) {
      link.target = "_blank";
      link.append(picture(fileUrl(id), name));
    } else link.append(name);
    const item = element("li");
    item.append(link);
    list.append(item);
  }
  return list;
}

/** @param {string} url @param {string} name */
function picture(url, name) {
  const made = element("img");
  made.loading = "lazy";
  made.alt = name;
  made.src = url;
  return made;
}
