/** Messages that wait for the end of an answer. Pure. */

export const SEND = "Send";
export const QUEUE = "Send after this answer";
export const EDIT = "Edit";
export const CANCEL = "Cancel";
export const QUEUED = "Your message will be sent when the answer ends.";
export const NEXT = "Sent when the answer ends";
export const IN_TURN = "Sent in its turn";
export const WAITS = "Not sent, because the answer above did not end by itself";
export const NOT_YET = "Your first message is not accepted yet. Send this one when it is.";
