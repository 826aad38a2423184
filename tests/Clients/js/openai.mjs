// The OpenAI TypeScript SDK on chat completions and models.
import assert from 'node:assert/strict';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import {
  assertAnswer, assertToolAnswer, badKey, check, done, rejection, target, unknownModel, weather,
} from './check.mjs';

const baseURL = `${target.url}/v1`;
const client = new OpenAI({ baseURL, apiKey: target.key });
const stranger = new OpenAI({ baseURL, apiKey: badKey, maxRetries: 0 });
const hi = { model: target.model, max_completion_tokens: 48, messages: [{ role: 'user', content: 'Say hi.' }] };
const tool = {
  type: 'function',
  function: { name: weather.name, description: weather.description, parameters: weather.schema },
};

async function collect(request) {
  const chunks = [];
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    chunks.push(chunk);
  }
  return {
    chunks,
    text: chunks.map((c) => c.choices[0]?.delta?.content ?? '').join(''),
    finish: chunks.map((c) => c.choices[0]?.finish_reason).find(Boolean),
  };
}

await check('chat.completions.create', async () => {
  const completion = await client.chat.completions.create(hi);
  assert.equal(completion.object, 'chat.completion');
  assert.ok(['stop', 'length'].includes(completion.choices[0].finish_reason), completion.choices[0].finish_reason);
  assert.ok(completion.usage.prompt_tokens > 0 && completion.usage.completion_tokens > 0);
  assert.equal(completion.usage.total_tokens, completion.usage.prompt_tokens + completion.usage.completion_tokens);
  assert.ok(completion._request_id, 'no request id');
  return assertAnswer(completion.choices[0].message.content);
});

await check('max_tokens, system and developer turns, content parts', async () => {
  const completion = await client.chat.completions.create({
    model: target.model,
    max_tokens: 48,
    messages: [
      { role: 'system', content: 'You are brief.' },
      { role: 'user', content: [{ type: 'text', text: 'One? ✓ 二' }] },
      { role: 'assistant', content: 'One.' },
      { role: 'user', content: 'And two?' },
    ],
  });
  return assertAnswer(completion.choices[0].message.content);
});

await check('streamed without usage', async () => {
  const { chunks, text, finish } = await collect(hi);
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.ok(['stop', 'length'].includes(finish), finish);
  assert.ok(chunks.every((c) => !c.usage && c.choices.length === 1), 'usage that nobody asked for');
  return assertAnswer(text);
});

await check('streamed with usage', async () => {
  const { chunks, text } = await collect({ ...hi, stream_options: { include_usage: true } });
  const last = chunks.at(-1);
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.prompt_tokens > 0 && last.usage.completion_tokens > 0, JSON.stringify(last.usage));
  return assertAnswer(text);
});

await check('chat.completions.stream and its final message', async () =>
  assertAnswer((await client.chat.completions.stream(hi).finalMessage()).content));

await check('a stream that is left, then another call', async () => {
  const stream = await client.chat.completions.create({ ...hi, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  stream.controller.abort();
  return assertAnswer((await client.chat.completions.create(hi)).choices[0].message.content);
});

const ask = { ...hi, tools: [tool], messages: [{ role: 'user', content: 'How is the weather in Oslo?' }] };

await check('a tool loop', async () => {
  const { message, finish_reason } = (await client.chat.completions.create(ask)).choices[0];
  const called = target.tools === 'called';
  if (called) {
    assert.equal(finish_reason, 'tool_calls');
    assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: 'Oslo' });
  }
  const call = message.tool_calls?.[0]
    ?? { id: 'call_check', type: 'function', function: { name: weather.name, arguments: '{"city":"Oslo"}' } };
  const answer = await client.chat.completions.create({
    ...ask,
    messages: [
      ...ask.messages,
      called ? message : { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: call.id, content: weather.result },
    ],
  });
  return assertToolAnswer(answer.choices[0].message.content);
});

if (target.tools === 'called') {
  await check('a tool loop that the SDK drives, streamed', async () => {
    const cities = [];
    const getWeather = ({ city }) => {
      cities.push(city);
      return weather.result;
    };
    const runner = client.chat.completions.runTools({
      ...ask,
      stream: true,
      tools: [{ type: 'function', function: { ...tool.function, parse: JSON.parse, function: getWeather } }],
    });
    const text = await runner.finalContent();
    assert.deepEqual(cities, ['Oslo']);
    return assertToolAnswer(text);
  });
} else {
  await check('tools on a stream are accepted', async () => assertToolAnswer((await collect(ask)).text));
}

await check('models.list and retrieve', async () => {
  const ids = [];
  for await (const model of await client.models.list()) {
    assert.equal(model.object, 'model');
    ids.push(model.id);
  }
  assert.ok(ids.includes(target.model), ids.join(' '));
  assert.equal((await client.models.retrieve(target.model)).id, target.model);
  return ids;
});

function assertTyped(error, kind, status, code) {
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.status, status);
  assert.ok(error.requestID, 'no request id');
  assert.equal(typeof error.type, 'string');
  if (code) {
    assert.equal(error.code, code);
  }
  return error.message;
}

await check('a wrong key is a typed 401', async () =>
  assertTyped(await rejection(stranger.chat.completions.create(hi)), AuthenticationError, 401, 'invalid_api_key'));

await check('a body without messages is a typed 400 that names the field', async () => {
  const error = await rejection(client.chat.completions.create({ model: target.model }));
  assert.match(error.message, /messages/);
  return assertTyped(error, BadRequestError, 400);
});

await check('a model that is not there cannot be retrieved', async () =>
  assertTyped(await rejection(client.models.retrieve(unknownModel)), NotFoundError, 404, 'model_not_found'));

await check(target.strict ? 'an unknown model is a typed 404' : 'an unknown model goes to the default', async () => {
  const call = client.chat.completions.create({ ...hi, model: unknownModel });
  return target.strict
    ? assertTyped(await rejection(call), NotFoundError, 404, 'model_not_found')
    : assertAnswer((await call).choices[0].message.content);
});

done();
