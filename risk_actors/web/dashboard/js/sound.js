// Tones for a breach, a lock and a guard that does not answer. Off until the user turns it on;
// browsers let a page sound only after a click or a key, so after a reload it waits for one.

const KEY = "risk_actors.sound";
const TUNES = {
  breach: [[880, 0, 0.12], [880, 0.18, 0.12], [880, 0.36, 0.12]],
  lock: [[660, 0, 0.22], [440, 0.24, 0.22], [294, 0.48, 0.5]],
  lost: [[220, 0, 0.35], [220, 0.5, 0.35]],
  test: [[660, 0, 0.12], [880, 0.14, 0.18]],
};
const LOUDNESS = 0.2;

let context = null;
let isOn = false;
try {
  isOn = localStorage.getItem(KEY) === "on";
} catch {
  // Private windows keep nothing.
}

/** "off", "on", or "waiting" for a click before the browser lets it sound. */
export function soundState() {
  if (!isOn) return "off";
  return context?.state === "running" ? "on" : "waiting";
}

/** Turn the sound on or off; on sounds once, so that it is known to work. */
export async function toggleSound() {
  isOn = !isOn;
  try {
    localStorage.setItem(KEY, isOn ? "on" : "off");
  } catch {
    // The choice holds until the page is left.
  }
  if (isOn) {
    await wake();
    play("test");
  }
}

/** Take the user's click or key as leave to sound. */
export async function wake() {
  if (!isOn) return;
  context ??= new AudioContext();
  if (context.state === "suspended") await context.resume().catch(() => undefined);
}

/** Sound a tune if the sound is on. */
export function play(name) {
  if (soundState() !== "on") return;
  const start = context.currentTime + 0.02;
  for (const [hertz, after, length] of TUNES[name]) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.type = "triangle";
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(0, start + after);
    gain.gain.linearRampToValueAtTime(LOUDNESS, start + after + 0.015);
    gain.gain.setValueAtTime(LOUDNESS, start + after + length - 0.03);
    gain.gain.linearRampToValueAtTime(0, start + after + length);
    tone.connect(gain).connect(context.destination);
    tone.start(start + after);
    tone.stop(start + after + length);
  }
}
