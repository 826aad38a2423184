// The checks of the Anthropic TypeScript SDK, for whichever version is handed in.
import assert from 'node:assert/strict';
import { assertAnswer, assertToolAnswer, badKey, check, rejection, target, unknownModel, weather } from './check.mjs';

const hi = { model: target.model, max_tokens: 48, messages: [{ role: 'user', content: 'Say hi.' }] };
const tool = { name: weather.name, description: weather.description, input_schema: weather.schema };
const textOf = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');

export async function run(Anthropic) {
  const client = new Anthropic({ baseURL: target.url, apiKey: target.key });
  await messages(client);
  await streams(client);
  await tools(client);
  await models(client);
  await errors(client, new Anthropic({ baseURL: target.url, apiKey: badKey, maxRetries: 0 }), Anthropic);
}

async function messages(client) {
  await check('messages.create', async () => {
    const message = await client.messages.create(hi);
    assert.equal(message.type, 'message');
    assert.equal(message.role, 'assistant');
    assert.ok(['end_turn', 'max_tokens', 'stop_sequence'].includes(message.stop_reason), message.stop_reason);
    assert.ok(message.usage.input_tokens + (message.usage.cache_read_input_tokens ?? 0) > 0, 'no input tokens');
    assert.ok(message.usage.output_tokens > 0, 'no output tokens');
    assert.ok(message._request_id, 'no request id');
    return assertAnswer(textOf(message));
  });

  await check('messages.create with system blocks, cache marks and several turns', async () => {
    const message = await client.messages.create({
      ...hi,
      system: [{ type: 'text', text: 'You are brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'One?' }] },
        { role: 'assistant', content: 'One.' },
        { role: 'user', content: [{ type: 'text', text: 'And two? ✓ 二' }] },
      ],
      metadata: { user_id: 'check' },
    });
    return assertAnswer(textOf(message));
  });

  await check('beta.messages.create with betas nobody knows', async () => {
    const message = await client.beta.messages.create({
      ...hi, betas: ['context-management-2025-06-27', 'not-invented-yet-2099-01-01'],
    });
    return assertAnswer(textOf(message));
  });

  await check('messages.countTokens', async () => {
    const { model, messages } = hi;
    const short = await client.messages.countTokens({ model, messages });
    const long = await client.messages.countTokens({
      model, messages: [{ role: 'user', content: 'Say hi. '.repeat(40) }],
    });
    assert.ok(short.input_tokens > 0 && long.input_tokens > short.input_tokens,
      `${short.input_tokens} then ${long.input_tokens}`);
    return long.input_tokens;
  });

  await check('eight at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => client.messages.create(hi)));
    all.forEach((message) => assertAnswer(textOf(message)));
    assert.equal(new Set(all.map((message) => message._request_id)).size, 8);
    return all.length;
  });
}

async function streams(client) {
  await check('messages.create streamed, event by event', async () => {
    const seen = [];
    let text = '';
    let usage;
    for await (const event of await client.messages.create({ ...hi, stream: true })) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
        text += event.delta.text;
      }
      usage = event.type === 'message_delta' ? event.usage : usage;
      if (event.type !== 'ping' && seen.at(-1) !== event.type) {
        seen.push(event.type);
      }
    }
    assert.deepEqual(seen, ['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop',
      'message_delta', 'message_stop']);
    assert.ok(usage.output_tokens > 0, 'no output tokens');
    return assertAnswer(text);
  });

  await check('messages.stream and its final message', async () => {
    const stream = client.messages.stream(hi);
    let text = '';
    stream.on('text', (delta) => { text += delta; });
    const message = await stream.finalMessage();
    assert.equal(textOf(message), text);
    assert.ok(message.usage.output_tokens > 0, 'no output tokens');
    return assertAnswer(text);
  });

  await check('a stream that is left, then another call', async () => {
    const stream = await client.messages.create({ ...hi, stream: true });
    for await (const event of stream) {
      assert.equal(event.type, 'message_start');
      break;
    }
    stream.controller.abort();
    return assertAnswer(textOf(await client.messages.create(hi)));
  });
}

async function tools(client) {
  const ask = { ...hi, tools: [tool], messages: [{ role: 'user', content: 'How is the weather in Oslo?' }] };

  // A model that does not call gets the call put into its mouth: the second turn is the same.
  const callIn = (message) => message.content.find((b) => b.type === 'tool_use')
    ?? { type: 'tool_use', id: 'toolu_check', name: weather.name, input: { city: 'Oslo' } };
  const second = (message, call) => ({
    ...ask,
    messages: [
      ...ask.messages,
      { role: 'assistant', content: target.tools === 'called' ? message.content : [call] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: weather.result }] },
    ],
  });
  const assertCalled = (message) => {
    if (target.tools === 'called') {
      assert.equal(message.stop_reason, 'tool_use');
      assert.deepEqual(message.content.find((b) => b.type === 'tool_use').input, { city: 'Oslo' });
    }
  };

  await check('a tool loop', async () => {
    const message = await client.messages.create(ask);
    assertCalled(message);
    return assertToolAnswer(textOf(await client.messages.create(second(message, callIn(message)))));
  });

  await check('a tool loop, streamed', async () => {
    const message = await client.messages.stream(ask).finalMessage();
    assertCalled(message);
    return assertToolAnswer(textOf(await client.messages.stream(second(message, callIn(message))).finalMessage()));
  });
}

async function models(client) {
  await check('models.list and retrieve', async () => {
    const all = [];
    for await (const model of client.models.list()) {
      assert.equal(model.type, 'model');
      assert.ok(model.display_name && !Number.isNaN(Date.parse(model.created_at)), JSON.stringify(model));
      all.push(model.id);
    }
    assert.ok(all.includes(target.model), all.join(' '));
    assert.equal((await client.models.retrieve(target.model)).id, target.model);
    return all;
  });
}

async function errors(client, stranger, { AuthenticationError, BadRequestError, NotFoundError }) {
  const assertTyped = (error, kind, status, type) => {
    assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
    assert.equal(error.status, status);
    assert.equal(error.error?.type, 'error');
    assert.equal(error.error?.error?.type, type);
    assert.ok(error.requestID, 'no request id');
    return error.message;
  };

  await check('a wrong key is a typed 401', async () =>
    assertTyped(await rejection(stranger.messages.create(hi)), AuthenticationError, 401, 'authentication_error'));

  await check('a wrong key on a stream is a typed 401', async () => assertTyped(
    await rejection(stranger.messages.create({ ...hi, stream: true })), AuthenticationError, 401, 'authentication_error'));

  await check('a body without messages is a typed 400 that names the field', async () => {
    const error = await rejection(client.messages.create({ model: target.model, max_tokens: 16 }));
    assert.match(error.message, /messages/);
    return assertTyped(error, BadRequestError, 400, 'invalid_request_error');
  });

  await check('a model that is not there cannot be retrieved', async () => assertTyped(
    await rejection(client.models.retrieve(unknownModel)), NotFoundError, 404, 'not_found_error'));

  await check('an unknown path is a typed 404', async () =>
    assertTyped(await rejection(client.post('/v1/nowhere', { body: {} })), NotFoundError, 404, 'not_found_error'));

  await check(target.strict ? 'an unknown model is a typed 404' : 'an unknown model goes to the default', async () => {
    const call = client.messages.create({ ...hi, model: unknownModel });
    return target.strict
      ? assertTyped(await rejection(call), NotFoundError, 404, 'not_found_error')
      : assertAnswer(textOf(await call));
  });
}
