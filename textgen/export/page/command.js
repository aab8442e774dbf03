// The command that writes what the page has written.

/**
 * @param {Way} way
 * @param {Object} facts what the page tells of its model
 */
function commandOf({ before, written, settings }, facts) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const option = (name, value, normal) => (value === normal ? "" : ` ${name} ${value}`);
  return (
    `textgen sample ${quoted(facts.run)}` +
    option("-s", quoted(before.map((id) => facts.characters[id]).join("")), "''") +
    ` -l ${written.length} -t ${settings.temperature}` +
    option("--memory", settings.memory, null) +
    option("--top-k", settings.topK, 0) +
    option("--top-p", settings.topP, 1) +
    option("--min-p", settings.minP, 0) +
    ` --rng-seed ${settings.seed}` +
    option("-n", settings.index + 1, 1) +
    option("--precision", facts.precision, "float32")
  );
}
