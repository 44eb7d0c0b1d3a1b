/** The smallest page: one socket, one question, one streamed answer. Frames: `{message}`, or `{error: {code, message}}`. */

const form = /** @type {HTMLFormElement} */ (document.getElementById("form"));
const message = /** @type {HTMLTextAreaElement} */ (document.getElementById("message"));
const start = /** @type {HTMLButtonElement} */ (document.getElementById("start"));
const output = /** @type {HTMLOutputElement} */ (document.getElementById("output"));
const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}${form.dataset.socket}`);
let end = ""; // after each piece: the demo model writes one number a line

socket.onopen = () => {
  start.disabled = false;
};

socket.onclose = () => {
  start.disabled = true;
  output.append(`\n${form.dataset.closed}`);
};

socket.onmessage = (event) => {
  const frame = JSON.parse(event.data);
  output.append(frame.error ? `\n${frame.error.message}` : frame.message + end);
};

form.onsubmit = (event) => {
  event.preventDefault();
  output.textContent = "";
  end = message.value.trim() === "start" ? "\n" : "";
  socket.send(JSON.stringify({ message: message.value }));
};
