// A text of the reader, treated as the text was that the model was trained on.

/** `how` has form ("NFC", "NFKC" or null), keep_line_ends and lowercase. */
function treated(text, how) {
  let changed = how.keep_line_ends ? text : text.replace(/\r\n?/g, "\n");
  // byte order marks at the start of lines
  changed = changed.replace(/(^|[\r\n])\ufeff+/g, "$1");
  if (how.lowercase) changed = changed.toLowerCase();
  return how.form ? changed.normalize(how.form) : changed;
}
