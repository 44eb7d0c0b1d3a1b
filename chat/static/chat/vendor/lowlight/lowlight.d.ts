export { createLowlight } from "lowlight";
