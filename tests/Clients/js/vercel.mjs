// The Vercel AI SDK over its Anthropic, OpenAI (chat) and OpenAI-compatible providers.
import assert from 'node:assert/strict';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, isStepCount, streamText, tool } from 'ai';
import { z } from 'zod';
import { assertAnswer, assertToolAnswer, badKey, check, done, rejection, target, weather } from './check.mjs';

const baseURL = `${target.url}/v1`;
const providers = (apiKey) => ({
  anthropic: createAnthropic({ baseURL, apiKey })(target.model),
  'openai.chat': createOpenAI({ baseURL, apiKey }).chat(target.model),
  'openai-compatible': createOpenAICompatible({ name: 'penstock', baseURL, apiKey, includeUsage: true })(target.model),
});
const good = providers(target.key);
const bad = providers(badKey);

for (const [name, model] of Object.entries(good)) {
  const hi = { model, prompt: 'Say hi.', maxOutputTokens: 48 };
  const ask = {
    model,
    maxOutputTokens: 48,
    prompt: 'How is the weather in Oslo?',
    stopWhen: isStepCount(3),
    tools: {
      [weather.name]: tool({
        description: weather.description,
        inputSchema: z.object({ city: z.string() }),
        execute: async () => weather.result,
      }),
    },
  };

  await check(`${name}: generateText`, async () => {
    const result = await generateText(hi);
    assert.ok(['stop', 'length'].includes(result.finishReason), result.finishReason);
    assert.ok(result.usage.inputTokens > 0 && result.usage.outputTokens > 0, JSON.stringify(result.usage));
    return assertAnswer(result.text);
  });

  await check(`${name}: streamText`, async () => {
    const failures = [];
    const result = streamText({ ...hi, onError: ({ error }) => failures.push(error) });
    let text = '';
    for await (const delta of result.textStream) {
      text += delta;
    }
    assert.deepEqual(failures, []);
    assert.ok((await result.usage).outputTokens > 0, 'no output tokens');
    return assertAnswer(text);
  });

  await check(`${name}: a tool loop that the SDK drives`, async () => {
    const result = await generateText(ask);
    assert.equal(result.steps.length, target.tools === 'called' ? 2 : 1);
    return assertToolAnswer(result.text);
  });

  await check(`${name}: a tool loop, streamed`, async () => {
    const result = streamText({ ...ask, onError: ({ error }) => { throw error; } });
    const text = await result.text;
    assert.equal((await result.steps).length, target.tools === 'called' ? 2 : 1);
    return assertToolAnswer(text);
  });

  await check(`${name}: a wrong key is a typed 401`, async () => {
    const error = await rejection(generateText({ ...hi, model: bad[name], maxRetries: 0 }));
    assert.ok(APICallError.isInstance(error), error.constructor.name);
    assert.equal(error.statusCode, 401);
    return error.message;
  });
}

done();
