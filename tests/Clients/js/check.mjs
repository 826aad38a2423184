// What every program here shares: the target it talks to, and one JSON line a check on standard output.
import assert from 'node:assert/strict';

const env = (name, fallback) => process.env[name] ?? fallback ?? assert.fail(`${name} is not set`);

// tools: 'called' where the engine behind the target answers with tool calls, 'accepted' where it only takes them.
// expect: a word that every answer holds, or ''.
export const target = {
  url: env('PENSTOCK_URL'),
  key: env('PENSTOCK_KEY'),
  model: env('PENSTOCK_MODEL'),
  expect: env('PENSTOCK_EXPECT', ''),
  tools: env('PENSTOCK_TOOLS', 'accepted'),
  strict: env('PENSTOCK_STRICT', '') === '1',
};

export const badKey = 'sk-not-a-key-of-this-gateway';
export const unknownModel = 'no-such-model-anywhere';
export const weather = {
  name: 'get_weather',
  description: 'The weather in a city.',
  schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  result: 'sunny, 21 degrees',
};

const limitMs = 60_000;

export async function check(name, body) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${limitMs} ms`)), limitMs);
  });
  try {
    const detail = await Promise.race([body(), late]);
    report(name, true, detail);
  } catch (error) {
    process.exitCode = 1;
    report(name, false, `${error?.constructor?.name}: ${error?.message ?? error}`);
  } finally {
    clearTimeout(timer);
  }
}

// Ends the program even where a client still holds a connection open.
export function done() {
  process.stdout.write('', () => process.exit());
}

export function assertAnswer(text) {
  assert.equal(typeof text, 'string');
  assert.notEqual(text.trim(), '', 'an empty answer');
  if (target.expect) {
    assert.match(text, new RegExp(target.expect, 'i'));
  }
  return text.slice(0, 60);
}

// The answer of an engine that called the tool repeats what the tool returned.
export function assertToolAnswer(text) {
  assert.notEqual(text.trim(), '', 'an empty answer');
  if (target.tools === 'called') {
    assert.ok(text.includes(weather.result), `the tool's result is not in the answer: ${text}`);
  }
  return text.slice(0, 60);
}

export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('it was answered where an error was due');
}

function report(name, ok, detail) {
  const text = typeof detail === 'string' ? detail : JSON.stringify(detail) ?? '';
  console.log(JSON.stringify({ name, ok, detail: text.slice(0, 500) }));
}
