// Codes and words of the service as the page writes them.

/** Reasons of the service are written from the middle of a sentence. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** A code's own words: "breaks_at_1_5x_costs" is "Breaks at 1.5× costs". */
export const sentence = (code: string) =>
  capital(code.replaceAll("_", " ")).replace("1 5x", "1.5\u00d7").replace("2x", "2\u00d7");
