// Numbers as the whole page writes them. A missing number says why; it is never 0.
const MINUS = "\u2212";
const DASH = "\u2013";

// "negative": what rounds to zero is zero, without a sign.
const signDisplay = "negative";

const plain = (digits: number) =>
  new Intl.NumberFormat("en-GB", {
    signDisplay,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });

const two = plain(2);
const one = plain(1);
const whole = plain(0);
const compactForm = new Intl.NumberFormat("en-GB", {
  signDisplay,
  notation: "compact",
  maximumFractionDigits: 1,
});

const minus = (text: string) => text.replace("-", MINUS);
const signed = (value: number, text: string) => (value > 0 ? `+${text}` : minus(text));

type Maybe = number | null | undefined;

export const ratio = (value: Maybe) => (value == null ? DASH : minus(two.format(value)));
export const count = (value: Maybe) => (value == null ? DASH : minus(whole.format(value)));
export const percent = (value: Maybe, digits = 1) =>
  value == null ? DASH : `${minus(plain(digits).format(value))} %`;
export const share = (value: Maybe, digits = 1) =>
  value == null ? DASH : percent(100 * value, digits);
export const money = (value: Maybe, currency: string) =>
  value == null ? DASH : `${signed(value, two.format(value))} ${currency}`;
export const moneyShort = (value: Maybe, currency: string) =>
  value == null ? DASH : `${signed(value, compactForm.format(value))} ${currency}`;
export const pips = (value: Maybe) =>
  value == null ? DASH : `${signed(value, one.format(value))} pips`;
export const delta = (value: Maybe, digits = 2) => {
  if (value == null) return DASH;
  const arrow = value > 0 ? "\u25b2" : value < 0 ? "\u25bc" : "=";
  return `${arrow} ${signed(value, plain(digits).format(value))}`;
};
export const number = (value: Maybe, digits = 4) =>
  value == null
    ? DASH
    : minus(
        new Intl.NumberFormat("en-GB", { signDisplay, maximumSignificantDigits: digits }).format(
          value,
        ),
      );

export const tone = (value: Maybe) =>
  value == null || value === 0 ? "" : value > 0 ? "gain" : "loss";

export function duration(seconds: Maybe): string {
  if (seconds == null) return DASH;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
