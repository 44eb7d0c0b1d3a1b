/**
 * The smallest page: one socket, one question, one streamed answer.
 *
 * in:  frames {"message": "..."} or {"error": {"code", "message"}}
 * out: frames {"message": "..."}
 */

const [form, message, start, output] = ["form", "message", "start", "output"].map((id) => document.getElementById(id));
const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws/openai/`);
let end = ""; // appended to each piece: the demo model counts, one number a line

socket.onopen = () => (start.disabled = false);

socket.onclose = () => {
  start.disabled = true;
  output.append("\nThe connection is closed: reload the page.");
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
