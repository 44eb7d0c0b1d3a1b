/** The words of the page in rendered Markdown. */

export const CODE = "Code";
export const COPY_CODE = "Copy this code";
export const PICTURE = "image";
export const TABLE = "Table";
export const TASK = "Task";
export const UNNAMED_LANGUAGE = "code";
